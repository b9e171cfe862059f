"""Which facts enter a quote: those of the period itself, and none that came after the complaint (RULES 5, R3, R7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone

from audit.actions import Refused
from billing.plans.models import Plan
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from complaints.cases.decisions.actions import merge_complaints
from complaints.cases.models import Complaint
from complaints.incidents.actions import edit_incident, end_incident, record_incident
from complaints.quotes.inputs import Interval
from complaints.quotes.quoting import Choices, LiveQuote, live_quote
from complaints.refund_calculation import calculate
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.forms import ProposeForm
from complaints.refunds.proposals.actions import draft_refund, propose_refund
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import (
    APRIL,
    Desk,
    again,
    decide,
    decided,
    noon,
    propose,
    register,
    settled,
    spring_subscription,
    take_up,
)
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

MAY = date(2024, 5, 1)


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def quote(complaint: Complaint, basis: str = "interruption", **choices: Any) -> LiveQuote:
    complaint = Complaint.objects.get(pk=complaint.pk)
    return live_quote(complaint, complaint.period, Choices(basis=basis, **choices))


# --- The plan of the period ---------------------------------------------------------------------


@pytest.fixture
def moved(desk: Desk) -> tuple[Subscription, Plan, Plan]:
    """On plan A in April, on plan B from 1 May on."""
    first, second = factories.price().plan, factories.price(valid_from=APRIL).plan
    subscription = spring_subscription(plan=first)
    return subscription, first, second


def move(desk: Desk, subscription: Subscription, plan: Plan) -> None:
    with clock_on(date(2024, 4, 25)):
        factories.plan_change(subscription, plan, effective_on=MAY)
    run_billing(MAY, by=desk.system)
    subscription.refresh_from_db()
    assert subscription.plan == plan


def test_an_outage_hits_the_period_through_the_plan_it_was_billed_with(
    desk: Desk, moved: tuple[Subscription, Plan, Plan]
) -> None:
    subscription, first, second = moved
    record_incident(by=desk.lead, title="A", starts_at=noon(1, hour=0), ends_at=noon(16, hour=0), plan_ids=[first.pk])
    refund = propose(desk, decided(desk, subscription=subscription, received_on=date(2024, 4, 20)), "interruption")
    assert refund.total == Decimal("30.00")
    move(desk, subscription, second)
    approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == "settled"


def test_an_outage_of_the_plan_of_today_pays_nobody_who_was_on_another(
    desk: Desk, moved: tuple[Subscription, Plan, Plan]
) -> None:
    subscription, _, second = moved
    record_incident(by=desk.lead, title="B", starts_at=noon(2), ends_at=noon(9), plan_ids=[second.pk])
    move(desk, subscription, second)
    april = subscription.periods.get(sequence=0)
    complaint = decided(desk, period=april, received_on=date(2024, 5, 3))
    assert quote(complaint).quote.total == 0


# --- Nothing of after the receipt ---------------------------------------------------------------


@pytest.mark.parametrize("basis", ["usage", "interruption", "full_month", "special"])
def test_no_refund_of_a_period_that_began_after_the_complaint_came(desk: Desk, basis: str) -> None:
    subscription = spring_subscription()
    run_billing(MAY, by=desk.system)
    may = subscription.periods.get(sequence=1)
    factories.pay(may.invoice)
    complaint = decided(desk, period=subscription.periods.get(sequence=0), outcome="upheld")
    extra: dict[str, Any] = {"special_amount": Decimal("5.00")} if basis == "special" else {}
    assert_refused(
        "as_of_before_period",
        draft_refund,
        complaint.pk,
        by=desk.agent,
        basis=basis,
        period_id=may.pk,
        justification="Please",
        evidence="None",
        **extra,
        saying="before the period began",
    )
    # Nor does the form offer it.
    form = ProposeForm(rows=[Complaint.objects.get(pk=complaint.pk)], by=desk.agent)
    field: Any = form.fields["period_id"]
    offered = [pk for pk, _ in field.choices]
    assert offered == [complaint.period_id]


def test_an_outage_that_began_after_the_complaint_does_not_count_one_that_ran_counts_to_its_end(desk: Desk) -> None:
    complaint = register(desk)  # received on the 10th at noon
    record_incident(by=desk.lead, title="After", starts_at=noon(10, hour=13), ends_at=noon(20), hits_everybody=True)
    assert quote(complaint).quote.total == 0
    record_incident(by=desk.lead, title="Before", starts_at=noon(9), ends_at=noon(12), hits_everybody=True)
    # Three days of thirty; the other one began later, and is looked at by itself though they overlap.
    assert quote(complaint).quote.total == Decimal("6.00")


def at(day: str) -> datetime:
    """A local moment of 2024, "03-31T20" for 20:00."""
    return datetime.fromisoformat(f"2024-{day}:00").replace(tzinfo=ZoneInfo(settings.BUSINESS_TIME_ZONE))


@pytest.mark.parametrize(
    ("outages", "maintenance", "amount"),
    [
        # What is one outage counts as one, whichever part of it lies in the period, which began on 1 April.
        (["03-31T21 04-01T00", "04-01T00 04-01T03"], [], "0.25"),
        (["03-31T22 04-01T00", "04-01T00 04-01T01"], [], "0.00"),
        (["03-30T12 03-31T12", "03-31T12 04-01T00", "04-01T00 04-01T02"], [], "0.17"),
        (["04-30T22 05-01T00", "05-01T00 05-01T02"], [], "0.17"),
        # Maintenance shortens it on both sides of the bounds.
        (["03-31T20 04-01T03"], ["03-31T20 04-01T00"], "0.00"),
        (["03-31T20 04-01T03"], ["03-31T20 03-31T23"], "0.25"),
        (["04-30T22 05-01T04"], ["05-01T01 05-01T04"], "0.00"),
        # What doesn't touch is another.
        (["03-31T20 03-31T23", "04-01T00 04-01T03"], [], "0.00"),
    ],
)
def test_an_outage_across_the_bounds_of_the_period_is_judged_as_a_whole(
    desk: Desk, outages: list[str], maintenance: list[str], amount: str
) -> None:
    complaint = decided(desk, received_on=date(2024, 5, 9))
    for times, scheduled in [*((each, False) for each in outages), *((each, True) for each in maintenance)]:
        start, end = map(at, times.split())
        record_incident(
            by=desk.clerk, title="x", starts_at=start, ends_at=end, scheduled=scheduled, hits_everybody=True
        )
    made = quote(complaint)
    assert made.quote.total == Decimal(amount)
    # Whoever computes it from all that is on record, on another machine, finds the same.
    every, announced = (tuple(Interval(*map(at, each.split())) for each in times) for times in (outages, maintenance))
    whole = replace(made.inputs, interruptions=every, maintenance=announced)
    assert calculate(whole).total == Decimal(amount)


@pytest.mark.parametrize(
    ("start", "end", "scheduled"),
    [("04-20T00", "04-22T00", False), ("04-02T00", "04-04T00", True), ("03-02T00", "03-04T00", False)],
    ids=["begun after the receipt", "maintenance", "another period"],
)
def test_a_special_case_names_no_incident_that_the_complaint_cannot_be_about(
    desk: Desk, start: str, end: str, scheduled: bool
) -> None:
    complaint = decided(desk)
    incident = record_incident(
        by=desk.clerk, title="x", starts_at=at(start), ends_at=at(end), scheduled=scheduled, hits_everybody=True
    )
    assert incident not in ProposeForm(rows=[complaint]).incidents
    assert_refused(
        "incident",
        draft_refund,
        complaint.pk,
        by=desk.agent,
        basis="special",
        special_amount=Decimal(10),
        incident_id=incident.pk,
        saying="is no interruption that hit this period before the complaint was received.",
    )


def test_a_named_incident_that_becomes_maintenance_sends_the_proposal_back(desk: Desk) -> None:
    incident = record_incident(by=desk.clerk, title="x", starts_at=noon(2), ends_at=noon(4), hits_everybody=True)
    refund = propose(desk, decided(desk), "special", special_amount=Decimal(10), incident_id=incident.pk)
    edit_incident(
        incident.pk,
        by=desk.clerk,
        reason="It was announced",
        title="x",
        starts_at=noon(2),
        ends_at=noon(4),
        scheduled=True,
        hits_everybody=True,
    )
    with pytest.raises(Refused, match=r"counts have changed .* 2024-04-02 12:00 – 2024-04-04 12:00 then, none now"):
        approve_refund(refund.pk, by=desk.manager)
    assert again(refund).state == "draft"
    assert_refused("incident", propose_refund, refund.pk, by=desk.agent, reason="Again")


def test_while_an_outage_and_the_period_go_on_the_quote_is_provisional(desk: Desk) -> None:
    began = factories.days_ago(5)
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    running = record_incident(by=desk.lead, title="Down", starts_at=factories.at(began), hits_everybody=True)
    complaint = decided(desk, subscription=subscription, received_on=factories.days_ago(1))
    live = quote(complaint)
    assert live.running == running
    assert live.quote.total > 0
    refund = draft_refund(complaint.pk, by=desk.agent, basis="interruption")
    assert_refused("provisional", propose_refund, refund.pk, by=desk.agent, reason="Log", saying="still runs")
    end_incident(running.pk, by=desk.lead, ends_at=timezone.now() - timedelta(minutes=1))
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    assert again(refund).total > 0


def test_what_starts_to_run_after_the_proposal_stops_its_approval(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    day = factories.days_ago(5)
    record_incident(
        by=desk.lead, title="Down", starts_at=factories.at(day), ends_at=factories.at(day, hour=20), hits_everybody=True
    )
    complaint = decided(desk, subscription=subscription, received_on=factories.days_ago(1))
    refund = propose(desk, complaint, "interruption")
    record_incident(
        by=desk.lead, title="Down again", starts_at=factories.at(factories.days_ago(3)), hits_everybody=True
    )
    assert_refused("provisional", approve_refund, refund.pk, by=desk.manager)
    assert again(refund).state == "proposed"


# --- Complaints that were joined ----------------------------------------------------------------


def test_joined_complaints_keep_each_their_own_receipt(desk: Desk) -> None:
    subscription = spring_subscription()
    record_incident(by=desk.lead, title="Later", starts_at=noon(15), ends_at=noon(18), hits_everybody=True)
    early = register(desk, subscription, received_on=date(2024, 4, 10))
    late = register(desk, subscription, received_on=date(2024, 4, 20))
    assert quote(early).quote.total == 0
    merge_complaints(late.pk, by=desk.lead, into_id=early.pk, reason="The same matter")
    survivor = again(early)
    assert survivor.received_at == factories.at(date(2024, 4, 10))
    # Usage goes by the earlier receipt, interruptions by the later one.
    assert quote(survivor, "usage").inputs.as_of == date(2024, 4, 10)
    assert quote(survivor).quote.total == Decimal("6.00")


@pytest.mark.parametrize("basis", ["usage", "interruption"])
@pytest.mark.parametrize("other", ["another line", "hardware", "rejected", "still open", "upheld"])
def test_a_merged_complaint_moves_the_day_only_if_it_could_have_been_refunded(
    desk: Desk, basis: str, other: str
) -> None:
    """The case came on 10 April; what is merged into it on the 5th or the 20th."""
    subscription = spring_subscription()
    record_incident(by=desk.lead, title="x", starts_at=noon(15), ends_at=noon(18), hits_everybody=True)
    complaint = decided(desk, subscription=subscription)
    day = date(2024, 4, 5 if basis == "usage" else 20)
    line = spring_subscription(customer=subscription.customer) if other == "another line" else subscription
    values: dict[str, Any] = {"category": "hardware"} if other == "hardware" else {}
    merged = register(desk, line, received_on=day, **values)
    if other in ("rejected", "upheld"):
        decide(desk, take_up(desk, merged), other)
    merge_complaints(merged.pk, by=desk.lead, into_id=complaint.pk, reason="The same matter")
    moves = other in ("still open", "upheld")
    expected = {"usage": ("50.00", "40.00"), "interruption": ("6.00", "0.00")}[basis][0 if moves else 1]
    assert quote(complaint, basis).quote.total == Decimal(expected)


def test_a_complaint_that_came_before_the_period_does_not_set_its_day(desk: Desk) -> None:
    subscription = spring_subscription()
    run_billing(MAY, by=desk.system)
    april, may = subscription.periods.order_by("sequence")
    factories.pay(may.invoice)
    before = register(desk, period=april, received_on=date(2024, 4, 25))
    about = register(desk, period=may, received_on=date(2024, 5, 11))
    merge_complaints(before.pk, by=desk.lead, into_id=about.pk, reason="The same matter")
    assert quote(again(about), "usage").inputs.as_of == date(2024, 5, 11)


# --- Full months --------------------------------------------------------------------------------


def test_a_third_full_month_within_a_year_needs_an_agreement(desk: Desk) -> None:
    subscription = spring_subscription(term="annual", plan=factories.price(term="annual").plan)
    for _ in range(2):
        settled(desk, decided(desk, subscription=subscription), "full_month")
    third = decide(desk, take_up(desk, register(desk, subscription)))
    refund = draft_refund(
        third.pk, by=desk.agent, basis="full_month", justification="Again", unusual_reason="It stands for itself."
    )
    assert_refused("full_months", propose_refund, refund.pk, by=desk.agent, reason="Again", saying="allows 2")
