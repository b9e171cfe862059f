"""Taking a settled refund back: proposed by one person, approved by another, with counter-entries."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from accounts.four_eyes import rules as four_eyes
from accounts.staff.limits.rules import limit_of
from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from audit.actions import Action, Obstacle, Refused, act
from audit.vocabulary import Refusal
from billing.invoices.credit_notes.actions import issue_credit_note
from billing.invoices.models import Charge, CreditNote
from billing.money import format_amount
from complaints.notices.owed.actions import owe_reversed
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from complaints.reversals.plan import apply_reversal, plan_reversal
from complaints.vocabulary import ComplaintRefusal, ComplaintVerb
from core.text import say

State = Reversal.State


def propose_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """Why this person may not propose to take the refund back now, or None."""
    if found := permission_obstacle(by, May.PROPOSE_REFUNDS):
        return found
    if refund.state != Refund.State.SETTLED:
        return Obstacle(
            say(
                "{refund} is “{state}”: only a settled refund can be reversed.",
                refund=refund.code,
                state=refund.get_state_display(),
            ),
            code=Refusal.STATE,
        )
    if found := _void_obstacle(refund):
        return found
    if any(reversal.state == State.PROPOSED for reversal in refund.reversals.all()):
        return Obstacle(
            say("A reversal of {refund} waits for its approval already.", refund=refund.code),
            code=ComplaintRefusal.OPEN_REVERSAL,
        )
    return None


def _void_obstacle(refund: Refund) -> Obstacle | None:
    """Why nothing can be taken back of the refund any more, or None: nobody owes the fee, so none can be due again."""
    if not refund.period.fee_is_void:
        return None
    return Obstacle(
        say("What {refund} gave back is void by now: nothing of it is taken back any more.", refund=refund.code),
        code=Refusal.STATE,
    )


def propose_reversal(refund_id: int, *, by: User, reason: str, charge_used: bool = False) -> Reversal:
    """Propose to take a settled refund back. Nothing moves yet; what it comes to is computed at the approval.

    ``charge_used`` asks for a charge of what was used on the next invoice; whoever approves has the last word.
    """
    with act(ComplaintVerb.REVERSAL_PROPOSE, by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = action.lock(Refund, refund_id, *_CASE)
        _about(action, refund)
        action.refuse_if(propose_obstacle(refund, by))
        action.require_reason()
        reversal = Reversal(
            refund=refund, reason=reason.strip(), charge_used=charge_used, proposed_by=by, proposed_at=timezone.now()
        )
        reversal.save()
        plan = plan_reversal(refund)
        action.data = {
            "recovered": f"{plan.recovered:f}",
            "used": f"{plan.used:f}",
            "due_again": f"{plan.due_again:f}",
            "charge_used": charge_used,
        }
        return reversal


def decide_obstacle(reversal: Reversal, by: User) -> Obstacle | None:
    """Why this person may not approve or reject the reversal now, or None. The limit comes on top."""
    return four_eyes.decide_obstacle(reversal, by, may=May.APPROVE_REVERSAL)


def approve_obstacle(reversal: Reversal, by: User) -> Obstacle | None:
    """Why this person may not approve the reversal now, or None: what it takes back may be void by now. The limit comes
    on top.
    """
    return decide_obstacle(reversal, by) or _void_obstacle(reversal.refund)


def limit_obstacle(reversal: Reversal, by: User) -> Obstacle | None:
    """Whether the person's limit for reversals covers the refund."""
    refund = reversal.refund
    limit = limit_of(by, ApprovalLimit.Subject.REVERSAL, refund.currency, timezone.localdate())
    return limit.obstacle(refund.total)


