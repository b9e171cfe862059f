"""A complaint's clock (R5): its deadlines, the breach and the event that a missed one leaves, and what follows."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Refused, act
from audit.models import Event
from audit.vocabulary import Refusal
from complaints.cases.deadlines.status import escalation_due_at
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.cases.notifications import notify_lead
from complaints.deadlines import UnknownHolidays, WorkingDays, deadline_for, is_missed
from complaints.vocabulary import ComplaintRefusal, ComplaintVerb
from core.text import Text, say
from policies.choices import DayCount

#: A deadline that passed unmet: which, and when it was.
type Late = tuple[str, datetime]


def set_deadlines(complaint: Complaint, start: datetime) -> None:
    """All deadlines, from the policy's days, counted from ``start``: the outcome is told so many days after the last
    day of the decision.

    They are kept with the case: a calendar that is corrected later moves no promise that was made.

    Raises:
        Refused: the policy counts working days and nobody knows the country's holidays.
    """
    parameters = complaint.terms
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    try:
        calendar = (
            WorkingDays(parameters.holidays_of or complaint.customer.country)
            if parameters.deadline_days == DayCount.WORKING
            else None
        )
        complaint.acknowledge_due_at = deadline_for(start, parameters.acknowledge_within_days, zone, calendar=calendar)
        complaint.decide_due_at = deadline_for(start, parameters.decide_within_days, zone, calendar=calendar)
        days_to_tell = parameters.decide_within_days + parameters.tell_within_days
        complaint.tell_due_at = deadline_for(start, days_to_tell, zone, calendar=calendar)
    except UnknownHolidays as problem:
        raise Refused(_unknown_holidays(problem), code=ComplaintRefusal.HOLIDAYS_UNKNOWN) from None


def _unknown_holidays(problem: UnknownHolidays) -> Text:
    if problem.year is None:
        return say(
            "The public holidays of “{country}” are not known. The deadlines count working days, so the policy, or an "
            "agreement with this customer, has to name a country whose holidays are known (holidays_of).",
            country=problem.country,
        )
    return say(
        "The public holidays of “{country}” in {year} are not known. The deadlines count working days, so the policy, "
        "or an agreement with this customer, has to name a country whose holidays are known (holidays_of).",
        country=problem.country,
        year=problem.year,
    )


def clock_start(complaint: Complaint) -> datetime:
    """Where the case's deadlines count from: its receipt, or its last reopening."""
    reopened = (
        Event.objects.about(complaint).filter(verb=ComplaintVerb.COMPLAINT_REOPEN, outcome=Event.Outcome.DONE).first()
    )
    return complaint.received_at if reopened is None else max(reopened.at, complaint.received_at)


def join_clocks(survivor: Complaint, merged: Complaint, *, state_before: str) -> None:
    """The survivor's clock after a merge: what either case met stays met, and of what both still have to meet the
    earlier date holds. ``state_before`` is the merged one's.
    """
    met = [each.acknowledged_at for each in (survivor, merged) if each.acknowledged_at is not None]
    if met:
        survivor.acknowledged_at = min(met)
    else:
        survivor.acknowledge_due_at = min(survivor.acknowledge_due_at, merged.acknowledge_due_at)
    if {survivor.state, state_before} <= set(Complaint.UNDECIDED_STATES):
        survivor.decide_due_at = min(survivor.decide_due_at, merged.decide_due_at)
    if {survivor.state, state_before} <= set(Complaint.UNTOLD_STATES):
        survivor.tell_due_at = min(survivor.tell_due_at, merged.tell_due_at)


def note_breaches(complaint: Complaint, now: datetime, *, by: User) -> list[DeadlineBreach]:
    """Write down each deadline that has passed unmet, once: a breach and one event, for good (R5).

    For use in any action that meets a deadline late or ends the case; the complaint is locked.
    """
    breaches = []
    for late in _unrecorded(complaint, now):
        with act(ComplaintVerb.COMPLAINT_DEADLINE_MISSED, by=by, target=(Complaint, complaint.pk)) as action:
            breaches.append(_record(action, complaint, late, now))
    return breaches


