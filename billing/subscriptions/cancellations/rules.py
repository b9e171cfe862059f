"""When a cancellation takes effect, what becomes of periods opened since, and why there can be none (F1 to F4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from billing.periods import Term, period_containing
from billing.remedies.models import Extension
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.subscriptions.rules import own_period
from core.text import Text, say, say_count

#: For how many days back anybody who cancels may say that it was asked for, unless the policy in force says otherwise.
DAYS_BACK = 30

type DaysBack = Callable[[date], int]

_days_back: list[DaysBack] = []


def register_days_back(days: DaysBack) -> DaysBack:
    """Have the policy say how far back a cancellation may lie, by the day on which it is typed in. A decorator, for an
    app above: this one knows no policies.
    """
    _days_back[:] = [days]
    return days


@dataclass(frozen=True)
class CancellationEffect:
    """What a cancellation that is asked for on a day comes to: the first day without service, and the periods opened
    since then, which are voided.
    """

    ends_on: date
    voided: tuple[BillingPeriod, ...]


def effect_of(subscription: Subscription, periods: Sequence[BillingPeriod], asked_on: date) -> CancellationEffect:
    """What cancelling comes to. ``periods`` are all of the subscription's, in order.

    The service ends with the period that is current on the day, extensions settled until then included, whether billing
    ran before or after it is typed in (F2). One that has not begun on that day never begins.
    """
    ends_on = _ends_on(subscription, periods, asked_on)
    return CancellationEffect(ends_on, tuple(period for period in periods if period.starts_on >= ends_on))


def _ends_on(subscription: Subscription, periods: Sequence[BillingPeriod], asked_on: date) -> date:
    if asked_on < subscription.activated_on:
        return subscription.activated_on
    if not periods or asked_on < periods[0].starts_on:
        # It came over from another system in a later period.
        return period_containing(subscription.activated_on, Term(subscription.term), asked_on).ends_on
    for period in periods:
        if period.starts_on <= asked_on < period.closes_on:
            return period.closes_on
    return cancellation_takes_effect_on(subscription, periods[-1], asked_on)


def cancellation_obstacle(subscription: Subscription) -> Text | None:
    """Why the subscription cannot be cancelled now, or None."""
    if subscription.state == Subscription.State.ENDED:
        return say("{subscription} has ended already.", subscription=subscription.number)
    if subscription.state == Subscription.State.CANCELLED:
        return say("{subscription} is cancelled already.", subscription=subscription.number)
    return None


def day_obstacle(asked_on: date, today: date, by: User) -> Obstacle | None:
    """Why this person cannot say that it was asked for on the day, or None."""
    if asked_on > today:
        return Obstacle(say("A cancellation cannot have been asked for in the future."), Refusal.DATES)
    days = _days_back[0](today) if _days_back else DAYS_BACK
    if asked_on >= today - timedelta(days=days) or by.may(May.CANCEL_FOR_OLD_DAYS):
        return None
    return Obstacle(
        say_count(
            "That is more than {count} day ago: {roles} can cancel from such a day.",
            "That is more than {count} days ago: {roles} can cancel from such a day.",
            days,
            roles=May.held_by(May.CANCEL_FOR_OLD_DAYS),
        ),
        Refusal.PERMISSION,
    )


def ends_with(asked_on: date | None, closes_on: date) -> bool:
    """Whether a cancellation takes effect at the end of the period that closes on the day: one that was asked for
    after it (while billing was late) takes effect at the end of a later one (F2, F4).
    """
    return asked_on is not None and asked_on < closes_on


def cancellation_takes_effect_on(subscription: Subscription, period: BillingPeriod | None, asked_on: date) -> date:
    """The first day without service of a subscription whose cancellation is asked for on the day: the end of
    the current ``period``, or of the one that contains the day if billing has not opened it yet (F2).
    """
    if period is None:
        return asked_on
    ends_on, sequence = period.closes_on, period.sequence
    while ends_on <= asked_on:
        sequence += 1
        ends_on = own_period(subscription, sequence).ends_on
    return ends_on


def undo_obstacle(subscription: Subscription, period: BillingPeriod | None, today: date) -> Text | None:
    """Why a cancellation cannot be undone on the day, or None. ``period`` is the open one: while billing is late it
    may be over, and the cancellation in effect, though nothing says so yet.
    """
    if subscription.state == Subscription.State.ENDED:
        if subscription.periods.filter(state=BillingPeriod.State.VOIDED).exists():
            return say(
                "The cancellation of {subscription} voided what was billed since: open a new subscription instead.",
                subscription=subscription.number,
            )
        return say("{subscription} has ended: the cancellation has taken effect.", subscription=subscription.number)
    if subscription.state != Subscription.State.CANCELLED:
        return say("{subscription} is not cancelled.", subscription=subscription.number)
    assert subscription.cancelled_on is not None
    ended_on = cancellation_takes_effect_on(subscription, period, subscription.cancelled_on)
    if ended_on <= today:
        return say("The cancellation has taken effect on {day}: billing has only to catch up.", day=ended_on)
    return None


def leftover_of(period: BillingPeriod, given: Decimal) -> Decimal:
    """What a voided period leaves as credit: what was paid of its fee, less what refunds of it gave as money."""
    return max(Decimal(0), period.fee_paid - given)


def voided_days_obstacle(subscription: Subscription) -> Text | None:
    """Why there is nothing to decide on days that a voided period had received, or None."""
    if subscription.ended_on is not None and Extension.objects.waiting().filter(subscription=subscription).exists():
        return None
    return say("No voided period of {subscription} had received days.", subscription=subscription.number)
