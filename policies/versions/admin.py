"""The policies' pages: their versions, text and figures, and what differs between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.company.facts import company_on
from accounts.four_eyes.admin import Discard, Publish
from accounts.four_eyes.rules import draft_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from audit.models import Event
from backoffice.actions import ActionForm, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import column
from backoffice.links import day, link, page_url
from backoffice.panels import PagePanels, Panel, timeline_panel
from backoffice.requests import StaffRequest
from core.text import Text, say
from policies.comparison.rules import compare
from policies.parameters.text import figures
from policies.versions import actions as policies
from policies.versions.forms import PolicyVersionForm
from policies.versions.models import Policy, PolicyVersion
from policies.versions.pills import standing_pill
from policies.versions.text import rendered

#: Cards that apps above add to a version's page.
version_page: PagePanels[PolicyVersion] = PagePanels()


class DraftVersion(StaffAction[Policy]):
    name = "draft"
    label = _("Draft the next version")
    tone = "primary"
    icon = "file-plus"
    may = May.DRAFT_POLICIES
    form_class = PolicyVersionForm
    intro = _("Another manager publishes it.")
    action = policies.draft_policy_version
    done = _("{version} is drafted.")
    opens = page_url

    def get_initial(self, rows: Sequence[Policy], by: User) -> dict[str, Any]:
        """The version whose place the next one takes: the one in force, or one published that is still to come."""
        day = timezone.localdate() + timedelta(days=1)
        published = rows[0].versions.filter(state=PolicyVersion.State.PUBLISHED) if len(rows) == 1 else None
        newest = published.select_related("policy").order_by("-effective_from").first() if published else None
        if newest is None:
            return {"effective_from": day}
        day = max(day, newest.effective_from + timedelta(days=1))
        return {"effective_from": day, "text": newest.text, "parameters": newest.figures}


@admin.register(Policy)
class PolicyAdmin(TrackedAdmin[Policy]):
    may_view = May.SEE_POLICIES
    staff_actions = (DraftVersion,)
    list_display = ("kind", "in_force", "waiting")
    list_display_links = ("kind",)
    ordering = ("kind",)
    fields = ("in_force", "waiting", "public_page")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        versions = models.Prefetch("versions", PolicyVersion.objects.with_successor().order_by("number"))
        rows: models.QuerySet[Any] = super().get_queryset(request).prefetch_related(versions)
        return rows

    @admin.display(description=_("In force today"))
    def in_force(self, obj: Policy) -> SafeString | str:
        return _versions_that_are(obj, PolicyVersion.Standing.IN_FORCE)

    @admin.display(description=_("To come, and drafts"))
    def waiting(self, obj: Policy) -> SafeString | str:
        return _versions_that_are(obj, PolicyVersion.Standing.TO_COME, PolicyVersion.Standing.DRAFT)

    @admin.display(description=_("For everybody"))
    def public_page(self, obj: Policy) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("public:policies"), say("The public page"))

    def list_panels(self, request: StaffRequest) -> Sequence[Panel]:
        if company_on(timezone.localdate()).known:
            return ()
        text = say(
            "The public page has to name whom to ask and where to cancel (clause F11), and it "
            "cannot: no company profile is published yet."
        )
        return [
            Panel(
                say("No contact on the public page"), "backoffice/panels/text.html", {"text": text}, "top", tone="warn"
            )
        ]

    def change_panels(self, request: StaffRequest, obj: Policy) -> Sequence[Panel]:
        table = _versions_table(obj.versions.with_successor().select_related("policy", "published_by"))
        return [
            Panel(say("Versions"), "backoffice/panels/table.html", table),
            timeline_panel(Event.objects.about(obj), side="right"),
        ]


class EditDraft(StaffAction[PolicyVersion]):
    name = "edit"
    label = _("Edit the draft")
    icon = "pencil"
    may = May.DRAFT_POLICIES
    form_class = PolicyVersionForm
    intro = _("Whoever edits a draft cannot publish it.")
    action = policies.edit_policy_draft
    done = _("{version} is changed.")

    def obstacle(self, obj: PolicyVersion, by: User) -> Obstacle | None:
        return draft_obstacle(obj)

    def get_initial(self, rows: Sequence[PolicyVersion], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        version = rows[0]
        return {"effective_from": version.effective_from, "text": version.text, "parameters": version.figures}


class PublishVersion(Publish[PolicyVersion]):
    icon = "stamp"
    may = May.PUBLISH_POLICIES
    preview_template = "policies/panels/policy_changes.html"
    rule = policies.publish_version_obstacle
    action = policies.publish_policy_version
    done = _("{version} is published.")

    def consequence(self, obj: PolicyVersion, by: User) -> Text:
        return say(
            "Periods that begin on {day} or later are judged by it. Everybody can read it "
            "on the public page at once. It is never edited again.",
            day=obj.effective_from,
        )

    def preview_context(self, obj: PolicyVersion, by: User, form: ActionForm) -> Mapping[str, Any]:
        before = obj.predecessor()
        if before is None:
            return {}
        return {
            "before": before,
            "after": obj,
            "comparison": compare(before.text, obj.text, before.figures, obj.figures),
        }


class DiscardVersion(Discard[PolicyVersion]):
    label = _("Discard the draft")
    may = May.DRAFT_POLICIES
    action = policies.discard_policy_draft
    done = _("The draft of {version} is discarded.")

    def consequence(self, obj: PolicyVersion, by: User) -> Text:
        return say("It stays on record under its number and never judges anything.")


@admin.register(PolicyVersion)
class PolicyVersionAdmin(TrackedAdmin[PolicyVersion]):
    may_view = May.SEE_POLICIES
    heading_pill = standing_pill
    staff_actions: ClassVar[Sequence[type[StaffAction[Any]]]] = (PublishVersion, EditDraft, DiscardVersion)
    list_display = ("name", "holds_from", "status", "drafted_by", "published_by")
    list_display_links = ("name",)
    list_filter = ("policy__kind", "state")
    ordering = ("policy", "-number")
    fields = ("holds_from", "holds_until", "drafted_by", "published_by", "published_at")
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        compared = path(
            "<int:before>/compare/<int:after>/",
            self.admin_site.admin_view(self.compare_view),
            name="policies_policyversion_compare",
        )
        return [compared, *super().get_urls()]

    def compare_view(self, request: StaffRequest, before: int, after: int) -> HttpResponse:
        """What differs between two versions of one policy. Only reads; for whoever sees the policies."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request):
            raise PermissionDenied  # before looking: whoever may not see them does not learn whether they are there
        found = {version.pk: version for version in self.get_queryset(request).filter(pk__in=(before, after))}
        try:
            old, new = found[before], found[after]
        except KeyError:
            raise Http404(say("There is no such version.")) from None
        if old.policy_id != new.policy_id:
            raise Http404(say("These are versions of two policies."))
        request.current_app = self.admin_site.name
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": say(
                "{policy}: version {older} and version {newer}",
                policy=new.policy,
                older=old.number,
                newer=new.number,
            ),
            "opts": self.opts,
            "before": old,
            "after": new,
            "comparison": compare(old.text, new.text, old.figures, new.figures),
        }
        return TemplateResponse(request, "policies/policy_comparison.html", context)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        with_more: models.QuerySet[Any] = rows.with_successor().select_related("policy", "drafted_by", "published_by")
        return with_more

    @admin.display(description=_("Version"), ordering="number")
    def name(self, obj: PolicyVersion) -> Text:
        return say("{policy}, version {number}", policy=obj.policy, number=obj.number)

    holds_from = column(day, "effective_from", description=_("Holds from"), ordering="effective_from")

    @admin.display(description=_("Until"))
    def holds_until(self, obj: PolicyVersion) -> SafeString | str:
        superseded_on = obj.superseded_on
        if obj.state != PolicyVersion.State.PUBLISHED or superseded_on is None:
            return "–"
        return day(superseded_on - timedelta(days=1))

    status = column(standing_pill, description=_("State"), ordering="state")

    def page_title(self, obj: PolicyVersion) -> Text:
        return say("{policy}, version {number}", policy=obj.policy, number=obj.number)

    def change_panels(self, request: StaffRequest, obj: PolicyVersion) -> Sequence[Panel]:
        others = obj.policy.versions.with_successor().select_related("policy", "published_by").exclude(pk=obj.pk)
        before = obj.predecessor()
        return [
            Panel(
                say("Text"),
                "policies/panels/policy_text.html",
                {"html": rendered(obj.text)},
                note=say("what changed since version {number}", number=before.number) if before else "",
                url=comparison_url(before, obj) if before else "",
            ),
            *version_page.of(request, obj),
            Panel(say("Figures"), "complaints/panels/figures.html", {"figures": figures(obj.figures)}, side="right"),
            Panel(say("Other versions"), "backoffice/panels/table.html", _versions_table(others, obj), side="right"),
            timeline_panel(Event.objects.about(obj), side="right", about=obj),
        ]


