"""Payments that were booked where they do not belong: taken off their invoice by a counter-entry, and free again."""

from __future__ import annotations

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import act, checked
from billing.payments.effects import WITH_CREDIT, counter_entry_obstacle, free_line, take_off
from billing.payments.models import BankLine, Payment, Unbooking
from billing.vocabulary import BillingVerb
from core.text import say


def take_off_payment(payment_id: int, *, by: User, reason: str) -> Unbooking:
    """Take a payment off its invoice, which owes it again: it was booked on the wrong one, or its bank line was matched
    wrongly. The line waits for a person again; what came by hand is recorded anew where it belongs.

    What had been more than was due goes back out of what its credit has left; what was used of it is a charge. A part
    of a prepayment is taken off that, too: it does not wait for the next invoice.

    Raises:
        Refused: taken off or charged back already, without a reason, or one's own invoice.
    """
    with act(BillingVerb.PAYMENT_TAKE_OFF, by=by, reason=reason, target=(Payment, payment_id)) as action:
        require(by, May.HANDLE_MONEY)
        payment = action.lock(
            Payment,
            payment_id,
            "credit__subscription",
            "invoice",
            "bank_line",
            *WITH_CREDIT,
            "prepayment__bank_line",
            "prepayment",
        )
        invoice = payment.invoice
        action.about(payment, customer_id=invoice.customer_id)
        action.refuse_if(counter_entry_obstacle(payment))
        action.require_reason(say("where it belongs, or why it does not belong here"))
        entry = checked(
            Unbooking(
                payment=payment,
                amount=payment.amount,
                from_surplus=payment.surplus,
                taken_off_on=timezone.localdate(),
                reason=reason.strip()[:200],
                recorded_by=by,
            )
        )
        take_off(entry, charged_for=f"Payment taken off {invoice.number}: what was used of its credit")
        line = BankLine.objects.filter(payment=payment).first()
        if (prepayment := payment.prepayment) is not None:
            prepayment.applied -= payment.amount
            prepayment.taken_off += payment.amount
            prepayment.save()
            if prepayment.taken_off == prepayment.amount:
                line = BankLine.objects.filter(prepayment=prepayment).first()
        if line is not None:
            free_line(line, say("Taken off {invoice}: {reason}", invoice=invoice.number, reason=entry.reason))
        action.data = {"amount": f"{entry.amount:f}", "currency": invoice.currency, "invoice": invoice.number}
        return entry
