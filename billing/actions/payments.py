"""Money that comes in: recorded by hand, one invoice or many. Statements of a bank are read by ``bank``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.guards import require
from accounts.links import linked_obstacle
from accounts.models import User
from accounts.permissions import May
from audit.actions import Refused, act, checked
from billing.invoicing import state_of
from billing.models import Invoice, Payment
from billing.money import is_whole_minor


def payment_obstacle(invoice: Invoice) -> str | None:
    """Why no payment can be recorded on the invoice now, or None."""
    return f"Invoice {invoice.number} is paid." if invoice.due == 0 else None


def record_payment(invoice_id: int, *, by: User, amount: Decimal, received_on: date, reference: str = "") -> Payment:
    """Record money received for an invoice.

    Raises:
        Refused: not positive, finer than the currency, in the future, more than is due, or one's own invoice.
    """
    with act("payment.record", by=by, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        action.about(invoice, customer_id=invoice.customer_id)
        action.refuse_if(linked_obstacle(by, invoice.customer_id))
        action.refuse_if(payment_obstacle(invoice), code="state")
        if amount <= 0 or not is_whole_minor(amount, invoice.currency):
            raise Refused(f"{amount:f} is no amount of {invoice.currency} that can be paid.", code="amount")
        if amount > invoice.due:
            raise Refused(
                f"Only {invoice.due:f} {invoice.currency} is due on {invoice.number}, not {amount:f}.",
                code="overpaid",
            )
        if received_on > timezone.localdate():
            raise Refused("A payment cannot have been received in the future.", code="dates")
        payment = checked(
            Payment(invoice=invoice, amount=amount, received_on=received_on, reference=reference, recorded_by=by)
        )
        payment.save()
        invoice.paid += amount
        invoice.state = state_of(invoice)
        invoice.save()
        action.data = {"amount": f"{amount:f}", "currency": invoice.currency, "reference": reference}
        return payment


def pay_in_full(invoice_id: int, *, by: User, received_on: date, reference: str) -> Payment:
    """Record that all that is due on an invoice was received; for many invoices, one after another.

    Raises:
        Refused: as ``record_payment``, or without a reference: a list of payments names what they are known by.
    """
    with act("payment.in_full", by=by, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        action.about(invoice, customer_id=invoice.customer_id)
        if not reference.strip():
            raise Refused("Please give the reference of the payment.", code="reference_missing")
        action.refuse_if(payment_obstacle(invoice), code="state")
        return record_payment(
            invoice_id, by=by, amount=invoice.due, received_on=received_on, reference=reference.strip()
        )
