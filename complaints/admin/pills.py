"""Statuses of complaints and refunds as pills, and deadlines in words."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.safestring import SafeString

from audit.backoffice import pill
from audit.backoffice.display import PillTone
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
    """How long is left to decide, or since when it is overdue; nothing once decided."""
    if complaint.state not in Complaint.UNDECIDED_STATES:
        return SafeString("")
    days = (timezone.localdate(complaint.decide_due_at) - timezone.localdate(now)).days
    # The deadline is the midnight after its last day.
    if complaint.decide_due_at <= (now or timezone.now()):
        return pill(f"Overdue by {-days + 1} d" if days < 0 else "Overdue", "bad")
    left = days - 1
    if left <= 0:
        return pill("Decide today", "warn")
    return pill(f"Decide in {left} d", "warn" if left <= 3 else "mute")


def expiry_pill(refund: Refund) -> SafeString:
    """When an open refund expires."""
    if refund.state not in Refund.OPEN_STATES:
        return SafeString("")
    days = (refund.expires_on - timezone.localdate()).days
    if days <= 0:
        return pill("Expired", "bad")
    return pill("Expires tomorrow" if days == 1 else f"Expires in {days} d", "warn" if days <= 3 else "mute")
