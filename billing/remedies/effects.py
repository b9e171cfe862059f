"""Giving something back: what a period still bears, each remedy taking effect or taken back. For use inside actions.

The obstacle functions are what the quote page shows beside a remedy that cannot be, and what the action refuses with.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.actions import Refused
from billing.credits.models import Credit
from billing.invoices.issuing import state_while_due
from billing.invoices.models import Invoice
from billing.money import exact
from billing.payouts.models import Payout
from billing.remedies.granted_minutes import grant_of
from billing.remedies.models import Extension, MinutesGrant
from billing.residual_credits.models import ResidualCreditPayout
from billing.subscriptions.models import BillingPeriod, Subscription
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
    left = period.refundable
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


def set_off(invoice: Invoice, amount: Decimal) -> None:
    """Take a (locked) period's unpaid fee off what is due on its invoice, by a refund's set-off.

    Raises:
        Refused: less is due, and was written off.
    """
    if amount > invoice.payable:
        raise Refused(
            say(
                "Only {due} is due on {invoice}: {amount} cannot be set off.",
                due=money_text(invoice.payable, invoice.currency),
                invoice=invoice.number,
                amount=money_text(amount, invoice.currency),
            ),
            code=BillingRefusal.SET_OFF,
        )
    # Of a debt that was written off, the write-off.
    invoice.written_off -= max(Decimal(0), amount - invoice.due)
    invoice.set_off += amount
    invoice.state = state_while_due(invoice)
    invoice.save()


def make_due_again(invoice: Invoice, amount: Decimal) -> None:
    """Undo a set-off on the (locked) invoice: the customer owes the fee again."""
    invoice.set_off -= amount
    invoice.state = state_while_due(invoice)
    invoice.save()


# --- Obstacles ----------------------------------------------------------------------------------


def credit_obstacle(subscription: Subscription) -> Text | None:
    """Why no credit can be given, or None."""
    if subscription.state == Subscription.State.ACTIVE:
        return None
    return say("{subscription} has no next cycle that a credit could go to.", subscription=subscription.number)


def minutes_obstacle(subscription: Subscription) -> Text | None:
    """Why no minutes can be given, or None."""
    receiving = subscription.current_period()
    if receiving is not None and receiving.minute_cost == 0:
        return say("Minutes cost nothing in the current period, so an amount has no worth in minutes.")
    return _no_current_period(subscription)


def extension_obstacle(subscription: Subscription, amount: Decimal) -> Text | None:
    """Why the current period cannot be made longer for the amount, or None."""
    found = _no_current_period(subscription)
    receiving = subscription.current_period()
    if found or receiving is None:
        return found
    if receiving.fee == 0:
        return say("The current period costs nothing, so an amount has no worth in days.")
    if exact(amount) * receiving.days < exact(receiving.fee):
        return say(
            "{amount} is worth less than one day of the current period.",
            amount=money_text(amount, receiving.currency),
        )
    return None


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


def give_credit(
    subscription: Subscription,
    amount: Decimal,
    *,
    reason: str,
    on: date | None = None,
    voided_period: BillingPeriod | None = None,
    void_invoice: Invoice | None = None,
) -> Credit:
    """A credit that the next invoices use up, the first useful cycle first (R6)."""
    credit = Credit(
        customer_id=subscription.customer_id,
        subscription=subscription,
        currency=subscription.currency,
        granted_on=on or timezone.localdate(),
        reason=reason,
        granted=amount,
        voided_period=voided_period,
        void_invoice=void_invoice,
    )
    credit.save()
    return credit


def give_minutes(
    subscription: Subscription, minutes: int, *, further_periods: int, reason: str, on: date | None = None
) -> MinutesGrant:
    """Minutes on top of the current period's allowance, and of that of so many ``further_periods``. The current period
    must be locked or just read.
    """
    grant = MinutesGrant(
        subscription=subscription,
        period=_current(subscription),
        minutes=minutes,
        further_periods=further_periods,
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
    subscription: Subscription,
    amount: Decimal,
    *,
    key: str,
    reason: str,
    on: date | None = None,
    period: BillingPeriod | None = None,
) -> Payout:
    """Cash on its way to the customer's bank account of now. ``key`` is the same however often it is tried. While
    the fee of the ``period`` that it gives back is not paid, it is held.
    """
    customer = subscription.customer
    payout = Payout(
        customer=customer,
        subscription=subscription,
        period=period,
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


def unused_minutes(grant: MinutesGrant, today: date) -> int | None:
    """Whole minutes of the grant that no call has used; None once it has ended."""
    granted, spoken = grant_of(grant)
    if granted.until is not None and granted.until <= today:
        return None
    return (granted.seconds - spoken) // 60


def reclaimable(credit: Credit) -> Decimal:
    """What can be taken back of the credit: what is left of it, and what the bank has not paid out yet."""
    stoppable = payouts_to_stop(credit).values_list("amount", flat=True)
    return credit.remaining + sum(stoppable, Decimal(0))


def take_credit(credit: Credit, amount: Decimal, *, by: User) -> None:
    """Take back what is left, and what was to be paid out of it; a payout that only was proposed is withdrawn."""
    stop_payouts(credit, beyond=amount)
    credit.reversed += amount
    credit.save()
    for leftover in credit.leftover_payouts.filter(state=ResidualCreditPayout.State.PROPOSED):
        leftover.state = ResidualCreditPayout.State.WITHDRAWN
        leftover.decided_by, leftover.decided_at = by, timezone.now()
        leftover.save()


def stop_payouts(credit: Credit, *, beyond: Decimal) -> list[Payout]:
    """Stop the payouts of the (locked) credit that the bank has not made, if more than what is left of it is needed;
    which ones. The credit is changed in memory.
    """
    if beyond <= credit.remaining:
        return []
    stopped = list(payouts_to_stop(credit))
    for payout in stopped:
        stop_payout(payout)
        credit.paid_out -= payout.amount
    return stopped


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
