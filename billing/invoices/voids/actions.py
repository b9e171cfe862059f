"""Voiding an invoice that should never have been: one person says why it is wrong, another approves, and a credit note
says that nobody owes it (RULES 7).
"""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from accounts.four_eyes.actions import Endings
from accounts.four_eyes.rules import decide
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Obstacle, Refused, act
from audit.vocabulary import Refusal
from billing.invoices.credit_notes.actions import void_invoice_note
from billing.invoices.issuing import state_while_due
from billing.invoices.models import Invoice, InvoiceVoid
from billing.invoices.voids.notifications import notify_void
from billing.remedies.effects import give_credit
from billing.subscriptions.models import BillingPeriod
from billing.vocabulary import BillingRefusal, BillingVerb
from core.amounts import money_text
from core.text import say

State = InvoiceVoid.State


def propose_obstacle(invoice: Invoice) -> Obstacle | None:
    """Why the invoice cannot be voided, or None. Whether a proposal waits already, the action looks up."""
    unit, number = invoice.currency, invoice.number
    if invoice.voided_on is not None:
        return Obstacle(say("Invoice {invoice} is void already.", invoice=number), Refusal.STATE)
    if invoice.paid:
        return Obstacle(
            say(
                "{amount} was paid on invoice {invoice}. Take the payment off it first, or give it back by a refund.",
                amount=money_text(invoice.paid, unit),
                invoice=number,
            ),
            BillingRefusal.PAID,
        )
    if left_of(invoice) <= 0:
        return Obstacle(say("Nothing is left of invoice {invoice}.", invoice=number), BillingRefusal.NOTHING_DUE)
    return _period_obstacle(invoice.period, number) if invoice.period is not None else None


def _period_obstacle(period: BillingPeriod, number: str) -> Obstacle | None:
    """What stands in the way of voiding a fee: what refunds gave of it, or may give."""
    if period.state == BillingPeriod.State.VOIDED:
        return Obstacle(
            say("The period of invoice {invoice} is voided: its own credit note says so.", invoice=number),
            Refusal.STATE,
        )
    if period.pending:
        return Obstacle(
            say("A refund of the period waits for approval: approve, reject or withdraw it first."),
            BillingRefusal.GIVEN_BACK,
        )
    if given := period.refunded - period.set_off:
        return Obstacle(
            say(
                "Refunds gave back {amount} of invoice {invoice}, more than was set off: reverse them first, or "
                "propose to write off what is due.",
                amount=money_text(given, period.currency),
                invoice=number,
            ),
            BillingRefusal.GIVEN_BACK,
        )
    return None


def left_of(invoice: Invoice) -> Decimal:
    """What is to pay of an unpaid invoice, written off or not, and what credits have borne of it."""
    left: Decimal = invoice.payable + invoice.credited
    return left


def approve_obstacle(void: InvoiceVoid, by: User) -> Obstacle | None:
    """Why this person may not approve it now, or None: something may have been paid or set off since."""
    if found := VOIDS.decide_obstacle(void, by) or propose_obstacle(void.invoice):
        return found
    if void.amount != left_of(void.invoice):
        return Obstacle(
            say("Invoice {invoice} has changed since: propose it anew.", invoice=void.invoice.number),
            BillingRefusal.CAP,
        )
    return None


def propose_void(invoice_id: int, *, by: User, reason: str) -> InvoiceVoid:
    """Propose that the invoice is void. Nothing changes before somebody approves.

    Raises:
        Refused: something was paid of it, a refund gave something of it, one waits already, no reason, or one's own.
    """
    with act(BillingVerb.INVOICE_VOID_PROPOSE, by=by, reason=reason, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id, "period")
        action.about(invoice, customer_id=invoice.customer_id)
        action.refuse_if(propose_obstacle(invoice))
        action.require_reason(say("what is wrong with it"))
        if invoice.voids.filter(state=State.PROPOSED).exists():
            raise Refused(say("The voiding of this invoice waits for approval already."), code=Refusal.DUPLICATE)
        void = InvoiceVoid(
            invoice=invoice, amount=left_of(invoice), reason=reason.strip(), proposed_by=by, proposed_at=timezone.now()
        )
        void.save()
        action.about(void, customer_id=invoice.customer_id)
        return void


def approve_void(void_id: int, *, by: User, reason: str = "") -> InvoiceVoid:
    """Approve as the second person: a credit note over all that is left of the invoice is written, nothing is to pay on
    it, what credits had borne of it is a credit of its subscription again, and the customer is told. A dispute is over.

    Raises:
        Refused: one's own proposal, decided already, the invoice has changed since, or linked to the customer.
    """
    with act(BillingVerb.INVOICE_VOID_APPROVE, by=by, reason=reason, target=(InvoiceVoid, void_id)) as action:
        require(by, May.APPROVE_VOIDS)
        void = _locked(action, void_id)
        action.refuse_if(approve_obstacle(void, by))
        invoice = void.invoice
        note = void.credit_note = void_invoice_note(invoice)
        given_back = invoice.credited
        invoice.voided, invoice.voided_on, invoice.written_off = invoice.payable, note.issued_on, Decimal(0)
        invoice.disputed_on, invoice.dispute_reason = None, ""
        invoice.state = state_while_due(invoice)
        invoice.save()
        if given_back:
            give_credit(
                invoice.subscription,
                given_back,
                reason=f"Credit that invoice {invoice.number}, now void, had used",
                void_invoice=invoice,
            )
        decide(void, State.APPROVED, by=by)
        notify_void(invoice, note, given_back=given_back, by=by)
        action.data = {
            "invoice": invoice.number,
            "credit_note": note.number,
            "amount": f"{note.gross:f}",
            "currency": note.currency,
        }
        return void


def _locked(action: Action, void_id: int) -> InvoiceVoid:
    void = action.lock(
        InvoiceVoid,
        void_id,
        "invoice",
        "invoice__customer",
        "invoice__period",
        "invoice__period__subscription",
        "invoice__charges_of",
    )
    action.about(void, customer_id=void.invoice.customer_id)
    return void


VOIDS = Endings(
    InvoiceVoid,
    proposing=May.HANDLE_MONEY,
    approving=May.APPROVE_VOIDS,
    rejected=BillingVerb.INVOICE_VOID_REJECT,
    withdrawn=BillingVerb.INVOICE_VOID_WITHDRAW,
    locked=_locked,
)


def reject_void(void_id: int, *, by: User, reason: str) -> InvoiceVoid:
    """Say no, with the reason; the invoice stays due."""
    return VOIDS.reject(void_id, by=by, reason=reason)


def withdraw_void(void_id: int, *, by: User, reason: str = "") -> InvoiceVoid:
    """Take a proposal back."""
    return VOIDS.withdraw(void_id, by=by, reason=reason)
