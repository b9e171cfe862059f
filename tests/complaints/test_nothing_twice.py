"""The same thing is never given back twice, and what was not paid is not handed out (RULES 5), through the actions.

A case is about April 2024: 30 days for 60.00 EUR, the complaint came on the 10th, so 20.00 were provided.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from audit.actions import Refused
from audit.ledger_checks import run_checks
from audit.models import Event
from billing.credits.models import Credit
from billing.invoices.models import CreditNote, Invoice
from billing.invoices.voids.actions import approve_void, propose_void
from billing.payments.actions import record_payment
from billing.payments.corrections.actions import take_off_payment
from billing.payouts.actions import mark_payout_paid
from billing.payouts.models import Payout
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from complaints.cases.models import Complaint
from complaints.incidents.actions import record_incident
from complaints.quotes.quoting import Choices, live_quote, offers
from complaints.refund_calculation import Quote
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import propose_refund
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import (
    Desk,
    again,
    decided,
    down,
    draft,
    noon,
    only_period,
    partly_paid,
    propose,
    settled,
    spring_subscription,
    take_back,
    use_credit,
)
from tests.complaints.refusals import assert_refused
from tests.money_invariants import check_money

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def quoted(
    desk: Desk, subscription: Subscription, basis: str, *, received_at: datetime | None = None, **choices: Any
) -> Quote:
    """What a further complaint of the same day would be given."""
    came: dict[str, Any] = {} if received_at is None else {"received_at": received_at}
    complaint = decided(desk, period=subscription.periods.order_by("sequence").first(), **came)
    return live_quote(complaint, Complaint.objects.get(pk=complaint.pk).period, Choices(basis=basis, **choices)).quote


@pytest.fixture(autouse=True)
def books(desk: Desk) -> Iterator[None]:
    """Whatever happened, the books are in order."""
    yield
    check_money()
    assert list(run_checks(CHECKS)) == []


# --- Twice --------------------------------------------------------------------------------------


def test_usage_given_in_cash_is_given_once(desk: Desk) -> None:
    subscription = spring_subscription()
    assert settled(desk, decided(desk, subscription=subscription), remedies=[{"kind": "cash"}]).total == Decimal(
        "40.00"
    )
    again_ = quoted(desk, subscription, "usage")
    assert (again_.total, [line.code for line in again_.lines]) == (Decimal(0), ["fee", "minutes", "time", "already"])


def test_giving_less_leaves_no_claim_open(desk: Desk) -> None:
    subscription = spring_subscription()
    less: dict[str, Any] = {"reduction": Decimal("20.00"), "reduction_reason": "Half of it was theirs"}
    assert settled(desk, decided(desk, subscription=subscription), **less).total == Decimal("20.00")
    assert quoted(desk, subscription, "usage").total == 0


def test_an_outage_on_days_refunded_as_unused_is_compensated(desk: Desk) -> None:
    subscription = spring_subscription()
    settled(desk, decided(desk, subscription=subscription))
    down(desk, 9, 15)
    # Received on the 10th: the days from the 11th on were given back, the 9th and the 10th were not.
    assert quoted(desk, subscription, "interruption").total == Decimal("4.00")


def test_an_outage_that_was_given_is_taken_off_a_usage_quote(desk: Desk) -> None:
    subscription = spring_subscription()
    down(desk, 9, 15)
    assert settled(desk, decided(desk, subscription=subscription), "interruption").total == Decimal("12.00")
    quote = quoted(desk, subscription, "usage")
    # Four of its six days lie in the days not provided.
    assert {line.code: line.amount for line in quote.lines}["already"] == Decimal("-8.00")
    assert quote.total == Decimal("32.00")


def test_a_special_case_that_names_an_incident_compensates_it(desk: Desk) -> None:
    subscription = spring_subscription()
    down(desk, 2, 8)
    incident = record_incident(by=desk.lead, title="x", starts_at=noon(9), ends_at=noon(10), hits_everybody=True)
    complaint = decided(desk, subscription=subscription)
    settled(desk, complaint, "special", special_amount=Decimal("1.00"), incident_id=incident.pk)
    assert quoted(desk, subscription, "interruption").total == Decimal("12.00")  # six days of eight


@pytest.mark.parametrize("before", ["interruption", "special", "usage"])
@pytest.mark.parametrize("state", ["pending", "standing", "taken back"])
def test_a_special_case_names_no_incident_that_is_made_good_already(desk: Desk, before: str, state: str) -> None:
    subscription = spring_subscription()
    first, second = (decided(desk, subscription=subscription) for _ in range(2))
    # The days not provided begin on the 11th.
    incident = record_incident(by=desk.lead, title="x", starts_at=noon(9), ends_at=noon(13), hits_everybody=True)
    named: dict[str, Any] = {"special_amount": Decimal(10), "incident_id": incident.pk, "unusual_reason": "x"}
    refund = (propose if state == "pending" else settled)(desk, first, before, **(named if before == "special" else {}))
    if state == "taken back":
        take_back(desk, refund)
        assert settled(desk, second, "special", **named).total == Decimal(10)
        return
    assert_refused("made_good", draft, desk, second, "special", **named, saying="is made good already")
    # A special case that names none counts against the cap only, and so does one of another incident.
    draft(desk, second, "special", special_amount=Decimal(10))


def test_an_incident_named_by_two_drafts_is_proposed_once(desk: Desk) -> None:
    subscription = spring_subscription()
    first, second = (decided(desk, subscription=subscription) for _ in range(2))
    incident = record_incident(by=desk.lead, title="x", starts_at=noon(2), ends_at=noon(4), hits_everybody=True)
    named: dict[str, Any] = {"special_amount": Decimal(10), "incident_id": incident.pk}
    drafts = [draft(desk, case, "special", **named) for case in (first, second)]
    propose_refund(drafts[0].pk, by=desk.agent, reason="x")
    assert_refused("made_good", propose_refund, drafts[1].pk, by=desk.agent, reason="x")


@pytest.mark.parametrize(
    ("basis", "given", "used", "left"),
    [("interruption", "30.00", "20.00", "10.00"), ("usage", "40.00", "10.00", "30.00")],
)
def test_a_reversal_frees_only_what_came_back(desk: Desk, basis: str, given: str, used: str, left: str) -> None:
    subscription = spring_subscription()
    if basis == "interruption":
        down(desk, 1, 16)
    kwargs: dict[str, Any] = {"received_on": date(2024, 4, 20)} if basis == "interruption" else {}
    refund = settled(desk, decided(desk, subscription=subscription, **kwargs), basis)
    assert refund.total == Decimal(given)
    use_credit(desk, subscription, used)
    take_back(desk, refund)
    april = subscription.periods.get(sequence=0)
    live = live_quote(decided(desk, period=april, **kwargs), april, Choices(basis=basis))
    assert live.quote.total == Decimal(left)


# --- Set-off ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paid", "set_off", "payable"), [("10.00", "20.00", "0.00"), ("45.00", "15.00", "5.00"), ("60.00", "0.00", "20.00")]
)
def test_what_was_not_paid_is_set_off_first(desk: Desk, paid: str, set_off: str, payable: str) -> None:
    subscription = partly_paid(paid)
    refund = settled(desk, decided(desk, subscription=subscription, received_on=date(2024, 4, 20)))
    assert (refund.total, refund.set_off, refund.payable) == (Decimal("20.00"), Decimal(set_off), Decimal(payable))
    assert sum(credit.granted for credit in Credit.objects.all()) == Decimal(payable)
    invoice = Invoice.objects.get()
    assert (invoice.set_off, invoice.due) == (Decimal(set_off), Decimal("60.00") - Decimal(paid) - Decimal(set_off))
    note = CreditNote.objects.get()
    assert (note.gross, note.set_off) == (Decimal("20.00"), Decimal(set_off))


@pytest.mark.parametrize("decoy", ["withdrawn", "approved"])
def test_a_pending_set_off_pays_nothing_of_the_fee(desk: Desk, decoy: str) -> None:
    """Of 60.00 10.00 are paid: 50.00 of two refunds reduce the debt whatever becomes of either, the rest is cash."""
    subscription = partly_paid("10.00")
    first, second = (decided(desk, subscription=subscription, received_on=date(2024, 4, 20)) for _ in range(2))
    large = propose(desk, first, "special", special_amount=Decimal(50))
    cash = propose(desk, second, "special", special_amount=Decimal(10), remedies=[{"kind": "cash"}], unusual_reason="x")
    assert (cash.set_off, cash.payable) == (Decimal(10), Decimal(0))
    approve_refund(cash.pk, by=desk.manager)
    if decoy == "withdrawn":
        withdraw_refund(large.pk, by=desk.agent, reason="x")
        assert not Payout.objects.exists()
        assert Invoice.objects.get(period__subscription=subscription, period__sequence=0).due == Decimal(40)
        return
    # The other is quoted again: 40.00 are unpaid by now.
    with pytest.raises(Refused, match=r"have changed since it was proposed: 50.00 EUR .* then, 50.00 EUR .* now"):
        approve_refund(large.pk, by=desk.manager)
    refused = Event.objects.order_by("-pk")[0]
    assert (refused.outcome, refused.data["code"]) == ("refused", "stale_quote")
    assert settled_again(desk, large) == (Decimal(40), Decimal(10))
    assert Invoice.objects.get(period__subscription=subscription, period__sequence=0).due == 0


def settled_again(desk: Desk, refund: Refund) -> tuple[Decimal, Decimal]:
    """(set off, payable) of the draft, proposed once more and approved."""
    propose_refund(refund.pk, by=desk.agent, reason="x")
    approve_refund(refund.pk, by=desk.manager)
    return again(refund).set_off, again(refund).payable


def test_what_is_paid_later_is_given_back_in_full(desk: Desk) -> None:
    subscription = partly_paid("10.00")
    day = date(2024, 4, 20)
    settled(desk, decided(desk, subscription=subscription, received_on=day))
    factories.pay(Invoice.objects.get(), Decimal("30.00"))
    assert Invoice.objects.get().state == Invoice.State.PAID
    complaint = decided(desk, subscription=subscription, received_on=day)
    refund = settled(desk, complaint, "special", special_amount=Decimal("20.00"))
    assert refund.inputs["fee_paid"] == "60.00"
    assert (refund.set_off, refund.payable) == (Decimal(0), Decimal("20.00"))


def test_taking_a_set_off_back_makes_it_due_again(desk: Desk) -> None:
    subscription = partly_paid("45.00")
    refund = settled(desk, decided(desk, subscription=subscription, received_on=date(2024, 4, 20)))
    take_back(desk, refund)
    invoice = Invoice.objects.get()
    assert (invoice.set_off, invoice.due, invoice.state) == (Decimal(0), Decimal("15.00"), Invoice.State.OVERDUE)
    assert only_period(subscription).refunded == 0
    note = CreditNote.objects.get(kind="reversal")
    assert (note.gross, note.set_off) == (Decimal("20.00"), Decimal("15.00"))


def test_a_payment_after_the_proposal_sends_it_back(desk: Desk) -> None:
    subscription = partly_paid("10.00")
    refund = propose(desk, decided(desk, subscription=subscription, received_on=date(2024, 4, 20)))
    assert refund.remedy_plan == []
    factories.pay(Invoice.objects.get())
    with pytest.raises(Refused, match="set off against the unpaid fee"):
        approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == "draft"


# --- Worth what was approved --------------------------------------------------------------------


def test_days_and_minutes_are_priced_by_the_period_that_receives_them(desk: Desk) -> None:
    """40.00 of a 60.00 month of 30 days: 3 days of a 600.00 month of 31."""
    subscription = spring_subscription()
    factories.price(subscription.plan, valid_from=date(2024, 4, 2), fee=Decimal("600.00"), minute_cost=Decimal("0.50"))
    april = only_period(subscription)
    with clock_on(date(2024, 5, 20)):
        run_billing(date(2024, 5, 1), by=desk.system)
        for kind, unit, size in (("extension", "days", 3), ("minutes", "minutes", 80)):
            complaint = decided(desk, period=april)
            live = live_quote(complaint, april, Choices(basis="usage"))
            offer = next(each for each in offers(april, live.quote.payable, live.terms) if each.kind == kind)
            assert getattr(offer, unit) == size


# --- Charged and not paid -----------------------------------------------------------------------


def test_what_was_charged_for_a_refund_taken_back_is_given_again_once_it_is_paid(desk: Desk) -> None:
    """50.00 in cash, taken back by a charge: as long as nobody has paid that, the 50.00 are still with the customer."""
    subscription = factories.paid_subscription(activated_on=factories.months_ago(1))
    period = subscription.periods.get()

    def refundable() -> Decimal:
        more: dict[str, Any] = {"special_amount": Decimal("60.00"), "received_at": timezone.now()}
        return quoted(desk, subscription, "special", **more).total

    case = decided(desk, period=period, received_at=timezone.now())
    given: dict[str, Any] = {"special_amount": Decimal("50.00"), "remedies": [{"kind": "cash"}]}
    refund = settled(desk, case, "special", **given)
    mark_payout_paid(Payout.objects.get().pk, by=desk.clerk, reference="B-1", paid_on=factories.today())
    take_back(desk, refund, charge_used=True)
    assert again(period).refundable == Decimal("60.00")
    assert refundable() == Decimal("10.00")
    run_billing(factories.today(), by=factories.system_user())
    invoice = Invoice.objects.latest("pk")
    assert (invoice.gross, refundable()) == (Decimal("110.00"), Decimal("10.00"))
    # The fee first, then the charge.
    payment = record_payment(invoice.pk, by=desk.clerk, amount=Decimal("70.00"), received_on=factories.today())
    assert refundable() == Decimal("20.00")
    take_off_payment(payment.pk, by=desk.clerk, reason="Another's")
    void = propose_void(invoice.pk, by=desk.clerk, reason="Wrong")
    approve_void(void.pk, by=desk.manager)
    assert refundable() == Decimal("10.00")
