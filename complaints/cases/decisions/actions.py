"""Deciding a complaint, telling the customer, and ending, joining or reopening the case."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Refused, act, checked
from audit.vocabulary import Refusal
from complaints.cases.actions import begin, write_to_customer
from complaints.cases.deadlines.actions import join_clocks, note_breaches, raise_level, set_deadlines
from complaints.cases.models import Complaint, Decision, Message
from complaints.cases.rules import (
    close_obstacle,
    communicate_obstacle,
    consent_obstacle,
    decide_obstacle,
    lead_obstacle,
    merge_obstacle,
    reopen_obstacle,
    withdraw_obstacle,
)
from complaints.letters import drafts
from complaints.notices.owed.actions import move_to_survivor, owe_decision, tell, told_by_decision
from complaints.refunds.endings.actions import lock_periods_of_open_refunds, withdraw_open_refunds
from complaints.vocabulary import ComplaintRefusal, ComplaintVerb
from core.text import say

State = Complaint.State


def decide_complaint(complaint_id: int, *, by: User, outcome: str, reasons: str) -> Decision:
    """Uphold, partly uphold or reject, with reasons (R2, R5). A later decision supersedes; none is edited, and
    refunds that are settled stay as they are.
    """
    with act(ComplaintVerb.COMPLAINT_DECIDE, by=by, reason=reasons, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(decide_obstacle(complaint, by))
        action.require_reason(say("the reasons of the decision"))
        now = timezone.now()
        decision = checked(
            Decision(
                complaint=complaint,
                outcome=outcome,
                reasons=reasons.strip(),
                supersedes=complaint.decision,
                by=by,
                at=now,
            )
        )
        decision.save()
        note_breaches(complaint, now, by=by)
        complaint.decision = decision
        complaint.state = State.DECIDED
        complaint.communicated_at = None
        if complaint.owner_id is None:
            complaint.owner = by
        complaint.save()
        owe_decision(decision)
        action.data = {"outcome": outcome}
        return decision


def communicate_decision(complaint_id: int, *, by: User, text: str, recipient: str = "", channel: str = "") -> Message:
    """Tell the customer the outcome (R5): the exact text, to whom, how and when. A rejection names the way to take
    it further.
    """
    with act(ComplaintVerb.COMPLAINT_COMMUNICATE, by=by, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(communicate_obstacle(complaint, by))
        assert complaint.decision is not None
        check_further_way(complaint.decision, text)
        now = timezone.now()
        message = write_to_customer(
            complaint,
            Message.Kind.DECISION,
            text,
            recipient,
            channel,
            letter=drafts.decision(complaint),
            by=by,
            at=now,
        )
        note_breaches(complaint, now, by=by)
        complaint.state = State.COMMUNICATED
        complaint.communicated_at = now
        complaint.save()
        tell(told_by_decision(complaint), message, by=by)
        return message


def check_further_way(decision: Decision, text: str) -> None:
    """Refuse a letter that rejects without naming the way to take it further."""
    further = decision.complaint.terms.appeal_route
    if decision.outcome == Decision.Outcome.REJECTED and further.casefold() not in text.casefold():
        raise Refused(
            say("A rejection has to name the way to take it further: “{way}”.", way=further),
            code=ComplaintRefusal.FURTHER_WAY_MISSING,
        )


def close_complaint(complaint_id: int, *, by: User, reason: str = "", today: date | None = None) -> Complaint:
    """Close the case: its remedy is settled or queued, or the customer has been silent for the policy's days."""
    with act(ComplaintVerb.COMPLAINT_CLOSE, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(close_obstacle(complaint, by, today=today))
        now = timezone.now()
        note_breaches(complaint, now, by=by)
        complaint.state = State.CLOSED
        complaint.closed_at = now
        complaint.save()
        return complaint


def withdraw_complaint(complaint_id: int, *, by: User, channel: str, reason: str) -> Complaint:
    """The customer takes the complaint back, by which channel and in which words; open refunds go with it."""
    with act(ComplaintVerb.COMPLAINT_WITHDRAW, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        periods = lock_periods_of_open_refunds(action, complaint_id)
        complaint = begin(action, complaint_id)
        action.refuse_if(withdraw_obstacle(complaint, by))
        action.require_reason(say("the customer's word"))
        if not channel:
            raise Refused(say("Say by which channel the customer took it back."), code=ComplaintRefusal.CHANNEL_MISSING)
        action.data = {"refunds": withdraw_open_refunds(complaint, periods)}
        note_breaches(complaint, timezone.now(), by=by)
        complaint.state = State.WITHDRAWN
        complaint.withdrawal_channel = channel
        checked(complaint).save()
        return complaint


def merge_complaints(complaint_id: int, *, by: User, into_id: int, reason: str) -> Complaint:
    """Join a complaint into another of the same customer, which takes the higher level; returns the survivor.

    A deadline that either met stays met; of those that are open the earlier date holds. What is owed to the customer
    is owed on the survivor.

    Each keeps its own *received*: a refund goes by both (``complaints.quotes.receipts``), so that whoever merges them
    has a hand in it. Refunds made already keep their as-of day.
    """
    with act(ComplaintVerb.COMPLAINT_MERGE, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        action.require_reason()
        if complaint_id == into_id:
            raise Refused(say("A complaint cannot be merged into itself."), code=Refusal.SAME)
        first, second = sorted((complaint_id, into_id))
        locked = {pk: action.lock(Complaint, pk) for pk in (first, second)}
        complaint, survivor = locked[complaint_id], locked[into_id]
        action.about(complaint, complaint_id=complaint.pk, customer_id=complaint.customer_id)
        action.refuse_if(merge_obstacle(complaint, by))
        action.refuse_if(merge_obstacle(survivor, by))
        if complaint.customer_id != survivor.customer_id:
            raise Refused(say("Only complaints of the same customer can be merged."), code=ComplaintRefusal.CUSTOMER)
        now = timezone.now()
        for each in (complaint, survivor):
            note_breaches(each, now, by=by)
        before = complaint.state
        wrote = [case.customer_wrote_at for case in (survivor, complaint) if case.customer_wrote_at is not None]
        complaint.customer_wrote_at = None
        complaint.state = State.MERGED
        complaint.merged_into = survivor
        complaint.merged_by = by
        complaint.save()
        join_clocks(survivor, complaint, state_before=before)
        move_to_survivor(complaint, survivor)
        survivor.customer_wrote_at = max(wrote, default=None)
        survivor.escalation_level = max(survivor.escalation_level, complaint.escalation_level)
        note_breaches(survivor, now, by=by)
        survivor.save()
        action.data = {"into": survivor.code}
        return survivor


def reopen_complaint(complaint_id: int, *, by: User, reason: str, now: datetime | None = None) -> Complaint:
    """Take a decided, communicated, closed or withdrawn case up again. Deadlines restart; breaches stay."""
    with act(ComplaintVerb.COMPLAINT_REOPEN, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(reopen_obstacle(complaint, by))
        action.require_reason()
        now = now or timezone.now()
        note_breaches(complaint, now, by=by)
        complaint.state = State.IN_REVIEW
        complaint.closed_at = None
        complaint.communicated_at = None
        complaint.customer_wrote_at = None
        complaint.withdrawal_channel = ""
        set_deadlines(complaint, now)
        complaint.save()
        return complaint


def escalate_complaint(complaint_id: int, *, by: User, reason: str) -> Complaint:
    """Raise the case by one level. A level is not a state."""
    with act(ComplaintVerb.COMPLAINT_ESCALATE, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(lead_obstacle(complaint, by))
        action.require_reason()
        raise_level(complaint, timezone.now())
        complaint.save()
        action.data = {"level": complaint.escalation_level}
        return complaint


def refer_complaint(
    complaint_id: int,
    *,
    by: User,
    scheme: str,
    reference: str,
    referred_on: date,
    ended_on: date | None = None,
    outcome: str = "",
) -> Complaint:
    """Record that the case went to dispute resolution, or how and when that ended.

    Raises:
        Refused: no scheme, an end without its outcome or an outcome without its day, or days that cannot be: before
            the complaint, out of order, or in the future.
    """
    with act(ComplaintVerb.COMPLAINT_REFER, by=by, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(lead_obstacle(complaint, by))
        if not scheme.strip():
            raise Refused(say("Name the dispute resolution scheme."), code=ComplaintRefusal.SCHEME_MISSING)
        if (ended_on is None) != (not outcome.strip()):
            raise Refused(
                say("Give both how it ended and on which day, or neither while it runs."),
                code=ComplaintRefusal.REFERRAL_END,
            )
        _check_referral(complaint, referred_on, ended_on)
        complaint.referral_scheme = scheme.strip()
        complaint.referral_reference = reference.strip()
        complaint.referred_on = referred_on
        complaint.referral_ended_on = ended_on
        complaint.referral_outcome = outcome.strip()
        checked(complaint).save()
        action.data = {
            "scheme": complaint.referral_scheme,
            "reference": complaint.referral_reference,
            "referred_on": referred_on.isoformat(),
            "ended_on": ended_on.isoformat() if ended_on else None,
        }
        return complaint


def _check_referral(complaint: Complaint, referred_on: date, ended_on: date | None) -> None:
    received_on = timezone.localdate(complaint.received_at)
    if referred_on < received_on:
        raise Refused(
            say(
                "The case cannot have been referred on {referred_on}: it was received on {received_on}.",
                referred_on=referred_on,
                received_on=received_on,
            ),
            code=Refusal.DATES,
        )
    if ended_on is not None and ended_on < referred_on:
        raise Refused(
            say(
                "It cannot have ended on {ended_on}, before it began on {referred_on}.",
                ended_on=ended_on,
                referred_on=referred_on,
            ),
            code=Refusal.DATES,
        )
    if (ended_on or referred_on) > timezone.localdate():
        raise Refused(say("{day} lies in the future.", day=ended_on or referred_on), code=Refusal.DATES)


def give_consent(complaint_id: int, *, by: User, reason: str) -> Complaint:
    """A lead agrees that a complaint about a long past period is refunded at all."""
    with act(ComplaintVerb.COMPLAINT_CONSENT, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(consent_obstacle(complaint, by))
        action.require_reason()
        complaint.consent_by = by
        complaint.save()
        return complaint
