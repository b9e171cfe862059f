"""From live rows to the inputs of a quote: which usage, which incidents, which payments count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from audit.tracked import UntrackedWrite
from billing.runs.actions import run_billing
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.models import UsageDay
from complaints.cases.models import Complaint
from complaints.incidents.actions import end_incident, record_incident
from complaints.incidents.models import Incident
from complaints.quotes.facts import QuoteFacts
from complaints.quotes.inputs_json import inputs_from_json, inputs_to_json
from complaints.quotes.quoting import Choices, LiveQuote, differing_lines, live_quote
from complaints.refunds.approvals.actions import approve_refund, reject_refund, return_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Refund
from policies.versions.models import PolicyVersion
from tests import factories
from tests.complaints.cases import (
    APRIL,
    AS_OF,
    Desk,
    decided,
    lines_of,
    noon,
    only_period,
    policy_says,
    propose,
    register,
    settled,
    special,
    spring_subscription,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def quote(complaint: Complaint, basis: str = "usage", **choices: Any) -> LiveQuote:
    found = Complaint.objects.get(pk=complaint.pk)
    return live_quote(found, found.period, Choices(basis=basis, **choices))


def lines(complaint: Complaint, basis: str = "usage", **choices: Any) -> list[str]:
    return [f"{line['code']} {line['amount']}" for line in quote(complaint, basis, **choices).lines]


def set_parameters(**parameters: Any) -> None:
    """What the refund policy fixes for April 2024; said again, the last holds."""
    said = PolicyVersion.objects.filter(policy__kind="refund").count()
    policy_says(date(2024, 3, said), **parameters)


# --- Usage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "minutes"),
    [(APRIL, "minutes -1.20"), (AS_OF, "minutes -1.20"), (AS_OF + timedelta(days=1), "minutes 0.00")],
)
def test_usage_counts_over_the_same_days_as_time(desk: Desk, day: date, minutes: str) -> None:
    subscription = spring_subscription()
    factories.usage(subscription, day=day, seconds=3600)
    assert lines(register(desk, subscription)) == ["fee 60.00", minutes, "time -20.00"]


def test_the_policy_says_whether_the_day_of_receipt_counts(desk: Desk) -> None:
    subscription = spring_subscription()
    factories.usage(subscription, day=AS_OF, seconds=3600)
    complaint = register(desk, subscription)
    set_parameters(as_of_day_counts=False)
    assert lines(complaint) == ["fee 60.00", "minutes 0.00", "time -18.00"]
    assert register(desk, subscription, received_on=APRIL).period.starts_on == APRIL
    first_day = Complaint.objects.order_by("-pk")[0]
    assert lines(first_day) == ["fee 60.00", "minutes 0.00", "time 0.00"]


def test_the_day_of_receipt_is_the_local_one(desk: Desk) -> None:
    # 22:30 in Greenwich on the 9th is half past midnight on the 10th here.
    complaint = register(desk, received_at=datetime(2024, 4, 9, 22, 30, tzinfo=UTC))
    assert quote(complaint).inputs.as_of == date(2024, 4, 10)


def test_days_of_an_extension_and_their_usage_are_not_the_periods_own(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    period = only_period(subscription)
    granted = decided(desk, subscription=subscription, received_on=factories.days_ago(1))
    special_refund = special(desk, granted, "10.00", remedies=[{"kind": "extension"}])
    approve_refund(special_refund.pk, by=desk.manager)
    factories.usage(subscription, day=period.ends_on, seconds=60)
    period.refresh_from_db()
    inputs = quote(granted, "interruption").inputs
    assert (inputs.starts_on, inputs.ends_on) == (period.starts_on, period.ends_on)
    assert period.closes_on > period.ends_on
    late = Complaint.objects.get(pk=granted.pk)
    late.received_at = factories.at(period.ends_on, hour=0)
    assert live_quote(late, period, Choices(basis="usage")).inputs.seconds_used == 0


def test_operations_count_at_the_cost_that_the_period_was_opened_with(desk: Desk) -> None:
    forward = factories.OperationFactory.create(code="FORWARD")
    trunk = factories.OperationFactory.create(code="TRUNK")
    factories.OperationFactory.create(code="UNUSED")
    for operation, cost in ((forward, "0.50"), (trunk, "1.25")):
        factories.OperationCostFactory.create(operation=operation, unit_cost=Decimal(cost))
    subscription = spring_subscription()
    factories.OperationCostFactory.create(operation=trunk, unit_cost=Decimal(9), valid_from=date(2024, 4, 5))
    for quantity in ("1", "0.5", "2"):
        factories.usage(subscription, day=AS_OF, operation="TRUNK", quantity=Decimal(quantity))
    factories.usage(subscription, day=APRIL, operation="FORWARD", quantity=Decimal(4))
    assert lines(register(desk, subscription)) == [
        "fee 60.00",
        "minutes 0.00",
        "operation:FORWARD -2.00",
        "operation:TRUNK -4.38",  # 3.5 at 1.25 is 4.375
        "time -20.00",
    ]


def test_the_terms_of_a_period_are_never_looked_up_again(desk: Desk) -> None:
    subscription = spring_subscription()
    complaint = register(desk, subscription)
    before = replace(quote(complaint).inputs, receiving=None)
    factories.price(subscription.plan, valid_from=date(2024, 4, 1) + timedelta(days=1), fee=Decimal("99.00"))
    run_billing(date(2024, 5, 1), by=desk.clerk)
    # Only what minutes and days are worth goes by the period that receives them.
    assert replace(quote(complaint).inputs, receiving=None) == before
    assert subscription.periods.get(sequence=1).fee == Decimal("99.00")


def test_use_worth_more_than_the_fee_is_forgiven(desk: Desk) -> None:
    subscription = spring_subscription()
    factories.usage(subscription, day=APRIL, seconds=60 * 2500)
    assert lines(register(desk, subscription)) == ["fee 60.00", "minutes -50.00", "time -20.00", "floor 10.00"]


def test_the_daily_sums_are_what_the_records_add_up_to(desk: Desk) -> None:
    subscription = spring_subscription()
    for seconds in (10, 20, 30):
        factories.usage(subscription, day=APRIL, seconds=seconds)
    row = UsageDay.objects.get()
    assert (row.seconds, row.records) == (60, 3)
    # The same record again is none.
    factories.usage(subscription, day=APRIL, seconds=5, external_id="call-1")
    factories.usage(subscription, day=APRIL, seconds=5, external_id="call-1")
    row.refresh_from_db()
    assert (row.seconds, row.records) == (65, 4)


# --- What was paid ------------------------------------------------------------------------------


def test_a_fee_paid_by_credit_is_paid(desk: Desk) -> None:
    subscription = spring_subscription()
    settled(desk, decided(desk, subscription=subscription))
    run_billing(date(2024, 5, 1), by=desk.clerk)
    may = subscription.periods.get(sequence=1)
    complaint = decided(desk, period=may, received_on=date(2024, 5, 10))
    inputs = quote(complaint).inputs
    assert (inputs.fee, inputs.fee_paid, inputs.already_refunded) == (Decimal("60.00"), Decimal("40.00"), Decimal(0))
    factories.pay(may.invoice)
    assert quote(complaint).inputs.fee_paid == Decimal("60.00")


def test_a_refunds_own_pending_amount_is_left_out_and_no_other(desk: Desk) -> None:
    subscription = spring_subscription()
    settled(desk, decided(desk, subscription=subscription), "special", special_amount=Decimal("3.00"))
    other = special(desk, decided(desk, subscription=subscription), "7.00")
    own = propose(desk, decided(desk, subscription=subscription))

    def already(leaving_out: Refund | None) -> Decimal:
        complaint = Complaint.objects.get(pk=own.complaint_id)
        live = live_quote(complaint, complaint.period, Choices(basis="usage"), leaving_out=leaving_out)
        return live.inputs.already_refunded

    assert already(None) == Decimal("50.00")
    assert already(own) == Decimal("10.00")
    assert already(other) == Decimal("43.00")
    reject_refund(own.pk, by=desk.manager, reason="Too much")
    assert already(Refund.objects.get(pk=own.pk)) == Decimal("10.00")


# --- Incidents ----------------------------------------------------------------------------------


def incident(by: Desk, start: datetime, end: datetime | None, **scope: Any) -> Incident:
    scope = scope or {"hits_everybody": True}
    return record_incident(by=by.lead, title="Down", starts_at=start, ends_at=end, **scope)


def test_whom_an_incident_hits(desk: Desk) -> None:
    subscription, sister = spring_subscription(), spring_subscription()
    mine: list[Callable[[], dict[str, Any]]] = [
        lambda: {"hits_everybody": True},
        lambda: {"plan_ids": [subscription.plan_id]},
        lambda: {"subscription_ids": [subscription.pk]},
        lambda: {"subscription_ids": [subscription.pk, sister.pk], "plan_ids": [subscription.plan_id]},
    ]
    for day, scope in enumerate(mine, start=2):
        incident(desk, noon(day), noon(day, hour=17), **scope())
    incident(desk, noon(20), noon(21), plan_ids=[sister.plan_id])
    incident(desk, noon(22), noon(23), subscription_ids=[sister.pk])
    period = only_period(subscription)
    found, maintenance = QuoteFacts.load([period]).interruptions_of(period, noon(30))
    assert [hit.start for hit in found] == [noon(day).astimezone(UTC) for day in (2, 3, 4, 5)]
    assert maintenance == ()
    # 20 hours of 720.
    assert lines(register(desk, subscription), "interruption") == ["interruption 1.67"]


def test_one_that_still_runs_counts_to_the_end_of_a_period_that_is_over(desk: Desk) -> None:
    complaint = register(desk)
    running = incident(desk, noon(2), None)
    # From the 2nd at noon to the end of the 30th.
    assert lines(complaint, "interruption") == ["interruption 57.00"]
    end_incident(running.pk, by=desk.lead, ends_at=noon(5))
    assert lines(complaint, "interruption") == ["interruption 6.00"]


def test_only_the_part_within_the_period_counts(desk: Desk) -> None:
    incident(desk, noon(20, month=3), noon(4))
    incident(desk, noon(28), noon(20, month=5))
    incident(desk, noon(1, month=6), noon(9, month=6))
    # From 1 April to the 4th at noon, and from the 28th at noon to the end of the 30th: six days of thirty.
    late = date(2024, 5, 3)
    assert lines(register(desk, received_on=late), "interruption") == ["interruption 12.00"]


def test_the_minimum_is_the_policys(desk: Desk) -> None:
    complaint = register(desk)
    incident(desk, noon(2), noon(2, hour=16) - timedelta(seconds=1))
    assert lines(complaint, "interruption") == ["interruption 0.00"]
    incident(desk, noon(3), noon(3, hour=16))
    assert lines(complaint, "interruption") == ["interruption 0.33"]
    set_parameters(minimum_interruption_seconds=60)
    assert lines(complaint, "interruption") == ["interruption 0.67"]


def test_a_night_of_daylight_saving_is_as_long_as_it_was(desk: Desk) -> None:
    """March 2024 has 743 hours here: a whole month without service is the whole fee, no more and no less."""
    march = spring_subscription(activated_on=date(2024, 3, 1))
    complaint = register(desk, march, received_on=date(2024, 4, 2))
    first = incident(desk, factories.at(date(2024, 3, 1), hour=0), factories.at(date(2024, 4, 1), hour=0))
    assert lines(complaint, "interruption") == ["interruption 60.00"]
    assert first.ends_at is not None
    assert (first.ends_at.astimezone(UTC) - first.starts_at.astimezone(UTC)) == timedelta(hours=743)


def test_what_an_earlier_refund_counted_is_left_out_even_if_it_was_capped(desk: Desk) -> None:
    subscription = spring_subscription()
    taken = special(desk, decided(desk, subscription=subscription), "55.00")
    incident(desk, noon(2), noon(8))
    first = propose(desk, decided(desk, subscription=subscription), "interruption")
    assert lines_of(first) == ["interruption 12.00", "cap -7.00"]
    second = decided(desk, subscription=subscription)
    withdraw_refund(taken.pk, by=desk.agent, reason="A mistake")
    # All six days were counted, though only 5.00 came of it.
    assert lines(second, "interruption") == ["interruption 0.00"]
    period = only_period(subscription)
    assert QuoteFacts.load([period]).earlier_refunds(period, leaving_out=first) == []

    return_refund(first.pk, by=desk.manager, reason="It is paid by now")
    assert lines(second, "interruption") == ["interruption 12.00"]


@pytest.mark.parametrize("settle", [True, False])
def test_a_later_part_of_the_same_outage_is_still_refunded(desk: Desk, settle: bool) -> None:
    subscription = spring_subscription()
    running = incident(desk, noon(2), noon(4))
    first = propose(desk, decided(desk, subscription=subscription), "interruption")
    if settle:
        approve_refund(first.pk, by=desk.manager)
    running.ends_at = noon(9)
    running.save()
    assert lines(decided(desk, subscription=subscription), "interruption") == ["interruption 10.00"]


def test_what_a_neighbouring_period_was_refunded_for_is_not_left_out_here(desk: Desk) -> None:
    subscription = spring_subscription()
    run_billing(date(2024, 5, 1), by=desk.clerk)
    may = subscription.periods.get(sequence=1)
    factories.pay(may.invoice)
    incident(desk, noon(28), noon(4, month=5))
    late = date(2024, 5, 3)
    settled(desk, decided(desk, subscription=subscription, received_on=late), "interruption")
    complaint = decided(desk, period=may, received_on=date(2024, 5, 10))
    assert quote(complaint, "interruption").inputs.compensated == ()
    # Three and a half days of thirty-one.
    assert lines(complaint, "interruption") == ["interruption 6.77"]


# --- Shape --------------------------------------------------------------------------------------


def test_stored_inputs_are_read_back_as_they_were(desk: Desk) -> None:
    subscription = spring_subscription()
    factories.usage(subscription, day=APRIL, seconds=61)
    incident(desk, noon(2), noon(4))
    for basis in ("usage", "interruption", "special", "full_month"):
        amount = Decimal("9.00") if basis == "special" else None
        refund = propose(desk, decided(desk, subscription=subscription), basis, special_amount=amount)
        stored = Refund.objects.get(pk=refund.pk).inputs
        assert inputs_to_json(inputs_from_json(stored)) == stored


def test_quoting_writes_nothing(desk: Desk) -> None:
    complaint = register(desk)
    history = complaint.history.count()
    quote(complaint)
    assert complaint.history.count() == history
    with pytest.raises(UntrackedWrite):
        BillingPeriod.objects.all().update(pending=Decimal("1.00"))


def test_lines_side_by_side() -> None:
    def line(code: str, amount: str) -> dict[str, str]:
        return {"code": code, "amount": amount}

    before = [line("fee", "60.00"), line("minutes", "0.00"), line("cap", "-5.00")]
    after = [line("fee", "60.00"), line("minutes", "-1.00"), line("time", "-2.00")]
    assert differing_lines(before, before) == []
    assert differing_lines(before, after) == [
        {"code": "minutes", "before": "0.00", "after": "-1.00"},
        {"code": "cap", "before": "-5.00", "after": ""},
        {"code": "time", "before": "", "after": "-2.00"},
    ]


def test_an_annual_period_is_counted_by_its_own_days(desk: Desk) -> None:
    subscription: Subscription = spring_subscription(term="annual", activated_on=date(2023, 4, 1))
    period = only_period(subscription)
    assert period.days == 366
    complaint = register(desk, subscription, received_on=date(2023, 9, 30))
    assert lines(complaint) == ["fee 720.00", "minutes 0.00", "time -360.00"]
    assert lines(complaint, "full_month") == ["full_month 60.00"]
    assert timezone.localdate(complaint.received_at) == date(2023, 9, 30)
