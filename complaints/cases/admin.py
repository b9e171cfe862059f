"""The complaint's pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Exists, F
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from audit.models import Event, EventQuerySet
from backoffice.admin import TrackedAdmin
from backoffice.display import column, escaped, pill, sub, when
from backoffice.links import link
from backoffice.panels import Panel, timeline_panel
from backoffice.presence import last_done
from backoffice.requests import StaffRequest
from billing.subscriptions.models import current_periods
from complaints.cases.deadlines.status import DUE_RELATIONS, deadline_statuses_of, near_deadline
from complaints.cases.files.models import Attachment
from complaints.cases.guards import owed_notices
from complaints.cases.models import Assessment, Complaint, DeadlineBreach, Decision, Message, Note
from complaints.cases.page_actions.case_actions import CASE_ACTIONS
from complaints.cases.page_actions.registration import Register
from complaints.cases.panels import case_panels
from complaints.cases.pills import complaint_pill, deadline_pill, due_pill, said_pills, shown_dues
from complaints.notices.models import Notice
from complaints.quotes.live_quote import live_quote_view
from complaints.refunds.models import Refund
from core.text import Text, join, lower, say

#: What the actions on a case show with who wrote it.
_WITH_AUTHOR: Mapping[str, type[models.Model]] = {
    "assessments": Assessment,
    "messages": Message,
    "notes": Note,
    "decisions": Decision,
}


#: What a row of the list shows. The rest of a case, with its long texts, stays where it is.
_OF_LIST = (
    "code",
    "subject",
    "state",
    "category",
    "received_at",
    "decide_due_at",
    "acknowledge_due_at",
    "tell_due_at",
    "customer_wrote_at",
    "acknowledged_at",
    "refund_policy",
    "agreement",
    "owner__username",
    "owner__first_name",
    "owner__last_name",
)


#: What the customer of a row still has to hear.
_OWED = Notice.objects.owed().filter(complaint=models.OuterRef("pk"))


class DueFilter(admin.SimpleListFilter):
    """By deadline and by whose case it is."""

    title = pgettext_lazy("filter of complaints", "work")
    parameter_name = "work"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Text]]:
        return [
            ("mine", say("My open cases")),
            ("unassigned", say("Unassigned")),
            ("near", say("Deadline near")),
            ("overdue", say("Overdue")),
            ("untold", say("Customer to be told")),
            ("wrote", say("Customer wrote")),
            ("open", say("All open")),
        ]

    def queryset(self, request: Any, queryset: Any) -> Any:
        match self.value():
            case "mine":
                return queryset.open().owned_by(request.user)
            case "unassigned":
                return queryset.open().filter(owner__isnull=True)
            case "near":
                return queryset.filter(near_deadline())
            case "overdue":
                return queryset.overdue(timezone.now())
            case "untold":
                return queryset.filter(Exists(_OWED))
            case "wrote":
                return queryset.customer_wrote()
            case "open":
                return queryset.open()
        return queryset


@admin.register(Complaint)
class ComplaintAdmin(TrackedAdmin[Complaint]):
    may_view = May.SEE_CASES
    staff_actions = CASE_ACTIONS
    page_actions = (Register,)
    list_display = ("code", "about", "status", "due", "category", "owner", "received")
    list_display_links = ("code", "about")
    list_filter = (DueFilter, "state", "category", "severity")
    list_select_related = ("owner",)
    search_fields = (
        "code",
        "subject",
        "customer__name",
        "customer__number",
        "customer__email",
        "subscription__number",
        "customer__purchases__phone__serial",
    )
    search_help_text = _("Code, subject, customer, subscription or phone serial")
    ordering = ("-received_at", "-pk")
    date_hierarchy = None
    empty_hint = _("Register one from the customer’s subscription, or with the button above.")
    fields = (
        "text",
        "sought",
        "category",
        "channel",
        "received",
        "owner",
        "severity_shown",
        "deadlines",
        "judged_by",
        "more",
    )
    readonly_fields = ("received", "severity_shown", "deadlines", "judged_by", "more")

    def get_ordering(self, request: HttpRequest) -> Any:
        """Work is ordered by when it is due, everything else by when it came."""
        return ("decide_due_at", "pk") if request.GET.get("work") else tuple(self.ordering)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(self.fields)
        if obj is not None and not self.more(obj):
            fields.remove("more")
        return fields

    @admin.display(description=_("Complaint"), ordering="subject")
    def about(self, obj: Complaint) -> SafeString:
        return SafeString(f"{escaped(obj.subject)}{sub(obj.customer_name)}")

    status = column(complaint_pill, description=_("State"), ordering="state")

    @admin.display(description=_("Deadline"), ordering="decide_due_at")
    def due(self, obj: Complaint) -> SafeString:
        return SafeString("".join((deadline_pill(obj), *said_pills(obj, owes_notice=obj.owes_notice))))

    received = column(when, "received_at", description=_("Received"), ordering="received_at")

    @admin.display(description=_("Severity"))
    def severity_shown(self, obj: Complaint) -> Text:
        severity = obj.get_severity_display()
        if not obj.escalation_level:
            return severity
        return say("{severity}, escalated to level {level}", severity=severity, level=obj.escalation_level)

    @admin.display(description=_("Deadlines"))
    def deadlines(self, obj: Complaint) -> SafeString:
        shown = {due.deadline: due_pill(due) for due in deadline_statuses_of(obj)}
        kinds = DeadlineBreach.Deadline
        decide = format_html(gettext("decide before {time}"), time=when(obj.decide_due_at))
        decide_pill = shown.get(kinds.DECIDE, "")
        if obj.acknowledged_at:
            done = format_html(gettext("acknowledged {time}"), time=when(obj.acknowledged_at))
            return format_html("{}<br>{} {}", done, decide, decide_pill)
        acknowledge = format_html(gettext("acknowledge before {time}"), time=when(obj.acknowledge_due_at))
        return format_html("{} {}<br>{} {}", acknowledge, shown.get(kinds.ACKNOWLEDGE, ""), decide, decide_pill)

    @admin.display(description=_("Judged by"))
    def judged_by(self, obj: Complaint) -> SafeString:
        agreement = format_html("{}<br>", link(obj.agreement)) if obj.agreement else ""
        return format_html("{}{}<br>{}", agreement, link(obj.refund_policy), link(obj.fulfilment_policy))

    @admin.display(description=_("Besides"))
    def more(self, obj: Complaint) -> Text:
        facts = []
        if obj.merged_into:
            facts.append(say("Merged into {complaint}.", complaint=obj.merged_into.code))
        if obj.consent_by:
            facts.append(say("{person} consented to this old case.", person=obj.consent_by))
        if obj.referral_scheme:
            referred: dict[str, Any] = {"scheme": obj.referral_scheme, "day": obj.referred_on}
            facts.append(
                say("Referred to {scheme} on {day} ({reference}).", reference=obj.referral_reference, **referred)
                if obj.referral_reference
                else say("Referred to {scheme} on {day} (no reference).", **referred)
            )
        if obj.referral_ended_on:
            outcome = obj.referral_outcome.rstrip(".")
            facts.append(say("That ended on {day}: {outcome}.", day=obj.referral_ended_on, outcome=outcome))
        if obj.withdrawal_channel:
            facts.append(say("Withdrawn by {channel}.", channel=lower(obj.get_withdrawal_channel_display())))
        return join(" ", facts)

    def page_title(self, obj: Complaint) -> str:
        return f"{obj.code} {obj.subject}"

    def page_pills(self, request: StaffRequest, obj: Complaint) -> Sequence[SafeString]:
        pills = [complaint_pill(obj), *(due_pill(due) for due in shown_dues(obj))]
        pills += said_pills(obj, owes_notice=bool(owed_notices(obj)))
        if obj.escalation_level:
            pills.append(pill(say("Level {level}", level=obj.escalation_level), "warn"))
        if obj.decision is not None:
            pills.append(pill(obj.decision, "good" if obj.decision.is_upheld else "bad"))
        if obj.severity == Complaint.Severity.HIGH:
            pills.append(pill(say("High severity"), "warn"))
        return [shown for shown in pills if shown]

    def events_about(self, obj: Complaint) -> EventQuerySet:
        """The whole case, with those merged into it: their refunds and what they gave are on its page."""
        return Event.objects.of_complaints([case.pk for case in obj.matter()])

    def change_panels(self, request: StaffRequest, obj: Complaint) -> Sequence[Panel]:
        events = self.events_about(obj)
        return [*case_panels(request, obj), timeline_panel(events, about=obj)]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        if request.resolver_match is not None and "object_id" in request.resolver_match.kwargs:
            done = last_done(Event.objects.filter(complaint_id=models.OuterRef("pk")))
            rows = rows.annotate(last_done=models.Subquery(done))
            return self.for_page(rows)
        # Of the customer a name, not a row: a list makes hundreds of objects as it is.
        rows = rows.only(*_OF_LIST).annotate(customer_name=F("customer__name"), owes_notice=Exists(_OWED))
        return rows.prefetch_related(*DUE_RELATIONS)

    def get_queryset_for_action(self, request: HttpRequest) -> models.QuerySet[Any]:
        return self.for_page(super().get_queryset(request))

    @staticmethod
    def for_page(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """A case with all that its page and its actions ask it for, and everything that was written on it."""
        related = rows.select_related(
            "customer",
            "subscription__customer",
            "subscription__plan",
            "period__subscription__customer",
            "period__plan",
            "period__invoice",
            "decision__by",
            "refund_policy__policy",
            "fulfilment_policy__policy",
            "agreement__customer",
            "owner",
            "consent_by",
            "merged_into",
        )
        lean = related.defer("refund_policy__text", "fulfilment_policy__text", "agreement__text")
        return lean.prefetch_related(
            models.Prefetch("refunds", queryset=Refund.objects.select_related("period").defer("inputs", "lines")),
            *(
                models.Prefetch(name, queryset=model._default_manager.select_related("by"))
                for name, model in _WITH_AUTHOR.items()
            ),
            "attachments",
            "breaches",
            "notices__refund",
            "notices__reversal__refund",
            current_periods("period__subscription__"),
        )

    # --- Attachments: downloads only, for those who see the case ---------------------------------

    def get_urls(self) -> list[URLPattern]:
        download = path(
            "attachments/<int:pk>/",
            self.admin_site.admin_view(self.download),
            name="complaints_attachment_download",
        )
        quote = path("quote/<int:pk>/", self.admin_site.admin_view(self.quote), name="complaints_complaint_quote")
        return [download, quote, *super().get_urls()]

    def quote(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The quote's card, recomputed for the inputs in the address."""
        return live_quote_view(self, request, pk)

    def download(self, request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
        """Send an attachment as a file to be saved, never as a page."""
        if not self.has_view_permission(request):
            return HttpResponse(status=403)
        attachment = Attachment.objects.filter(pk=pk).first()
        if attachment is None:
            raise Http404
        response = FileResponse(
            attachment.file.open("rb"),
            as_attachment=True,
            filename=attachment.name,
            content_type="application/octet-stream",
        )
        response["X-Content-Type-Options"] = "nosniff"
        return response
