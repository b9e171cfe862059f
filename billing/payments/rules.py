"""Which money can have come in: amounts, days, and whether it is on record already."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.utils import timezone

from audit.actions import Obstacle
from audit.vocabulary import Refusal
from billing.money import is_whole_minor
from billing.payments.models import Payment
from billing.payments.prepayments.models import Prepayment
from billing.subscriptions.models import Subscription
from billing.vocabulary import BillingRefusal
from core.amounts import digits_text, money_text
from core.text import say


def amount_obstacle(amount: Decimal, currency: str) -> Obstacle | None:
    """Why this cannot have been paid, or None."""
    if amount > 0 and is_whole_minor(amount, currency):
        return None
    return Obstacle(
        say(
            "{amount} is no amount of {currency} that can be paid.",
            amount=digits_text(amount, currency),
            currency=currency,
        ),
        Refusal.AMOUNT,
    )


def day_obstacle(received_on: date, subscription: Subscription) -> Obstacle | None:
    """Why nothing can have been received for the subscription on the day, or None. Queries only for days before its
    activation.
    """
    if received_on > timezone.localdate():
        return Obstacle(say("A payment cannot have been received in the future."), Refusal.DATES)
    if received_on >= subscription.activated_on or received_on >= (opened := _opened_on(subscription)):
        return None
    return Obstacle(
        say(
            "{subscription} was opened on {opened}: nothing can have been paid for it on {day}.",
            subscription=subscription.number,
            opened=min(opened, subscription.activated_on),
            day=received_on,
        ),
        Refusal.DATES,
    )


def _opened_on(subscription: Subscription) -> date:
    """The day on which it was entered, which may be before its activation."""
    history: Any = cast("Any", Subscription).history
    first = history.filter(id=subscription.pk).order_by("history_date", "history_id").values_list("history_date")[0]
    return timezone.localdate(first[0])


def same_payment_obstacle(
    amount: Decimal, received_on: date, reference: str, *, currency: str, customer_id: int
) -> Obstacle | None:
    """Why this may be a payment or a prepayment that is recorded already, or None: one of the same day, amount,
    currency and reference stands; without a reference, one of the same customer. Whoever knows better says so.
    """
    same: dict[str, Any] = {
        "received_on": received_on,
        "amount": amount,
        "reference__iexact": reference.strip(),
    }
    payments = Payment.objects.filter(**same, invoice__currency=currency, chargeback=None, unbooking=None)
    prepayments = Prepayment.objects.standing().filter(**same, currency=currency)
    if not reference.strip():
        payments = payments.filter(invoice__customer=customer_id)
        prepayments = prepayments.filter(subscription__customer=customer_id)
    where: str | None = payments.order_by("pk").values_list("invoice__number", flat=True).first()
    if where is None:
        where = prepayments.order_by("pk").values_list("subscription__number", flat=True).first()
    if where is None:
        return None
    return Obstacle(
        say(
            "A payment of {amount} of {day} with the same reference is recorded on {invoice} already. If this is "
            "another one, say so and send it again.",
            amount=money_text(amount, currency),
            day=received_on,
            invoice=where,
        ),
        BillingRefusal.SAME_PAYMENT,
    )
