"""Which of a case's deadlines are near or over, by one rule for every page, list and message. Reads only.

It reads the complaint's policy versions and agreement, which lists fetch for all their rows (``DUE_RELATIONS``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from billing.periods import local_midnight
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.deadlines import days_left, is_missed
from core.text import Text, say
from policies.agreements.models import Agreement
from policies.parameters.parameters import RefundParameters
from policies.versions.models import Policy, PolicyVersion

#: What lists of complaints prefetch, so that ``dues_of`` asks nothing for a row: few documents judge many cases.
DUE_RELATIONS: Final = ("refund_policy", "agreement")


_USUAL: Final = RefundParameters()


@dataclass(frozen=True, slots=True)
class DeadlineStatus:
    """One deadline that still has to be met. ``days_left`` counts calendar days to its last day: 0 on that day."""

    deadline: DeadlineBreach.Deadline
    due_at: datetime
    days_left: int
    is_missed: bool
    is_near: bool
    """By the policy's days of warning, and on the last day; once it is missed it is not near any more."""

    @property
    def in_words(self) -> Text:
        """As a pill says it: "Decide in 3 d"."""
        late = -self.days_left
        if self.deadline == DeadlineBreach.Deadline.TELL:
            if self.is_missed:
                return say("Tell: {days} d late", days=late)
            return say("Tell in {days} d", days=self.days_left) if self.days_left else say("Tell today")
        decide = self.deadline == DeadlineBreach.Deadline.DECIDE
        if self.is_missed:
            return say("Overdue by {days} d", days=late) if decide else say("Acknowledge: {days} d late", days=late)
        if self.days_left == 0:
            return say("Decide today") if decide else say("Acknowledge today")
        days = self.days_left
        return say("Decide in {days} d", days=days) if decide else say("Acknowledge in {days} d", days=days)


def deadline_statuses_of(complaint: Complaint, now: datetime | None = None) -> list[DeadlineStatus]:
    """The deadlines that the case still has to meet, the earlier one first; none once its outcome is
    told or it ended."""
    if complaint.state not in Complaint.UNTOLD_STATES:
        return []
    now = now or timezone.now()
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    warned = _days_of_warning(complaint)
    kinds = DeadlineBreach.Deadline
    decided = complaint.state == Complaint.State.DECIDED
    waiting = [(kinds.TELL, complaint.tell_due_at) if decided else (kinds.DECIDE, complaint.decide_due_at)]
    if complaint.acknowledged_at is None and not decided:
        waiting.append((kinds.ACKNOWLEDGE, complaint.acknowledge_due_at))
    found = []
    for deadline, due_at in waiting:
        left, missed = days_left(due_at, now, zone), is_missed(due_at, now)
        found.append(DeadlineStatus(deadline, due_at, left, missed, is_near=not missed and left <= warned))
    return sorted(found, key=lambda due: due.due_at)


def _days_of_warning(complaint: Complaint) -> int:
    """``complaint.terms.warn_before_days`` without putting all the other figures together for each row of a list."""
    special = complaint.agreement.terms if complaint.agreement is not None else {}
    if "warn_before_days" in special:
        return int(special["warn_before_days"])
    return int(complaint.refund_policy.parameters.get("warn_before_days", _USUAL.warn_before_days))


def most_urgent(dues: Iterable[DeadlineStatus]) -> DeadlineStatus | None:
    """The one to show where there is room for one: a missed decision, then whatever is missed or near, then the
    decision.
    """
    decide = DeadlineBreach.Deadline.DECIDE
    return min(
        dues,
        key=lambda due: (
            not (due.is_missed and due.deadline == decide),
            not due.is_missed,
            not due.is_near,
            due.deadline != decide,
        ),
        default=None,
    )


def is_overdue(complaint: Complaint, now: datetime) -> bool:
    """As ``ComplaintQuerySet.overdue`` finds them."""
    decided = complaint.state == Complaint.State.DECIDED
    due_at = complaint.tell_due_at if decided else complaint.decide_due_at
    return complaint.state in Complaint.UNTOLD_STATES and is_missed(due_at, now)


def near_deadline(now: datetime | None = None) -> Q:
    """Complaints one of whose deadlines is near by the days of warning that judge them, as ``Due.is_near`` says it."""
    now = now or timezone.now()
    found = Q(pk__in=())
    for days, judged in _judged_by_days_of_warning().items():
        until = local_midnight(
            timezone.localdate(now) + timedelta(days=days + 1), ZoneInfo(settings.BUSINESS_TIME_ZONE)
        )
        near = Q(decide_due_at__gt=now, decide_due_at__lte=until) | Q(
            acknowledged_at__isnull=True, acknowledge_due_at__gt=now, acknowledge_due_at__lte=until
        )
        untold = Q(state=Complaint.State.DECIDED, tell_due_at__gt=now, tell_due_at__lte=until)
        found |= judged & (near & Q(state__in=Complaint.UNDECIDED_STATES) | untold)
    return found


def _judged_by_days_of_warning() -> dict[int, Q]:
    special: dict[int, int] = {
        agreement.pk: agreement.terms["warn_before_days"]
        for agreement in Agreement.objects.filter(terms__has_key="warn_before_days").only("terms")
    }
    versions = PolicyVersion.objects.filter(policy__kind=Policy.Kind.REFUND, state=PolicyVersion.State.PUBLISHED)
    found: dict[int, Q] = defaultdict(lambda: Q(pk__in=()))
    for pk, parameters in versions.values_list("pk", "parameters"):
        found[RefundParameters.from_json(parameters).warn_before_days] |= Q(refund_policy=pk) & ~Q(
            agreement__in=list(special)
        )
    for pk, days in special.items():
        found[days] |= Q(agreement=pk)
    return found


def escalation_due_at(complaint: Complaint) -> datetime | None:
    """When the case rises by a level for its age, if nobody decides it; None if it never does by itself.

    So many days after the deadline to decide, and so many after each time that it was raised since.
    """
    days = complaint.terms.escalate_after_days
    if days is None or complaint.state not in Complaint.UNDECIDED_STATES:
        return None
    start = max(complaint.decide_due_at, complaint.escalated_at or complaint.decide_due_at)
    return local_midnight(timezone.localdate(start) + timedelta(days=days), ZoneInfo(settings.BUSINESS_TIME_ZONE))