def record_missed_deadlines(complaint_id: int, *, by: User, now: datetime | None = None) -> list[DeadlineBreach]:
    """Write down the deadlines that a complaint has missed by now, each as a breach and one event for good.

    Raises:
        Refused: there is nothing new to write down.
    """
    now = now or timezone.now()
    with act(ComplaintVerb.COMPLAINT_DEADLINE_MISSED, by=by, target=(Complaint, complaint_id)) as action:
        if by.username != User.SYSTEM:
            require(by, May.LEAD_COMPLAINTS)
        complaint = _begin(action, complaint_id)
        late = _unrecorded(complaint, now)
        if not late:
            raise Refused(
                say("{complaint} has missed no further deadline.", complaint=complaint.code), code=Refusal.STATE
            )
        # This action's event is the first one's; each further one is noted like any that another action meets.
        return [_record(action, complaint, late[0], now), *note_breaches(complaint, now, by=by)]


def _unrecorded(complaint: Complaint, now: datetime) -> list[Late]:
    found: list[Late] = []
    kinds = DeadlineBreach.Deadline
    # A case that had ended before the deadline came did not miss it.
    if complaint.state in Complaint.OPEN_STATES and complaint.acknowledged_at is None:
        found.append((kinds.ACKNOWLEDGE, complaint.acknowledge_due_at))
    if complaint.state in Complaint.UNDECIDED_STATES:
        found.append((kinds.DECIDE, complaint.decide_due_at))
    if complaint.state in Complaint.UNTOLD_STATES:
        found.append((kinds.TELL, complaint.tell_due_at))
    missed = [late for late in found if is_missed(late[1], now)]
    known = set(complaint.breaches.values_list("deadline", "due_at")) if missed else set()
    return [late for late in missed if late not in known]


def _record(action: Action, complaint: Complaint, late: Late, now: datetime) -> DeadlineBreach:
    deadline, due_at = late
    breach = DeadlineBreach(complaint=complaint, deadline=deadline, due_at=due_at, noticed_at=now)
    breach.save()
    action.about(complaint, complaint_id=complaint.pk, customer_id=complaint.customer_id)
    action.data = {"deadline": deadline, "due_at": due_at.isoformat(), "breach": breach.pk}
    return breach


def escalate_overdue_complaint(complaint_id: int, *, by: User, now: datetime | None = None) -> Complaint:
    """Raise an undecided case that is overdue by one level, and tell the lead. For the daily job and for leads.

    Due so many days after the missed deadline as the policy says and, after each time that the case was raised by
    anybody, so many days later again.

    Raises:
        Refused: it is not due (yet): decided, not overdue long enough, or the policy never escalates by itself.
    """
    now = now or timezone.now()
    with act(ComplaintVerb.COMPLAINT_ESCALATE_OVERDUE, by=by, target=(Complaint, complaint_id)) as action:
        if by.username != User.SYSTEM:
            require(by, May.LEAD_COMPLAINTS)
        complaint = _begin(action, complaint_id)
        due_at = escalation_due_at(complaint)
        if due_at is None or not is_missed(due_at, now):
            raise Refused(
                say("{complaint} is not to be escalated for its age (yet).", complaint=complaint.code),
                code=Refusal.STATE,
            )
        note_breaches(complaint, now, by=by)
        raise_level(complaint, now)
        complaint.save()
        action.data = {"level": complaint.escalation_level, "due_at": complaint.decide_due_at.isoformat()}
        notify_lead(complaint, by=by)
        return complaint


def raise_level(complaint: Complaint, now: datetime) -> None:
    """One level up, whoever asked for it."""
    complaint.escalation_level += 1
    complaint.escalated_at = now


def _begin(action: Action, complaint_id: int) -> Complaint:
    complaint = action.lock(Complaint, complaint_id)
    action.about(complaint, complaint_id=complaint.pk, customer_id=complaint.customer_id)
    return complaint
