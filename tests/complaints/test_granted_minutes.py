"""Minutes that a refund granted are the company's own gift: spoken first, never deducted, one period longer (R3, R4).

A grant of 100 minutes, worth 2.00, is made on 10 April 2024; the period is April, 60.00 EUR, a minute costs 0.02.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

import pytest

from audit.actions import Refused
from audit.ledger_checks import run_checks
from billing.remedies.models import MinutesGrant
from billing.runs.actions import run_billing
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.evidence import Evidence, evidence_of
from complaints.cases.models import Complaint
from complaints.quotes.quoting import Choices, LiveQuote, live_quote
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from complaints.reversals.plan import plan_reversal
from demo.clock import Clock
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk, again, decided, propose, settled, spring_subscription
from tests.complaints.refusals import assert_refused
from tests.money_invariants import check_money

pytestmark = pytest.mark.django_db

GRANTED_ON = date(2024, 4, 10)
MAY, JUNE = date(2024, 5, 1), date(2024, 6, 1)


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


@pytest.fixture
def clock(desk: Desk) -> Iterator[Clock]:
    """The day of the grant, until a test goes on; the books are in order at its end."""
    with clock_on(GRANTED_ON) as running:
        yield running
        check_money()
        assert list(run_checks(CHECKS)) == []


@pytest.fixture
def subscription(clock: Clock) -> Subscription:
    return spring_subscription()


@pytest.fixture
def refund(desk: Desk, subscription: Subscription) -> Refund:
    """The gift: 2.00 as 100 minutes."""
    complaint = decided(desk, subscription=subscription)
    given = settled(desk, complaint, "special", special_amount=Decimal("2.00"), remedies=[{"kind": "minutes"}])
    assert MinutesGrant.objects.values_list("minutes", "granted_on").get() == (100, GRANTED_ON)
    return given


def call(subscription: Subscription, calls: Mapping[date, int]) -> None:
    """So many seconds on each day."""
    for day, seconds in calls.items():
        factories.usage(subscription, day=day, seconds=seconds)


def usage_quote(desk: Desk, period: BillingPeriod, received_on: date) -> tuple[Complaint, LiveQuote]:
    complaint = decided(desk, period=period, received_on=received_on)
    return complaint, live_quote(complaint, complaint.period, Choices(basis="usage"))


def line(live: LiveQuote, code: str = "minutes") -> Decimal:
    return next(each.amount for each in live.quote.lines if each.code == code)


def april(day: int) -> date:
    return date(2024, 4, day)


@pytest.mark.parametrize(
    ("calls", "granted", "deducted", "left"),
    [
        pytest.param({april(9): 3000}, 0, "-1.00", 100, id="the day before the grant"),
        pytest.param({april(10): 3000}, 3000, "0.00", 50, id="the day of the grant"),
        pytest.param({april(10): 1}, 1, "0.00", 99, id="a minute that was begun is used"),
        pytest.param({april(20): 9000}, 6000, "-1.00", 0, id="more than was granted"),
        pytest.param({april(9): 1800, april(12): 1800}, 1800, "-0.60", 70, id="before and after"),
        pytest.param({april(12): 1800, april(21): 1800}, 1800, "0.00", 40, id="and after the complaint"),
        pytest.param({april(21): 9000}, 0, "0.00", 0, id="all of it after the complaint"),
    ],
)
def test_quote_evidence_and_reversal_share_one_figure(
    desk: Desk,
    clock: Clock,
    subscription: Subscription,
    refund: Refund,
    calls: dict[date, int],
    granted: int,
    deducted: str,
    left: int,
) -> None:
    clock.now = factories.at(april(21), 20)
    call(subscription, calls)
    called = sum(seconds for day, seconds in calls.items() if day <= april(20))

    complaint, live = usage_quote(desk, refund.period, april(20))
    assert line(live) == Decimal(deducted)
    assert live.inputs.seconds_used == called - granted
    evidence = Evidence(complaint)
    assert (evidence.usage[0], evidence.granted_seconds) == (called - granted, granted)
    kept = evidence_of(complaint)
    assert (kept["seconds_used"], kept["granted_seconds_used"]) == (called - granted, granted)
    (entry,) = plan_reversal(refund).entries
    assert entry.back.undone == left

    reversal = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    if not left:
        assert_refused("nothing", approve_reversal, reversal.pk, by=desk.director, charge_used=False)
        return
    approve_reversal(reversal.pk, by=desk.director, charge_used=False)
    assert MinutesGrant.objects.get().reversed_minutes == left
    # What was spoken stays a gift.
    _, after = usage_quote(desk, refund.period, april(20))
    assert after.inputs.seconds_used == live.inputs.seconds_used


@pytest.mark.parametrize(
    ("day", "deducted", "on_gift"),
    [
        pytest.param(date(2024, 5, 1), "0.00", 3000, id="the first day of the period after"),
        pytest.param(date(2024, 5, 31), "0.00", 3000, id="the last day of the period after"),
        pytest.param(date(2024, 6, 1), "-1.00", 0, id="the day after"),
    ],
)
def test_they_live_one_period_longer(
    desk: Desk, clock: Clock, subscription: Subscription, refund: Refund, day: date, deducted: str, on_gift: int
) -> None:
    for billed in (MAY, JUNE):
        clock.now = factories.at(billed)
        run_billing(billed, by=desk.clerk)
    call(subscription, {day: 3000})
    period = BillingPeriod.objects.get(subscription=subscription, starts_on__lte=day, ends_on__gt=day)
    clock.now = factories.at(date(2024, 6, 2))

    complaint, live = usage_quote(desk, period, day)
    assert line(live) == Decimal(deducted)
    assert Evidence(complaint).granted_seconds == on_gift
    # What was not spoken by then is gone: nothing comes back by itself.
    assert plan_reversal(refund).recovered == 0


def test_minutes_of_the_allowance_are_deducted_all_the_same(
    desk: Desk, clock: Clock, subscription: Subscription
) -> None:
    """Without a grant: the plan includes 500 minutes, and each of them counts (R3 a)."""
    call(subscription, {april(9): 3000})
    _, live = usage_quote(desk, BillingPeriod.objects.get(), GRANTED_ON)
    assert line(live) == Decimal("-1.00")


def test_the_grant_that_ends_first_is_spoken_first(
    desk: Desk, clock: Clock, subscription: Subscription, refund: Refund
) -> None:
    """April's ends with May, May's with June: of 150 minutes in May, April's 100 go first."""
    clock.now = factories.at(MAY)
    run_billing(MAY, by=desk.clerk)
    may = BillingPeriod.objects.get(subscription=subscription, sequence=1)
    factories.pay(may.invoice)
    complaint = decided(desk, period=may, received_on=MAY)
    later = settled(desk, complaint, "special", special_amount=Decimal("2.00"), remedies=[{"kind": "minutes"}])
    call(subscription, {MAY: 9000})

    undone = [plan_reversal(each).entries[0].back.undone for each in (refund, later)]
    assert undone == [0, 50]
    _, live = usage_quote(desk, may, MAY)
    assert line(live) == 0


def test_a_gift_spoken_between_proposal_and_approval_changes_nothing(
    desk: Desk, clock: Clock, subscription: Subscription, refund: Refund
) -> None:
    clock.now = factories.at(april(21))
    proposal = propose(desk, decided(desk, period=refund.period, received_on=april(20)))
    call(subscription, {april(19): 6000})
    approve_refund(proposal.pk, by=desk.manager)
    # 60.00 less 20 of 30 days.
    assert (again(proposal).state, proposal.total) == ("settled", Decimal("20.00"))


def test_a_second_more_than_the_gift_sends_the_proposal_back(
    desk: Desk, clock: Clock, subscription: Subscription, refund: Refund
) -> None:
    clock.now = factories.at(april(21))
    proposal = propose(desk, decided(desk, period=refund.period, received_on=april(20)))
    call(subscription, {april(19): 6030})
    with pytest.raises(Refused) as refused:
        approve_refund(proposal.pk, by=desk.manager)
    assert (refused.value.code, again(proposal).state) == ("stale_quote", "draft")
