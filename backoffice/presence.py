"""Two people, one row: who else has its page open, and what changed since a page was shown.

A page carries the number of the last thing done to its row. What is sent from a page that has grown old is refused
once, with what was done meanwhile; nothing typed is lost, and sending it again goes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from audit.actions import Refused
from audit.models import Event, EventQuerySet
from audit.vocabulary import Refusal, verb_in_words
from backoffice.models import Presence
from backoffice.requests import Person, StaffRequest
from core.text import Text, join, say

#: A page tells every 20 seconds that it is open; after three silent times it counts as closed.
OPEN_FOR = timedelta(seconds=65)
FORGOTTEN_AFTER = timedelta(days=1)
#: More changes than this are counted, not listed.
LISTED = 5
#: The name under which forms carry the version that their page showed.
SEEN = "seen"


@dataclass(frozen=True, slots=True)
class RecentChange:
    """One thing done to a row since a page was shown."""

    who: str
    words: Text
    at: datetime
    reason: str


class TogetherPages(admin.ModelAdmin[Any]):
    """Base of ``TrackedAdmin``: presence, and what makes a page stale."""

    def events_about(self, obj: Any) -> EventQuerySet:
        """What counts as a change of what the row's page shows."""
        return Event.objects.about(obj)

    def version_of(self, obj: Any) -> int:
        """The number of the last thing done to the row; 0 for nothing. A row that was read with it, as ``last_done``,
        has that of the moment it was read.
        """
        if hasattr(obj, "last_done"):
            return obj.last_done or 0
        return last_done(self.events_about(obj)).first() or 0

    def changes_since(self, obj: Any, seen: int) -> list[RecentChange]:
        """What was done to the row after the version, newest first."""
        return [
            RecentChange(event.actor_name, verb_in_words(event.verb), event.at, event.reason)
            for event in self._done(obj).filter(id__gt=seen).order_by("-id")[: LISTED + 1]
        ]

    def stale_refusal(self, request: HttpRequest, obj: Any) -> Refused | None:
        """Why what was sent from a page that had grown old is not done at once, or None."""
        seen = seen_in(request.POST.get(SEEN, ""))
        changes = self.changes_since(obj, seen) if seen is not None else []
        if not changes:
            return None
        listed = join("; ", (join(" ", (change.who, change.words)) for change in changes[:LISTED]))
        if len(changes) > LISTED:
            listed = say("{listed} and more", listed=listed)
        return Refused(
            say(
                "Since you opened this page: {listed}. Nothing was done and nothing you typed is "
                "lost. Look at it again; sending it once more goes through.",
                listed=listed,
            ),
            code=Refusal.STALE_PAGE,
        )

    def _done(self, obj: Any) -> EventQuerySet:
        return self.events_about(obj).filter(outcome=Event.Outcome.DONE)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_presence"
        return [
            path("presence/<int:pk>/", self.admin_site.admin_view(self._presence_view), name=name),
            *super().get_urls(),
        ]

    def _presence_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Asked by an open page now and then: notes that it is open, answers who else is here and what changed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(("POST",))
        obj = self.get_queryset(request).filter(pk=pk).first()
        if obj is None:
            raise Http404
        by = request.user
        seen = seen_in(request.POST.get(SEEN, ""))
        return TemplateResponse(
            request,
            "backoffice/presence.html",
            {
                "others": also_open(obj, by=by),
                "changes": self.changes_since(obj, seen)[:LISTED] if seen is not None else [],
            },
        )


def last_done(events: EventQuerySet) -> models.QuerySet[Event, int]:
    """The number of the last thing done among events; for rows that are read with it (``version_of``)."""
    done = events.filter(outcome=Event.Outcome.DONE).order_by("-at", "-id")
    return done.values_list("id", flat=True)[:1]


def seen_in(typed: str) -> int | None:
    """The version that a form or an address carries; None for none."""
    return int(typed) if typed.isdecimal() and len(typed) < 19 else None


def also_open(obj: models.Model, *, by: Person) -> list[str]:
    """Note that the person has the row's page open; returns who else has, by name."""
    now = timezone.now()
    here = Presence.objects.filter(target_type=obj._meta.label_lower, target_id=obj.pk)
    Presence.objects.update_or_create(
        person=by, target_type=obj._meta.label_lower, target_id=obj.pk, defaults={"seen_at": now}
    )
    Presence.objects.filter(person=by, seen_at__lt=now - FORGOTTEN_AFTER).delete()
    others = here.exclude(person=by).filter(seen_at__gte=now - OPEN_FOR).select_related("person")
    return sorted(str(presence.person) for presence in others)
