"""What a customer owes comes before any cash: which debts a credit goes against, and why nothing is paid out."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.actions import Obstacle
from billing.credits.models import Credit
from billing.invoices.models import Charge, Invoice
from billing.remedies.effects import reclaimable
from billing.vocabulary import BillingRefusal
from core.amounts import money_text
from core.text import say


def debts_of(credit: Credit) -> QuerySet[Invoice]:
    """What the credit goes against before any of it is paid out: invoices of its customer with something due, whatever
    the subscription, the oldest first. Not those in dispute, which nobody is asked for.
    """
    return _debts(credit.customer_id, credit.currency).order_by("due_on", "pk")


def _debts(customer: int | OuterRef, currency: str | OuterRef) -> QuerySet[Invoice]:
    rows: QuerySet[Invoice] = Invoice.objects.unpaid().filter(
        customer=customer, currency=currency, disputed_on__isnull=True
    )
    return rows


def left_beside_debts() -> QuerySet[Credit]:
    """What ended subscriptions left though its customer owes something: the next billing run sets it off."""
    owed = _debts(OuterRef("customer"), OuterRef("currency")).order_by()
    found: QuerySet[Credit] = Credit.objects.left_by_ended_subscriptions().filter(Exists(owed))
    return found.order_by("granted_on", "pk")


def owed(credit: Credit) -> Decimal:
    """What the credit could be set off against, in its currency. One query."""
    return sum((invoice.due for invoice in debts_of(credit)), Decimal(0))


def owes_obstacle(credit: Credit) -> Obstacle | None:
    """Why nothing of the credit is paid out now, or None: its customer owes something, asked for or not. Queries."""
    if debt := owed(credit):
        return Obstacle(
            say(
                "The customer owes {amount}: set the credit off against it first.",
                amount=money_text(debt, credit.currency),
            ),
            BillingRefusal.OWES,
        )
    waiting = _waiting_charges(credit.customer_id, credit.currency)
    if charges := sum(waiting.values_list("amount", flat=True), Decimal(0)):
        return Obstacle(
            say(
                "Charges of {amount} wait for an invoice to the customer. It comes first; the credit goes against it.",
                amount=money_text(charges, credit.currency),
            ),
            BillingRefusal.OWES,
        )
    return None


def _waiting_charges(customer: int | OuterRef, currency: str | OuterRef) -> QuerySet[Charge]:
    """What no invoice asks for yet."""
    rows: QuerySet[Charge] = Charge.objects.filter(customer=customer, currency=currency, invoiced_on__isnull=True)
    return rows


def owes_beside() -> Q:
    """Whether the customer of a row with a ``customer`` and a ``currency`` owes something, asked for or not."""
    of = OuterRef("customer"), OuterRef("currency")
    return Q(Exists(_debts(*of).order_by())) | Q(Exists(_waiting_charges(*of).order_by()))


def set_off_obstacle(credit: Credit) -> Obstacle | None:
    """Why the credit cannot be set off, or None. What the bank has not paid out of it yet can be. Queries."""
    if reclaimable(credit) == 0:
        return Obstacle(say("Nothing is left of this credit."), BillingRefusal.NOTHING_LEFT)
    if not debts_of(credit).exists():
        return Obstacle(say("The customer owes nothing that it could be set off against."), BillingRefusal.NOTHING_DUE)
    return None
