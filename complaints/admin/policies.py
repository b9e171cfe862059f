"""The policies' pages: their versions, text and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import nh3
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

from accounts.models import User
from accounts.panels import link, page_url
from accounts.permissions import May, roles_that
from audit.backoffice import (
    Done,
    OptionalReasonForm,
    Panel,
    StaffAction,
    TrackedAdmin,
    pill,
    register_verbs,
    timeline_panel,
)
from audit.models import Event
from complaints import forms
from complaints.actions import policies
from complaints.models import Policy, PolicyVersion

register_verbs({"policy.draft": "drafted", "policy.edit_draft": "changed the draft of", "policy.publish": "published"})


def rendered(text: str) -> SafeString:
    """Markdown as safe HTML."""
    return SafeString(nh3.clean(MarkdownIt("commonmark").render(text)))


class DraftVersion(StaffAction[Policy]):
    name = "draft"
    label = "Draft the next version"
    tone = "primary"
    icon = "file-plus"
    may = May.DRAFT_POLICIES
    roles = roles_that(May.DRAFT_POLICIES)
    in_bulk = False
    form_class = forms.PolicyVersionForm
    intro = "Another manager publishes it."

    def get_initial(self, rows: Sequence[Policy], by: User) -> dict[str, Any]:
        newest = rows[0].versions.order_by("-number").first() if len(rows) == 1 else None
        tomorrow = timezone.localdate() + timedelta(days=1)
        if newest is None:
            return {"effective_from": tomorrow}
        return {"effective_from": tomorrow, "text": newest.text, "parameters": newest.parameters}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Done:
        version = policies.draft_policy_version(pk, by=by, **cleaned)
        return Done(f"{version} is drafted.", page_url(version))


@admin.register(Policy)
class PolicyAdmin(TrackedAdmin):
    may_view = May.SEE_POLICIES
    staff_actions = (DraftVersion,)
    list_display = ("kind", "in_force")
    list_display_links = ("kind",)
    ordering = ("kind",)
    fields = ("in_force",)
    readonly_fields = ("in_force",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request).prefetch_related("versions")
        return rows

    @admin.display(description="In force today")
    def in_force(self, obj: Policy) -> SafeString | str:
        today = timezone.localdate()
        holding = [
            version
            for version in obj.versions.all()
            if version.state == PolicyVersion.State.PUBLISHED and version.effective_from <= today
        ]
        if not holding:
            return "–"
        newest = max(holding, key=lambda version: (version.effective_from, version.number))
        return link(newest, f"Version {newest.number} of {newest.effective_from}")

    def change_panels(self, request: HttpRequest, obj: Policy) -> Sequence[Panel]:
        rows = [
            (
                link(version, f"Version {version.number}"),
                version.effective_from,
                _state_pill(version),
                version.published_by or "–",
            )
            for version in obj.versions.select_related("published_by").order_by("-number")
        ]
        table = {"headings": ["Version", "Holds from", "State", "Published by"], "rows": rows}
        return [
            Panel("Versions", "backoffice/panels/table.html", table),
            timeline_panel(Event.objects.about(obj), side="right"),
        ]


class EditDraft(StaffAction[PolicyVersion]):
    name = "edit"
    label = "Edit the draft"
    icon = "pencil"
    may = May.DRAFT_POLICIES
    roles = roles_that(May.DRAFT_POLICIES)
    in_bulk = False
    form_class = forms.PolicyVersionForm
    intro = "Whoever edits a draft cannot publish it."

    def obstacle(self, obj: PolicyVersion, by: User) -> str | None:
        return policies.published_obstacle(obj)

    def get_initial(self, rows: Sequence[PolicyVersion], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        return {name: getattr(rows[0], name) for name in ("effective_from", "text", "parameters")}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        version = policies.edit_policy_draft(pk, by=by, **cleaned)
        return f"{version} is changed."


class Publish(StaffAction[PolicyVersion]):
    name = "publish"
    label = "Publish"
    tone = "primary"
    icon = "stamp"
    may = May.PUBLISH_POLICIES
    roles = roles_that(May.PUBLISH_POLICIES)
    in_bulk = False
    form_class = OptionalReasonForm

    def obstacle(self, obj: PolicyVersion, by: User) -> str | None:
        return policies.publish_obstacle(obj, by)

    def consequence(self, obj: PolicyVersion, by: User) -> str:
        return f"Periods that begin on {obj.effective_from} or later are judged by it. It is never edited again."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        version = policies.publish_policy_version(pk, by=by, **cleaned)
        return f"{version} is published."


@admin.register(PolicyVersion)
class PolicyVersionAdmin(TrackedAdmin):
    may_view = May.SEE_POLICIES
    staff_actions = (Publish, EditDraft)
    list_display = ("name", "effective_from", "status", "drafted_by", "published_by")
    list_filter = ("policy__kind", "state")
    list_select_related = ("policy", "drafted_by", "published_by")
    ordering = ("policy", "-number")
    fields = ("effective_from", "status", "drafted_by", "published_by", "published_at")
    readonly_fields = fields

    @admin.display(description="Version", ordering="number")
    def name(self, obj: PolicyVersion) -> str:
        return f"{obj.policy}, version {obj.number}"

    @admin.display(description="State", ordering="state")
    def status(self, obj: PolicyVersion) -> SafeString:
        return _state_pill(obj)

    def page_title(self, obj: PolicyVersion) -> str:  # type: ignore[override]
        return f"{obj.policy}, version {obj.number}"

    def change_panels(self, request: HttpRequest, obj: PolicyVersion) -> Sequence[Panel]:
        figures = [(name.replace("_", " "), figure_in_words(value)) for name, value in _parameters(obj).items()]
        return [
            Panel("Text", "complaints/panels/policy_text.html", {"html": rendered(obj.text)}),
            Panel("Figures", "backoffice/panels/fields.html", {"fields": figures}, side="right"),
            timeline_panel(Event.objects.about(obj), side="right", about=obj),
        ]


def _parameters(version: PolicyVersion) -> dict[str, Any]:
    if version.policy.kind == Policy.Kind.REFUND:
        return version.refund_parameters.to_json()
    return version.fulfilment_parameters.to_json()


def figure_in_words(value: Any) -> str:
    """A policy's figure as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(entry).replace("_", " ") for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{amount} {currency}" for currency, amount in value.items())
    return "never" if value is None else json.dumps(value).strip('"')


def _state_pill(version: PolicyVersion) -> SafeString:
    published = version.state == PolicyVersion.State.PUBLISHED
    return pill(version.get_state_display(), "good" if published else "mute")
