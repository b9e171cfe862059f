"""Taking a payment off its invoice again, whoever took it: a bank, or a clerk who had booked it elsewhere. For use
inside actions.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from billing.credits.models import Credit
from billing.invoices.issuing import state_while_due
from billing.invoices.models import Charge
from billing.payments.models import BankLine, Chargeback, Payment, Unbooking
from billing.remedies.effects import reclaimable, take_credit
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


#: What is locked beside money that may have become a credit: that, and what an ended subscription has of it on its way.
WITH_CREDIT = ("credit", "credit__leftover_payouts", "credit__leftover_payouts__payout")


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
        entry.charge = take_credit_back(
            payment.credit, entry.from_surplus, by=entry.recorded_by, tax_rate=rate, charged_for=charged_for
        )
    entry.save()
    invoice = payment.invoice
    invoice.paid -= entry.due_again
    if isinstance(entry, Chargeback):
        invoice.charged_back += entry.due_again
    invoice.state = state_while_due(invoice)
    invoice.save()


def take_credit_back(
    credit: Credit, amount: Decimal, *, by: User, tax_rate: Decimal, charged_for: str
) -> Charge | None:
    """Take back what is left of the credit that money became which does not belong here, also what the bank has not
    paid out of it yet; the rest of the amount is a charge. The credit is locked (``WITH_CREDIT``).
    """
    left = min(reclaimable(credit), amount)
    if left:
        take_credit(credit, left, by=by)
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
