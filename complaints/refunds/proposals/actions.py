"""From a draft to a proposal: written, edited, quoted and frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.numbers.models import next_number
from accounts.staff.models import User
from audit.actions import Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from billing.remedies.effects import reserve
from billing.subscriptions.models import BillingPeriod
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident
from complaints.indemnities import rules as indemnities
from complaints.notices.owed.actions import retry_takes_over
from complaints.quotes.comparable_cases import percent, share_of, similar_cases
from complaints.quotes.facts import QuoteFacts, terms_for
from complaints.quotes.inputs_json import inputs_to_json
from complaints.quotes.intervals import joined
from complaints.quotes.quoting import LiveQuote, basis_obstacle, content_hash, provisional_obstacle, refund_content
from complaints.quotes.text import nothing_in_words
from complaints.refund_calculation import CURRENT_VERSION
from complaints.refunds.common import contribute, facts_of, lock_refund, quote_of, set_draft_expiry
from complaints.refunds.models import Contribution, CountedIncident, Refund
from complaints.refunds.remedies.actions import normalise_plan, remedy_plan_for
from complaints.refunds.rules import (
    edit_obstacle,
    full_months_obstacle,
    justification_obstacle,
    propose_obstacle,
    quote_obstacle,
)
from complaints.vocabulary import ComplaintRefusal, ComplaintVerb
from core.text import in_english, say

State = Refund.State


# --- Draft --------------------------------------------------------------------------------------


def draft_refund(
    complaint_id: int,
    *,
    by: User,
    basis: str,
    period_id: int | None = None,
    special_amount: Decimal | None = None,
    incident_id: int | None = None,
    reduction: Decimal = Decimal(0),
    reduction_reason: str = "",
    justification: str = "",
    evidence: str = "",
    unusual_reason: str = "",
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
    with act(ComplaintVerb.REFUND_DRAFT, by=by, reason=justification, target=(Refund, None)) as action:
        complaint = action.lock(Complaint, complaint_id)
        action.complaint_id, action.customer_id = complaint.pk, complaint.customer_id
        action.refuse_if(quote_obstacle(complaint, by))
        period = _period_for(complaint, period_id)
        terms = terms_for(period)
        action.refuse_if(basis_obstacle(complaint, basis, terms))
        twin = Refund.objects.open().filter(complaint=complaint, period=period).first()
        if twin is not None:
            raise Refused(
                say(
                    "{complaint} has an open refund for this period already: {refund}.",
                    complaint=complaint.code,
                    refund=twin.code,
                ),
                code=ComplaintRefusal.OPEN_REFUND,
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
            incident_id=incident_id,
            reduction=reduction,
            reduction_reason=reduction_reason,
            justification=justification,
            evidence=evidence,
            unusual_reason=unusual_reason,
            remedies=remedies,
        )
        set_draft_expiry(refund)
        checked(refund).save()
        contribute(refund, by, Contribution.Part.DRAFTED)
        retry_takes_over(refund)
        action.about(refund)
        action.data = {"basis": basis, "period": in_english(period)}
        return refund


def edit_refund(
    refund_id: int,
    *,
    by: User,
    special_amount: Decimal | None = None,
    incident_id: int | None = None,
    reduction: Decimal = Decimal(0),
    reduction_reason: str = "",
    justification: str = "",
    evidence: str = "",
    unusual_reason: str = "",
    remedies: Sequence[Mapping[str, Any]] = (),
    basis: str | None = None,
) -> Refund:
    """Change a draft. Whoever does may not approve it any more."""
    with act(ComplaintVerb.REFUND_EDIT, by=by, reason=justification, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(edit_obstacle(refund, by))
        if basis is not None:
            refund.basis = basis
            refund.special_amount = None
        action.refuse_if(basis_obstacle(refund.complaint, refund.basis, terms_for(refund.period)))
        _fill(
            refund,
            special_amount=special_amount,
            incident_id=incident_id,
            reduction=reduction,
            reduction_reason=reduction_reason,
            justification=justification,
            evidence=evidence,
            unusual_reason=unusual_reason,
            remedies=remedies,
        )
        action.refuse_if(indemnities.edit_obstacle(refund))
        checked(refund).save()
        contribute(refund, by, Contribution.Part.EDITED)
        return refund


def _fill(
    refund: Refund,
    *,
    special_amount: Decimal | None,
    incident_id: int | None,
    reduction: Decimal,
    reduction_reason: str,
    justification: str,
    evidence: str,
    unusual_reason: str,
    remedies: Sequence[Mapping[str, Any]],
) -> None:
    if reduction and not reduction_reason.strip():
        raise Refused(say("Give the reason for the reduction."), code=ComplaintRefusal.REDUCTION_REASON_MISSING)
    refund.special_amount = special_amount if refund.basis == Refund.Basis.SPECIAL else None
    refund.incident = _named(incident_id) if refund.basis == Refund.Basis.SPECIAL else None
    if refund.basis == Refund.Basis.SPECIAL and special_amount is None:
        raise Refused(say("Enter the amount of the special case."), code=ComplaintRefusal.SPECIAL_AMOUNT_MISSING)
    refund.reduction = reduction
    refund.reduction_reason = reduction_reason.strip() if reduction else ""
    refund.justification = justification.strip()
    refund.evidence = evidence.strip()
    refund.unusual_reason = unusual_reason.strip()
    refund.remedy_plan = normalise_plan(remedies, refund.currency)
    live = quote_of(refund)  # what cannot be computed cannot be drafted either
    if live.misnamed is not None:
        raise Refused(live.misnamed.sentence, code=live.misnamed.code)


def _named(incident_id: int | None) -> Incident | None:
    """The incident that a special case makes good; whether it can is asked with the quote."""
    if incident_id is None:
        return None
    found = Incident.objects.filter(pk=incident_id).first()
    if found is None:
        raise Refused(say("There is no such interruption."), code=ComplaintRefusal.INCIDENT)
    return found


def _period_for(complaint: Complaint, period_id: int | None) -> BillingPeriod:
    if period_id is None or period_id == complaint.period_id:
        return complaint.period
    period = BillingPeriod.objects.filter(pk=period_id, subscription=complaint.subscription_id).first()
    if period is None:
        raise Refused(
            say("That period is not one of {subscription}.", subscription=complaint.subscription.number),
            code=ComplaintRefusal.PERIOD,
        )
    return period


def _retried(complaint: Complaint, refund_id: int | None) -> Refund | None:
    if refund_id is None:
        return None
    before = Refund.objects.filter(pk=refund_id, complaint=complaint).first()
    if before is None or before.state in Refund.OPEN_STATES:
        raise Refused(
            say("Only a finished refund of the same complaint can be tried again."), code=ComplaintRefusal.RETRY
        )
    return before


# --- Proposal -----------------------------------------------------------------------------------


def propose_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Propose a draft: quote it now, freeze inputs, lines and remedies under a hash, and hold the amount against the
    period's cap until it is decided.

    Raises:
        Refused: no decision that the basis needs, no justification, a quote of nothing, far from what similar cases
            were given without a word of why, remedies that do not add up or cannot be, or more than the period still
            bears.
    """
    with act(ComplaintVerb.REFUND_PROPOSE, by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(propose_obstacle(refund, by))
        action.refuse_if(justification_obstacle(refund))
        action.require_reason(say("why this refund is proposed"))
        live = quote_of(refund)
        action.refuse_if(basis_obstacle(refund.complaint, refund.basis, live.terms))
        if live.quote.total == 0:
            raise Refused(
                nothing_in_words(live.inputs, live.quote) or say("The quote comes to nothing."),
                code=Refusal.NOTHING,
            )
        action.refuse_if(live.misnamed)
        action.refuse_if(provisional_obstacle(live))
        action.refuse_if(full_months_obstacle(refund, live.terms))
        action.refuse_if(unusual_obstacle(refund, live.quote.total))
        refund.judge_by(live.terms)
        refund.inputs = inputs_to_json(live.inputs)
        refund.lines = live.lines
        refund.counted = live.counted
        refund.total, refund.set_off = live.quote.total, live.quote.set_off
        refund.calculation_version = CURRENT_VERSION
        refund.remedy_plan = remedy_plan_for(refund.remedy_plan, refund.payable, refund.period, live.terms)
        reserve(refund.period, refund.total)
        refund.round += 1
        refund.state = State.PROPOSED
        refund.proposed_by = by
        refund.proposed_at = timezone.now()
        refund.proposal_reason = reason.strip()
        refund.returned_reason = ""
        refund.expires_on = timezone.localdate() + timedelta(days=refund.terms.proposal_expires_after_days)
        refund.content_hash = content_hash(refund_content(refund))
        refund.save()
        contribute(refund, by, Contribution.Part.PROPOSED)
        note_counted_incidents(refund, live)
        counted = refund.counted_incidents.filter(round=refund.round).order_by("incident")
        action.data = {
            **facts_of(refund),
            "round": refund.round,
            "incidents": list(counted.values_list("incident", flat=True)),
        }
        return refund


def note_counted_incidents(refund: Refund, live: LiveQuote) -> None:
    """Keep which incidents have to do with the figures of the proposal: whoever recorded or changed one of them has a
    hand in it. Those are the outages that it counts or names, with what is one outage with them; the maintenance that
    it takes off; and what would have been one of these as it was recorded before.
    """
    counted = [*live.quote.counted, *live.named]
    if not counted:
        return
    facts = QuoteFacts.load([refund.period])
    outages = [
        outage
        for outage in joined([*live.inputs.interruptions, *live.named])
        if any(outage.start < each.end and each.start < outage.end for each in counted)
    ]
    hits_now = {incident.pk for incident in facts.incidents_of(refund.period)}
    concerned = {
        pk
        for pk, start, end in facts.versions_around(refund.period)
        if pk not in hits_now or any(start < outage.end and (end is None or end > outage.start) for outage in outages)
    }
    for pk in sorted(concerned):
        CountedIncident(refund=refund, round=refund.round, incident_id=pk).save()


def unusual_obstacle(refund: Refund, total: Decimal) -> Obstacle | None:
    """Why an amount far from what similar cases were given needs a word of explanation, or None."""
    if refund.unusual_reason or refund.fault:
        return None
    found = similar_cases(refund.complaint, refund.basis)
    share = share_of(total, refund.period.fee)
    if found is None or not found.is_unusual(share):
        return None
    low, high = found.usual
    return Obstacle(
        say(
            "{share} of the fee is far from what {count} similar cases were given (usually "
            "{low} to {high}, the middle {middle}). Please say in “Why so far from "
            "similar cases” what is different here.",
            share=percent(share),
            count=found.count,
            low=percent(low),
            high=percent(high),
            middle=percent(found.middle),
        ),
        code=ComplaintRefusal.UNUSUAL,
    )


def quote_and_propose(complaint_id: int, *, by: User, reason: str, **draft: Any) -> Refund:
    """Draft and propose in one step, as staff do when a case is clear; if either is refused, neither stays.

    ``draft`` is what ``draft_refund`` takes. Raises ``Refused`` as the two do.
    """
    with act(ComplaintVerb.REFUND_DRAFT_AND_PROPOSE, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        action.complaint_id = complaint_id
        refund = draft_refund(complaint_id, by=by, **draft)
        refund = propose_refund(refund.pk, by=by, reason=reason)
        action.about(refund, complaint_id=complaint_id, customer_id=refund.customer_id)
        return refund
