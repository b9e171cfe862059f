"""Which invoice a line of a bank pays, whether somebody recorded it by hand already, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any

from django.db.models import QuerySet

from audit.actions import Obstacle
from audit.bulk import CHUNK
from audit.vocabulary import Refusal
from billing.imports.bank import Booking
from billing.invoices.models import Invoice
from billing.money import format_amount
from billing.payments.models import BankLine, Payment
from billing.payments.prepayments.models import Prepayment
from billing.payments.rules import on_record, pieces
from billing.vocabulary import BillingRefusal
from core.text import say


def match(booking: Booking, invoices: dict[str, Invoice]) -> Invoice | str:
    """The one invoice that a payment received is for, or why none can be told, as the record says it."""
    if not booking.numbers:
        return "The text names no invoice."
    found = [invoices[number] for number in booking.numbers if number in invoices]
    if not found:
        return f"There is no invoice {', '.join(booking.numbers[:3])}."
    if len(found) > 1:
        return f"The text names several invoices: {', '.join(invoice.number for invoice in found[:5])}."
    invoice = found[0]
    if booking.currency != invoice.currency:
        return f"Invoice {invoice.number} is in {invoice.currency}, the payment in {booking.currency}."
    if invoice.voided_on is not None:
        return f"Invoice {invoice.number} is void."
    if invoice.due == 0:
        return f"Invoice {invoice.number} is paid already."
    if booking.amount != invoice.due:
        due, paid = (format_amount(amount, invoice.currency) for amount in (invoice.due, booking.amount))
        return f"On invoice {invoice.number} {due} {invoice.currency} is due, not {paid}."
    return invoice


def typed_by_hand(invoices: Iterable[Invoice]) -> set[tuple[int, date, Decimal]]:
    """Invoice, day and amount of payments that somebody recorded by hand: a line may be one of them."""
    pks = [invoice.pk for invoice in invoices]
    return {
        found
        for chunk in batched(pks, CHUNK)
        for found in (
            *_payments_by_hand(invoice__in=chunk).values_list("invoice_id", "received_on", "amount"),
            *_prepayments_by_hand(subscription__periods__invoice__in=chunk).values_list(
                "subscription__periods__invoice", "received_on", "amount"
            ),
        )
    }


def _payments_by_hand(**those: Any) -> QuerySet[Payment]:
    """Payments that no line of a bank stands for."""
    return Payment.objects.filter(bank_line=None, prepayment__bank_line=None, chargeback=None, unbooking=None, **those)


def _prepayments_by_hand(**those: Any) -> QuerySet[Prepayment]:
    """The same of prepayments."""
    found: QuerySet[Prepayment] = Prepayment.objects.standing().filter(bank_line=None, **those)
    return found


def line_obstacle(line: BankLine) -> Obstacle | None:
    """Why nothing can be done with a line any more, or None."""
    if line.state == BankLine.State.MATCHED:
        return Obstacle(say("This line is matched already."), Refusal.STATE)
    return None


def typed_by_hand_obstacle(line: BankLine, customer_id: int) -> Obstacle | None:
    """Why the line may be money that somebody has recorded by hand, or None: of the same day and amount, for the same
    customer, and no line of a bank stands for it.
    """
    typed = pieces(line.booked_on, line.currency, customer_id=customer_id, by_hand=True)
    found = on_record(line.amount, typed)
    if found is None:
        return None
    return Obstacle(
        say(
            "A payment of the same day and amount was recorded by hand on {invoice}. If it is this one, set the line "
            "aside; if this is another one, say so.",
            invoice=found,
        ),
        BillingRefusal.SAME_PAYMENT,
    )


def set_aside_obstacle(line: BankLine) -> Obstacle | None:
    """Why a line cannot be set aside (once more), or None."""
    if line.state == BankLine.State.SET_ASIDE:
        return Obstacle(say("This line was set aside already."), Refusal.STATE)
    return line_obstacle(line)
