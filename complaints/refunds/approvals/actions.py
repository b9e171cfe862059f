"""Deciding on a proposal: approved and settled, returned, or rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.staff.models import Delegation, User
from audit.actions import Action, Obstacle, Refused, act
from billing.invoices.credit_notes.actions import issue_credit_note
from billing.remedies.effects import release
from complaints.notices.owed.actions import owe_ended, owe_settled
from complaints.quotes.quoting import LiveQuote, content_hash, differing_lines, provisional_obstacle, refund_content
from complaints.quotes.text import plan_in_words
from complaints.refunds.approvals.rules import ANY_RIGHT, Authority, deciding_right, may_approve, return_obstacle
from complaints.refunds.approvals.windows.rules import lock_all_paid_alike
from complaints.refunds.common import back_to_draft, end, facts_of, lock_refund, name_right, quote_of
from complaints.refunds.models import Approval, Refund
from complaints.refunds.remedies.actions import remedy_plan_for, settle_remedies, with_open_amount
from complaints.vocabulary import ComplaintRefusal, ComplaintVerb
from core.amounts import money_text
from core.text import Text, in_english, join, say

State = Refund.State


def approve_refund(refund_id: int, *, by: User, reason: str = "", choice: str = ANY_RIGHT) -> Refund:
    """Approve a proposal, as somebody with no hand in it and within a limit; with the last approval that it needs,
    everything it gives takes effect in this transaction.

    By whose right: one's own if it suffices, else that of somebody one stands in for and who has no hand in it either.
    ``choice`` insists on the own one (``rules.OWN_RIGHT``) or on a delegation (its key).

    The quote is computed again first. If a line differs, the approval is refused with both quotes and the refund goes
    back to draft: the one refusal that changes something.

    Raises:
        Refused: ``code`` says why: ``own_proposal``, ``own_draft``, ``assessed``, ``decided``, ``linked``,
            ``approved_already``, ``permission``, ``delegation``, ``no_limit``, ``over_limit``, ``expired``, ``state``,
            ``tampered``, ``stale_quote``, ``remedy``.
    """
    with act(ComplaintVerb.REFUND_APPROVE, by=by, reason=reason, target=(Refund, refund_id)) as action:
        lock_all_paid_alike(refund_id)
        refund = lock_refund(action, refund_id)
        authority = _authority(action, refund, by, choice)
        if content_hash(refund_content(refund)) != refund.content_hash:
            raise Refused(
                say("{refund} is not what was proposed: its contents do not match their hash.", refund=refund.code),
                code=ComplaintRefusal.TAMPERED,
            )
        live = quote_of(refund)
        action.refuse_if(provisional_obstacle(live))
        stale = _stale(refund, live)
        if stale is not None:
            release(refund.period, refund.total)
            back_to_draft(refund, in_english(stale.message))
            action.refuse_keeping_changes(stale)
            return refund
        step = Approval.objects.filter(refund=refund, round=refund.round).count() + 1
        delegation = authority.right.delegation
        assert refund.proposed_by is not None
        Approval(
            refund=refund,
            round=refund.round,
            step=step,
            approver=by,
            approver_role=by.role_name,
            delegation=delegation,
            on_behalf_of=delegation.delegator if delegation is not None else None,
            proposer=refund.proposed_by,
            amount=refund.total,
            limit=authority.limit,
            granted_before=authority.granted,
            content_hash=refund.content_hash,
            reason=reason.strip(),
            at=timezone.now(),
        ).save()
        action.data = {
            **facts_of(refund),
            "round": refund.round,
            "step": step,
            "limit": None if authority.limit is None else f"{authority.limit:f}",
            "granted_before": f"{authority.granted:f}",
        }
        name_right(action, authority.right)
        if step == 1 and authority.takes_two:
            refund.state = State.APPROVED
            refund.save()
            action.message = f"{action.message} A second person has to approve.".strip()
        else:
            _settle(refund)
            action.data["settled"] = True
        return refund


def _authority(action: Action, refund: Refund, by: User, choice: str) -> Authority:
    """By whose right it is approved. A delegation is locked, so that it is not revoked at this moment.

    Raises:
        Refused: by nobody's.
    """
    found = may_approve(refund, by, choice=choice)
    if isinstance(found, Obstacle):
        raise Refused(found.sentence, code=found.code)
    if found.right.delegation is not None:
        locked = action.lock(Delegation, found.right.delegation.pk)
        if locked.state != Delegation.State.ACTIVE:
            raise Refused(
                say("{person} has taken this delegation back just now.", person=found.right.person),
                code=ComplaintRefusal.DELEGATION,
            )
    return found


def _settle(refund: Refund) -> None:
    settle_remedies(refund)
    refund.credit_note = issue_credit_note(refund.period, refund.total, set_off=refund.set_off)
    refund.state = State.SETTLED
    refund.settled_at = timezone.now()
    refund.save()
    owe_settled(refund)


def _stale(refund: Refund, live: LiveQuote) -> Refused | None:
    """Whether a line, the set-off, a counted time or the units of a remedy are not what was proposed any more."""
    differing = differing_lines(refund.lines, live.lines)
    before, after = refund.remedy_plan, _plan_now(refund, live)
    if not differing and (live.counted, live.quote.set_off, after) == (refund.counted, refund.set_off, before):
        return None
    then, now = (refund.total, refund.set_off, before), (live.quote.total, live.quote.set_off, after)
    data: dict[str, Any] = {"before": refund.lines, "after": live.lines, "differing": differing}
    if before != after:
        data["remedies"] = {"before": before, "after": after}
    if live.counted != refund.counted:
        data["times"] = [{"before": refund.counted, "after": live.counted}]
    if then == now and not differing:
        return Refused(
            say(
                "The times that {refund} counts have changed since it was proposed, though not its amount: {times} "
                "then, {times_now} now. It goes back to draft, to be proposed again.",
                refund=refund.code,
                times=_times_in_words(refund.counted),
                times_now=_times_in_words(live.counted),
            ),
            code=ComplaintRefusal.STALE_QUOTE,
            data=data,
        )
    return Refused(
        say(
            "The figures of {refund} have changed since it was proposed: {amount} then, {amount_now} "
            "now. It goes back to draft, to be proposed again.",
            refund=refund.code,
            amount=_in_words(*then, currency=refund.currency, at_length=then[0] == now[0]),
            amount_now=_in_words(*now, currency=refund.currency, at_length=then[0] == now[0]),
        ),
        code=ComplaintRefusal.STALE_QUOTE,
        data=data,
    )


def _times_in_words(counted: Sequence[Sequence[str]]) -> Text:
    """Local times, to the minute, or that there are none."""
    if not counted:
        return say("none")
    ends = [[timezone.localtime(datetime.fromisoformat(moment)) for moment in times] for times in counted]
    return join(", ", [f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}" for start, end in ends])


def _plan_now(refund: Refund, live: LiveQuote) -> list[dict[str, Any]]:
    """The proposal's remedies as they would be given now; none where they can't be any more."""
    plan = with_open_amount(refund.remedy_plan)
    try:
        return remedy_plan_for(plan, live.quote.payable, refund.period, live.terms)
    except Refused:
        # Where the amount is the same, settling says which remedy cannot be any more.
        return refund.remedy_plan if live.quote.payable == refund.payable else []


def _in_words(
    total: Decimal, set_off: Decimal, plan: Sequence[Mapping[str, Any]], *, currency: str, at_length: bool
) -> Text:
    amount = money_text(total, currency)
    if not at_length:
        return amount
    return say("{amount} ({remedies})", amount=amount, remedies=plan_in_words(plan, currency, set_off))


def return_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Send a proposal back to draft, to be improved. Approvals given so far count no more."""
    with act(ComplaintVerb.REFUND_RETURN, by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(return_obstacle(refund, by))
        name_right(action, deciding_right(refund, by))
        action.require_reason(say("what should be changed"))
        release(refund.period, refund.total)
        back_to_draft(refund, reason.strip())
        return refund


def reject_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Turn a proposal down for good; a retry is a new refund, linked to this one."""
    with act(ComplaintVerb.REFUND_REJECT, by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(return_obstacle(refund, by))
        name_right(action, deciding_right(refund, by))
        action.require_reason(say("why it is rejected"))
        end(refund, State.REJECTED)
        owe_ended(refund)
        return refund
