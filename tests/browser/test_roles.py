"""A working day of each role in a real browser, by the keyboard alone: nothing here clicks.

Pages are reached through the search, the keys and the Tab key, as somebody without a mouse reaches them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import BrowserContext, FileChooser, Locator, Page, expect

from accounts.customers.models import Customer
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from billing.payouts.models import Payout
from billing.remedies import effects as giving
from billing.runs.models import BillingRun
from billing.subscriptions.models import Subscription
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from policies.versions.actions import draft_policy_version
from policies.versions.models import PolicyVersion
from tests import factories
from tests.complaints.cases import Desk, again, decided, propose, register, settled

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

type Contexts = Callable[..., BrowserContext]

#: More presses of Tab than any page has places to stop at.
MOST_TABS = 150
#: How often a field for files is asked to open, and how long it may take each time.
FILE_TRIES, FILE_SECONDS = 4, 5.0


class Keyboard:
    """Somebody at a page without a mouse."""

    def __init__(self, new_context: Contexts, username: str) -> None:
        self.page: Page = new_context().new_page()
        self.page.goto("/")
        self.tab_to(self.page.get_by_label("Username"))
        self.type(username)
        self.press("Tab")
        self.type(factories.PASSWORD)
        self.press("Enter")
        self.arrive("My work")

    def arrive(self, heading: str) -> None:
        """On a page with this in its heading, its scripts run: nobody types that fast."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(heading)
        self.page.wait_for_load_state("load")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def tab_to(self, place: Locator) -> None:
        expect(place).to_be_visible()
        for _ in range(MOST_TABS):
            if place.evaluate("(node) => node === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"Tab never comes to {place}")

    def follow(self, name: str | re.Pattern[str]) -> None:
        self.tab_to(self.page.get_by_role("link", name=name, exact=isinstance(name, str)).first)
        self.press("Enter")

    def submit(self, name: str, said: str) -> None:
        self.tab_to(self.page.locator("main").get_by_role("button", name=name, exact=True))
        self.press("Enter")
        expect(self.page.get_by_text(said).first).to_be_visible()
        self.page.wait_for_load_state("load")

    def write(self, label: str, text: str) -> None:
        self.tab_to(self.page.get_by_label(label, exact=True))
        self.press("Control+a")
        self.type(text)

    def choose(self, label: str, option: str) -> None:
        """In a list, by the beginning of the option's text."""
        place = self.page.get_by_label(label, exact=True)
        self.tab_to(place)
        self.type(option)
        expect(place.locator("option:checked")).to_contain_text(option)

    def attach(self, label: str, name: str, content: bytes) -> None:
        asked: list[FileChooser] = []
        # Listened for before the field is reached, and asked for again: a browser that is just learning that somebody
        # listens swallows the first key.

        def note(chooser: FileChooser) -> None:
            asked.append(chooser)

        self.page.on("filechooser", note)
        place = self.page.get_by_label(label, exact=True)
        for _ in range(FILE_TRIES):
            self.tab_to(place)
            self.press("Enter")
            until = time.monotonic() + FILE_SECONDS
            while not asked and time.monotonic() < until:
                self.page.wait_for_timeout(100)
            if asked:
                break
        self.page.remove_listener("filechooser", note)
        asked[0].set_files({"name": name, "mimeType": "text/plain", "buffer": content})

    def find(self, code: str) -> None:
        """A whole code leads straight to what it names."""
        self.press("Control+k")
        self.type(code)
        self.press("Enter")
        self.arrive(code)

    def do(self, label: str) -> None:
        """Open an action from the bar of a row's page."""
        self.follow(label)
        self.arrive(label)


@pytest.fixture
def desk() -> Desk:
    cache.clear()
    return Desk(limits=True)


def fresh_subscription(**values: Any) -> Subscription:
    """Of these days, so that refunds can be given. The customer's number is not taken for a complaint's code."""
    customer = factories.CustomerFactory.create(number=f"K-{Customer.objects.count():06}", **values)
    return factories.paid_subscription(customer=customer, activated_on=factories.days_ago(10))


def fresh_case(desk: Desk) -> Complaint:
    return register(desk, fresh_subscription(), received_on=factories.days_ago(1))


def fresh_decided(desk: Desk) -> Complaint:
    return decided(desk, subscription=fresh_subscription(), received_on=factories.days_ago(1))


def test_an_agent_takes_a_complaint_from_the_call_to_the_answer(new_context: Contexts, desk: Desk) -> None:
    """From home: the customer is looked for, the complaint registered with its evidence, judged, quoted, proposed; a
    lead approves it from the inbox, and the customer is told.
    """
    subscription = fresh_subscription(name="Harbour Bakery")
    factories.usage(subscription, day=factories.days_ago(5), seconds=3600)
    agent = Keyboard(new_context, desk.agent.username)
    agent.press("/")
    agent.type("harbour bak")
    expect(agent.page.get_by_role("option", name=re.compile("Harbour Bakery"))).to_be_visible()
    agent.press("ArrowDown", "Enter")
    agent.arrive("Harbour Bakery")
    agent.do("Register a complaint")
    expect(agent.page.get_by_label("Subscription")).to_have_value(subscription.number)
    # Ready to be typed into, without a way through the navigation first.
    expect(agent.page.get_by_label("Subscription")).to_be_focused()
    agent.choose("Channel", "Phone")
    agent.choose("Category", "Call or service")
    agent.choose("Remedy sought", "A credit")
    agent.write("Subject", "Calls dropped for two days")
    agent.write("Text", "Since Saturday our reception cannot take calls.")
    agent.attach("Attachments", "trace.txt", b"SIP/2.0 503 Service Unavailable")
    agent.submit("Register a complaint", "is registered. Give the customer this code.")
    complaint = Complaint.objects.get()
    assert (complaint.category, complaint.attachments.get().name) == ("quality", "trace.txt")
    expect(agent.page.locator("main")).to_contain_text("60 min")

    agent.do("Acknowledge")
    agent.submit("Acknowledge", "The acknowledgement to")
    agent.do("Assess")
    agent.choose("Severity", "High")
    agent.write("Findings", "The carrier confirms the fault.")
    agent.submit("Assess", "is assessed")
    agent.do("Decide")
    agent.tab_to(agent.page.get_by_role("radio").first)
    agent.press("Space")
    expect(agent.page.get_by_label("Upheld", exact=True)).to_be_checked()
    agent.write("Reasons", "The fault was ours.")
    agent.submit("Decide", "is decided: Upheld.")

    # The live quote is exchanged under the hands of whoever changes it: the place in the form stays theirs.
    quote = agent.page.locator("#quote")
    expect(quote.locator("#quote-result")).to_contain_text("Service already provided")
    agent.tab_to(quote.get_by_label("Basis"))
    agent.type("Full month")
    expect(quote.locator("#quote-result")).to_contain_text("Full month at discretion")
    expect(quote.get_by_label("Basis")).to_be_focused()
    agent.press("Home")
    expect(quote.locator("#quote-result")).to_contain_text("Service already provided")

    agent.do("Quote and propose a refund")
    expect(agent.page.locator("table.quote")).to_contain_text("Service already provided")
    agent.write("Reason of the proposal", "The unused part of the fee.")
    agent.submit("Quote and propose a refund", "Somebody else has to approve it.")
    refund = Refund.objects.get()

    lead = Keyboard(new_context, desk.lead.username)
    lead.press("g", "a")
    lead.arrive("Waiting for my approval")
    lead.press("j", "a")
    expect(lead.page.locator(f"#inside-{refund.pk}").get_by_role("button", name="Approve")).to_be_focused()
    lead.press("Enter")
    expect(lead.page.get_by_text("is approved and settled")).to_be_visible()

    agent.find(complaint.code)
    agent.do("Tell the customer")
    agent.submit("Tell the customer", "was told is on record.")
    assert again(complaint).state == Complaint.State.COMMUNICATED
    assert again(refund).state == Refund.State.SETTLED


def test_a_complaint_is_registered_from_the_list_and_the_subscription_looked_up(
    new_context: Contexts, desk: Desk
) -> None:
    subscription = fresh_subscription(name="Harbour Bakery")
    fresh_subscription(name="Marrow Joinery")
    agent = Keyboard(new_context, desk.agent.username)
    agent.press("g", "c")
    agent.arrive("Complaints")
    agent.do("Register a complaint")
    expect(agent.page.get_by_label("Subscription")).to_be_focused()
    agent.type("harbour")
    suggested = agent.page.locator("datalist option")
    expect(suggested).to_have_attribute("value", subscription.number)
    expect(suggested).to_have_text(re.compile("Harbour Bakery"))
    agent.write("Subject", "No sound")
    agent.write("Text", "Nobody hears us.")
    agent.submit("Register a complaint", "is registered. Give the customer this code.")
    assert Complaint.objects.get().subscription == subscription


def test_a_lead_approves_and_hands_a_case_on(new_context: Contexts, desk: Desk) -> None:
    refund = propose(desk, fresh_decided(desk))
    complaint = fresh_case(desk)
    lead = Keyboard(new_context, desk.lead.username)
    lead.press("g", "a")
    lead.arrive("Waiting for my approval")
    lead.press("j", "Enter")
    expect(lead.page.locator(f"#inside-{refund.pk}")).to_contain_text("Service already provided")
    lead.press("a")
    expect(lead.page.locator(f"#inside-{refund.pk}").get_by_role("button", name="Approve")).to_be_focused()
    lead.press("Enter")
    expect(lead.page.get_by_text("is approved and settled")).to_be_visible()
    lead.page.wait_for_load_state("load")

    lead.find(complaint.code)
    lead.do("Assign")
    lead.choose("Owner", str(desk.colleague))
    lead.write("Reason (optional)", "Knows these phones.")
    lead.submit("Assign", f"is assigned to {desk.colleague}.")
    lead.do("Escalate")
    lead.write("Reason", "The customer is without service.")
    lead.submit("Escalate", "is on level 1.")
    now = again(complaint)
    assert (now.owner_id, now.escalation_level) == (desk.colleague.pk, 1)
    assert again(refund).state == Refund.State.SETTLED


def test_a_manager_publishes_grants_a_full_month_and_takes_it_back(new_context: Contexts, desk: Desk) -> None:
    first = PolicyVersion.objects.get(policy__kind="refund")
    draft_policy_version(
        first.policy_id,
        by=desk.director,
        effective_from=factories.today(),
        text=first.text,
        parameters={**first.parameters, "decide_within_days": 9},
    )
    refund = propose(desk, fresh_decided(desk), "full_month")
    manager = Keyboard(new_context, desk.manager.username)
    manager.follow("Policies")
    manager.arrive("Policies")
    manager.follow(re.compile("Version 2 of"))
    manager.arrive("Refund policy, version 2")
    manager.do("Publish")
    expect(manager.page.get_by_role("insertion").filter(has_text="9 days")).to_be_visible()
    manager.submit("Publish", "is published")

    manager.press("g", "a")
    manager.arrive("Waiting for my approval")
    manager.press("j", "a")
    expect(manager.page.locator(f"#inside-{refund.pk}").get_by_role("button", name="Approve")).to_be_focused()
    manager.press("Enter")
    expect(manager.page.get_by_text("is approved and settled")).to_be_visible()
    assert again(refund).state == Refund.State.SETTLED
    assert PolicyVersion.objects.get(number=2, policy=first.policy_id).state == PolicyVersion.State.PUBLISHED

    # It went to the wrong customer: one manager proposes to take it back, the other decides on it from home.
    manager.find(refund.code)
    manager.do("Reverse")
    manager.write("Reason", "Granted to the wrong customer.")
    manager.submit("Reverse", "Somebody else has to decide on it.")
    expect(manager.page.locator("main").get_by_role("link", name="Approve")).to_have_count(0)
    other = Keyboard(new_context, desk.director.username)
    waiting = other.page.locator("section.card").filter(has_text="Reversals waiting for me")
    other.tab_to(waiting.get_by_role("link", name=refund.code))
    other.press("Enter")
    other.arrive(refund.code)
    expect(other.page.locator("main")).to_contain_text("Granted to the wrong customer.")
    other.do("Approve")
    other.submit("Approve", f"{refund.code} is reversed: 60.00 EUR returned.")
    reversal = Reversal.objects.get()
    assert (reversal.proposed_by, reversal.decided_by) == (desk.manager, desk.director)
    assert again(refund).state == Refund.State.REVERSED


def test_a_billing_clerk_takes_money_pays_out_and_bills(new_context: Contexts, desk: Desk) -> None:
    subscription = factories.open_subscription(activated_on=factories.days_ago(10))
    invoice = Invoice.objects.get(period__subscription=subscription)
    other = factories.paid_subscription()
    payout = giving.order_payout(other, Decimal("12.00"), key="payout-1", reason="A refund")
    clerk = Keyboard(new_context, desk.clerk.username)
    clerk.find(invoice.number)
    clerk.do("Record a payment")
    clerk.submit("Record a payment", f"is recorded on {invoice.number}; it is paid.")
    assert Payment.objects.get(invoice=invoice).amount == factories.MONTHLY_FEE

    clerk.follow("Money")
    clerk.arrive("Invoices")
    clerk.follow("Payouts")
    clerk.arrive("Payouts")
    clerk.press("j")
    expect(clerk.page.locator(f'#result_list a[href*="/payout/{payout.pk}/"]').first).to_be_focused()
    clerk.press("Enter")
    clerk.page.wait_for_load_state("load")
    clerk.do("Record as paid")
    clerk.write("The bank's reference", "SEPA 4711")
    clerk.submit("Record as paid", "is recorded as paid.")
    assert Payout.objects.get(pk=payout.pk).state == Payout.State.PAID

    clerk.follow("Run billing")
    clerk.arrive("Run billing")
    clerk.submit("Run billing for today", "periods opened and invoiced")
    assert BillingRun.objects.latest("pk").by == desk.clerk


def test_an_auditor_finds_who_approved_what_and_can_change_nothing(new_context: Contexts, desk: Desk) -> None:
    refund = settled(desk, fresh_decided(desk))
    auditor = Keyboard(new_context, desk.auditor.username)
    auditor.find(refund.code)
    expect(auditor.page.locator("main")).to_contain_text(f"{desk.manager} (Manager) approved")
    expect(auditor.page.get_by_text("There is nothing for you to do here now.")).to_be_visible()
    expect(auditor.page.locator("main").get_by_role("link", name=re.compile("^(Reverse|Approve|Edit)"))).to_have_count(
        0
    )
    auditor.follow("History")
    auditor.arrive(refund.code)
    expect(auditor.page.locator("table.history")).to_contain_text(str(desk.manager))

    auditor.follow("Audit")
    auditor.arrive("Events")
    auditor.tab_to(auditor.page.get_by_placeholder("Person, object, act or request"))
    auditor.type(refund.code)
    auditor.press("Enter")
    approved = auditor.page.get_by_role("row").filter(has_text="approved").filter(has_text=str(desk.manager))
    expect(approved.first).to_be_visible()
    for page in ("", "/complaints/complaint/", "/billing/payout/"):
        auditor.page.goto(page or "/")
        buttons = auditor.page.locator("main").get_by_role("button")
        assert not {name for name in buttons.all_inner_texts() if re.search("Approve|Register|Record|Run", name)}
