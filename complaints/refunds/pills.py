"""The state of a refund as a pill."""

from __future__ import annotations

from django.utils import timezone
from django.utils.safestring import SafeString

from backoffice.display import PillTone, pill
from complaints.refunds.models import Refund
from core.text import say

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


def refund_pill(refund: Refund) -> SafeString:
    return pill(refund.get_state_display(), _REFUND[refund.state])


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
