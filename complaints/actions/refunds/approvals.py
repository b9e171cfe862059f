"""Deciding on a proposal: approved and settled, returned, or rejected."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from audit.actions import Refused, act
from billing.credit_notes import issue_credit_note
from billing.giving import release
from billing.money import format_amount
from complaints import guards
from complaints.actions.refunds.common import back_to_draft, end, facts_of, lock_refund, quote_of
from complaints.models import Approval, Refund
from complaints.quoting import content_hash, differing_lines, refund_content
from complaints.remedies import settle_remedies

State = Refund.State


def approve_refund(refund_id: int, *, by: User, reason: str = "") -> Refund:
    """Approve a proposal, as somebody with no hand in it and within the role's limit; with the last approval that it
    needs, everything it gives takes effect in this transaction.

    The quote is computed again first. If a line differs, the approval is refused with both quotes and the refund goes
    back to draft: the one refusal that changes something.

    Raises:
        Refused: ``code`` says why: ``own_proposal``, ``own_draft``, ``assessed``, ``decided``, ``linked``,
            ``approved_already``, ``permission``, ``no_limit``, ``over_limit``, ``expired``, ``state``, ``tampered``,
            ``stale_quote``, ``remedy``.
    """
    with act("refund.approve", by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(guards.approve_obstacle(refund, by))
        action.refuse_if(guards.limit_obstacle(refund, by))
        if content_hash(refund_content(refund)) != refund.content_hash:
            raise Refused(
                f"{refund.code} is not what was proposed: its contents do not match their hash.",
                code="tampered",
            )
        stale = _stale(refund)
        if stale is not None:
            release(refund.period, refund.total)
            back_to_draft(refund, stale.message)
            action.refuse_keeping_changes(stale)
            return refund
        parameters = refund.terms
        step = Approval.objects.filter(refund=refund, round=refund.round).count() + 1
        limit = guards.limit_of(by, refund.basis, refund.currency, timezone.localdate())
        assert limit is not None
        assert refund.proposed_by is not None
        Approval(
            refund=refund,
            round=refund.round,
            step=step,
            approver=by,
            approver_role=by.role_name,
            proposer=refund.proposed_by,
            amount=refund.total,
            limit=limit,
            granted_before=guards.granted_lately(refund, parameters),
            content_hash=refund.content_hash,
            reason=reason.strip(),
            at=timezone.now(),
        ).save()
        action.data = {**facts_of(refund), "step": step}
        if step == 1 and parameters.needs_two_approvals(refund.total, refund.currency):
            refund.state = State.APPROVED
            refund.save()
            action.message = "A second person has to approve."
        else:
            _settle(refund)
            action.data["settled"] = True
        return refund


def _settle(refund: Refund) -> None:
    settle_remedies(refund)
    refund.credit_note = issue_credit_note(refund.period, refund.total)
    refund.state = State.SETTLED
    refund.settled_at = timezone.now()
    refund.save()


def _stale(refund: Refund) -> Refused | None:
    live = quote_of(refund)
    differing = differing_lines(refund.lines, live.lines)
    if not differing and live.counted == refund.counted:
        return None
    return Refused(
        f"The figures of {refund.code} have changed since it was proposed:"
        f" {format_amount(refund.total, refund.currency)} then, {format_amount(live.quote.total, refund.currency)} now."
        " It goes back to draft, to be proposed again.",
        code="stale_quote",
        data={"before": refund.lines, "after": live.lines, "differing": differing},
    )


def return_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Send a proposal back to draft, to be improved. Approvals given so far count no more."""
    with act("refund.return", by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(guards.return_obstacle(refund, by))
        action.require_reason("what should be changed")
        release(refund.period, refund.total)
        back_to_draft(refund, reason.strip())
        return refund


def reject_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Turn a proposal down for good; a retry is a new refund, linked to this one."""
    with act("refund.reject", by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(guards.return_obstacle(refund, by))
        action.require_reason("why it is rejected")
        end(refund, State.REJECTED)
        return refund
