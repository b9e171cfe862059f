"""Who approves in whose place, from when to when."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.approvers import roles_that_may_stand_in_for
from accounts.staff.delegations.actions import give_delegation, revoke_delegation, revoke_obstacle
from accounts.staff.models import Delegation, User
from accounts.staff.permissions import May, role_words
from backoffice.actions import ActionForm, ActionResult, PageAction, Sentence, StaffAction, offer
from backoffice.admin import TrackedAdmin
from backoffice.display import column, pill, sub, when
from backoffice.forms import DateField, ReasonField
from backoffice.links import day, link, page_url
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from core.text import Text, say


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A staff member, shown with the role."""

    def label_from_instance(self, obj: Any) -> str:
        return str(say("{person} ({role})", person=obj, role=role_words(obj.role_name)))


class DelegationForm(ActionForm):
    """Who stands in, from when to when, and why."""

    deputy = PersonField(User.objects.none(), label=_("Deputy"), empty_label=_("Choose a person"))
    starts_on = DateField(label=_("First day"))
    ends_on = DateField(label=_("Last day"), help_text=_("It counts too."))
    reason = ReasonField(help_text=_("Why you are away. It becomes part of the record."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert self.by is not None
        deputies = User.objects.filter(is_active=True, role__name__in=roles_that_may_stand_in_for(self.by))
        others = deputies.exclude(pk=self.by.pk).select_related("role")
        offer(self, "deputy", queryset=others.order_by("first_name", "last_name"))


class GiveDelegation(PageAction):
    name = "give"
    label = _("Name a deputy")
    icon = "user-round-check"
    tone = "primary"
    may = May.DELEGATE_APPROVALS
    form_class = DelegationForm
    intro = _(
        "They may approve refunds in your place, up to your own limits. What you or they had a "
        "hand in stays for somebody else, and they cannot pass it on."
    )

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"starts_on": timezone.localdate(), **super().get_initial(request)}

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        deputy = cleaned.pop("deputy")
        delegation = give_delegation(by=by, deputy_id=deputy.pk, **cleaned)
        return ActionResult(say("{deputy} may approve in your place.", deputy=deputy), page_url(delegation))


class RevokeDelegation(StaffAction[Delegation]):
    name = "revoke"
    label = _("Revoke")
    label_plural = _("Revoke delegations")
    tone = "danger"
    icon = "ban"
    may = May.DELEGATE_APPROVALS
    rule = revoke_obstacle
    action = revoke_delegation
    effect = Sentence(
        _("{deputy} approves nothing more for {delegator}. What they approved until now stays."),
        deputy="deputy",
        delegator="delegator",
    )
    done = _("Revoked: {delegation}.")


def delegation_pill(delegation: Delegation) -> SafeString:
    today = timezone.localdate()
    if delegation.state == Delegation.State.REVOKED:
        return pill(say("Revoked"), "bad")
    if delegation.ends_on < today:
        return pill(say("Over"), "mute")
    return pill(say("To come"), "info") if delegation.starts_on > today else pill(say("In force"), "good")


@admin.register(Delegation)
class DelegationAdmin(TrackedAdmin[Delegation]):
    may_view = May.SEE_DELEGATIONS
    heading_pill = delegation_pill
    staff_actions = (RevokeDelegation,)
    page_actions = (GiveDelegation,)
    list_display = ("who", "first_day", "last_day", "status", "why")
    list_filter = ("state",)
    list_select_related = ("delegator", "deputy")
    search_fields = ("delegator__first_name", "delegator__last_name", "deputy__first_name", "deputy__last_name")
    search_help_text = _("Person")
    empty_hint = _("Nobody stands in for anybody. A team lead or manager who will be away names a deputy here.")
    fields = ("delegator", "deputy", "first_day", "last_day", "reason", "given", "revoked")
    readonly_fields = ("first_day", "last_day", "given", "revoked")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        revoked = obj is not None and obj.revoked_at is not None
        return [name for name in self.fields if revoked or name != "revoked"]

    @admin.display(description=_("Who for whom"), ordering="deputy")
    def who(self, obj: Delegation) -> Text:
        return say("{deputy} for {delegator}", deputy=obj.deputy, delegator=obj.delegator)

    first_day = column(day, "starts_on", description=_("First day"), ordering="starts_on")
    last_day = column(day, "ends_on", description=_("Last day"), ordering="ends_on")
    status = column(delegation_pill, description=_("State"), ordering="state")

    @admin.display(description=_("Reason"))
    def why(self, obj: Delegation) -> str:
        return obj.reason

    given = column(when, "given_at", description=_("Given"))
    revoked = column(when, "revoked_at", description=_("Revoked"))

    def page_title(self, obj: Delegation) -> Text:
        return say("{deputy} for {delegator}", deputy=obj.deputy, delegator=obj.delegator)


def standing_in(request: StaffRequest) -> Panel | None:
    """For whom the person stands in, and who for them: until it is over."""
    user = request.user
    if not user.may(May.SEE_DELEGATIONS):
        return None
    found = (
        Delegation.objects.filter(state=Delegation.State.ACTIVE, ends_on__gte=timezone.localdate())
        .filter(Q(deputy=user) | Q(delegator=user))
        .select_related("delegator", "deputy")
        .order_by("starts_on")[:8]
    )
    rows = [
        (
            link(delegation, _seen_by(user, delegation)),
            format_html(
                "{}{}",
                say("{first} to {last}", first=delegation.starts_on, last=delegation.ends_on),
                sub(delegation.reason),
            ),
            delegation_pill(delegation),
        )
        for delegation in found
    ]
    if not rows:
        return None
    return Panel(
        say("Standing in"),
        "backoffice/panels/table.html",
        {"headings": [say("Who approves for whom"), say("From and to"), say("State")], "rows": rows},
        side="right",
    )


def _seen_by(user: User, delegation: Delegation) -> Text:
    if delegation.deputy_id == user.pk:
        return say("You for {delegator}", delegator=delegation.delegator)
    return say("{deputy} for you", deputy=delegation.deputy)


register_home_panels(standing_in)
