"""Setting a credit off against what its customer owes: that comes before any cash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import act
from billing.credits.models import Credit, CreditApplication
from billing.credits.notifications import CreditsUsed, notify_credits_applied
from billing.credits.rules import debts_of, set_off_obstacle
from billing.invoices.issuing import state_while_due, use_credits
from billing.invoices.models import Invoice
from billing.remedies.effects import stop_payouts
from billing.vocabulary import BillingVerb
from core.locks import lock_rows


def set_off_credit(credit_id: int, *, by: User, reason: str = "", on: date | None = None) -> Credit:
    """Use what is left of the credit on what its customer owes, the oldest debt first; ``on`` a run's day, or today.
    Where that does not cover it, payouts of the credit that the bank has not made are stopped.

    Raises:
        Refused: nothing is left, nothing is owed, or one's own.
    """
    with act(BillingVerb.CREDIT_SET_OFF, by=by, reason=reason, target=(Credit, credit_id)) as action:
        require(by, May.HANDLE_MONEY)
        found = action.found(Credit, Credit.objects.filter(pk=credit_id).first())
        action.lock(Customer, found.customer_id)
        invoices = lock_rows(Invoice, debts_of(found).values_list("pk", flat=True))
        credit = action.lock(Credit, credit_id, "leftover_payouts", "leftover_payouts__payout")
        action.about(credit, customer_id=credit.customer_id)
        action.refuse_if(set_off_obstacle(credit))
        if stopped := stop_payouts(credit, beyond=sum((each.due for each in invoices.values()), Decimal(0))):
            action.data["stopped"] = [payout.key for payout in stopped]
        action.data |= {
            "set_off": _use(credit, invoices.values(), on or timezone.localdate(), by=by),
            "currency": credit.currency,
        }
        return credit


def set_off_at_once(credit: Credit, *, by: User) -> None:
    """Use a fresh credit on what its customer owes, if anything, with an event of its own: what came in too much, or
    was paid for nothing, does not lie beside a debt. For use inside an action that holds the customer and all of their
    invoices, whoever may do that.
    """
    invoices = list(debts_of(credit))
    if not invoices:
        return
    with act(BillingVerb.CREDIT_SET_OFF, by=by, target=(Credit, credit.pk)) as action:
        action.about(credit, customer_id=credit.customer_id)
        action.data = {"set_off": _use(credit, invoices, timezone.localdate(), by=by), "currency": credit.currency}


def _use(credit: Credit, invoices: Iterable[Invoice], on: date, *, by: User) -> dict[str, str]:
    """Use the credit on the invoices, all locked, the oldest first, and tell the customer; what each was set off."""
    used: dict[str, str] = {}
    told: list[CreditsUsed] = []
    for invoice in sorted(invoices, key=lambda invoice: (invoice.due_on, invoice.pk)):
        # Whoever paid it meanwhile owes nothing.
        for _, part in use_credits([credit], invoice.due):
            application = CreditApplication(
                credit=credit,
                invoice=invoice,
                amount=part,
                applied_on=max(on, invoice.issued_on, credit.granted_on),
                set_off_by=by,
            )
            application.save()
            invoice.credited += part
            invoice.state = state_while_due(invoice)
            invoice.save()
            used[invoice.number] = f"{part:f}"
            of = invoice.subscription.pk
            told.append(CreditsUsed(invoice.number, invoice.customer_id, of, invoice, [application]))
    credit.save()
    notify_credits_applied(told)
    return used
