"""The incident's pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts.staff.models import User
from accounts.staff.permissions import May, roles_that
from audit.models import Event
from backoffice.actions import Done, PageAction, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import pill, when
from backoffice.links import page_url
from backoffice.panels import Panel, register_verbs, timeline_panel
from complaints.incidents import actions as incidents
from complaints.incidents.forms import EditIncidentForm, EndIncidentForm, IncidentForm
from complaints.incidents.models import Incident
from complaints.quotes.inputs import Interval
from complaints.quotes.text import hours_in_words
from core.text import Text, say

register_verbs(
    {
        "incident.record": gettext_lazy("recorded"),
        "incident.edit": gettext_lazy("corrected"),
        "incident.end": gettext_lazy("ended"),
    }
)


class Record(PageAction):
    name = "record"
    label = gettext_lazy("Record an incident")
    tone = "primary"
    icon = "siren"
    may = May.EDIT_INCIDENTS
    roles = roles_that(May.EDIT_INCIDENTS)
    form_class = IncidentForm

    def run(self, by: User, cleaned: dict[str, Any]) -> Done:
        incident = incidents.record_incident(by=by, **cleaned["action"])
        return Done(say("{incident} is recorded.", incident=incident.code), page_url(incident))


class IncidentAction(StaffAction[Incident]):
    may = May.EDIT_INCIDENTS
    roles = roles_that(May.EDIT_INCIDENTS)
    in_bulk = False


class End(IncidentAction):
    name = "end"
    label = gettext_lazy("It is over")
    tone = "primary"
    icon = "circle-check"
    form_class = EndIncidentForm

    def obstacle(self, obj: Incident, by: User) -> Text | None:
        return incidents.end_incident_obstacle(obj)

    def get_initial(self, rows: Sequence[Incident], by: User) -> dict[str, Any]:
        return {"ends_at": timezone.localtime()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        incident = incidents.end_incident(pk, by=by, **cleaned)
        return say("{incident} is over.", incident=incident.code)


class Edit(IncidentAction):
    name = "edit"
    label = gettext_lazy("Correct")
    icon = "pencil"
    form_class = EditIncidentForm
    intro = gettext_lazy("Proposals that count this incident are computed again when somebody approves them.")

    def get_initial(self, rows: Sequence[Incident], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        names = ("title", "starts_at", "ends_at", "scheduled", "hits_everybody")
        return {name: getattr(rows[0], name) for name in names}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        incident = incidents.edit_incident(pk, by=by, reason=cleaned["reason"], **cleaned["action"])
        return say("{incident} is corrected.", incident=incident.code)


@admin.register(Incident)
class IncidentAdmin(TrackedAdmin):
    may_view = May.SEE_CASES
    staff_actions = (End, Edit)
    page_actions = (Record,)
    list_display = ("code", "title", "kind", "began", "ended", "length")
    list_filter = ("scheduled",)
    search_fields = ("code", "title")
    ordering = ("-starts_at", "-pk")
    empty_hint = gettext_lazy("No interruption and no maintenance is on record.")
    fields = ("kind", "began", "ended", "length", "hits")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("Kind"))
    def kind(self, obj: Incident) -> SafeString:
        return pill(say("Scheduled maintenance"), "mute") if obj.scheduled else pill(say("Interruption"), "bad")

    @admin.display(description=gettext_lazy("Began"), ordering="starts_at")
    def began(self, obj: Incident) -> SafeString:
        return when(obj.starts_at)

    @admin.display(description=gettext_lazy("Ended"), ordering="ends_at")
    def ended(self, obj: Incident) -> SafeString:
        return when(obj.ends_at) if obj.ends_at else pill(say("Still running"), "bad")

    @admin.display(description=gettext_lazy("Length"))
    def length(self, obj: Incident) -> Text:
        return hours_in_words(Interval(obj.starts_at, obj.ends_at).seconds) if obj.ends_at else "–"

    @admin.display(description=gettext_lazy("Hits"))
    def hits(self, obj: Incident) -> Text:
        if obj.hits_everybody:
            return say("Everybody")
        scopes = obj.scopes.select_related("plan", "subscription")
        return ", ".join(str(scope) for scope in scopes)

    def page_title(self, obj: Incident) -> str:  # type: ignore[override]
        return str(obj)

    def change_panels(self, request: HttpRequest, obj: Incident) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj), about=obj)]
