"""Giving something back: what a period still bears, each remedy taking effect or taken back. For use inside actions.

The obstacle functions are what the quote page shows beside a remedy that cannot be, and what the action refuses with.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.actions import Refused
from billing.credits.models import Credit
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.residual_credits.models import ResidualCreditPayout
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.models import UsageDay, UsageKind
from billing.vocabulary import BillingRefusal
from core.amounts import money_text
from core.text import Text, say

NOT_PAID = (Payout.State.PENDING, Payout.State.FAILED)

# --- What a period bears ------------------------------------------------------------------------


def reserve(period: BillingPeriod, amount: Decimal) -> None:
    """Count a proposed amount against the (locked) period's cap.

    Raises:
        Refused: the period does not bear it.
    """
    left = refundable_of(period)
    if amount > left:
        raise Refused(
            say(
                "Only {left} can still be refunded for {period}, not {amount}.",
                left=money_text(left, period.currency),
                period=period,
                amount=money_text(amount, period.currency),
            ),
            code=BillingRefusal.CAP,
        )
    period.pending += amount
    period.save()


def release(period: BillingPeriod, amount: Decimal) -> None:
    """Stop counting a proposed amount that came to nothing."""
    period.pending -= amount
    period.save()


def settle_held(period: BillingPeriod, amount: Decimal) -> None:
    """A held amount has been given."""
    period.pending -= amount
    period.refunded += amount
    period.save()


def refundable_of(period: BillingPeriod) -> Decimal:
    """What was paid for the period less everything refunded or pending on it; never negative (a quote's cap)."""
    left: Decimal = period.fee_paid - period.refunded - period.pending
    return max(Decimal(0), left)


# --- Obstacles ----------------------------------------------------------------------------------


def credit_obstacle(subscription: Subscription) -> Text | None:
    """Why no credit can be given, or None."""
    if subscription.state == Subscription.State.ACTIVE:
        return None
    return say("{subscription} has no next cycle that a credit could go to.", subscription=subscription.number)


def minutes_obstacle(subscription: Subscription, minute_cost: Decimal) -> Text | None:
    """Why no minutes can be given, or None."""
    if minute_cost == 0:
        return say("Minutes cost nothing in this plan, so an amount has no worth in minutes.")
    return _no_current_period(subscription)


def extension_obstacle(subscription: Subscription, fee: Decimal) -> Text | None:
    """Why the period cannot be made longer, or None."""
    if fee == 0:
        return say("The period costs nothing, so an amount has no worth in days.")
    return _no_current_period(subscription)


def cash_obstacle(customer: Customer) -> Text | None:
    """Why no cash can be paid, or None."""
    return None if customer.iban else say("The customer has no bank details (IBAN) on file.")


def _no_current_period(subscription: Subscription) -> Text | None:
    if subscription.state == Subscription.State.ENDED:
        return say("{subscription} has ended: there is no current period.", subscription=subscription.number)
    period = subscription.current_period()
    if period is None or period.closes_on <= timezone.localdate():
        return say(
            "{subscription} has no period for today yet: billing has to run first.", subscription=subscription.number
        )
    return None


# --- Remedies taking effect ---------------------------------------------------------------------


def give_credit(subscription: Subscription, amount: Decimal, *, reason: str, on: date | None = None) -> Credit:
    """A credit that the next invoices use up, the first useful cycle first (R6)."""
    credit = Credit(
        customer_id=subscription.customer_id,
        subscription=subscription,
        currency=subscription.currency,
        granted_on=on or timezone.localdate(),
        reason=reason,
        granted=amount,
    )
    credit.save()
    return credit


def give_minutes(subscription: Subscription, minutes: int, *, reason: str, on: date | None = None) -> MinutesGrant:
    """Minutes on top of the current period's allowance. The current period must be locked or just read."""
    grant = MinutesGrant(
        subscription=subscription,
        period=_current(subscription),
        minutes=minutes,
        granted_on=on or timezone.localdate(),
        reason=reason,
    )
    grant.save()
    return grant


def give_days(subscription: Subscription, days: int, *, reason: str, on: date | None = None) -> Extension:
    """Make the (locked) subscription's current period longer; its new end is the anchor of what follows."""
    period = _current(subscription)
    before = period.closes_on
    period.extension_days += days
    period.closes_on = before + timedelta(days=days)
    period.save()
    subscription.anchor_on = period.closes_on
    subscription.anchor_sequence = period.sequence + 1
    subscription.save()
    extension = Extension(
        subscription=subscription,
        period=period,
        days=days,
        closed_on_before=before,
        closes_on_after=period.closes_on,
        granted_on=on or timezone.localdate(),
        reason=reason,
    )
    extension.save()
    return extension


def order_payout(
    subscription: Subscription, amount: Decimal, *, key: str, reason: str, on: date | None = None
) -> Payout:
    """Cash on its way to the customer's bank account of now. ``key`` is the same however often it is tried."""
    customer = subscription.customer
    payout = Payout(
        customer=customer,
        subscription=subscription,
        key=key,
        currency=subscription.currency,
        amount=amount,
        iban=customer.iban,
        account_holder=customer.account_holder or customer.name,
        reason=reason,
        requested_on=on or timezone.localdate(),
    )
    payout.save()
    return payout


def _current(subscription: Subscription) -> BillingPeriod:
    period = (
        BillingPeriod.objects.select_for_update(no_key=True)
        .filter(subscription=subscription, state=BillingPeriod.State.OPEN)
        .order_by("pk")
        .first()
    )
    if period is None:
        raise Refused(
            say("{subscription} has no current period.", subscription=subscription.number),
            code=BillingRefusal.NO_CURRENT_PERIOD,
        )
    return period


# --- Remedies taken back ------------------------------------------------------------------------


def payouts_to_stop(credit: Credit) -> QuerySet[Payout]:
    """Payouts of what an ended subscription left of the credit that the bank has not made."""
    return Payout.objects.filter(leftover__credit=credit, state__in=NOT_PAID).order_by("pk")


def is_over(period: BillingPeriod, today: date) -> bool:
    """Whether the period has ended, though billing may be late and it is still open."""
    return period.state != BillingPeriod.State.OPEN or period.closes_on <= today


def unused_minutes(period: BillingPeriod) -> int:
    """Whole minutes of the period's allowance, grants included, that no call has used."""
    granted = period.minutes_grants.aggregate(all=Sum("minutes"), undone=Sum("reversed_minutes"))
    allowance = period.included_minutes + (granted["all"] or 0) - (granted["undone"] or 0)
    calls = UsageDay.objects.filter(
        period=period, kind=UsageKind.CALL, local_day__gte=period.starts_on, local_day__lt=period.closes_on
    )
    return max(0, allowance - -(-(calls.aggregate(all=Sum("seconds"))["all"] or 0) // 60))


def take_credit(credit: Credit, amount: Decimal, *, by: User) -> None:
    """Take back what is left, and what was to be paid out of it; a payout that only was proposed is withdrawn."""
    for payout in payouts_to_stop(credit):
        stop_payout(payout)
        credit.paid_out -= payout.amount
    credit.reversed += amount
    credit.save()
    for leftover in credit.leftover_payouts.filter(state=ResidualCreditPayout.State.PROPOSED):
        leftover.state = ResidualCreditPayout.State.WITHDRAWN
        leftover.decided_by, leftover.decided_at = by, timezone.now()
        leftover.save()


def take_minutes(grant: MinutesGrant, minutes: int) -> None:
    """Take unused minutes of a grant back."""
    if minutes:
        grant.reversed_minutes += minutes
        grant.save()


def take_days(extension: Extension, days: int, subscription: Subscription) -> None:
    """Make the period shorter again; what follows is counted from the anchor of before."""
    if not days:
        return
    extension.reversed_days += days
    extension.save()
    period = BillingPeriod.objects.select_for_update(no_key=True).get(pk=extension.period_id)
    period.extension_days -= days
    period.closes_on -= timedelta(days=days)
    period.save()
    if period.extension_days:
        subscription.anchor_on, subscription.anchor_sequence = period.closes_on, period.sequence + 1
    else:
        subscription.anchor_on, subscription.anchor_sequence = _anchor_before(period, subscription)
    subscription.save()


def _anchor_before(period: BillingPeriod, subscription: Subscription) -> tuple[date, int]:
    """Where the following periods are counted from without this period's extension: an earlier one, or the start."""
    earlier = (
        BillingPeriod.objects.filter(subscription=subscription, sequence__lt=period.sequence, extension_days__gt=0)
        .order_by("-sequence")
        .first()
    )
    if earlier is None:
        return subscription.activated_on, 0
    return earlier.closes_on, earlier.sequence + 1


def stop_payout(payout: Payout) -> None:
    """Cash that the bank has not paid and will not."""
    payout.state = Payout.State.CANCELLED
    payout.save()
