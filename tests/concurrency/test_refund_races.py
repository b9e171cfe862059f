"""Several people at one refund, one period, one case: exactly one wins, the caps hold, and losers read why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection

from audit.models import Event
from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payments.actions import record_payment
from billing.runs.actions import run_billing
from complaints.cases.actions import register_complaint
from complaints.cases.decisions.actions import merge_complaints, reopen_complaint, withdraw_complaint
from complaints.cases.models import Complaint
from complaints.refunds.approvals.actions import approve_refund, reject_refund, return_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Approval, Refund
from complaints.refunds.proposals.actions import draft_refund, propose_refund, quote_and_propose
from tests import factories
from tests.complaints.cases import (
    AS_OF,
    Desk,
    again,
    decided,
    draft,
    held,
    only_period,
    propose,
    register,
    special,
    spring_subscription,
)
from tests.concurrency.racing import race, refusals_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

NOTHING = Decimal(0)
PEOPLE = 8


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def approvals(refund: Refund, count: int = PEOPLE) -> list[Callable[[], object]]:
    """An attempt at approving, by so many different managers."""
    return [partial(approve_refund, refund.pk, by=factories.manager()) for _ in range(count)]


def refused_events() -> Counter[str]:
    events = Event.objects.filter(outcome="refused")
    return Counter(event.data["code"] for event in events)


def test_eight_people_approve_the_same_refund(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    results = race(approvals(refund))

    lost = refusals_of(results)
    assert len(lost) == PEOPLE - 1
    assert {(each.code, each.message) for each in lost} == {("state", lost[0].message)}
    assert f"{refund.code} is “Settled”" in lost[0].message
    assert again(refund).state == Refund.State.SETTLED
    assert held(refund.period) == (NOTHING, Decimal("40.00"))
    assert Credit.objects.get().granted == Decimal("40.00")
    assert Approval.objects.count() == 1
    assert refused_events() == {"state": PEOPLE - 1}
    assert Event.objects.filter(verb="refund.approve", outcome="done").count() == 1


def test_eight_people_give_the_two_approvals_that_are_needed(desk: Desk) -> None:
    subscription = spring_subscription(agreed_fee=Decimal("900.00"))
    refund = propose(desk, decided(desk, subscription=subscription))
    results = race(approvals(refund))
    assert len(refusals_of(results)) == PEOPLE - 2
    assert sorted(Approval.objects.values_list("step", flat=True)) == [1, 2]
    assert Credit.objects.get().granted == Decimal("600.00")
    assert again(refund).state == Refund.State.SETTLED


def test_the_same_manager_in_two_windows(desk: Desk) -> None:
    subscription = spring_subscription(agreed_fee=Decimal("900.00"))
    refund = propose(desk, decided(desk, subscription=subscription))
    results = race([partial(approve_refund, refund.pk, by=desk.manager) for _ in range(PEOPLE)])
    assert {each.code for each in refusals_of(results)} == {"approved_already"}
    assert again(refund).state == Refund.State.APPROVED
    assert Approval.objects.count() == 1


def test_refunds_race_for_what_a_period_still_bears(desk: Desk) -> None:
    subscription = spring_subscription()
    drafts = [
        draft(desk, decided(desk, subscription=subscription), "special", special_amount=Decimal("25.00"))
        for _ in range(PEOPLE)
    ]
    results = race([partial(propose_refund, each.pk, by=desk.agent, reason="The log") for each in drafts])

    # 60.00 is 25.00 twice and 10.00 once.
    lost = refusals_of(results)
    assert {each.code for each in lost} == {"nothing"}
    assert "already refunded or pending" in lost[0].message
    won = Refund.objects.filter(state=Refund.State.PROPOSED)
    assert sorted(won.values_list("total", flat=True)) == [Decimal("10.00"), Decimal("25.00"), Decimal("25.00")]
    assert held(only_period(subscription)) == (Decimal("60.00"), NOTHING)

    results = race([partial(approve_refund, each.pk, by=desk.manager) for each in won])
    assert refusals_of(results) == []
    assert held(only_period(subscription)) == (NOTHING, Decimal("60.00"))
    assert sum(Credit.objects.values_list("granted", flat=True)) == Decimal("60.00")


def test_one_customers_refunds_race_for_one_limit(desk: Desk) -> None:
    """Two subscriptions, so two periods: only the customer's lock makes the second look at the first."""
    customer = factories.CustomerFactory.create()
    refunds = [propose(desk, decided(desk, subscription=spring_subscription(customer=customer))) for _ in range(PEOPLE)]
    results = race([partial(approve_refund, each.pk, by=desk.lead) for each in refunds])
    # 40.00 each: a limit of 100.00 covers two.
    assert Counter(each.code for each in refusals_of(results)) == {"over_limit": PEOPLE - 2}
    assert Refund.objects.filter(state=Refund.State.SETTLED).count() == 2


