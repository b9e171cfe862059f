"""Which money can have come in: amounts, days, and whether it is on record already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.utils import timezone

from audit.actions import Obstacle
from audit.vocabulary import Refusal
from billing.money import is_whole_minor
from billing.payments.models import Payment, SurplusCredit
from billing.payments.prepayments.models import Prepayment
from billing.subscriptions.models import Subscription
from billing.vocabulary import BillingRefusal
from core.amounts import digits_text, money_text
from core.text import say


def amount_obstacle(amount: Decimal, currency: str) -> Obstacle | None:
    """Why this cannot have been paid, or None."""
    if amount.is_finite() and amount > 0 and is_whole_minor(amount, currency):
        return None
    return Obstacle(
        say(
            "{amount} is no amount of {currency} that can be paid.",
            amount=digits_text(amount, currency) if amount.is_finite() else str(amount),
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
    """Why this may be money that is on record already, or None: money of the same day, amount, currency and reference
    stands; without a reference, of the same customer. Whoever knows better says so.
    """
    written = reference.strip()
    of = None if written else customer_id
    where = on_record(amount, pieces(received_on, currency, customer_id=of, reference=written))
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


@dataclass(frozen=True, slots=True)
class MoneyOnRecord:
    """A row of money received: a payment, a prepayment, or a surplus that waits for a second person."""

    amount: Decimal
    reference: str
    where: str


def pieces(
    received_on: date,
    currency: str,
    *,
    customer_id: int | None = None,
    reference: str | None = None,
    by_hand: bool = False,
) -> list[MoneyOnRecord]:
    """Money of the day that stands on record, of one customer or all, with the ``reference`` or any; ``by_hand`` leaves
    out what a line of a bank proves. What invoices used of a prepayment is in that. Three queries.
    """
    same: dict[str, Any] = {"received_on": received_on}
    if reference is not None:
        same["reference__iexact"] = reference
    payments = Payment.objects.filter(
        **same, invoice__currency=currency, prepayment=None, chargeback=None, unbooking=None
    )
    waiting = SurplusCredit.objects.filter(**same, invoice__currency=currency, state=SurplusCredit.State.PROPOSED)
    prepayments = Prepayment.objects.standing().filter(**same, currency=currency)
    if customer_id is not None:
        payments = payments.filter(invoice__customer=customer_id)
        waiting = waiting.filter(invoice__customer=customer_id)
        prepayments = prepayments.filter(subscription__customer=customer_id)
    if by_hand:
        payments, prepayments = payments.filter(bank_line=None), prepayments.filter(bank_line=None)
    rows = (
        *payments.order_by("pk").values_list("amount", "reference", "invoice__number"),
        *waiting.order_by("pk").values_list("amount", "reference", "invoice__number"),
        *prepayments.order_by("pk").values_list("amount", "reference", "subscription__number"),
    )
    return [MoneyOnRecord(*row) for row in rows]


def on_record(amount: Decimal, found: Iterable[MoneyOnRecord]) -> str | None:
    """Where the amount is on record already, or None: as one piece, or as all those of one reference together, such as
    what an invoice was paid with and what was more.
    """
    together: dict[str, list[MoneyOnRecord]] = defaultdict(list)
    for piece in found:
        together[piece.reference.casefold()].append(piece)
    for group in together.values():
        for some in (*([piece] for piece in group), group):
            if sum(piece.amount for piece in some) == amount:
                return some[0].where
    return None
