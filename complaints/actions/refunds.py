"""A refund's life: draft, proposal, approval by others, and what then happens for real.

Rows are locked in the one order: customer, subscription, period, invoice, complaint, refund.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.guards import require
from accounts.models import Customer, User, next_number
from accounts.permissions import May
from audit.actions import Action, Refused, act, checked
from billing.credit_notes import issue_credit_note
from billing.giving import hold, release
from billing.models import BillingPeriod, Invoice, Subscription
from billing.money import format_amount
from complaints import guards
from complaints.models import Approval, Complaint, Contribution, Refund
from complaints.quoting import (
    Choices,
    LiveQuote,
    basis_obstacle,
    content_hash,
    differing_lines,
    live_quote,
    refund_content,
    terms_for,
)
from complaints.refund_calculation import CURRENT_VERSION, QuoteInputError, inputs_to_json, why_nothing
from complaints.remedies import loosened, remedy_plan_for, settle_remedies, tidy_plan

State = Refund.State


# --- Draft --------------------------------------------------------------------------------------


def draft_refund(
    complaint_id: int,
    *,
    by: User,
    basis: str,
    period_id: int | None = None,
    special_amount: Decimal | None = None,
    reduction: Decimal = Decimal(0),
    reduction_reason: str = "",
    justification: str = "",
    evidence: str = "",
    remedies: Sequence[Mapping[str, Any]] = (),
    retry_of_id: int | None = None,
) -> Refund:
    """Start a refund on a complaint. Nothing is held or promised by a draft.

    ``period_id`` is another period of the complaint's subscription, if it is not the complaint's own. ``remedies`` is a
    list of ``{"kind", "amount"}``; one entry may leave its amount out and takes the rest; none at all means a credit.

    Raises:
        Refused: the case is not open for it, hardware (F8), the policy has no such basis, another refund of the
            complaint and period is open, or the figures cannot be.
    """
    with act("refund.draft", by=by, reason=justification, target=(Refund, None)) as action:
        complaint = action.lock(Complaint, complaint_id)
        action.complaint_id, action.customer_id = complaint.pk, complaint.customer_id
        action.refuse_if(guards.quote_obstacle(complaint, by))
        period = _period_for(complaint, period_id)
        terms = terms_for(period)
        action.refuse_if(basis_obstacle(complaint, basis, terms))
        twin = Refund.objects.open().filter(complaint=complaint, period=period).first()
        if twin is not None:
            raise Refused(
                f"{complaint.code} has an open refund for this period already: {twin.code}.",
                code="open_refund",
            )
        now = timezone.now()
        refund = Refund(
            code=f"R-{next_number('refund'):05d}",
            complaint=complaint,
            customer_id=complaint.customer_id,
            subscription_id=complaint.subscription_id,
            period=period,
            basis=basis,
            currency=period.currency,
            drafted_by=by,
            drafted_at=now,
            refund_policy=terms.refund,
            fulfilment_policy=terms.fulfilment,
            agreement=terms.agreement,
            retry_of=_retried(complaint, retry_of_id),
        )
        _fill(
            refund,
            special_amount=special_amount,
            reduction=reduction,
            reduction_reason=reduction_reason,
            justification=justification,
            evidence=evidence,
            remedies=remedies,
        )
        _draft_expiry(refund)
        checked(refund).save()
        _contribute(refund, by, Contribution.Part.DRAFTED)
        action.about(refund)
        action.data = {"basis": basis, "period": str(period)}
        return refund


def edit_refund(
    refund_id: int,
    *,
    by: User,
    special_amount: Decimal | None = None,
    reduction: Decimal = Decimal(0),
    reduction_reason: str = "",
    justification: str = "",
    evidence: str = "",
    remedies: Sequence[Mapping[str, Any]] = (),
    basis: str | None = None,
) -> Refund:
    """Change a draft. Whoever does may not approve it any more."""
    with act("refund.edit", by=by, reason=justification, target=(Refund, refund_id)) as action:
        refund = _lock_refund(action, refund_id)
        action.refuse_if(guards.edit_obstacle(refund, by))
        if basis is not None:
            refund.basis = basis
            refund.special_amount = None
        action.refuse_if(basis_obstacle(refund.complaint, refund.basis, terms_for(refund.period)))
        _fill(
            refund,
            special_amount=special_amount,
            reduction=reduction,
            reduction_reason=reduction_reason,
            justification=justification,
            evidence=evidence,
            remedies=remedies,
        )
        checked(refund).save()
        _contribute(refund, by, Contribution.Part.EDITED)
        return refund


def _fill(
    refund: Refund,
    *,
    special_amount: Decimal | None,
    reduction: Decimal,
    reduction_reason: str,
    justification: str,
    evidence: str,
    remedies: Sequence[Mapping[str, Any]],
) -> None:
    if reduction and not reduction_reason.strip():
        raise Refused("Give the reason for the reduction.", code="reduction_reason_missing")
    refund.special_amount = special_amount if refund.basis == Refund.Basis.SPECIAL else None
    if refund.basis == Refund.Basis.SPECIAL and special_amount is None:
        raise Refused("Enter the amount of the special case.", code="special_amount_missing")
    refund.reduction = reduction
    refund.reduction_reason = reduction_reason.strip() if reduction else ""
    refund.justification = justification.strip()
    refund.evidence = evidence.strip()
    refund.remedy_plan = tidy_plan(remedies, refund.currency)
    _quote(refund)  # what cannot be computed cannot be drafted either


def _period_for(complaint: Complaint, period_id: int | None) -> BillingPeriod:
    if period_id is None or period_id == complaint.period_id:
        return complaint.period
    period = BillingPeriod.objects.filter(pk=period_id, subscription=complaint.subscription_id).first()
    if period is None:
        raise Refused(f"That period is not one of {complaint.subscription.number}.", code="period")
    return period


def _retried(complaint: Complaint, refund_id: int | None) -> Refund | None:
    if refund_id is None:
        return None
    before = Refund.objects.filter(pk=refund_id, complaint=complaint).first()
    if before is None or before.state in Refund.OPEN_STATES:
        raise Refused("Only a finished refund of the same complaint can be tried again.", code="retry")
    return before


# --- Proposal -----------------------------------------------------------------------------------


def propose_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Propose a draft: quote it now, freeze inputs, lines and remedies under a hash, and hold the amount against the
    period's cap until it is decided.

    Raises:
        Refused: no decision that the basis needs, no justification, a quote of nothing, remedies that do not add up
            or cannot be, or more than the period still bears.
    """
    with act("refund.propose", by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = _lock_refund(action, refund_id)
        action.refuse_if(guards.propose_obstacle(refund, by))
        action.refuse_if(guards.justification_obstacle(refund))
        action.require_reason("why this refund is proposed")
        live = _quote(refund)
        action.refuse_if(basis_obstacle(refund.complaint, refund.basis, live.terms))
        if live.quote.total == 0:
            raise Refused(why_nothing(live.inputs, live.quote) or "The quote comes to nothing.", code="nothing")
        refund.judge_by(live.terms)
        refund.inputs = inputs_to_json(live.inputs)
        refund.lines = live.lines
        refund.counted = live.counted
        refund.total = live.quote.total
        refund.calculation_version = CURRENT_VERSION
        refund.remedy_plan = remedy_plan_for(refund.remedy_plan, refund.total, refund.period, live.terms)
        hold(refund.period, refund.total)
        refund.round += 1
        refund.state = State.PROPOSED
        refund.proposed_by = by
        refund.proposed_at = timezone.now()
        refund.proposal_reason = reason.strip()
        refund.returned_reason = ""
        refund.expires_on = timezone.localdate() + timedelta(days=refund.terms.proposal_expires_after_days)
        refund.content_hash = content_hash(refund_content(refund))
        refund.save()
        _contribute(refund, by, Contribution.Part.PROPOSED)
        action.data = _facts(refund)
        return refund


def quote_and_propose(complaint_id: int, *, by: User, reason: str, **draft: Any) -> Refund:
    """Draft and propose in one step, as staff do when a case is clear; if either is refused, neither stays.

    ``draft`` is what ``draft_refund`` takes. Raises ``Refused`` as the two do.
    """
    with act("refund.draft_and_propose", by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        action.complaint_id = complaint_id
        refund = draft_refund(complaint_id, by=by, **draft)
        refund = propose_refund(refund.pk, by=by, reason=reason)
        action.about(refund, complaint_id=complaint_id, customer_id=refund.customer_id)
        return refund


# --- Approval -----------------------------------------------------------------------------------


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
        refund = _lock_refund(action, refund_id)
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
            _back_to_draft(refund, stale.message)
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
        action.data = {**_facts(refund), "step": step}
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
    live = _quote(refund)
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


# --- Other ends ---------------------------------------------------------------------------------


def return_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Send a proposal back to draft, to be improved. Approvals given so far count no more."""
    with act("refund.return", by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = _lock_refund(action, refund_id)
        action.refuse_if(guards.return_obstacle(refund, by))
        action.require_reason("what should be changed")
        release(refund.period, refund.total)
        _back_to_draft(refund, reason.strip())
        return refund


def reject_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Turn a proposal down for good; a retry is a new refund, linked to this one."""
    with act("refund.reject", by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = _lock_refund(action, refund_id)
        action.refuse_if(guards.return_obstacle(refund, by))
        action.require_reason("why it is rejected")
        _end(refund, State.REJECTED)
        return refund


def withdraw_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Take back one's own draft or proposal; a lead may take back another's."""
    with act("refund.withdraw", by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = _lock_refund(action, refund_id)
        action.refuse_if(guards.withdraw_refund_obstacle(refund, by))
        action.require_reason()
        _end(refund, State.WITHDRAWN)
        return refund


def revoke_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """End a refund that was approved once and waits for its second approval."""
    with act("refund.revoke", by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = _lock_refund(action, refund_id)
        action.refuse_if(guards.revoke_obstacle(refund, by))
        action.require_reason()
        _end(refund, State.REVOKED)
        return refund


def expire_refund(refund_id: int, *, by: User, today: date | None = None) -> Refund:
    """End an open refund whose days, by the policy, are over. For the daily job."""
    with act("refund.expire", by=by, target=(Refund, refund_id)) as action:
        if by.username != User.SYSTEM:
            require(by, May.WITHDRAW_REFUNDS_OF_OTHERS)
        refund = _lock_refund(action, refund_id)
        if refund.state not in Refund.OPEN_STATES or refund.expires_on > (today or timezone.localdate()):
            raise Refused(f"{refund.code} has not expired.", code="state")
        _end(refund, State.EXPIRED)
        return refund


def lock_periods_of_open_refunds(action: Action, complaint_id: int) -> dict[int, BillingPeriod]:
    """The periods that a complaint's open refunds stand on, locked before the complaint is."""
    pks = Refund.objects.open().filter(complaint=complaint_id).order_by("period_id").values_list("period_id", flat=True)
    return {pk: action.lock(BillingPeriod, pk) for pk in pks}


def withdraw_open_refunds(complaint: Complaint, periods: Mapping[int, BillingPeriod]) -> list[str]:
    """End every open refund of a (locked) complaint that is withdrawn; returns their codes."""
    ended = []
    for refund in Refund.objects.open().select_for_update(no_key=True).filter(complaint=complaint).order_by("pk"):
        if refund.period_id not in periods:
            raise Refused("A refund was started on this case just now. Please try again.", code="busy")
        refund.period = periods[refund.period_id]
        _end(refund, State.WITHDRAWN)
        ended.append(refund.code)
    return ended


# --- Shared -------------------------------------------------------------------------------------


def _lock_refund(action: Action, refund_id: int) -> Refund:
    known = Refund.objects.filter(pk=refund_id).first()
    if known is None:
        raise Refused("This refund does not exist (any more).", code="missing")
    customer = action.lock(Customer, known.customer_id)
    subscription = action.lock(Subscription, known.subscription_id)
    period = action.lock(BillingPeriod, known.period_id)
    invoice = Invoice.objects.select_for_update(no_key=True).filter(period=period).order_by("pk").first()
    complaint = action.lock(Complaint, known.complaint_id)
    refund = action.lock(Refund, refund_id)
    action.refuse_if(guards.moved(refund, customer))
    subscription.customer = customer
    period.subscription = subscription
    if invoice is not None:
        period.invoice = invoice
    complaint.subscription = subscription
    complaint.customer = customer
    refund.customer, refund.subscription, refund.period, refund.complaint = (
        customer,
        subscription,
        period,
        complaint,
    )
    action.about(refund, complaint_id=complaint.pk, customer_id=customer.pk)
    return refund


def _quote(refund: Refund) -> LiveQuote:
    choices = Choices(basis=refund.basis, reduction=refund.reduction, special_amount=refund.special_amount)
    try:
        return live_quote(refund.complaint, refund.period, choices, leaving_out=refund if refund.pk else None)
    except QuoteInputError as problem:
        raise Refused(problem.message, code=problem.code, data={"field": problem.field}) from None


def _back_to_draft(refund: Refund, reason: str) -> None:
    refund.state = State.DRAFT
    refund.returned_reason = reason
    refund.remedy_plan = loosened(refund.remedy_plan)
    _draft_expiry(refund)
    refund.save()


def _draft_expiry(refund: Refund) -> None:
    refund.expires_on = timezone.localdate() + timedelta(days=refund.terms.draft_expires_after_days)


def _end(refund: Refund, state: str) -> None:
    if refund.state in Refund.PENDING_STATES:
        release(refund.period, refund.total)
    refund.state = state
    refund.save()


def _contribute(refund: Refund, by: User, part: str) -> None:
    Contribution(refund=refund, by=by, part=part, at=timezone.now()).save()


def _facts(refund: Refund) -> dict[str, Any]:
    return {
        "basis": refund.basis,
        "amount": format_amount(refund.total, refund.currency),
        "currency": refund.currency,
        "remedies": refund.remedy_plan,
        "content_hash": refund.content_hash,
    }
