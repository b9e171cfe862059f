"""Staff, their drafted changes, and teams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.four_eyes.admin import Discard, FourEyesAdmin, Publish, four_eyes_pill
from accounts.staff.actions import (
    NewPerson,
    create_staff,
    create_team,
    discard_staff_change,
    draft_obstacle,
    draft_staff_change,
    publish_change_obstacle,
    publish_staff_change,
)
from accounts.staff.forms import NewPersonForm, NewTeamForm, StaffChangeForm
from accounts.staff.language.admin import ChooseLanguage
from accounts.staff.models import StaffChange, Team, User
from accounts.staff.permissions import May, may_words, role_words
from audit.actions import Obstacle
from audit.models import Event
from backoffice.actions import ActionResult, PageAction, Sentence, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import column, pill, when
from backoffice.links import link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from core.text import Text, say


class NewStaff(PageAction):
    name = "new"
    label = _("New person")
    icon = "user-plus"
    may = May.DRAFT_STAFF
    form_class = NewPersonForm
    submit_label = _("Enter and draft")
    intro = _("The person can sign in once a manager has published the drafted role.")

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        user = create_staff(
            by=by,
            person=NewPerson(
                username=cleaned["username"],
                first_name=cleaned["first_name"],
                last_name=cleaned["last_name"],
                email=cleaned["email"],
                password=cleaned["password"],
            ),
            **_drafted(cleaned),
        )
        return ActionResult(say("{user} is entered; a manager has to publish their role.", user=user), page_url(user))


def _drafted(cleaned: dict[str, Any]) -> dict[str, Any]:
    team, customer = cleaned["team"], cleaned["customer"]
    return {
        "role": cleaned["role"],
        "team_id": team.pk if team else None,
        "leads_team": cleaned["leads_team"],
        "customer_id": customer.pk if customer else None,
        "reason": cleaned["reason"],
    }


class DraftStaffChange(StaffAction[User]):
    name = "draft_change"
    label = _("Draft a change")
    icon = "pencil"
    may = May.DRAFT_STAFF
    form_class = StaffChangeForm
    intro = _("Nothing changes until a manager, who is not this person, has published the draft.")

    def obstacle(self, obj: User, by: User) -> Obstacle | None:
        return draft_obstacle(obj, open_drafts=len(obj.open_drafts))

    def get_initial(self, rows: Sequence[User], by: User) -> dict[str, Any]:
        person = rows[0]
        return {
            "role": person.role_name,
            "team": person.team_id,
            "leads_team": person.team is not None and person.team.lead_id == person.pk,
            "customer": person.customer.number if person.customer else "",
            "active": person.is_active,
        }

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> ActionResult:
        change = draft_staff_change(pk, by=by, active=cleaned["active"], **_drafted(cleaned))
        return ActionResult(say("{change} is drafted; a manager has to publish it.", change=change), page_url(change))


class StaffRoleFilter(admin.RelatedFieldListFilter):
    """The roles by their names in the language of whoever is looking."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        found = super().field_choices(field, request, model_admin)
        return [(pk, role_words(str(name))) for pk, name in found]


