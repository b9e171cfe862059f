"""The incident's pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ActionResult, PageAction, StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.display import column, pill, when
from backoffice.links import page_url
from complaints.incidents import actions as incidents
from complaints.incidents.forms import EditIncidentForm, EndIncidentForm, IncidentForm
from complaints.incidents.models import Incident
from complaints.incidents.rules import last_approver_of, last_approver_of_incidents
from complaints.quotes.inputs import Interval
from complaints.quotes.text import hours_in_words
from core.text import Text, say


class RecordIncident(PageAction):
    name = "record"
    label = _("Record an incident")
    tone = "primary"
    icon = "siren"
    may = May.EDIT_INCIDENTS
    form_class = IncidentForm

    def warning(self, by: User) -> Text:
        return last_approver_of_incidents(by)

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        incident = incidents.record_incident(by=by, **cleaned["action"])
        return ActionResult(say("{incident} is recorded.", incident=incident.code), page_url(incident))


class IncidentAction(StaffAction[Incident]):
    named_by = "code"
    may = May.EDIT_INCIDENTS

    def warning(self, obj: Incident, by: User) -> Text:
        return last_approver_of(obj, by)


class EndIncident(IncidentAction):
    name = "end"
    label = _("It is over")
    tone = "primary"
    icon = "circle-check"
    form_class = EndIncidentForm
    rule = of_row(incidents.end_incident_obstacle)
    action = incidents.end_incident
    done = _("{incident} is over.")

    def get_initial(self, rows: Sequence[Incident], by: User) -> dict[str, Any]:
        return {"ends_at": timezone.localtime()}


class EditIncident(IncidentAction):
    name = "edit"
    label = _("Correct")
    icon = "pencil"
    form_class = EditIncidentForm
    intro = _("Proposals that count this incident are computed again when somebody approves them.")

    def get_initial(self, rows: Sequence[Incident], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        names = ("title", "starts_at", "ends_at", "scheduled", "hits_everybody")
        return {name: getattr(rows[0], name) for name in names}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        incident = incidents.edit_incident(pk, by=by, reason=cleaned["reason"], **cleaned["action"])
        return say("{incident} is corrected.", incident=incident.code)


@admin.register(Incident)
class IncidentAdmin(TrackedAdmin[Incident]):
    may_view = May.SEE_CASES
    staff_actions = (EndIncident, EditIncident)
    page_actions = (RecordIncident,)
    list_display = ("code", "title", "kind", "began", "ended", "length")
    list_filter = ("scheduled",)
    search_fields = ("code", "title")
    ordering = ("-starts_at", "-pk")
    empty_hint = _("No interruption and no maintenance is on record.")
    fields = ("kind", "began", "ended", "length", "hits")
    readonly_fields = fields

    @admin.display(description=_("Kind"))
    def kind(self, obj: Incident) -> SafeString:
        return pill(say("Scheduled maintenance"), "mute") if obj.scheduled else pill(say("Interruption"), "bad")

    began = column(when, "starts_at", description=_("Began"), ordering="starts_at")

    @admin.display(description=_("Ended"), ordering="ends_at")
    def ended(self, obj: Incident) -> SafeString:
        return when(obj.ends_at) if obj.ends_at else pill(say("Still running"), "bad")

    @admin.display(description=_("Length"))
    def length(self, obj: Incident) -> Text:
        return hours_in_words(Interval(obj.starts_at, obj.ends_at).seconds) if obj.ends_at else "–"

    @admin.display(description=_("Hits"))
    def hits(self, obj: Incident) -> Text:
        if obj.hits_everybody:
            return say("Everybody")
        scopes = obj.scopes.select_related("plan", "subscription")
        return ", ".join(str(scope) for scope in scopes)