def approve_reversal(reversal_id: int, *, by: User, charge_used: bool, reason: str = "") -> Reversal:
    """Approve a reversal and carry it out: unused credit first, then what else has not been used; what was used is a
    charge on the next invoice only if ``charge_used``. A subscription that has ended has none: billing asks for the
    charge by an invoice of its own.

    The refund keeps its rows and becomes *reversed*. What came back can be refunded again, and so can what is charged
    once it is paid (``rules``); what the customer keeps still counts as refunded for its period.

    Raises:
        Refused: own proposal, no limit, or nothing would come back.
    """
    with act(ComplaintVerb.REVERSAL_APPROVE, by=by, reason=reason, target=(Reversal, reversal_id)) as action:
        reversal = _lock_reversal(action, reversal_id)
        refund = reversal.refund
        action.refuse_if(approve_obstacle(reversal, by))
        action.refuse_if(limit_obstacle(reversal, by))
        plan = plan_reversal(refund)
        charged = plan.used if charge_used else Decimal(0)
        back = plan.recovered + charged + plan.due_again
        if back == 0:
            raise Refused(
                say("Everything this refund gave was used, and nothing is charged: there is nothing to take back."),
                code=Refusal.NOTHING,
            )
        period = refund.period
        period.refunded -= back
        period.save()
        apply_reversal(plan, refund, by=by)
        if charged:
            reversal.charge = _charge(refund, charged)
        if refund.credit_note is not None:
            reversal.credit_note = issue_credit_note(
                period, back, set_off=plan.due_again, kind=CreditNote.Kind.REVERSAL, reverses=refund.credit_note
            )
        reversal.charge_used = charge_used
        reversal.recovered, reversal.used, reversal.due_again = plan.recovered, plan.used, plan.due_again
        reversal.entries = [entry.as_data(refund.currency) for entry in plan.entries]
        four_eyes.decide(reversal, State.APPROVED, by=by)
        refund.state = Refund.State.REVERSED
        refund.save()
        owe_reversed(reversal)
        action.data = {"entries": reversal.entries, "charged": format_amount(charged, refund.currency)}
        return reversal


def _charge(refund: Refund, amount: Decimal) -> Charge:
    charge = Charge(
        customer_id=refund.customer_id,
        subscription=refund.subscription,
        currency=refund.currency,
        amount=amount,
        tax_rate=refund.period.tax_rate,
        reason=f"Refund {refund.code} taken back: what was used of it",
        charged_on=timezone.localdate(),
    )
    charge.save()
    return charge


def reject_reversal(reversal_id: int, *, by: User, reason: str) -> Reversal:
    """Decide that the refund stays."""
    with act(ComplaintVerb.REVERSAL_REJECT, by=by, reason=reason, target=(Reversal, reversal_id)) as action:
        reversal = _lock_reversal(action, reversal_id)
        action.refuse_if(decide_obstacle(reversal, by))
        action.require_reason()
        four_eyes.decide(reversal, State.REJECTED, by=by)
        return reversal


def withdraw_obstacle(reversal: Reversal, by: User) -> Obstacle | None:
    """One's own proposal; another's needs a lead."""
    own = reversal.proposed_by_id == by.pk
    return four_eyes.open_obstacle(reversal) or (
        None if own else permission_obstacle(by, May.WITHDRAW_REFUNDS_OF_OTHERS)
    )


def withdraw_reversal(reversal_id: int, *, by: User, reason: str) -> Reversal:
    """Take the proposal of a reversal back."""
    with act(ComplaintVerb.REVERSAL_WITHDRAW, by=by, reason=reason, target=(Reversal, reversal_id)) as action:
        reversal = _lock_reversal(action, reversal_id)
        action.refuse_if(withdraw_obstacle(reversal, by))
        action.require_reason()
        reversal.state = State.WITHDRAWN
        reversal.save()
        return reversal


#: Everything a reversal may write or stop, as paths from its refund. What was to be paid out of a credit after the
#: subscription's end is stopped with it.
_CASE = (
    "customer",
    "subscription",
    "period",
    "remedies__minutes_grant__period",
    "remedies__extension__period",
    "period__invoice",
    "remedies__credit",
    "remedies__payout__credit",
    "remedies__payout",
    "remedies__credit__leftover_payouts__payout",
    "remedies__payout__credit__leftover_payouts__payout",
    "remedies__credit__leftover_payouts",
    "remedies__payout__credit__leftover_payouts",
    "complaint",
)


def _lock_reversal(action: Action, reversal_id: int) -> Reversal:
    reversal = action.lock(Reversal, reversal_id, "refund", *(f"refund__{path}" for path in _CASE))
    _about(action, reversal.refund)
    return reversal


def _about(action: Action, refund: Refund) -> None:
    action.about(refund, complaint_id=refund.complaint_id, customer_id=refund.customer_id)
