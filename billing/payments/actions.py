"""Money that comes in: recorded by hand, one invoice or many. Statements of a bank are read by ``bank_lines``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.customers.links import linked_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act, checked
from audit.vocabulary import Refusal
from billing.invoices.issuing import state_of
from billing.invoices.models import Invoice
from billing.money import is_whole_minor
from billing.payments.models import Payment
from billing.remedies.effects import give_credit
from billing.vocabulary import BillingRefusal, BillingVerb
from core.amounts import digits_text, money_text
from core.text import Text, in_english, say


def payment_obstacle(invoice: Invoice) -> Text | None:
    """Why no payment can be recorded on the invoice now, or None."""
    return say("Invoice {invoice} is paid.", invoice=invoice.number) if invoice.due == 0 else None


def surplus_obstacle(invoice: Invoice) -> Text | None:
    """Why a payment that came once more cannot be booked as a credit, or None."""
    if invoice.due:
        return say(
            "Something is due on {invoice}: record the payment there; what is more can become a credit.",
            invoice=invoice.number,
        )
    return None


def record_payment(
    invoice_id: int,
    *,
    by: User,
    amount: Decimal,
    received_on: date,
    reference: str = "",
    surplus_to_credit: bool = False,
) -> Payment:
    """Record money received for an invoice. What is more than due is refused, so that a slip is not booked; with
    ``surplus_to_credit`` it becomes a credit of the invoice's subscription.

    Raises:
        Refused: not positive, finer than the currency, in the future, more than is due, or one's own invoice.
    """
    with act(BillingVerb.PAYMENT_RECORD, by=by, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        owner = ("period__subscription", "charges_of") if surplus_to_credit else ()
        invoice = action.lock(Invoice, invoice_id, *owner)
        subscription = invoice.subscription if surplus_to_credit else None
        action.about(invoice, customer_id=invoice.customer_id)
        action.refuse_if(linked_obstacle(by, invoice.customer_id))
        if subscription is None:
            action.refuse_if(payment_obstacle(invoice), code=Refusal.STATE)
        if amount <= 0 or not is_whole_minor(amount, invoice.currency):
            raise Refused(
                say(
                    "{amount} is no amount of {currency} that can be paid.",
                    amount=digits_text(amount, invoice.currency),
                    currency=invoice.currency,
                ),
                code=Refusal.AMOUNT,
            )
        surplus = max(Decimal(0), amount - invoice.due)
        if surplus and subscription is None:
            raise Refused(
                say(
                    "Only {due} is due on {invoice}, not {amount}. What is more can become a credit, if you say so.",
                    due=money_text(invoice.due, invoice.currency),
                    invoice=invoice.number,
                    amount=money_text(amount, invoice.currency),
                ),
                code=BillingRefusal.OVERPAID,
            )
        if received_on > timezone.localdate():
            raise Refused(say("A payment cannot have been received in the future."), code=Refusal.DATES)
        payment = checked(
            Payment(invoice=invoice, amount=amount, received_on=received_on, reference=reference, recorded_by=by)
        )
        if surplus:
            assert subscription is not None
            payment.surplus = surplus
            payment.credit = give_credit(subscription, surplus, reason=f"Paid more than was due on {invoice.number}")
        payment.save()
        invoice.paid += payment.kept
        invoice.state = state_of(invoice)
        invoice.save()
        action.data = {"amount": f"{amount:f}", "currency": invoice.currency, "reference": reference}
        if surplus:
            action.data["surplus"] = f"{surplus:f}"
            action.message = (
                f"{in_english(money_text(surplus, invoice.currency))} of it is more than was due, and a credit."
            )
        return payment


def pay_in_full(invoice_id: int, *, by: User, received_on: date, reference: str) -> Payment:
    """Record that all that is due on an invoice was received; for many invoices, one after another.

    Raises:
        Refused: as ``record_payment``, or without a reference: a list of payments names what they are known by.
    """
    with act(BillingVerb.PAYMENT_IN_FULL, by=by, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        action.about(invoice, customer_id=invoice.customer_id)
        if not reference.strip():
            raise Refused(say("Please give the reference of the payment."), code=BillingRefusal.REFERENCE_MISSING)
        action.refuse_if(payment_obstacle(invoice), code=Refusal.STATE)
        return record_payment(
            invoice_id, by=by, amount=invoice.due, received_on=received_on, reference=reference.strip()
        )
