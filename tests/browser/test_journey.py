"""The main job in a real browser: an agent takes a complaint from its registration to a proposal, a manager approves,
the customer's page shows the credit, the next invoice uses it, and the history names both people.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from billing.invoices.models import Invoice
from billing.subscriptions.models import Subscription
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from tests import factories

pytestmark = [pytest.mark.on_each_database, pytest.mark.django_db(transaction=True)]


def sign_in(new_context: Callable[..., BrowserContext], username: str, **options: Any) -> Page:
    page = new_context(**options).new_page()
    page.goto("/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="My work")).to_be_visible()
    return page


def act(page: Page, label: str) -> None:
    """Open an action from the bar of a row's page."""
    page.get_by_role("link", name=label, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(label)


def confirm(page: Page, label: str, said: str) -> None:
    """Carry the action out and read what was done."""
    page.get_by_role("button", name=label, exact=True).click()
    expect(page.get_by_text(said).first).to_be_visible()


def no_violation(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture
def subscription() -> Subscription:
    factories.approval_limits()
    customer = factories.CustomerFactory.create(name="Harbour Bakery", iban="")
    subscription = factories.paid_subscription(customer=customer, activated_on=factories.days_ago(20))
    factories.usage(subscription, day=factories.days_ago(12), seconds=3600)
    return subscription


def register(page: Page, subscription: Subscription) -> Complaint:
    page.get_by_role("link", name="Customers", exact=True).click()
    page.get_by_role("link", name=subscription.customer.number).click()
    page.get_by_role("link", name=subscription.number).first.click()
    page.get_by_role("link", name="Register a complaint").click()
    expect(page.get_by_label("Subscription")).to_have_value(subscription.number)
    page.get_by_label("Received at").fill(f"{factories.days_ago(6).isoformat()}T10:30")
    page.get_by_label("Category").select_option("quality")
    page.get_by_label("Subject").fill("Calls dropped for two days")
    page.get_by_label("Text").fill("Since Saturday our reception cannot take calls.")
    confirm(page, "Register a complaint", "is registered. Give the customer this code.")
    return Complaint.objects.get()


def test_complaint_to_credit_on_the_next_invoice(
    new_context: Callable[..., BrowserContext],
    subscription: Subscription,
    screenshots_folder: Path,
    page_problems: Any,
) -> None:
    agent = factories.agent(first_name="Ada", last_name="Agent")
    manager = factories.manager(first_name="Mia", last_name="Manager")

    page = sign_in(new_context, agent.username)
    complaint = register(page, subscription)
    act(page, "Acknowledge")
    confirm(page, "Acknowledge", "The acknowledgement to")
    act(page, "Assess")
    page.get_by_label("Severity").select_option("high")
    page.get_by_label("Findings").fill("The carrier confirms the fault.")
    confirm(page, "Assess", "is assessed; its evidence is kept with it.")
    act(page, "Decide")
    page.get_by_label("Upheld", exact=True).check()
    page.get_by_label("Reasons").fill("The fault was ours.")
    confirm(page, "Decide", "is decided: Upheld.")
    no_violation(page)
    page.screenshot(path=screenshots_folder / "complaint.png", full_page=True)

    act(page, "Quote and propose a refund")
    quote = page.locator("table.quote")
    # 60.00 for 30 or 31 days: 15 days are provided, and an hour of calls is paid for.
    for text in ("Subscription fee", "Minutes used", "60 min", "R3 a", "Service already provided", "R3 c"):
        expect(quote).to_contain_text(text)
    expect(page.locator(".remedies")).to_contain_text("credit, next cycle")
    expect(page.locator(".remedies")).to_contain_text("no bank details")
    page.get_by_label("Reason of the proposal").fill("The unused part of the fee.")
    no_violation(page)
    confirm(page, "Quote and propose a refund", "is proposed. Somebody else has to approve it.")
    refund = Refund.objects.get()
    expect(page.get_by_role("heading", level=1)).to_contain_text(refund.code)
    page.get_by_text("not now").click()
    expect(page.get_by_text("Team lead or Manager").first).to_be_visible()  # who could approve, since the agent can't
    page_problems.expect("403 (Forbidden)")
    answer = page.goto(f"/complaints/refund/act/approve/?ids={refund.pk}")
    assert answer is not None
    assert answer.status == 403

    boss = sign_in(new_context, manager.username)
    boss.get_by_role("link", name=refund.code).click()
    act(boss, "Approve")
    boss.get_by_label("Reason (optional)").fill("Agreed.")
    confirm(boss, "Approve", "is approved and settled")
    no_violation(boss)
    boss.screenshot(path=screenshots_folder / "refund.png", full_page=True)

    refund.refresh_from_db()
    assert refund.state == Refund.State.SETTLED
    page.goto(f"/accounts/customer/{subscription.customer_id}/change/")
    expect(page.locator("main")).to_contain_text(f"{refund.total:f}")
    page.screenshot(path=screenshots_folder / "customer.png", full_page=True)

    boss.get_by_role("link", name="History", exact=True).click()
    expect(boss.locator("main")).to_contain_text("Ada Agent")
    expect(boss.locator("main")).to_contain_text("Mia Manager")
    no_violation(boss)

    factories.bill(subscription.periods.get().closes_on, by=factories.system_user())
    invoice = Invoice.objects.get(period__sequence=1)
    assert invoice.credited == refund.total
    clerk = sign_in(new_context, factories.billing_clerk().username)
    clerk.goto(f"/billing/invoice/{invoice.pk}/change/")
    expect(clerk.locator("main")).to_contain_text(f"{refund.total:f}")
    assert complaint.code == refund.complaint.code


def test_own_proposal_cannot_be_approved(
    new_context: Callable[..., BrowserContext], subscription: Subscription
) -> None:
    """A manager who proposes sees why they cannot approve, and a typed address does not help."""
    manager = factories.manager()
    page = sign_in(new_context, manager.username)
    register(page, subscription)
    act(page, "Assess")
    page.get_by_label("Findings").fill("Confirmed.")
    confirm(page, "Assess", "is assessed")
    act(page, "Decide")
    page.get_by_label("Upheld", exact=True).check()
    page.get_by_label("Reasons").fill("Ours.")
    confirm(page, "Decide", "is decided")
    act(page, "Quote and propose a refund")
    page.get_by_label("Reason of the proposal").fill("Unused part.")
    confirm(page, "Quote and propose a refund", "is proposed")
    page.get_by_text("not now").click()
    expect(page.get_by_text("is your own proposal: somebody else has to approve it.").first).to_be_visible()
    refund = Refund.objects.get()
    page.goto(f"/complaints/refund/act/approve/?ids={refund.pk}")
    expect(page.get_by_text("is your own proposal: somebody else has to approve it.").first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    refund.refresh_from_db()
    assert refund.state == Refund.State.PROPOSED
