"""Approval limits, and the home page's warning when too few people could approve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts import forms
from accounts.actions.limits import draft_limit, publish_limit, publish_limit_obstacle
from accounts.amounts import money, money_text
from accounts.approvers import ENOUGH, approvers
from accounts.models import ApprovalLimit, Delegation, User
from accounts.panels import page_url
from accounts.permissions import May, Role, roles_that
from audit.backoffice import (
    Done,
    OptionalReasonForm,
    PageAction,
    Panel,
    StaffAction,
    TrackedAdmin,
    pill,
    register_home_panel,
    register_verbs,
    timeline_panel,
)
from audit.models import Event

register_verbs(
    {
        "limit.draft": "drafted the limit",
        "limit.publish": "published the limit",
    }
)


class DraftLimit(PageAction):
    name = "draft"
    label = "Draft a limit"
    icon = "plus"
    may = May.DRAFT_STAFF
    roles = roles_that(May.DRAFT_STAFF)
    form_class = forms.LimitForm
    intro = "It holds once a manager has published it, from its date on, in place of earlier ones."

    def get_initial(self, request: HttpRequest) -> dict[str, Any]:
        return {"valid_from": timezone.localdate(), "currency": "EUR", **request.GET.dict()}

    def run(self, by: User, cleaned: dict[str, Any]) -> Done:
        limit = draft_limit(by=by, **cleaned)
        return Done(f"Drafted: {limit}. A manager has to publish it.", page_url(limit))


class PublishLimit(StaffAction[ApprovalLimit]):
    name = "publish"
    label = "Publish"
    label_plural = "Publish limits"
    tone = "primary"
    icon = "check"
    may = May.PUBLISH_STAFF
    roles = roles_that(May.PUBLISH_STAFF)
    form_class = OptionalReasonForm

    def obstacle(self, obj: ApprovalLimit, by: User) -> str | None:
        return publish_limit_obstacle(obj, by=by)

    def consequence(self, obj: ApprovalLimit, by: User) -> str:
        return (
            f"From {obj.valid_from:%Y-%m-%d} on, a {obj.role.name.lower()} may approve up to "
            f"{money_text(obj.amount, obj.currency)} ({obj.get_subject_display().lower()})."
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return f"Published: {publish_limit(pk, by=by, reason=cleaned['reason'])}."


@admin.register(ApprovalLimit)
class ApprovalLimitAdmin(TrackedAdmin):
    may_view = May.SEE_STAFF
    staff_actions = (PublishLimit,)
    page_actions = (DraftLimit,)
    list_display = (
        "role",
        "subject",
        "up_to",
        "batch",
        "valid_from",
        "state_pill",
        "drafted_by",
        "published_by",
    )
    list_filter = ("state", "role", "subject", "currency")
    list_select_related = ("role", "drafted_by", "published_by")
    numeric_columns = ("up_to", "batch")
    empty_hint = "Nobody can approve a refund before a limit is published: draft the first one."
    fields = ("role", "subject", "up_to", "batch", "valid_from", "drafted_by", "published_by")
    readonly_fields = ("up_to", "batch")

    @admin.display(description="Up to", ordering="amount")
    def up_to(self, obj: ApprovalLimit) -> SafeString:
        return money(obj.amount, obj.currency)

    @admin.display(description="Up to, for a batch", ordering="batch_amount")
    def batch(self, obj: ApprovalLimit) -> SafeString:
        return money(obj.batch_amount, obj.currency)

    @admin.display(description="State", ordering="state")
    def state_pill(self, obj: ApprovalLimit) -> SafeString:
        tone: Any = "good" if obj.state == ApprovalLimit.State.PUBLISHED else "warn"
        return pill(obj.get_state_display(), tone)

    def page_pills(self, request: HttpRequest, obj: ApprovalLimit) -> Sequence[SafeString]:
        return [self.state_pill(obj)]

    def change_panels(self, request: HttpRequest, obj: ApprovalLimit) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj), about=obj)]


def approvers_panel(request: HttpRequest) -> Panel | None:
    """A warning for those who see staff: what fewer than two people could approve."""
    if not (isinstance(request.user, User) and request.user.may(May.SEE_STAFF)):
        return None
    short = [found for found in approvers(timezone.localdate()) if not found.enough]
    if not short:
        return None
    subjects = dict(ApprovalLimit.Subject.choices)
    rows = [
        (
            subjects[found.subject],
            found.currency or "any currency",
            ", ".join([*map(str, found.people), *map(_in_place, found.deputies)]) or "nobody",
        )
        for found in short
    ]
    return Panel(
        "Too few people could approve",
        "accounts/panels/approvers.html",
        {
            "headings": ["What", "Currency", "Who could"],
            "rows": rows,
            "enough": ENOUGH,
            "drafts": request.user.has_role(Role.ADMIN),
        },
        side="top",
        tone="warn",
        note="Approval limits",
        url=reverse("admin:accounts_approvallimit_changelist"),
    )


def _in_place(delegation: Delegation) -> str:
    return f"{delegation.deputy} for {delegation.delegator}"


register_home_panel(approvers_panel, order=10)
