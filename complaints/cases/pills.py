"""Statuses of complaints and refunds as pills, and deadlines in words."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from django.utils.safestring import SafeString
from django.utils.translation import get_language

from backoffice.display import PillTone, pill
from complaints.cases.deadlines.status import DeadlineStatus, deadline_statuses_of, most_urgent
from complaints.cases.models import Complaint, DeadlineBreach
from core.text import say

_COMPLAINT: dict[str, PillTone] = {
    Complaint.State.REGISTERED: "warn",
    Complaint.State.IN_REVIEW: "info",
    Complaint.State.WAITING: "mute",
    Complaint.State.DECIDED: "info",
    Complaint.State.COMMUNICATED: "good",
    Complaint.State.CLOSED: "mute",
    Complaint.State.WITHDRAWN: "mute",
    Complaint.State.MERGED: "mute",
}


def complaint_pill(complaint: Complaint) -> SafeString:
    return _complaint_pill(complaint.state, get_language())


# A list shows the same few pills on all its rows: each is made once for each language.


@lru_cache(maxsize=256)
def _complaint_pill(state: str, language: str | None) -> SafeString:
    return pill(Complaint.State(state).label, _COMPLAINT[state])


def deadline_pill(complaint: Complaint, now: datetime | None = None) -> SafeString:
    """The most urgent deadline that the case has to meet; nothing once decided. Asks nothing where ``DUE_RELATIONS``
    are fetched.
    """
    due = most_urgent(deadline_statuses_of(complaint, now))
    return SafeString("") if due is None else due_pill(due)


def due_pill(due: DeadlineStatus) -> SafeString:
    """How long is left to meet one deadline, or since when it is overdue."""
    return _due_pill(due.deadline, due.days_left, due.is_missed, due.is_near, get_language())


@lru_cache(maxsize=2048)
def _due_pill(
    deadline: DeadlineBreach.Deadline, days_left: int, is_missed: bool, is_near: bool, language: str | None
) -> SafeString:
    due = DeadlineStatus(deadline, datetime.min.replace(tzinfo=UTC), days_left, is_missed, is_near)
    return pill(due.in_words, "bad" if is_missed else "warn" if is_near else "mute")


def shown_dues(complaint: Complaint) -> list[DeadlineStatus]:
    """What a page's head shows: the most urgent deadline, and the other one if it is near or missed, too."""
    dues = deadline_statuses_of(complaint)
    urgent = most_urgent(dues)
    return [due for due in dues if due == urgent or due.is_near or due.is_missed]


def said_pills(complaint: Complaint, *, owes_notice: bool) -> list[SafeString]:
    """Whether the customer has to hear something, or was not heard."""
    pills = []
    if owes_notice and complaint.state != Complaint.State.DECIDED:
        pills.append(pill(say("Tell the customer"), "warn"))
    if complaint.customer_wrote_at is not None:
        pills.append(pill(say("Customer wrote"), "info"))
    return pills
