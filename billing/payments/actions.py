"""Money that comes in: recorded by hand, one invoice or many. Statements of a bank are read by ``bank_lines``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Case, Field, Value, When, prefetch_related_objects

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Refused, act, act_on_each, checked
from audit.bulk import update_held
from audit.vocabulary import Refusal
from billing.credits.actions import set_off_at_once
from billing.invoices.issuing import state_of
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from billing.payments.rules import amount_obstacle, day_obstacle, same_payment_obstacle
from billing.remedies.effects import give_credit
from billing.vocabulary import BillingRefusal, BillingVerb
from core.amounts import money_text
from core.locks import lock_rows
from core.text import Text, in_english, say

#: Invoices in one statement: each has amounts of its own, and is looked for among them.
AT_A_TIME = 100
#: What is locked beside an invoice whose surplus is to become a credit, which goes against the customer's debts.
WITH_DEBTS = ("customer", "customer__invoices", "period__subscription", "charges_of")


def payment_obstacle(invoice: Invoice) -> Text | None:
    """Why no payment can be recorded on the invoice now, or None."""
    if invoice.voided_on is not None:
        return say("Invoice {invoice} is void: nothing is to pay on it.", invoice=invoice.number)
    return say("Invoice {invoice} is paid.", invoice=invoice.number) if invoice.payable == 0 else None


def surplus_obstacle(invoice: Invoice) -> Text | None:
    """Why a payment that came once more cannot be booked as a credit, or None."""
    if invoice.payable:
        return say(
            "Something is due on {invoice}: record the payment there; what is more can become a credit.",
            invoice=invoice.number,
        )
    return None


@dataclass(frozen=True, slots=True)
class Received:
    """Money received for an invoice."""

    invoice_id: int
    amount: Decimal
    received_on: date
    reference: str = ""


def record_payments(received: Sequence[Received], *, by: User) -> list[Payment]:
    """Record money received for many invoices, each of them once: all of it, or nothing. What is more than due is
    refused, so that a slip is not booked.

    Raises:
        Refused: not positive, finer than the currency, in the future, before the subscription was opened, more than is
            due, or one's own invoice.
        ValueError: an invoice is there twice.
    """
    pks = [one.invoice_id for one in received]
    if len({*pks}) != len(pks):
        raise ValueError("Each invoice has one payment at a time.")
    if not received:
        return []
    with act_on_each(BillingVerb.PAYMENT_RECORD, by=by, model=Invoice, pks=pks) as actions:
        require(by, May.HANDLE_MONEY)
        invoices = lock_rows(Invoice, pks)
        # Whose they are: asked once for all.
        prefetch_related_objects([*invoices.values()], "period__subscription", "charges_of")
        payments: list[Payment] = []
        for action, one in zip(actions, received, strict=True):
            invoice = action.found(Invoice, invoices.get(one.invoice_id))
            payments.append(_payment(action, invoice, one, by=by))
        Payment.objects.bulk_create(payments)
        _add_to_invoices(payments)
        return payments


def record_payment(
    invoice_id: int, *, by: User, amount: Decimal, received_on: date, reference: str = "", another: bool = False
) -> Payment:
    """Record money received for an invoice, up to what is due. ``another`` says that it is none of those recorded
    already, however much it looks like one.

    Raises:
        Refused: not positive, finer than the currency, in the future, more than is due, one's own invoice, or
            (``same_payment``) it looks like a payment that is recorded already; or before the subscription was opened.
    """
    received = Received(invoice_id, amount, received_on, reference)
    with act(BillingVerb.PAYMENT_RECORD, by=by, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        payment = _payment(action, invoice, received, by=by)
        if not another:
            refuse_same_payment(received, invoice)
        payment.save()
        _add_to_invoices([payment])
        return payment


def refuse_same_payment(received: Received, invoice: Invoice) -> None:
    """Ask whether it is another payment.

    Raises:
        Refused: it looks like one that is recorded already; the form's box says that it is not.
    """
    obstacle = same_payment_obstacle(
        received.amount,
        received.received_on,
        received.reference,
        currency=invoice.currency,
        customer_id=invoice.customer_id,
    )
    if obstacle:
        raise Refused(obstacle.sentence, code=obstacle.code, data={"field": "another"})


def record_surplus(invoice_id: int, *, by: User, amount: Decimal, received_on: date, reference: str = "") -> Payment:
    """Record money of which more than what is due becomes a credit of the invoice's subscription, and goes at once
    against what else the customer owes. For use inside an action that knows that it came: the match of a bank's line,
    or a second person's approval. That action has locked the customer with all of their invoices.

    Raises:
        Refused: not positive, finer than the currency, in the future, or one's own invoice.
    """
    with act(BillingVerb.PAYMENT_RECORD, by=by, target=(Invoice, invoice_id)) as action:
        invoice = action.lock(Invoice, invoice_id, *WITH_DEBTS)
        payment = _payment(action, invoice, Received(invoice_id, amount, received_on, reference), by=by, to_credit=True)
        payment.save()
        _add_to_invoices([payment])
        if payment.credit is not None:
            set_off_at_once(payment.credit, by=by)
        return payment


def _payment(action: Action, invoice: Invoice, received: Received, *, by: User, to_credit: bool = False) -> Payment:
    """The payment on the locked invoice, not saved, if nothing stands in its way; ``to_credit`` says what becomes of
    what is more than due.
    """
    amount = received.amount
    action.about(invoice, customer_id=invoice.customer_id)
    if not to_credit:
        action.refuse_if(payment_obstacle(invoice), code=Refusal.STATE)
    action.refuse_if(amount_obstacle(amount, invoice.currency))
    surplus = max(Decimal(0), amount - invoice.payable)
    if surplus and not to_credit:
        raise Refused(
            say(
                "Only {due} is due on {invoice}, not {amount}. What is more can become a credit, if you say so.",
                due=money_text(invoice.payable, invoice.currency),
                invoice=invoice.number,
                amount=money_text(amount, invoice.currency),
            ),
            code=BillingRefusal.OVERPAID,
        )
    action.refuse_if(day_obstacle(received.received_on, invoice.subscription))
    payment = checked(
        Payment(
            invoice=invoice,
            amount=amount,
            received_on=received.received_on,
            reference=received.reference.strip(),
            recorded_by=by,
        )
    )
    action.data = {
        "amount": f"{amount:f}",
        "currency": invoice.currency,
        "reference": received.reference,
        "received_on": received.received_on.isoformat(),
    }
    if surplus:
        payment.surplus = surplus
        payment.credit = give_credit(
            invoice.subscription, surplus, reason=f"Paid more than was due on {invoice.number}"
        )
        action.data["surplus"] = f"{surplus:f}"
        action.message = (
            f"{in_english(money_text(surplus, invoice.currency))} of it is more than was due, and a credit."
        )
    return payment


def _add_to_invoices(payments: Sequence[Payment]) -> None:
    """Write what was paid to the payments' invoices, which the transaction holds."""
    for start in range(0, len(payments), AT_A_TIME):
        invoices = [payment.invoice for payment in payments[start : start + AT_A_TIME]]
        for payment in payments[start : start + AT_A_TIME]:
            # What comes in after all is no loss any more.
            payment.invoice.written_off -= max(Decimal(0), payment.kept - payment.invoice.due)
            payment.invoice.paid += payment.kept
            payment.invoice.state = state_of(payment.invoice)
        update_held(
            Invoice,
            [invoice.pk for invoice in invoices],
            paid=_by_invoice(invoices, "paid"),
            written_off=_by_invoice(invoices, "written_off"),
            state=_by_invoice(invoices, "state"),
        )


def _by_invoice(invoices: Sequence[Invoice], name: str) -> Case:
    field = Invoice._meta.get_field(name)
    assert isinstance(field, Field)
    values = [When(pk=each.pk, then=Value(getattr(each, name), output_field=field)) for each in invoices]
    return Case(*values, output_field=field)


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
        # One reference stands for many: that they look alike is what it is for.
        return record_payment(
            invoice_id,
            by=by,
            amount=invoice.payable,
            received_on=received_on,
            reference=reference.strip(),
            another=True,
        )
