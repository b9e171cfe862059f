"""The bases of all rows, the record of what people did, and what people keep at their place of work."""

from audit.models.events import Event, EventQuerySet
from audit.models.tracked import (
    AppendOnlyModel,
    AppendOnlyQuerySet,
    Tracked,
    TrackedModel,
    TrackedQuerySet,
    UntrackedWrite,
)
from audit.models.workplace import Presence, SavedView

__all__ = [
    "AppendOnlyModel",
    "AppendOnlyQuerySet",
    "Event",
    "EventQuerySet",
    "Presence",
    "SavedView",
    "Tracked",
    "TrackedModel",
    "TrackedQuerySet",
    "UntrackedWrite",
]