@admin.register(User)
class UserAdmin(TrackedAdmin[User]):
    may_view = May.SEE_STAFF
    staff_actions = (DraftStaffChange,)
    page_actions = (NewStaff, ChooseLanguage)
    list_display = ("username", "full_name", "role_shown", "team", "activity", "last_sign_in")
    list_filter = (("role", StaffRoleFilter), "team", "is_active")
    list_select_related = ("role", "team")
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = _("Name or e-mail")
    fields = (
        "username",
        "full_name",
        "email",
        "role_shown",
        "team",
        "own_customer_number",
        "activity",
        "last_sign_in",
        "joined",
    )
    readonly_fields = ("full_name", "role_shown", "own_customer_number", "activity", "last_sign_in", "joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        drafts = StaffChange.objects.filter(state=StaffChange.State.DRAFT)
        rows: Any = super().get_queryset(request).select_related("role", "team", "customer")
        found: QuerySet[User] = rows.prefetch_related(Prefetch("staff_changes", queryset=drafts, to_attr="open_drafts"))
        return found

    @admin.display(description=_("Name"), ordering="last_name")
    def full_name(self, obj: User) -> str:
        return obj.get_full_name()

    @admin.display(description=_("Role"), ordering="role__name", empty_value="–")
    def role_shown(self, obj: User) -> Text | None:
        return role_words(obj.role_name) or None

    @admin.display(description=_("Active"), ordering="is_active")
    def activity(self, obj: User) -> SafeString:
        if obj.username == User.SYSTEM:
            return pill(say("Jobs and commands"), "info", icon_name="bot")
        return pill(say("Active"), "good") if obj.is_active else pill(say("Inactive"), "mute")

    @admin.display(description=_("Last signed in"), ordering="last_login")
    def last_sign_in(self, obj: User) -> Text:
        return when(obj.last_login) or say("never")

    joined = column(when, "date_joined", description=_("Since"))

    @admin.display(description=_("Own customer number"))
    def own_customer_number(self, obj: User) -> Text:
        return obj.customer.number if obj.customer else say("none")

    def page_pills(self, request: StaffRequest, obj: User) -> Sequence[SafeString]:
        drafted = [pill(say("Change drafted"), "warn")] if obj.open_drafts else []
        return [self.activity(obj), *drafted]

    def change_panels(self, request: StaffRequest, obj: User) -> Sequence[Panel]:
        changes = obj.staff_changes.select_related("role", "team", "drafted_by", "published_by")
        may = [may_words(may) for may in May if obj.may(may)]
        return [
            Panel(
                say("Changes"),
                "backoffice/panels/table.html",
                {
                    "headings": [
                        say("Shall be"),
                        say("State"),
                        say("Drafted by"),
                        say("Published by"),
                        say("Reason"),
                    ],
                    "rows": [
                        (
                            link(change, _in_words(change)),
                            four_eyes_pill(change),
                            change.drafted_by,
                            change.published_by or "",
                            change.reason,
                        )
                        for change in changes
                    ],
                },
            ),
            timeline_panel(Event.objects.about(obj), about=obj),
            Panel(say("May"), "accounts/panels/may.html", {"may": may}, side="right", note=role_words(obj.role_name)),
        ]


def _in_words(change: StaffChange) -> Text:
    if not change.active:
        return say("inactive")
    role = role_words(change.role.name) if change.role else say("no role")
    if not change.team:
        return role
    if change.leads_team:
        return say("{role}, {team}, its lead", role=role, team=change.team)
    return say("{role}, {team}", role=role, team=change.team)


class PublishStaffChange(Publish[StaffChange]):
    label_plural = _("Publish changes")
    may = May.PUBLISH_STAFF
    rule = publish_change_obstacle
    action = publish_staff_change
    done = _("{change} is published.")

    def consequence(self, obj: StaffChange, by: User) -> Text:
        return say("From now on {person} is: {role}.", person=obj.person, role=_in_words(obj))


class DiscardStaffChange(Discard[StaffChange]):
    label_plural = _("Discard changes")
    icon = "x"
    may = (May.PUBLISH_STAFF, May.DRAFT_STAFF)
    action = discard_staff_change
    effect = Sentence(_("{person} stays as they are."), person="person")
    done = _("{change} is discarded.")


@admin.register(StaffChange)
class StaffChangeAdmin(FourEyesAdmin[StaffChange]):
    may_view = May.SEE_STAFF
    reads = (
        "person__role",
        "person__team",
        "person__customer",
        "role",
        "team",
        "customer",
        "drafted_by",
        "published_by",
    )
    staff_actions = (PublishStaffChange, DiscardStaffChange)
    list_display = ("person", "shall_be", "state_pill", "drafted_by", "published_by")
    list_filter = ("state",)
    search_fields = ("person__username", "person__first_name", "person__last_name")
    empty_hint = _("Changes are drafted on the page of a person.")
    fields = ("reason", "drafted_by", "published_by")

    shall_be = column(_in_words, description=_("Shall be"))

    def change_panels(self, request: StaffRequest, obj: StaffChange) -> Sequence[Panel]:
        person = obj.person
        now = person.team.lead_id == person.pk if person.team else False
        rows = [
            (say("Role"), _role(person.role), _role(obj.role)),
            (say("Team"), person.team or say("none"), obj.team or say("none")),
            (say("Leads the team"), _yes(now), _yes(obj.leads_team)),
            (say("Own customer number"), _number(person.customer), _number(obj.customer)),
            (say("Active"), _yes(person.is_active), _yes(obj.active)),
        ]
        return [
            Panel(
                say("{person}: now, and by this change", person=person),
                "backoffice/panels/table.html",
                {"headings": ["", say("Now"), say("By this change")], "rows": rows},
                note=say("their page"),
                url=page_url(person),
            ),
            *super().change_panels(request, obj),
        ]


def _role(role: Group | None) -> Text:
    return role_words(role.name) if role else say("none")


def _yes(value: bool) -> Text:
    return say("yes") if value else say("no")


def _number(customer: Customer | None) -> Text:
    return customer.number if customer else say("none")


class NewTeam(PageAction):
    name = "new"
    label = _("New team")
    icon = "plus"
    may = May.DRAFT_STAFF
    form_class = NewTeamForm
    action = create_team
    done = _("There is a team {team} now.")
    opens = page_url


@admin.register(Team)
class TeamAdmin(TrackedAdmin[Team]):
    may_view = May.SEE_STAFF
    page_actions = (NewTeam,)
    list_display = ("name", "lead", "people")
    list_select_related = ("lead",)
    numeric_columns = ("people",)
    search_fields = ("name",)
    fields = ("name", "lead")
    empty_hint = _("Make the first team with “New team”; people join it by a change of their role and team.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        rows: Any = super().get_queryset(request)
        found: QuerySet[Team] = rows.annotate(size=Count("members", filter=Q(members__is_active=True)))
        return found

    @admin.display(description=_("Active people"), ordering="size")
    def people(self, obj: Team) -> int:
        size: int = obj.size
        return size

    def change_panels(self, request: StaffRequest, obj: Team) -> Sequence[Panel]:
        members = obj.members.select_related("role")
        rows = [
            (
                link(user),
                role_words(user.role_name),
                pill(say("Active"), "good") if user.is_active else pill(say("Inactive")),
            )
            for user in members
        ]
        return [
            Panel(
                say("People"),
                "backoffice/panels/table.html",
                {"headings": [say("Name"), say("Role"), say("Active")], "rows": rows, "empty": say("Nobody yet.")},
            ),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]
