"""Giving something back: what a period still bears, and each remedy taking effect. For use inside actions.

The obstacle functions are what the quote page shows beside a remedy that cannot be, and what the action refuses with.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.customers.models import Customer
from audit.actions import Refused
from billing.credits.models import Credit
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.subscriptions.models import BillingPeriod, Subscription
from core.amounts import money_text
from core.text import Text, say

# --- What a period bears ------------------------------------------------------------------------


def hold(period: BillingPeriod, amount: Decimal) -> None:
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
            code="cap",
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
            say("{subscription} has no current period.", subscription=subscription.number), code="no_current_period"
        )
    return period
