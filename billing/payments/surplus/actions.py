"""Money beyond what is due that no bank's line proves: one person says that it came, another approves that it becomes a
credit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.four_eyes.actions import Endings
from accounts.four_eyes.rules import decide
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, act, checked
from billing.invoices.models import Invoice
from billing.payments.actions import (
    WITH_DEBTS,
    Received,
    record_payment,
    record_surplus,
    refuse_same_payment,
)
from billing.payments.models import Payment, SurplusCredit
from billing.payments.rules import amount_obstacle, day_obstacle
from billing.vocabulary import BillingVerb
from core.text import say

State = SurplusCredit.State


@dataclass(frozen=True, slots=True)
class WithSurplus:
    """What was recorded of money received, and what of it waits for a second person."""

    payment: Payment | None
    surplus: SurplusCredit | None


def record_with_surplus(
    invoice_id: int,
    *,
    by: User,
    amount: Decimal,
    received_on: date,
    reference: str = "",
    reason: str = "",
    another: bool = False,
) -> WithSurplus:
    """Record what of the money is due on the invoice, and propose that the rest becomes a credit of its subscription.
    ``another`` is as for ``record_payment``.

    Raises:
        Refused: as ``record_payment``, or something is more than due and no reason says how that is known.
    """
    with act(BillingVerb.SURPLUS_PROPOSE, by=by, reason=reason, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        action.about(invoice, customer_id=invoice.customer_id)
        action.refuse_if(amount_obstacle(amount, invoice.currency))
        action.refuse_if(day_obstacle(received_on, invoice.subscription))
        if not another:
            refuse_same_payment(Received(invoice_id, amount, received_on, reference), invoice)
        due = min(invoice.payable, amount)
        payment = None
        if due:
            payment = record_payment(
                invoice_id, by=by, amount=due, received_on=received_on, reference=reference, another=True
            )
        if amount == due:
            return WithSurplus(payment, None)
        action.require_reason(say("how it is known that this came in"))
        surplus = checked(
            SurplusCredit(
                invoice=invoice,
                amount=amount - due,
                received_on=received_on,
                reference=reference.strip(),
                reason=reason.strip(),
                proposed_by=by,
                proposed_at=timezone.now(),
            )
        )
        surplus.save()
        action.about(surplus, customer_id=invoice.customer_id)
        action.data = {"amount": f"{surplus.amount:f}", "currency": invoice.currency, "invoice": invoice.number}
        return WithSurplus(payment, surplus)


def approve_surplus(surplus_id: int, *, by: User, reason: str = "") -> SurplusCredit:
    """Approve as the second person: the money is recorded as received, and what is more than due by now is a credit.

    Raises:
        Refused: one's own proposal, decided already, linked to the customer, or without the right.
    """
    with act(BillingVerb.SURPLUS_APPROVE, by=by, reason=reason, target=(SurplusCredit, surplus_id)) as action:
        require(by, May.APPROVE_SURPLUS)
        surplus = _locked(action, surplus_id)
        action.refuse_if(SURPLUSES.decide_obstacle(surplus, by))
        surplus.payment = record_surplus(
            surplus.invoice_id,
            by=by,
            amount=surplus.amount,
            received_on=surplus.received_on,
            reference=surplus.reference,
        )
        decide(surplus, State.APPROVED, by=by)
        return surplus


def _locked(action: Action, surplus_id: int) -> SurplusCredit:
    surplus = action.lock(
        SurplusCredit,
        surplus_id,
        "invoice",
        *(f"invoice__{path}" for path in WITH_DEBTS),
    )
    action.about(surplus, customer_id=surplus.invoice.customer_id)
    return surplus


SURPLUSES = Endings(
    SurplusCredit,
    proposing=May.HANDLE_MONEY,
    approving=May.APPROVE_SURPLUS,
    rejected=BillingVerb.SURPLUS_REJECT,
    withdrawn=BillingVerb.SURPLUS_WITHDRAW,
    locked=_locked,
)


def reject_surplus(surplus_id: int, *, by: User, reason: str) -> SurplusCredit:
    """Say no, with the reason; nothing was recorded of it."""
    return SURPLUSES.reject(surplus_id, by=by, reason=reason)


def withdraw_surplus(surplus_id: int, *, by: User, reason: str = "") -> SurplusCredit:
    """Take a proposal back."""
    return SURPLUSES.withdraw(surplus_id, by=by, reason=reason)