def test_one_open_refund_for_a_complaint_whoever_is_fastest(desk: Desk) -> None:
    complaint = decided(desk)
    people = [factories.agent() for _ in range(PEOPLE)]
    results = race([partial(draft_refund, complaint.pk, by=person, basis="usage") for person in people])
    refund = Refund.objects.get()
    lost = refusals_of(results)
    assert len(lost) == PEOPLE - 1
    assert all(each.code == "open_refund" and refund.code in each.message for each in lost)


def test_approve_return_reject_and_withdraw_at_once(desk: Desk) -> None:
    refund = propose(desk, decided(desk))
    complaint = refund.complaint
    attempts: list[Callable[[], object]] = [
        *approvals(refund, 2),
        partial(return_refund, refund.pk, by=desk.manager, reason="Too much"),
        partial(reject_refund, refund.pk, by=desk.director, reason="Too much"),
        partial(withdraw_refund, refund.pk, by=desk.agent, reason="A mistake"),
        partial(withdraw_complaint, complaint.pk, by=desk.agent, channel="phone", reason="“Never mind”"),
        partial(reopen_complaint, complaint.pk, by=desk.lead, reason="New facts"),
    ]
    race(attempts)
    now = again(refund)
    pending, refunded = held(refund.period)
    assert now.state in {"settled", "rejected", "withdrawn", "draft", "proposed"}
    assert pending == (now.total if now.state == "proposed" else NOTHING)
    assert refunded == (Decimal("40.00") if now.state == "settled" else NOTHING)
    assert Credit.objects.count() == (1 if now.state == "settled" else 0)


def test_drafting_approving_billing_and_registering_do_not_wait_for_each_other_in_a_circle(desk: Desk) -> None:
    """Each locks or refers to the same customer, subscription, period and complaint, from another side."""
    subscription = spring_subscription()
    run_billing(date(2024, 5, 1), by=desk.clerk)
    april, may = subscription.periods.order_by("sequence")
    complaint = decided(desk, period=april)
    for turn in range(6):
        refund = special(desk, complaint, "1.00")
        other = register(desk, period=april, received_on=AS_OF)
        attempts: list[Callable[[], object]] = [
            partial(approve_refund, refund.pk, by=desk.manager),
            partial(draft_refund, complaint.pk, by=desk.agent, basis="usage", period_id=april.pk),
            partial(draft_refund, complaint.pk, by=desk.colleague, basis="full_month"),
            partial(
                quote_and_propose,
                complaint.pk,
                by=desk.lead,
                reason="Goodwill",
                basis="full_month",
                justification="Ten years a customer",
            ),
            partial(run_billing, date(2024, 6 + turn, 1), by=desk.clerk),
            partial(_register, desk, april.pk, subscription.pk),
            partial(merge_complaints, other.pk, by=desk.lead, into_id=complaint.pk, reason="The same"),
            partial(factories.usage, subscription, day=date(2024, 4, 20), seconds=60),
            partial(
                record_payment,
                Invoice.objects.get(period=may).pk,
                by=desk.clerk,
                amount=Decimal("1.00"),
                received_on=date(2024, 5, 2),
            ),
        ]
        race(attempts)
        for left in Refund.objects.open().filter(complaint=complaint):
            withdraw_refund(left.pk, by=desk.lead, reason="Next turn")
        assert held(april)[0] == NOTHING
    settled = Refund.objects.filter(period=april, state=Refund.State.SETTLED)
    assert held(april)[1] == sum(settled.values_list("total", flat=True))
    assert connection.in_atomic_block is False


def _register(desk: Desk, period_id: int, subscription_id: int) -> Complaint:
    return register_complaint(
        by=desk.colleague,
        subscription_id=subscription_id,
        period_id=period_id,
        channel="phone",
        received_at=factories.at(AS_OF),
        category="quality",
        sought="money",
        subject="The same again",
        text="It is still bad.",
    )


def test_codes_and_numbers_are_given_once_and_without_a_gap(desk: Desk) -> None:
    subscription = spring_subscription()
    period = only_period(subscription)
    results = race([partial(_register, desk, period.pk, subscription.pk) for _ in range(PEOPLE)])
    assert refusals_of(results) == []
    codes = sorted(Complaint.objects.values_list("code", flat=True))
    assert codes == [f"C-{number:05d}" for number in range(1, PEOPLE + 1)]