def comparison_url(before: PolicyVersion, after: PolicyVersion) -> str:
    """Where the two are compared."""
    return reverse("admin:policies_policyversion_compare", args=(before.pk, after.pk))


def _versions_that_are(policy: Policy, *standings: PolicyVersion.Standing) -> SafeString | str:
    today = timezone.localdate()
    found = [version for version in policy.versions.all() if version.standing(today) in standings]
    links = (
        (link(version, say("Version {number} of {day}", number=version.number, day=version.effective_from)),)
        for version in found
    )
    return format_html_join(SafeString("<br>"), "{}", links) or "–"


def _versions_table(versions: models.QuerySet[Any], to: PolicyVersion | None = None) -> dict[str, Any]:
    """Versions, the newest first; with ``to``, each is compared with that one, the older first."""
    rows = []
    for version in versions.order_by("-number"):
        row = [
            link(version, say("Version {number}", number=version.number)),
            day(version.effective_from),
            standing_pill(version),
            version.published_by or "–",
        ]
        if to is not None:
            older, newer = sorted((version, to), key=lambda one: one.number)
            row[-1] = format_html('<a href="{}">{}</a>', comparison_url(older, newer), say("Compare"))
        rows.append(row)
    last = say("Compare") if to is not None else say("Published by")
    return {
        "headings": [say("Version"), say("Holds from"), say("State"), last],
        "rows": rows,
        "empty": say("There is no other version."),
    }
