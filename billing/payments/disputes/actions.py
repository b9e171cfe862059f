"""Invoices in dispute, which are not chased, and payments that a bank has taken back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from billing.invoices.issuing import state_while_due
from billing.invoices.models import Invoice
from billing.money import is_whole_minor
from billing.payments.effects import WITH_CREDIT, counter_entry_obstacle, take_off
from billing.payments.models import Chargeback, Payment
from billing.vocabulary import BillingVerb
from core.amounts import money_text
from core.text import say


def dispute_obstacle(invoice: Invoice) -> Obstacle | None:
    """Why an invoice cannot go into dispute now, or None."""
    if invoice.disputed_on is not None:
        return Obstacle(
            say(
                "Invoice {invoice} is in dispute since {day}.",
                invoice=invoice.number,
                day=invoice.disputed_on,
            ),
            Refusal.STATE,
        )
    if invoice.due == 0:
        return Obstacle(
            say("Nothing is due on invoice {invoice}, so there is nothing to dispute.", invoice=invoice.number),
            Refusal.STATE,
        )
    return None


def open_dispute(invoice_id: int, *, by: User, disputed_on: date, reason: str) -> Invoice:
    """Note that the customer disputes an invoice: it is not chased and not marked overdue while they do.

    Raises:
        Refused: nothing is due, in dispute already, no reason, or a day before the invoice or in the future.
    """
    with act(BillingVerb.INVOICE_DISPUTE, by=by, reason=reason, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        action.about(invoice, customer_id=invoice.customer_id)
        action.refuse_if(dispute_obstacle(invoice))
        action.require_reason(say("what the customer disputes"))
        if not invoice.issued_on <= disputed_on <= timezone.localdate():
            raise Refused(
                say(
                    "The day of the dispute lies between the invoice's ({day}) and today.",
                    day=invoice.issued_on,
                ),
                code=Refusal.DATES,
            )
        invoice.disputed_on = disputed_on
        invoice.dispute_reason = reason.strip()
        # Marked overdue or not, nobody is to run after it now.
        invoice.state = Invoice.State.ISSUED
        invoice.save()
        return invoice


def end_dispute_obstacle(invoice: Invoice) -> Obstacle | None:
    """Why there is no dispute to end, or None."""
    if invoice.disputed_on is None:
        return Obstacle(say("Invoice {invoice} is not in dispute.", invoice=invoice.number), Refusal.STATE)
    return None


def end_dispute(invoice_id: int, *, by: User, reason: str) -> Invoice:
    """The dispute is over, ``reason`` says how; what is past its due date is overdue again."""
    with act(BillingVerb.INVOICE_END_DISPUTE, by=by, reason=reason, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        action.about(invoice, customer_id=invoice.customer_id)
        action.refuse_if(end_dispute_obstacle(invoice))
        action.require_reason(say("how the dispute ended"))
        action.data = {"disputed_on": str(invoice.disputed_on), "disputed": invoice.dispute_reason}
        invoice.disputed_on = None
        invoice.dispute_reason = ""
        invoice.state = state_while_due(invoice)
        invoice.save()
        return invoice


def record_chargeback(
    payment_id: int, *, by: User, taken_back_on: date, reason: str, amount: Decimal | None = None
) -> Chargeback:
    """The bank has taken a payment back, all of it unless ``amount`` says less: that much is due again.

    What had been more than was due goes first: what is left of its credit is taken back, what was used of it is a
    charge. Refunds given already stay as they are; new quotes see only what is paid now.

    Raises:
        Refused: charged back already, more than the payment, before it, in the future, or without a reason.
    """
    with act(BillingVerb.PAYMENT_CHARGE_BACK, by=by, reason=reason, target=(Payment, payment_id)) as action:
        require(by, May.HANDLE_MONEY)
        payment = action.lock(Payment, payment_id, "credit__subscription", "invoice", *WITH_CREDIT)
        invoice = payment.invoice
        action.about(payment, customer_id=invoice.customer_id)
        action.refuse_if(counter_entry_obstacle(payment))
        action.require_reason(say("the bank's reason"))
        taken = payment.amount if amount is None else amount
        if not 0 < taken <= payment.amount or not is_whole_minor(taken, invoice.currency):
            raise Refused(
                say(
                    "{part} is no part of the payment of {amount}.",
                    part=money_text(taken, invoice.currency),
                    amount=money_text(payment.amount, invoice.currency),
                ),
                code=Refusal.AMOUNT,
            )
        if not payment.received_on <= taken_back_on <= timezone.localdate():
            raise Refused(
                say(
                    "A payment is taken back between the day it came ({day}) and today.",
                    day=payment.received_on,
                ),
                code=Refusal.DATES,
            )
        chargeback = checked(
            Chargeback(
                payment=payment,
                amount=taken,
                from_surplus=min(taken, payment.surplus),
                taken_back_on=taken_back_on,
                reason=reason.strip()[:200],
                recorded_by=by,
            )
        )
        take_off(
            chargeback,
            charged_for=f"Payment of {invoice.number} taken back by the bank: what was used of its credit",
        )
        action.data = {
            "amount": f"{taken:f}",
            "currency": invoice.currency,
            "invoice": invoice.number,
            "taken_back_on": taken_back_on.isoformat(),
        }
        return chargeback
