"""Writing off what is due on an invoice: one person says why it is lost, another approves."""

from __future__ import annotations

from django.utils import timezone

from accounts.four_eyes.actions import Endings
from accounts.four_eyes.rules import decide
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Obstacle, Refused, act
from audit.vocabulary import Refusal
from billing.invoices.issuing import state_while_due
from billing.invoices.models import Invoice, WriteOff
from billing.vocabulary import BillingRefusal, BillingVerb
from core.text import say

State = WriteOff.State


def propose_obstacle(invoice: Invoice) -> Obstacle | None:
    """Why nothing of the invoice can be written off, or None. Whether a proposal waits already, the action looks up."""
    if invoice.due:
        return None
    return Obstacle(say("Nothing is due on invoice {invoice}.", invoice=invoice.number), BillingRefusal.NOTHING_DUE)


def approve_obstacle(write_off: WriteOff, by: User) -> Obstacle | None:
    """Why this person may not approve it now, or None: less may be due by now than was proposed."""
    if found := WRITE_OFFS.decide_obstacle(write_off, by):
        return found
    if write_off.amount > write_off.invoice.due:
        return Obstacle(
            say("Less is due on invoice {invoice} by now: propose it anew.", invoice=write_off.invoice.number),
            BillingRefusal.CAP,
        )
    return None


def propose_write_off(invoice_id: int, *, by: User, reason: str) -> WriteOff:
    """Propose that all that is due on the invoice is asked for no longer. Nothing changes before somebody approves.

    Raises:
        Refused: nothing is due, one waits already, no reason, or one's own invoice.
    """
    with act(BillingVerb.WRITE_OFF_PROPOSE, by=by, reason=reason, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        action.about(invoice, customer_id=invoice.customer_id)
        action.refuse_if(propose_obstacle(invoice))
        action.require_reason(say("why it will not be paid"))
        if invoice.write_offs.filter(state=State.PROPOSED).exists():
            raise Refused(say("A write-off of this invoice waits for approval already."), code=Refusal.DUPLICATE)
        write_off = WriteOff(
            invoice=invoice, amount=invoice.due, reason=reason.strip(), proposed_by=by, proposed_at=timezone.now()
        )
        write_off.save()
        action.about(write_off, customer_id=invoice.customer_id)
        return write_off


def approve_write_off(write_off_id: int, *, by: User, reason: str = "") -> WriteOff:
    """Approve as the second person: the amount is not due any more. It stays unpaid: no refund hands it out, and what
    comes in after all takes the write-off back.

    Raises:
        Refused: one's own proposal, decided already, less is due by now, or linked to the customer.
    """
    with act(BillingVerb.WRITE_OFF_APPROVE, by=by, reason=reason, target=(WriteOff, write_off_id)) as action:
        require(by, May.APPROVE_WRITE_OFFS)
        write_off = _locked(action, write_off_id)
        action.refuse_if(approve_obstacle(write_off, by))
        invoice = write_off.invoice
        invoice.written_off += write_off.amount
        invoice.state = state_while_due(invoice)
        invoice.save()
        decide(write_off, State.APPROVED, by=by)
        return write_off


def _locked(action: Action, write_off_id: int) -> WriteOff:
    write_off = action.lock(WriteOff, write_off_id, "invoice")
    action.about(write_off, customer_id=write_off.invoice.customer_id)
    return write_off


WRITE_OFFS = Endings(
    WriteOff,
    proposing=May.HANDLE_MONEY,
    approving=May.APPROVE_WRITE_OFFS,
    rejected=BillingVerb.WRITE_OFF_REJECT,
    withdrawn=BillingVerb.WRITE_OFF_WITHDRAW,
    locked=_locked,
)


def reject_write_off(write_off_id: int, *, by: User, reason: str) -> WriteOff:
    """Say no, with the reason; the invoice stays due."""
    return WRITE_OFFS.reject(write_off_id, by=by, reason=reason)


def withdraw_write_off(write_off_id: int, *, by: User, reason: str = "") -> WriteOff:
    """Take a proposal back."""
    return WRITE_OFFS.withdraw(write_off_id, by=by, reason=reason)
