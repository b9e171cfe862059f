"""Taking a payment off its invoice again, whoever took it: a bank, or a clerk who had booked it elsewhere. For use
inside actions.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from audit.actions import Obstacle
from audit.vocabulary import Refusal
from billing.credits.models import Credit
from billing.invoices.issuing import state_while_due
from billing.invoices.models import Charge
from billing.payments.models import BankLine, Chargeback, Payment, Unbooking
from billing.vocabulary import BillingRefusal
from core.text import Text, in_english, say


def counter_entry_obstacle(payment: Payment) -> Obstacle | None:
    """Why a payment cannot be taken off its invoice (again), or None."""
    entry = payment.counter_entry
    if isinstance(entry, Chargeback):
        return Obstacle(say("This payment was charged back already."), Refusal.STATE)
    if isinstance(entry, Unbooking):
        return Obstacle(say("This payment was taken off its invoice already."), BillingRefusal.TAKEN_OFF)
    return None


def free_line(line: BankLine, why: Text) -> None:
    """What a line of a bank was matched to is taken off: it waits for a person again."""
    line.payment = line.prepayment = None
    line.state = BankLine.State.UNMATCHED
    line.why = in_english(why)[:200]
    line.save()


def take_off(entry: Chargeback | Unbooking, *, charged_for: str) -> None:
    """Save the counter-entry of a payment that is locked with its invoice and credit: what is left of a surplus's
    credit is taken back, what was used of it is a charge, whose reason is ``charged_for``; the rest is due again.
    """
    payment = entry.payment
    if payment.credit is not None:
        rate = payment.invoice.lines.order_by("position").values_list("tax_rate", flat=True)[0]
        entry.charge = take_credit_back(payment.credit, entry.from_surplus, tax_rate=rate, charged_for=charged_for)
    entry.save()
    invoice = payment.invoice
    invoice.paid -= entry.due_again
    if isinstance(entry, Chargeback):
        invoice.charged_back += entry.due_again
    invoice.state = state_while_due(invoice)
    invoice.save()


def take_credit_back(credit: Credit, amount: Decimal, *, tax_rate: Decimal, charged_for: str) -> Charge | None:
    """Take back what is left of the (locked) credit that money became which does not belong here; the rest of the
    amount is a charge.
    """
    left = min(credit.remaining, amount)
    if left:
        credit.reversed += left
        credit.save()
    used = amount - left
    if not used:
        return None
    charge = Charge(
        customer_id=credit.customer_id,
        subscription_id=credit.subscription_id,
        currency=credit.currency,
        amount=used,
        tax_rate=tax_rate,
        reason=charged_for,
        charged_on=timezone.localdate(),
    )
    charge.save()
    return charge
