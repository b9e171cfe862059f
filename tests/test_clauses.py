"""One test (or a table of one) for each clause of the policies, through the actions that the pages call.

Names follow the clauses' ids: F1 to F11 of the fulfilment policy, R1 to R7 of the refund policy. R5 is here
with the sending of what the customer is told.
``docs/policy-conformance.md`` tells where each rule lives and what is missing.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from accounts.customers.actions import edit_customer
from accounts.staff.models import User
from audit.actions import Refused
from audit.models import Event
from audit.tracked import UntrackedWrite
from billing.credits.models import Credit
from billing.documents.content import credit_note_document, invoice_document
from billing.invoices.credit_notes.actions import issue_credit_note
from billing.invoices.models import Invoice
from billing.payouts.models import Payout
from billing.plans.models import Price
from billing.remedies.models import Extension, MinutesGrant
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription, undo_cancellation
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.actions import correct_usage, enter_usage
from billing.usage.models import UsageRecord
from complaints.cases.actions import acknowledge_complaint, correct_complaint
from complaints.cases.deadlines.actions import record_missed_deadlines
from complaints.cases.deadlines.status import deadline_statuses_of
from complaints.cases.decisions.actions import close_complaint, communicate_decision, merge_complaints, reopen_complaint
from complaints.cases.evidence import Evidence
from complaints.cases.models import Complaint, DeadlineBreach, Decision
from complaints.incidents.actions import record_incident
from complaints.indemnities.actions import draft_indemnity
from complaints.letters.drafts import decision_text
from complaints.letters.outcomes import outcome_text
from complaints.notices.actions import tell_outcome
from complaints.notices.models import Notice
from complaints.quotes.facts import terms_for
from complaints.quotes.quoting import Choices, live_quote
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import draft_refund, edit_refund, propose_refund, quote_and_propose
from complaints.upkeep.actions import escalate_complaints, run_upkeep
from hardware.purchases.actions import pay_instalment
from hardware.purchases.models import Instalment, Purchase
from messaging.notices.actions import leave_untold
from messaging.notices.models import ChangeNotice
from messaging.outbox.models import OutgoingMessage
from messaging.sending.actions import send_due
from policies.agreements.actions import draft_agreement, publish_agreement
from policies.choices import Basis
from policies.versions.actions import draft_policy_version, publish_policy_version
from policies.versions.models import Policy, PolicyVersion
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import (
    APRIL,
    Desk,
    again,
    communicate,
    decide,
    decided,
    down,
    draft,
    held,
    lines_of,
    noon,
    only_period,
    partly_paid,
    propose,
    register,
    settled,
    spring_subscription,
    take_back,
    take_up,
    use_credit,
)
from tests.complaints.refusals import assert_refused, rows_of_every_table
from tests.complaints.terms import agreed
from tests.complaints.typed import as_typed

pytestmark = pytest.mark.django_db

NOTHING = Decimal(0)
LAST_DAY = date(2024, 4, 30)
FIRST_OF_MAY = date(2024, 5, 1)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def cancel(desk: Desk, subscription: Subscription, on: date = date(2024, 4, 3)) -> Subscription:
    return cancel_subscription(subscription.pk, by=desk.lead, channel="phone", requested_on=on)


def bill(desk: Desk, day: date) -> None:
    result = run_billing(day, by=desk.clerk)
    assert result.problems == []


# --- The fulfilment policy ----------------------------------------------------------------------


def test_f1_service_runs_with_all_it_includes_to_the_last_paid_day(desk: Desk) -> None:
    subscription = spring_subscription()
    cancel(desk, subscription)
    bill(desk, LAST_DAY)

    period = only_period(subscription)
    assert (period.state, period.closes_on) == (BillingPeriod.State.OPEN, FIRST_OF_MAY)
    assert period.included_minutes == 500
    assert again(subscription).state == Subscription.State.CANCELLED
    factories.usage(subscription, day=LAST_DAY, seconds=60)
    assert UsageRecord.objects.get().period == period
    assert_refused("no_period", lambda: factories.usage(subscription, day=FIRST_OF_MAY, seconds=60))

    bill(desk, FIRST_OF_MAY)
    assert again(period).state == BillingPeriod.State.ENDED
    assert again(subscription).state == Subscription.State.ENDED


@pytest.mark.parametrize("asked_on", [APRIL, date(2024, 4, 15), LAST_DAY])
def test_f2_cancelling_is_possible_any_day_and_takes_effect_at_the_periods_end(desk: Desk, asked_on: date) -> None:
    subscription = spring_subscription()
    cancel(desk, subscription, asked_on)
    assert_refused("state", lambda: cancel(desk, subscription, asked_on))

    bill(desk, LAST_DAY)
    assert again(subscription).state == Subscription.State.CANCELLED
    with clock_on(LAST_DAY):
        undo_cancellation(subscription.pk, by=desk.agent, reason="They stay")
    assert again(subscription).state == Subscription.State.ACTIVE

    cancel(desk, subscription, asked_on)
    bill(desk, FIRST_OF_MAY)
    ended = again(subscription)
    assert (ended.state, ended.ended_on) == (Subscription.State.ENDED, FIRST_OF_MAY)


@pytest.mark.parametrize("billed", [True, False], ids=["billed before", "billed after"])
def test_f2_the_day_of_asking_counts_whenever_it_is_typed_or_billed(desk: Desk, billed: bool) -> None:
    subscription = spring_subscription()
    if billed:
        bill(desk, FIRST_OF_MAY)
    cancel(desk, subscription, date(2024, 4, 20))
    if not billed:
        bill(desk, FIRST_OF_MAY)
    ended = again(subscription)
    assert (ended.state, ended.ended_on) == (Subscription.State.ENDED, FIRST_OF_MAY)
    invoices = Invoice.objects.filter(period__subscription=subscription)
    assert sum((invoice.settled + invoice.due for invoice in invoices), Decimal(0)) == Decimal("60.00")


def test_f3_cancelling_gives_nothing_back_and_adds_nothing_to_a_quote(desk: Desk) -> None:
    subscription = spring_subscription()
    complaint = decided(desk, subscription=subscription)
    before = live_quote(complaint, complaint.period, Choices(basis="usage"))

    cancel(desk, subscription, date(2024, 4, 11))

    assert only_period(subscription).fee_paid == Decimal("60.00")
    assert held(complaint.period) == (NOTHING, NOTHING)
    for given in (Refund, Credit, Payout, Extension, MinutesGrant):
        assert not given.objects.exists()
    after = live_quote(complaint, again(complaint).period, Choices(basis="usage"))
    assert after.lines == before.lines
    # No basis of a quote is a cancellation, and none works without a complaint that was found justified.
    assert set(Basis) == {"usage", "full_month", "interruption", "special"}
    rejected = decided(desk, "rejected", subscription=subscription)
    refund = draft(desk, rejected)
    assert_refused("not_upheld", lambda: propose_refund(refund.pk, by=desk.agent, reason="They cancelled"))


def test_f4_a_cancelled_subscription_ends_by_itself(desk: Desk) -> None:
    subscription = spring_subscription()
    going_on = spring_subscription()
    cancel(desk, subscription)

    bill(desk, date(2024, 7, 1))

    assert again(subscription).state == Subscription.State.ENDED
    assert subscription.periods.count() == 1
    assert Invoice.objects.filter(period__subscription=subscription).count() == 1
    assert going_on.periods.count() == 4
    assert Invoice.objects.filter(period__subscription=going_on).count() == 4


@pytest.mark.parametrize("outcome", list(Decision.Outcome))
@pytest.mark.parametrize(("term", "fee"), [("monthly", "60.00"), ("annual", "720.00")])
def test_f5_a_full_month_at_discretion(desk: Desk, outcome: str, term: str, fee: str) -> None:
    factories.approval_limits()
    subscription = spring_subscription(term=term)
    assert only_period(subscription).fee == Decimal(fee)
    complaint = decided(desk, outcome, subscription=subscription)

    refund = draft_refund(complaint.pk, by=desk.agent, basis="full_month")
    assert_refused("justification_missing", lambda: propose_refund(refund.pk, by=desk.agent, reason="Goodwill"))
    edit_refund(refund.pk, by=desk.agent, justification="Ten years a customer, and a bad month.")
    propose_refund(refund.pk, by=desk.agent, reason="Goodwill")

    assert lines_of(again(refund)) == ["full_month 60.00"]
    assert_refused("permission", lambda: approve_refund(refund.pk, by=desk.lead), saying="Manager")
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == Refund.State.SETTLED


def test_f5_a_full_month_is_never_automatic(desk: Desk) -> None:
    subscription = spring_subscription()
    complaint = take_up(desk, register(desk, subscription))
    refund = draft(desk, complaint, "full_month")
    assert_refused("state", lambda: propose_refund(refund.pk, by=desk.agent, reason="Goodwill"))

    communicate(desk, decide(desk, complaint))
    bill(desk, FIRST_OF_MAY)
    assert again(refund).state == Refund.State.DRAFT
    assert not Credit.objects.exists()


def test_f6_a_phone_is_the_customers_once_it_is_paid_in_full(desk: Desk) -> None:
    purchase = factories.phone_purchase(instalments=3)
    first, second, third = Instalment.objects.filter(purchase=purchase)
    owed = []
    for instalment in (first, second):
        pay_instalment(instalment.pk, by=desk.clerk, paid_on=factories.days_ago(2))
        now = Purchase.objects.get(pk=purchase.pk)
        assert not now.is_owned
        owed.append(now.owed)
    assert owed == [Decimal("80.00"), Decimal("40.00")]

    complaint = register(desk, spring_subscription(customer=purchase.customer))
    assert [shown.owed for shown in Evidence(complaint).purchases] == [Decimal("40.00")]

    pay_instalment(third.pk, by=desk.clerk, paid_on=factories.days_ago(1))
    now = Purchase.objects.get(pk=purchase.pk)
    assert (now.owed, now.owned_on) == (NOTHING, factories.days_ago(1))


def test_f6_it_is_owned_on_the_day_of_the_latest_payment_whatever_was_recorded_last(desk: Desk) -> None:
    """Payments come to the desk in any order; the page shows what is owed, then since when the phone is owned."""
    purchase = factories.phone_purchase(instalments=3)
    client = Client()
    client.force_login(desk.clerk, backend="accounts.staff.auth.StaffBackend")

    def page() -> str:
        return client.get(f"/hardware/purchase/{purchase.pk}/change/").text

    first, second, third = Instalment.objects.filter(purchase=purchase)
    before = {"by": desk.clerk, "paid_on": purchase.bought_on - timedelta(days=1)}
    assert_refused("dates", pay_instalment, first.pk, **before, saying="nothing was paid for it before")
    for instalment, days in ((third, 1), (first, 9)):
        pay_instalment(instalment.pk, by=desk.clerk, paid_on=factories.days_ago(days))
    assert "40.00 EUR" in page()
    pay_instalment(second.pk, by=desk.clerk, paid_on=factories.days_ago(5))
    assert Purchase.objects.get(pk=purchase.pk).owned_on == factories.days_ago(1)
    assert date_format(factories.days_ago(1), "DATE_FORMAT") in page()


def test_f7_cancelling_leaves_phones_alone(desk: Desk) -> None:
    customer = factories.CustomerFactory.create()
    subscription = spring_subscription(customer=customer)
    owned = factories.phone_purchase(customer)
    pay_instalment(owned.instalments.get().pk, by=desk.clerk, paid_on=factories.days_ago(1))
    factories.phone_purchase(customer, instalments=3)
    phones = rows_of_every_table("hardware")

    cancel(desk, subscription)
    bill(desk, FIRST_OF_MAY)

    assert again(subscription).state == Subscription.State.ENDED
    assert rows_of_every_table("hardware") == phones


@pytest.mark.parametrize("basis", list(Refund.Basis))
def test_f8_hardware_is_not_refunded(desk: Desk, basis: str) -> None:
    complaint = decided(desk, category="hardware")
    amount = Decimal("10.00") if basis == "special" else None
    given: dict[str, Any] = {"basis": basis, "special_amount": amount, "justification": "Broken", "evidence": "A photo"}

    def draft_it() -> Refund:
        return draft_refund(complaint.pk, by=desk.agent, **given)

    def propose_it() -> Refund:
        return quote_and_propose(complaint.pk, by=desk.agent, reason="Broken", **given)

    for way in (draft_it, propose_it):
        assert_refused("F8", way, saying="clause F8")

    # Corrected to the service it goes on; a draft made so keeps the case from becoming hardware again.
    correct_complaint(complaint.pk, by=desk.agent, reason="It is the line", category="interruption")
    draft_it()
    assert_refused(
        "open_refund",
        lambda: correct_complaint(complaint.pk, by=desk.agent, reason="The phone after all", category="hardware"),
    )


def test_f8_a_draft_on_hardware_goes_nowhere(desk: Desk) -> None:
    """Not reachable by the actions; should a row ever say so, the next step still refuses."""
    complaint = decided(desk)
    refund = draft(desk, complaint)
    complaint.category = "hardware"
    complaint.save()
    assert_refused("F8", lambda: edit_refund(refund.pk, by=desk.agent))
    assert_refused("F8", lambda: propose_refund(refund.pk, by=desk.agent, reason="Broken"))


@pytest.mark.parametrize(
    ("term", "activated_on", "ends"),
    [
        ("monthly", date(2024, 4, 1), [date(2024, 5, 1), date(2024, 6, 1), date(2024, 7, 1)]),
        ("monthly", date(2024, 1, 31), [date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]),
        ("annual", date(2024, 2, 29), [date(2025, 2, 28), date(2026, 2, 28)]),
    ],
)
def test_f9_a_cycle_begins_on_the_activation_date(desk: Desk, term: str, activated_on: date, ends: list[date]) -> None:
    subscription = factories.open_subscription(term=term, activated_on=activated_on)
    bill(desk, ends[-1] - timedelta(days=1))
    periods = list(subscription.periods.order_by("sequence"))
    assert [period.starts_on for period in periods] == [activated_on, *ends[:-1]]
    assert [period.ends_on for period in periods] == ends


def test_f10_a_period_is_judged_by_the_version_in_force_when_it_began(desk: Desk) -> None:
    policy = Policy.objects.get(kind=Policy.Kind.REFUND)
    first = policy.versions.get()
    text = first.text
    old = register(
        desk,
        factories.paid_subscription(activated_on=factories.days_ago(1)),
        received_on=factories.today(),
        received_at=timezone.now(),
    )

    second = draft_policy_version(
        policy.pk,
        by=desk.manager,
        effective_from=factories.today(),
        text="# New",
        parameters={"decide_within_days": 3},
    )
    assert terms_for(old.period).refund == first
    publish_policy_version(second.pk, by=desk.director)

    new = register(desk, factories.paid_subscription(activated_on=factories.today()), received_at=timezone.now())
    assert terms_for(old.period).refund == first
    assert old.refund_policy == first
    assert new.refund_policy == second
    assert new.decide_due_at < old.decide_due_at
    # The first version judges what is older than it, and is still there to be read.
    oldest = register(desk)
    assert oldest.period.starts_on < first.effective_from
    assert oldest.refund_policy == first
    assert PolicyVersion.objects.get(pk=first.pk).text == text


def test_f10_a_new_version_is_published_on_the_pages_and_earlier_ones_stay_readable(desk: Desk) -> None:
    first = PolicyVersion.objects.get(policy__kind=Policy.Kind.REFUND)
    drafter, publisher, everybody = signed_in(desk.manager), signed_in(desk.director), Client()
    draft_page = f"/policies/policy/act/draft/?ids={first.policy_id}"
    typed = as_typed(drafter.get(draft_page).context["form"])
    typed["effective_from"] = factories.today().isoformat()
    typed["text"] = first.text.replace("There is no refund", "There is never a refund")
    drafter.post(draft_page, typed)
    second = PolicyVersion.objects.get(policy=first.policy, number=2)
    assert (second.state, second.figures) == ("draft", first.figures)
    assert everybody.get("/policy/refund/2/").status_code == 404

    publish_page = f"/policies/policyversion/act/publish/?ids={second.pk}"
    drafter.post(publish_page, {"reason": "My own"})
    assert again_version(second).state == "draft"
    publisher.post(publish_page, {"reason": "Agreed"})
    assert again_version(second).state == "published"

    def read(address: str) -> str:
        response = everybody.get(address)
        assert response.status_code == 200
        return response.content.decode()

    today = f"{factories.today():%-d %B %Y}"
    for address in ("/policy/", "/policy/refund/2/"):
        assert "There is never a refund" in read(address)
        assert f'<time datetime="{factories.today()}">{today}</time>' in read(address)
    assert "There is no refund" in read("/policy/refund/1/")
    assert "28 December 2025" in read("/policy/refund/1/")
    assert 'href="/policy/refund/1/"' in read("/policy/")
    assert "never a" in read("/policy/refund/2/changes/")
    # A case says which of them judges it: the one of the day on which its period began.
    for activated_on, version in ((factories.today(), second), (factories.days_ago(1), first)):
        complaint = register(desk, factories.paid_subscription(activated_on=activated_on), received_at=timezone.now())
        page = drafter.get(f"/complaints/complaint/{complaint.pk}/change/").content.decode()
        assert f">{version}</a>" in page


def again_version(version: PolicyVersion) -> PolicyVersion:
    return PolicyVersion.objects.get(pk=version.pk)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def test_f11_the_public_page_names_whom_to_ask_and_where_to_cancel() -> None:
    factories.company_profile(questions="questions@example.com", cancellations="https://example.com/cancel")
    for address in ("/policy/", "/policy/fulfilment/1/", "/policy/refund/1/"):
        response = Client().get(address)
        assert response.status_code == 200
        _, questions, cancelling = re.split("Questions about these policies|Cancelling your service", response.text)
        assert 'href="mailto:questions@example.com"' in questions
        assert 'href="https://example.com/cancel"' in cancelling


def test_f11_invoices_credit_notes_and_letters_name_the_same_contacts(desk: Desk) -> None:
    factories.company_profile(questions="questions@example.com", cancellations="https://example.com/cancel")
    invoice = factories.paid_invoice()
    assert invoice.period is not None
    documents = (invoice_document(invoice), credit_note_document(issue_credit_note(invoice.period, Decimal("10.00"))))
    for document in documents:
        assert "Questions: questions@example.com." in document.notes
        assert "To cancel your service: https://example.com/cancel." in document.notes
    letter = factories.outgoing_message(invoice.customer)
    assert "questions@example.com" in letter.body


# --- The refund policy --------------------------------------------------------------------------


def test_r1_an_agreement_goes_before_the_policy_and_cash_is_a_remedy(desk: Desk) -> None:
    """The policy allows every remedy; the agreement leaves cash alone."""
    factories.approval_limits()
    subscription = spring_subscription(activated_on=factories.today())
    agreement = draft_agreement(
        subscription.customer_id,
        by=desk.director,
        title="Cash only",
        terms={"remedies": ["cash"]},
        valid_from=factories.today(),
    )
    complaint = decided(desk, subscription=subscription, received_at=timezone.now())
    assert complaint.agreement is None  # a draft judges nothing
    publish_agreement(agreement.pk, by=desk.manager)
    later = spring_subscription(customer=subscription.customer, activated_on=factories.today())
    judged = decided(desk, subscription=later, received_at=timezone.now())
    assert judged.agreement == agreement
    refund = draft(desk, judged, remedies=[{"kind": "credit"}])
    assert_refused("remedy", propose_refund, refund.pk, by=desk.agent, reason="As the log shows", saying="Cash only")
    edit_refund(refund.pk, by=desk.agent, remedies=[{"kind": "cash"}])
    refund = propose_refund(refund.pk, by=desk.agent, reason="As the log shows")
    assert refund.agreement == agreement
    assert approve_refund(refund.pk, by=desk.lead).state == Refund.State.SETTLED
    assert Payout.objects.get().amount == refund.total


@pytest.mark.parametrize("outcome", ["upheld", "partly_upheld"])
@pytest.mark.parametrize(("term", "total"), [("monthly", "40.00"), ("annual", "700.27")])
def test_r2_an_upheld_complaint_refunds_a_part_of_the_fee(desk: Desk, outcome: str, term: str, total: str) -> None:
    factories.approval_limits()
    complaint = decided(desk, outcome, subscription=spring_subscription(term=term))
    refund = propose(desk, complaint)
    # 720.00 less 10 of 365 days (April 2024 to April 2025) is 700.27.
    assert refund.total == Decimal(total)
    approve_refund(refund.pk, by=desk.manager)
    if refund.total > 500:
        approve_refund(refund.pk, by=desk.director)
    assert held(complaint.period) == (NOTHING, Decimal(total))


@pytest.mark.parametrize("basis", ["usage", "interruption"])
def test_r2_a_complaint_that_is_not_upheld_refunds_nothing(desk: Desk, basis: str) -> None:
    complaint = take_up(desk, register(desk))
    refund = draft(desk, complaint, basis)
    assert_refused("state", lambda: propose_refund(refund.pk, by=desk.agent, reason="To be quick"))
    decide(desk, complaint, "rejected")
    assert_refused("not_upheld", lambda: propose_refund(refund.pk, by=desk.agent, reason="All the same"))


def test_r3_minutes_operations_and_days_come_off_the_whole_fee(desk: Desk) -> None:
    operation = factories.OperationFactory.create(code="FORWARD")
    factories.OperationCostFactory.create(operation=operation)
    subscription = spring_subscription()
    factories.usage(subscription, day=date(2024, 4, 2), seconds=6000)
    for quantity in (Decimal("2.5"), Decimal("0.5")):  # the second is added to a day that has its sum already
        factories.usage(subscription, day=date(2024, 4, 10), operation="FORWARD", quantity=quantity)
    # After the day of the complaint: neither days nor usage count any more.
    factories.usage(subscription, day=date(2024, 4, 11), seconds=6000)

    refund = propose(desk, decided(desk, subscription=subscription))

    assert lines_of(refund) == ["fee 60.00", "minutes -2.00", "operation:FORWARD -1.50", "time -20.00"]
    assert refund.total == Decimal("36.50")


def test_r3_usage_that_billing_entered_or_imported_is_deducted_as_corrected(desk: Desk, tmp_path: Path) -> None:
    factories.approval_limits()
    factories.OperationCostFactory.create(operation=factories.OperationFactory.create(code="FORWARD"))
    subscription = spring_subscription()
    file = tmp_path / "calls.csv"
    file.write_text(
        "external_id,subscription,when,kind,operation,seconds,quantity\n"
        f"cdr-1,{subscription.number},2024-04-02T09:30,call,,5400,\n"
        f"cdr-2,{subscription.number},2024-04-10,operation,FORWARD,,3\n"
        f"cdr-3,{subscription.number},2024-04-11,call,,6000,\n"  # after the day of the complaint
    )
    call_command("import_usage", str(file), by=desk.clerk.username, verbosity=0)
    period = only_period(subscription)
    enter_usage(period.pk, by=desk.clerk, day=APRIL, reference="Sheet 1", seconds=600, operations={})

    refund = propose(desk, decided(desk, subscription=subscription))
    assert lines_of(refund) == ["fee 60.00", "minutes -2.00", "operation:FORWARD -1.50", "time -20.00"]

    # The switch counted half an hour too much: the proposal is computed again before anybody approves it.
    wrong = UsageRecord.objects.get(external_id="cdr-1")
    correct_usage(wrong.pk, by=desk.clerk, seconds=3600, reason="The switch hung")
    with pytest.raises(Refused):
        approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == Refund.State.DRAFT
    propose_refund(refund.pk, by=desk.agent, reason="As corrected")
    assert lines_of(again(refund)) == ["fee 60.00", "minutes -1.40", "operation:FORWARD -1.50", "time -20.00"]
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).total == Decimal("37.10")


@pytest.mark.parametrize(
    ("choices", "total"),
    [
        pytest.param({"remedies": [{"kind": "cash"}]}, "40.00", id="given in cash"),
        pytest.param({"reduction": Decimal(20), "reduction_reason": "Half was theirs"}, "20.00", id="reduced"),
    ],
)
def test_r3_the_unused_portion_is_given_once(desk: Desk, choices: dict[str, Any], total: str) -> None:
    factories.approval_limits()
    subscription = spring_subscription()
    assert settled(desk, decided(desk, subscription=subscription), **choices).total == Decimal(total)
    down(desk, 11, 16)  # within the days that were given back, and known only now
    complaint = decided(desk, subscription=subscription)
    for other in ("usage", "interruption"):
        refund = draft(desk, complaint, other)
        assert_refused("nothing", propose_refund, refund.pk, by=desk.agent, reason="Once more")
        withdraw_refund(refund.pk, by=desk.agent, reason="It was given")


def test_r3_a_reversal_frees_only_what_came_back_of_it(desk: Desk) -> None:
    factories.approval_limits()
    subscription = spring_subscription()
    refund = settled(desk, decided(desk, subscription=subscription))
    use_credit(desk, subscription, "10.00")  # of 40.00
    take_back(desk, refund)
    april = subscription.periods.get(sequence=0)
    assert held(april) == (NOTHING, Decimal("10.00"))
    once_more = propose(desk, decided(desk, period=april))
    assert lines_of(once_more) == ["fee 60.00", "minutes 0.00", "time -20.00", "already -10.00"]
    assert once_more.total == Decimal("30.00")


def test_r3_granted_minutes_are_spoken_first_and_never_deducted(desk: Desk) -> None:
    """100 minutes given on 10 April; of 120 that were spoken on the 12th, twenty are deducted."""
    factories.approval_limits()
    subscription = spring_subscription()
    with clock_on(date(2024, 4, 10)):
        complaint = decided(desk, subscription=subscription)
        settled(desk, complaint, "special", special_amount=Decimal("2.00"), remedies=[{"kind": "minutes"}])
    factories.usage(subscription, day=date(2024, 4, 9), seconds=600)
    factories.usage(subscription, day=date(2024, 4, 12), seconds=7200)
    refund = propose(desk, decided(desk, subscription=subscription, received_on=date(2024, 4, 20)))
    assert lines_of(refund) == ["fee 60.00", "minutes -0.60", "time -40.00"]


def test_r4_a_refund_is_given_in_any_mix_that_adds_up(desk: Desk) -> None:
    factories.approval_limits()
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    complaint = decided(desk, subscription=subscription, received_on=factories.days_ago(1))
    mix = [
        {"kind": "credit", "amount": "10.00"},
        {"kind": "minutes", "amount": "5.01"},
        {"kind": "extension", "amount": "2.00"},
        {"kind": "cash"},
    ]
    refund = draft(desk, complaint, "special", special_amount=Decimal("20.00"), remedies=mix)
    edit: dict[str, Any] = {
        "special_amount": Decimal("20.00"),
        "justification": "A day's trade lost",
        "evidence": "The log",
    }
    edit_refund(refund.pk, by=desk.agent, remedies=mix[:3], **edit)
    assert_refused(
        "remedies_do_not_add_up",
        lambda: propose_refund(refund.pk, by=desk.agent, reason="As asked"),
        saying="20.00",
    )
    edit_refund(refund.pk, by=desk.agent, remedies=mix, **edit)
    propose_refund(refund.pk, by=desk.agent, reason="As asked")
    period = only_period(subscription)
    approve_refund(refund.pk, by=desk.manager)

    given = {remedy.kind: remedy for remedy in again(refund).remedies.all()}
    assert {kind: remedy.amount for kind, remedy in given.items()} == {
        "credit": Decimal("10.00"),
        "minutes": Decimal("5.01"),
        "extension": Decimal("2.00"),
        "cash": Decimal("2.99"),
    }
    days = -(-2 * period.days // 60)
    assert Credit.objects.get().granted == Decimal("10.00")
    assert MinutesGrant.objects.get().minutes == 251  # 5.01 at 0.02 a minute is 250.5
    assert Extension.objects.get().days == days
    assert again(period).closes_on == period.ends_on + timedelta(days=days)
    assert Payout.objects.get().amount == Decimal("2.99")


@pytest.mark.parametrize(
    ("paid", "set_off", "payable"), [("10.00", "20.00", "0.00"), ("45.00", "15.00", "5.00"), ("60.00", "0.00", "20.00")]
)
def test_r4_what_was_not_paid_is_set_off_before_anything_is_given(
    desk: Desk, paid: str, set_off: str, payable: str
) -> None:
    """20 of 30 days were used: 20.00 of 60.00 come back."""
    factories.approval_limits()
    subscription = partly_paid(paid)
    day = date(2024, 4, 20)
    cash = [{"kind": "cash"}] if Decimal(payable) else []
    refund = settled(desk, decided(desk, subscription=subscription, received_on=day), remedies=cash)
    assert (refund.total, refund.set_off, refund.payable) == (Decimal("20.00"), Decimal(set_off), Decimal(payable))
    assert sum(payout.amount for payout in Payout.objects.all()) == Decimal(payable)
    invoice = Invoice.objects.get()
    assert (invoice.set_off, invoice.due) == (Decimal(set_off), Decimal("60.00") - Decimal(paid) - Decimal(set_off))

    if invoice.due:
        factories.pay(invoice)
    complaint = decided(desk, subscription=subscription, received_on=day)
    more = settled(desk, complaint, "special", special_amount=Decimal("20.00"), remedies=[{"kind": "cash"}])
    assert more.inputs["fee_paid"] == "60.00"
    assert (more.set_off, more.payable) == (NOTHING, Decimal("20.00"))


@pytest.mark.parametrize(("kind", "given"), [("extension", 3), ("minutes", 80)])
def test_r4_days_and_minutes_are_worth_what_was_approved(desk: Desk, kind: str, given: int) -> None:
    """40.00 of April go to a May of 31 days for 600.00, in which a minute costs 0.50."""
    factories.approval_limits()
    subscription = spring_subscription()
    april = only_period(subscription)
    factories.price(subscription.plan, valid_from=date(2024, 4, 2), fee=Decimal("600.00"), minute_cost=Decimal("0.50"))
    with clock_on(date(2024, 5, 20)):
        bill(desk, FIRST_OF_MAY)
        may = subscription.periods.get(sequence=1)
        less: dict[str, Any] = {"special_amount": Decimal("19.00"), "remedies": [{"kind": "extension"}]}
        little = draft(desk, decided(desk, period=april), "special", **less)
        assert_refused("remedy", propose_refund, little.pk, by=desk.agent, reason="Log", saying="less than one day")
        withdraw_refund(little.pk, by=desk.agent, reason="Too little for a day")

        settled(desk, decided(desk, period=april), remedies=[{"kind": kind}])
    if kind == "extension":
        assert Extension.objects.get().days == given
        assert again(may).closes_on == may.ends_on + timedelta(days=given)
    else:
        grant = MinutesGrant.objects.get()
        assert (grant.minutes, grant.period, grant.further_periods) == (given, may, 1)


def test_r5_no_refund_without_a_complaint(desk: Desk) -> None:
    assert_refused("missing", lambda: draft_refund(0, by=desk.agent, basis="usage"), saying="complaint")
    refund = draft(desk, decided(desk))
    refund.complaint_id = None  # type: ignore[assignment]
    with pytest.raises(IntegrityError), transaction.atomic():
        refund.save()
    assert again(refund).complaint is not None


@pytest.mark.parametrize("basis", list(Basis))
def test_r5_no_refund_of_a_period_that_began_after_the_complaint(desk: Desk, basis: str) -> None:
    """A complaint of April, whatever was decided on it, pays nothing of May."""
    subscription = spring_subscription()
    april = only_period(subscription)
    bill(desk, FIRST_OF_MAY)
    may = subscription.periods.get(sequence=1)
    factories.pay(may.invoice)
    amount = Decimal("5.00") if basis == "special" else None
    given: dict[str, Any] = {"basis": basis, "special_amount": amount, "justification": "Please", "evidence": "None"}
    for outcome in ("upheld", "rejected"):
        complaint = decided(desk, outcome, period=april)
        refused = {"by": desk.agent, "period_id": may.pk, **given}
        assert_refused("as_of_before_period", draft_refund, complaint.pk, **refused, saying="before the period began")
    later = decided(desk, period=may, received_on=FIRST_OF_MAY)
    draft_refund(later.pk, by=desk.agent, **given)


def test_r5_deadlines_count_from_the_day_of_receipt(desk: Desk) -> None:
    complaint = register(desk, received_at=noon(10, hour=23), late=True)
    assert complaint.registered_at.year > 2024
    zone = timezone.get_default_timezone()
    assert complaint.acknowledge_due_at.astimezone(zone) == noon(13, hour=0)
    assert complaint.decide_due_at.astimezone(zone) == noon(25, hour=0)
    assert complaint.tell_due_at.astimezone(zone) == noon(28, hour=0)


def test_r5_a_missed_deadline_is_recorded_for_good(desk: Desk) -> None:
    complaint = register(desk)
    record_missed_deadlines(complaint.pk, by=desk.lead)
    kept = list(DeadlineBreach.objects.filter(complaint=complaint).values_list("pk", "deadline", "due_at"))
    assert sorted(deadline for _, deadline, _ in kept) == ["acknowledge", "decide", "tell"]

    decide(desk, take_up(desk, complaint))
    reopened = reopen_complaint(complaint.pk, by=desk.lead, reason="New facts")

    assert reopened.decide_due_at > timezone.now()
    assert list(DeadlineBreach.objects.filter(complaint=complaint).values_list("pk", "deadline", "due_at")) == kept
    with pytest.raises(UntrackedWrite):
        DeadlineBreach.objects.all().delete()
    with pytest.raises(UntrackedWrite):
        DeadlineBreach.objects.all()[0].delete()


def test_r5_the_outcome_is_told_in_time_or_that_is_a_breach_of_its_own(desk: Desk) -> None:
    """The clock runs until the customer knows: a decision in time that is told late has missed one deadline."""
    complaint = register(desk, received_at=timezone.now())
    acknowledge_complaint(complaint.pk, by=desk.agent, text=complaint.code)
    complaint = decide(desk, take_up(desk, complaint))
    assert [due.deadline for due in deadline_statuses_of(complaint)] == ["tell"]
    late = complaint.tell_due_at + timedelta(seconds=1)
    assert run_upkeep(by=desk.system, now=complaint.tell_due_at - timedelta(seconds=1)).missed == 0
    assert run_upkeep(by=desk.system, now=late).missed == 1
    assert [breach.deadline for breach in DeadlineBreach.objects.filter(complaint=complaint)] == ["tell"]
    assert list(Complaint.objects.overdue(late)) == [complaint]

    communicate_decision(complaint.pk, by=desk.agent, text="You are right.")
    assert not Complaint.objects.overdue(late).exists()
    assert DeadlineBreach.objects.filter(complaint=complaint).count() == 1
    assert not Notice.objects.owed().exists()


def test_r5_what_changes_for_a_customer_is_told_as_well(desk: Desk) -> None:
    """A moved end of service, and other bank details to the old and the new address, until each letter is sent."""
    subscription = factories.open_subscription(activated_on=factories.today())
    cancel_subscription(subscription.pk, by=desk.agent, channel="email")
    customer = subscription.customer
    known = {"email": "new@example.com", "iban": factories.own_iban(77)}
    edit_customer(customer.pk, by=desk.agent, reason="By letter", **known)
    owed = ChangeNotice.objects.owed().order_by("pk")
    assert [notice.outcome for notice in owed] == ["end_moved", "bank_details"]
    assert_refused("own_notice", leave_untold, owed[1].pk, by=desk.agent, reason="They know")
    assert send_due().failed == 0
    assert {sent.to[0] for sent in mail.outbox} >= {customer.email, "new@example.com"}
    assert not ChangeNotice.objects.owed().exists()


def test_r5_deadlines_can_count_working_days(desk: Desk) -> None:
    subscription = agreed(desk, country="IT", deadline_days="working", decide_within_days=10)
    # Wednesday; the 25th and the 1st are holidays in Italy.
    complaint = register(desk, subscription, received_at=noon(24))
    zone = timezone.get_default_timezone()
    assert complaint.acknowledge_due_at.astimezone(zone) == noon(30, hour=0)
    assert complaint.decide_due_at.astimezone(zone) == noon(11, month=5, hour=0)
    assert [str(due.in_words) for due in deadline_statuses_of(complaint, noon(29))] == [
        "Acknowledge today",
        "Decide in 11 d",
    ]


def test_r5_each_missed_deadline_has_one_event(desk: Desk) -> None:
    complaint = decide(desk, take_up(desk, register(desk)))
    reopen_complaint(complaint.pk, by=desk.lead, reason="New facts")
    other = register(desk, complaint.subscription)
    merge_complaints(complaint.pk, by=desk.lead, into_id=other.pk, reason="The same matter")
    run_upkeep(by=desk.system)
    breaches = DeadlineBreach.objects.values_list("complaint_id", "pk")
    events = Event.objects.filter(verb="complaint.deadline_missed", outcome="done")
    assert len(breaches) == 6
    assert sorted(breaches) == sorted((event.complaint_id, event.data["breach"]) for event in events)
    with pytest.raises(UntrackedWrite):
        events.delete()


def test_r5_an_overdue_case_rises_and_its_lead_is_told(desk: Desk) -> None:
    complaint = register(desk)
    assert escalate_complaints(by=desk.system) == [complaint.code]
    assert escalate_complaints(by=desk.system) == []
    assert again(complaint).escalation_level == 1
    message = OutgoingMessage.objects.get(complaint_id=complaint.pk)
    assert (message.staff, message.kind) == (desk.lead, "staff_escalation")


def test_r5_a_late_answer_can_be_made_good_once(desk: Desk) -> None:
    factories.approval_limits()
    subscription = agreed(desk, indemnity_per_day={"EUR": "2.00"}, indemnity_maximum={"EUR": "15.00"})
    complaint = decided(desk, "rejected", subscription=subscription)
    refund = draft_indemnity(complaint.pk, by=desk.agent)
    propose_refund(refund.pk, by=desk.agent, reason="We were late")
    approve_refund(refund.pk, by=desk.manager)
    assert lines_of(again(refund)) == ["special 15.00"]
    assert_refused("fault_indemnified", draft_indemnity, complaint.pk, by=desk.agent)
    assert_refused("no_indemnity", draft_indemnity, decided(desk).pk, by=desk.agent)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("upheld", ("Lo riteniamo fondato.", "Le restituiamo 40,00 EUR.", "40,00 EUR come credito")),
        ("rejected", ("non possiamo accoglierlo", "The log shows it.", "può rivolgersi a: ")),
    ],
)
def test_r5_the_outcome_is_told_to_the_customer(desk: Desk, outcome: str, words: tuple[str, ...]) -> None:
    factories.approval_limits()
    customer = factories.CustomerFactory.create(language="it", email="rossi@example.com")
    complaint = decided(desk, outcome, subscription=spring_subscription(customer=customer))
    if outcome == "upheld":
        settled(desk, complaint)
    text = decision_text(again(complaint))

    message = communicate_decision(complaint.pk, by=desk.agent, text=text)

    assert message.outgoing is not None
    assert message.outgoing.body == message.text == text
    assert [word for word in words if word not in text] == []
    assert again(complaint).communicated_at is not None
    assert send_due().sent == 1
    [sent] = mail.outbox
    assert (sent.to, sent.body) == (["rossi@example.com"], text)
    assert send_due().sent == 0
    assert [attempt.outcome for attempt in message.outgoing.attempts.all()] == ["accepted"]


def test_r5_a_case_closes_when_the_customer_has_heard_every_outcome(desk: Desk) -> None:
    factories.approval_limits()
    complaint = decided(desk)
    communicate_decision(complaint.pk, by=desk.agent, text="You are right.")
    refund = settled(desk, complaint)
    assert_refused("notice_owed", close_complaint, complaint.pk, by=desk.agent, saying=refund.code)
    tell_outcome(complaint.pk, by=desk.agent, text=outcome_text(Notice.objects.owed().get()))
    assert close_complaint(complaint.pk, by=desk.agent).state == "closed"


def test_r6_a_credit_goes_to_the_first_useful_cycle_and_the_rest_is_carried_on(desk: Desk) -> None:
    factories.approval_limits()
    subscription = spring_subscription()
    # The plan gets cheaper: 25.00 from May on.
    price = Price.objects.get(plan=subscription.plan)
    factories.price(
        subscription.plan,
        valid_from=FIRST_OF_MAY,
        fee=Decimal("25.00"),
        drafted_by=price.drafted_by,
        published_by=price.published_by,
    )
    settled(desk, decided(desk, subscription=subscription))
    assert Credit.objects.get().granted == Decimal("40.00")

    bill(desk, date(2024, 7, 1))

    invoices = Invoice.objects.filter(period__subscription=subscription).order_by("issued_on")
    assert [(invoice.credited, invoice.due) for invoice in invoices] == [
        (NOTHING, NOTHING),
        (Decimal("25.00"), NOTHING),
        (Decimal("15.00"), Decimal("10.00")),
        (NOTHING, Decimal("25.00")),
    ]
    assert Credit.objects.get().remaining == 0


def test_r7_an_interruption_is_refunded_in_proportion_to_what_was_missing(desk: Desk) -> None:
    factories.approval_limits()
    record_incident(by=desk.lead, title="Exchange down", starts_at=noon(2), ends_at=noon(6), hits_everybody=True)
    record_incident(
        by=desk.lead, title="Upgrade", starts_at=noon(3), ends_at=noon(4), scheduled=True, hits_everybody=True
    )
    # Too short to count: the policy's four hours are not reached.
    record_incident(by=desk.lead, title="Blip", starts_at=noon(20), ends_at=noon(20, hour=15), hits_everybody=True)
    complaint = decided(desk, category="interruption")
    refund = settled(desk, complaint, "interruption")
    # Four days less one of maintenance, of thirty.
    assert lines_of(refund) == ["interruption 6.00"]


def test_r7_an_outage_hits_the_plan_that_the_period_was_billed_with(desk: Desk) -> None:
    """On plan A in April, down for 15 of 30 days, and on plan B from May on: what is proposed in April is approved in
    May, and B's own outage of April pays nothing.
    """
    factories.approval_limits()
    first, second = factories.price().plan, factories.price(valid_from=APRIL).plan
    subscription = spring_subscription(plan=first)
    down(desk, 1, 16, plan=first)
    down(desk, 16, 26, plan=second)
    day = date(2024, 4, 27)
    refund = propose(desk, decided(desk, subscription=subscription, received_on=day), "interruption")
    assert lines_of(refund) == ["interruption 30.00"]
    with clock_on(day):
        factories.plan_change(subscription, second, effective_on=FIRST_OF_MAY)
    bill(desk, FIRST_OF_MAY)
    assert again(subscription).plan == second
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).total == Decimal("30.00")

    april = subscription.periods.get(sequence=0)
    more = draft(desk, decided(desk, period=april, received_on=day), "interruption")
    assert_refused("nothing", propose_refund, more.pk, by=desk.agent, reason="Plan B was down")


def test_r7_an_outage_counts_if_it_began_before_the_complaint_and_then_to_its_end(desk: Desk) -> None:
    complaint = decided(desk)  # received on the 10th
    down(desk, 11, 21)
    refund = draft(desk, complaint, "interruption")
    assert_refused("nothing", propose_refund, refund.pk, by=desk.agent, reason="The log")
    down(desk, 9, 13)
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    assert lines_of(again(refund)) == ["interruption 8.00"]


def test_r7_an_outage_is_compensated_once(desk: Desk) -> None:
    """30.00 as a credit, 20.00 of it used; taken back, only 10.00 can be given again."""
    factories.approval_limits()
    subscription = spring_subscription()
    down(desk, 1, 16)
    day = date(2024, 4, 20)
    refund = settled(desk, decided(desk, subscription=subscription, received_on=day), "interruption")
    assert refund.total == Decimal("30.00")
    april = only_period(subscription)
    twice = draft(desk, decided(desk, period=april, received_on=day), "interruption")
    assert_refused("nothing", propose_refund, twice.pk, by=desk.agent, reason="The log")

    use_credit(desk, subscription, "20.00")
    take_back(desk, refund)
    propose_refund(twice.pk, by=desk.agent, reason="Given anew")
    assert lines_of(again(twice)) == ["interruption 10.00"]
    approve_refund(twice.pk, by=desk.manager)
    assert held(april) == (NOTHING, Decimal("30.00"))


def test_r7_a_special_case_is_refunded_up_to_the_whole_fee(desk: Desk) -> None:
    factories.approval_limits()
    complaint = decided(desk, "rejected")
    bare = draft_refund(complaint.pk, by=desk.agent, basis="special", special_amount=Decimal("60.00"))
    assert_refused("justification_missing", lambda: propose_refund(bare.pk, by=desk.agent, reason="A breach"))
    edit_refund(bare.pk, by=desk.agent, special_amount=Decimal("60.00"), justification="We leaked the call list")
    assert_refused("evidence_missing", lambda: propose_refund(bare.pk, by=desk.agent, reason="A breach"))
    assert_refused(
        "special_amount_above_fee",
        lambda: edit_refund(bare.pk, by=desk.agent, special_amount=Decimal("60.01"), justification="A breach"),
    )
    edit_refund(
        bare.pk,
        by=desk.agent,
        special_amount=Decimal("60.00"),
        justification="A breach",
        evidence="The leaked list",
    )
    propose_refund(bare.pk, by=desk.agent, reason="A breach of ours")
    assert_refused("permission", lambda: approve_refund(bare.pk, by=desk.lead))
    approve_refund(bare.pk, by=desk.manager)
    assert held(complaint.period) == (NOTHING, Decimal("60.00"))

    again_asked = decided(desk, subscription=complaint.subscription)
    more = draft(desk, again_asked, "special", special_amount=Decimal("0.01"))
    assert_refused("nothing", lambda: propose_refund(more.pk, by=desk.agent, reason="More"), saying="already refunded")
