"""Approval limits, and the home page's warning when too few people could approve."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import FourEyesAdmin, Publish
from accounts.staff.admin import StaffRoleFilter
from accounts.staff.approvers import ENOUGH, approvers
from accounts.staff.limits.actions import draft_limit, publish_limit
from accounts.staff.limits.forms import LimitForm
from accounts.staff.limits.panels import limit_cell
from accounts.staff.models import ApprovalLimit, Delegation, User
from accounts.staff.permissions import May, Role, role_words
from backoffice.actions import PageAction
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import page_url
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from core.amounts import money_text
from core.text import Text, join, lower, say


class DraftLimit(PageAction):
    name = "draft"
    label = _("Draft a limit")
    icon = "plus"
    may = May.DRAFT_STAFF
    form_class = LimitForm
    intro = _("It holds once a manager has published it, from its date on, in place of earlier ones.")
    action = draft_limit
    done = _("Drafted: {limit}. A manager has to publish it.")
    opens = page_url

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"valid_from": timezone.localdate(), "currency": "EUR", **request.GET.dict()}


class PublishLimit(Publish[ApprovalLimit]):
    label_plural = _("Publish limits")
    may = May.PUBLISH_STAFF
    action = publish_limit
    done = _("Published: {limit}.")

    def consequence(self, obj: ApprovalLimit, by: User) -> Text:
        return say(
            "From {day} on, a {role} may approve up to {amount} ({subject}).",
            day=obj.valid_from,
            role=lower(role_words(obj.role.name)),
            amount=say("any amount") if obj.amount is None else money_text(obj.amount, obj.currency),
            subject=lower(obj.get_subject_display()),
        )


@admin.register(ApprovalLimit)
class ApprovalLimitAdmin(FourEyesAdmin[ApprovalLimit]):
    may_view = May.SEE_STAFF
    staff_actions = (PublishLimit,)
    page_actions = (DraftLimit,)
    list_display = (
        "role_shown",
        "subject",
        "up_to",
        "batch",
        "valid_from",
        "state_pill",
        "drafted_by",
        "published_by",
    )
    list_filter = ("state", ("role", StaffRoleFilter), "subject", "currency")
    list_select_related = ("role", "drafted_by", "published_by")
    numeric_columns = ("up_to", "batch")
    empty_hint = _("Nobody can approve a refund before a limit is published: draft the first one.")
    fields = ("role_shown", "subject", "up_to", "batch", "valid_from", "drafted_by", "published_by")
    readonly_fields = ("role_shown", "up_to", "batch")

    role_shown = column(role_words, "role.name", description=_("Role"), ordering="role__name")
    up_to = column(limit_cell, "amount", "currency", description=_("Up to"), ordering="amount")
    batch = column(money, "batch_amount", "currency", description=_("Up to, for a batch"), ordering="batch_amount")


def approvers_panel(request: StaffRequest) -> Panel | None:
    """A warning for those who see staff: what fewer than two people could approve."""
    if not (request.user.may(May.SEE_STAFF)):
        return None
    short = [found for found in approvers(timezone.localdate()) if not found.enough]
    if not short:
        return None
    subjects = dict(ApprovalLimit.Subject.choices)
    rows = [
        (
            subjects[found.subject],
            found.currency or say("any currency"),
            join(", ", [*found.people, *map(_in_place, found.deputies)]) or say("nobody"),
        )
        for found in short
    ]
    return Panel(
        say("Too few people could approve"),
        "accounts/panels/approvers.html",
        {
            "headings": [say("What"), say("Currency"), say("Who could")],
            "rows": rows,
            "enough": ENOUGH,
            "drafts": request.user.has_role(Role.ADMIN),
        },
        side="top",
        tone="warn",
        note=say("Approval limits"),
        url=reverse("admin:accounts_approvallimit_changelist"),
    )


def _in_place(delegation: Delegation) -> Text:
    return say("{deputy} for {delegator}", deputy=delegation.deputy, delegator=delegation.delegator)


register_home_panels(approvers_panel)
