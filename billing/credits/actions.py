"""Setting a credit off against what its customer owes: that comes before any cash."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Obstacle, act
from billing.credits.models import Credit, CreditApplication
from billing.invoices.issuing import state_while_due, use_credits
from billing.invoices.models import Invoice
from billing.vocabulary import BillingRefusal, BillingVerb
from core.amounts import money_text
from core.locks import lock_rows
from core.text import say


def debts_of(credit: Credit) -> QuerySet[Invoice]:
    """What the credit goes against before any of it is paid out: invoices of its customer with something due, whatever
    the subscription, the oldest first. Not those in dispute, which nobody is asked for, nor those that it has borne a
    part of already.
    """
    rows: QuerySet[Invoice] = Invoice.objects.unpaid().filter(
        customer=credit.customer_id, currency=credit.currency, disputed_on__isnull=True
    )
    return rows.exclude(credit_applications__credit=credit).order_by("due_on", "pk")


def owed(credit: Credit) -> Decimal:
    """What the credit could be set off against, in its currency. One query."""
    return sum((invoice.due for invoice in debts_of(credit)), Decimal(0))


def owes_obstacle(credit: Credit) -> Obstacle | None:
    """Why nothing of the credit is paid out now, or None: its customer owes something. Queries."""
    debt = owed(credit)
    if not debt:
        return None
    return Obstacle(
        say(
            "The customer owes {amount}: set the credit off against it first.",
            amount=money_text(debt, credit.currency),
        ),
        BillingRefusal.OWES,
    )


def set_off_obstacle(credit: Credit) -> Obstacle | None:
    """Why the credit cannot be set off, or None. Queries."""
    if credit.remaining == 0:
        return Obstacle(say("Nothing is left of this credit."), BillingRefusal.NOTHING_LEFT)
    if not debts_of(credit).exists():
        return Obstacle(say("The customer owes nothing that it could be set off against."), BillingRefusal.NOTHING_DUE)
    return None


def set_off_credit(credit_id: int, *, by: User, reason: str = "") -> Credit:
    """Use what is left of the credit on what its customer owes, the oldest debt first.

    Raises:
        Refused: nothing is left, nothing is owed, or one's own.
    """
    with act(BillingVerb.CREDIT_SET_OFF, by=by, reason=reason, target=(Credit, credit_id)) as action:
        require(by, May.HANDLE_MONEY)
        found = action.found(Credit, Credit.objects.filter(pk=credit_id).first())
        action.lock(Customer, found.customer_id)
        invoices = lock_rows(Invoice, debts_of(found).values_list("pk", flat=True))
        credit = action.lock(Credit, credit_id)
        action.about(credit, customer_id=credit.customer_id)
        action.refuse_if(set_off_obstacle(credit))
        used = {}
        for invoice in sorted(invoices.values(), key=lambda invoice: (invoice.due_on, invoice.pk)):
            # Whoever paid it meanwhile owes nothing.
            for _, part in use_credits([credit], invoice.due):
                CreditApplication(
                    credit=credit, invoice=invoice, amount=part, applied_on=timezone.localdate(), set_off_by=by
                ).save()
                invoice.credited += part
                invoice.state = state_while_due(invoice)
                invoice.save()
                used[invoice.number] = f"{part:f}"
        credit.save()
        action.data = {"set_off": used, "currency": credit.currency}
        return credit
