"""The audit trail over the events there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May, role_words
from audit.models import Event
from audit.vocabulary import verb_in_words
from backoffice.admin import TrackedAdmin
from backoffice.display import column, pill, sub, when
from backoffice.requests import staff
from complaints.cases.models import Complaint
from core.text import say


class ActorRoleFilter(admin.AllValuesFieldListFilter):
    """By the role in which somebody acted, named in the reader's language."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": role_words(str(choice["display"]))}


@admin.register(Event)
class EventAdmin(TrackedAdmin[Event]):
    """Everything by time, person, object and request; each person sees what their role may."""

    may_view = (May.SEE_OWN_TRAIL, May.SEE_TEAM_TRAIL, May.SEE_WHOLE_TRAIL)
    has_timeline = False
    list_display = ("moment", "person", "what", "target", "result", "why")
    list_display_links = ("moment",)
    list_filter = ("outcome", "source", ("actor_role", ActorRoleFilter))
    search_fields = ("actor_name", "target_label", "verb", "request_id")
    search_help_text = _("Person, object, act or request")
    ordering = ("-at", "-pk")
    fields = (
        "moment",
        "person",
        "what",
        "target",
        "result",
        "reason",
        "message",
        "details",
        "request_id",
        "source",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        events: models.QuerySet[Any] = super().get_queryset(request)
        user = staff(request).user
        if user.may(May.SEE_WHOLE_TRAIL):
            return events
        cases = Complaint.objects.in_trail_of(user).values("pk")
        return events.filter(models.Q(actor=user) | models.Q(complaint_id__in=cases))

    moment = column(when, "at", description=_("When"), ordering="at")

    @admin.display(description=_("Who"), ordering="actor_name")
    def person(self, obj: Event) -> SafeString:
        return format_html("{}{}", obj.actor_name, sub(role_words(obj.actor_role)))

    what = column(verb_in_words, "verb", description=_("Did"), ordering="verb")

    @admin.display(description=_("What"))
    def target(self, obj: Event) -> SafeString | str:
        if obj.target_id is None:
            return obj.target_label or "–"
        try:
            address = reverse(f"admin:{obj.target_type.replace('.', '_')}_change", args=(obj.target_id,))
        except NoReverseMatch:
            return obj.target_label
        return format_html('<a href="{}">{}</a>', address, obj.target_label or f"{obj.target_type} {obj.target_id}")

    @admin.display(description=_("Result"), ordering="outcome")
    def result(self, obj: Event) -> SafeString:
        return pill(say("Refused"), "bad") if obj.outcome == Event.Outcome.REFUSED else pill(say("Done"), "good")

    @admin.display(description=_("Why"))
    def why(self, obj: Event) -> str:
        text = obj.message or obj.reason
        return text if len(text) <= 120 else f"{text[:117]}…"

    @admin.display(description=_("Details"))
    def details(self, obj: Event) -> SafeString:
        return format_html('<pre class="code">{}</pre>', json.dumps(obj.data, indent=2, ensure_ascii=False))
