"""How a version stands, as a pill."""

from __future__ import annotations

from django.utils import timezone
from django.utils.safestring import SafeString

from backoffice.display import PillTone, pill
from policies.versions.models import PolicyVersion

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
