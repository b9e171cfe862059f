"""Statuses of complaints and refunds as pills, and deadlines in words."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.safestring import SafeString

from audit.backoffice import pill
from audit.backoffice.display import PillTone
from audit.words import say
from complaints.due import Due, dues_of, most_urgent
from complaints.models import Complaint, PolicyVersion, Refund

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
_REFUND: dict[str, PillTone] = {
    Refund.State.DRAFT: "mute",
    Refund.State.PROPOSED: "warn",
    Refund.State.APPROVED: "warn",
    Refund.State.SETTLED: "good",
    Refund.State.REJECTED: "bad",
    Refund.State.WITHDRAWN: "mute",
    Refund.State.EXPIRED: "mute",
    Refund.State.REVOKED: "bad",
    Refund.State.REVERSED: "bad",
}
_STANDING: dict[str, PillTone] = {
    PolicyVersion.Standing.DRAFT: "warn",
    PolicyVersion.Standing.DISCARDED: "mute",
    PolicyVersion.Standing.TO_COME: "info",
    PolicyVersion.Standing.IN_FORCE: "good",
    PolicyVersion.Standing.SUPERSEDED: "mute",
}


def standing_pill(version: PolicyVersion) -> SafeString:
    """Where a version stands today."""
    standing = version.standing(timezone.localdate())
    return pill(standing.label, _STANDING[standing])


def complaint_pill(complaint: Complaint) -> SafeString:
    return pill(complaint.get_state_display(), _COMPLAINT[complaint.state])


def refund_pill(refund: Refund) -> SafeString:
    return pill(refund.get_state_display(), _REFUND[refund.state])


def deadline_pill(complaint: Complaint, now: datetime | None = None) -> SafeString:
    """The most urgent deadline that the case has to meet; nothing once decided. Asks nothing where ``DUE_RELATIONS``
    are fetched.
    """
    due = most_urgent(dues_of(complaint, now))
    return SafeString("") if due is None else due_pill(due)


def due_pill(due: Due) -> SafeString:
    """How long is left to meet one deadline, or since when it is overdue."""
    return pill(due.in_words, "bad" if due.is_missed else "warn" if due.is_near else "mute")


def shown_dues(complaint: Complaint) -> list[Due]:
    """What a page's head shows: the most urgent deadline, and the other one if it is near or missed, too."""
    dues = dues_of(complaint)
    urgent = most_urgent(dues)
    return [due for due in dues if due == urgent or due.is_near or due.is_missed]


def expiry_pill(refund: Refund) -> SafeString:
    """When an open refund expires."""
    if refund.state not in Refund.OPEN_STATES:
        return SafeString("")
    days = (refund.expires_on - timezone.localdate()).days
    if days <= 0:
        return pill(say("Expired"), "bad")
    return pill(
        say("Expires tomorrow") if days == 1 else say("Expires in {days} d", days=days), "warn" if days <= 3 else "mute"
    )
