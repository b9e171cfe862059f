"""The audit trail over the events there are, and what the home page shows of the cases."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.amounts import money_text
from accounts.models import User
from accounts.panels import link
from accounts.permissions import APPROVAL_OF, May
from audit.backoffice import Panel, TrackedAdmin, number, pill, register_home_panel, sub, verb_in_words, when
from audit.models import Event
from complaints.admin.pills import complaint_pill, deadline_pill, expiry_pill
from complaints.models import Complaint, Refund


@admin.register(Event)
class EventAdmin(TrackedAdmin):
    """Everything by time, person, object and request; each person sees what their role may."""

    may_view = (May.SEE_OWN_TRAIL, May.SEE_TEAM_TRAIL, May.SEE_WHOLE_TRAIL)
    list_display = ("moment", "person", "what", "target", "result", "why")
    list_display_links = ("moment",)
    list_filter = ("outcome", "source", "actor_role")
    search_fields = ("actor_name", "target_label", "verb", "request_id")
    search_help_text = "Person, object, act or request"
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
        user: User = request.user  # type: ignore[assignment]
        if user.may(May.SEE_WHOLE_TRAIL):
            return events
        cases = Complaint.objects.in_trail_of(user).values("pk")
        return events.filter(models.Q(actor=user) | models.Q(complaint_id__in=cases))

    @admin.display(description="When", ordering="at")
    def moment(self, obj: Event) -> SafeString:
        return when(obj.at)

    @admin.display(description="Who", ordering="actor_name")
    def person(self, obj: Event) -> SafeString:
        return format_html("{}{}", obj.actor_name, sub(obj.actor_role))

    @admin.display(description="Did", ordering="verb")
    def what(self, obj: Event) -> str:
        return verb_in_words(obj.verb)

    @admin.display(description="What")
    def target(self, obj: Event) -> SafeString | str:
        if obj.target_id is None:
            return obj.target_label or "–"
        try:
            address = reverse(f"admin:{obj.target_type.replace('.', '_')}_change", args=(obj.target_id,))
        except NoReverseMatch:
            return obj.target_label
        return format_html('<a href="{}">{}</a>', address, obj.target_label or f"{obj.target_type} {obj.target_id}")

    @admin.display(description="Result", ordering="outcome")
    def result(self, obj: Event) -> SafeString:
        return pill("Refused", "bad") if obj.outcome == Event.Outcome.REFUSED else pill("Done", "good")

    @admin.display(description="Why")
    def why(self, obj: Event) -> str:
        text = obj.message or obj.reason
        return text if len(text) <= 120 else f"{text[:117]}…"

    @admin.display(description="Details")
    def details(self, obj: Event) -> SafeString:
        return format_html('<pre class="code">{}</pre>', json.dumps(obj.data, indent=2, ensure_ascii=False))


def my_work(request: HttpRequest) -> Panel | None:
    """The person's open cases by deadline."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.WORK_COMPLAINTS):
        return None
    mine = Complaint.objects.open().owned_by(user).select_related("customer").by_urgency()[:15]
    address = reverse("admin:complaints_complaint_changelist")
    return Panel(
        "My cases",
        "backoffice/panels/table.html",
        {**_cases(list(mine)), "empty": "No open case is yours. Take one up from the unassigned ones."},
        note="all of mine",
        url=f"{address}?work=mine",
    )


def unassigned(request: HttpRequest) -> Panel | None:
    """Cases that nobody has taken up."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.WORK_COMPLAINTS):
        return None
    found = Complaint.objects.open().filter(owner__isnull=True).select_related("customer").order_by("decide_due_at")
    address = reverse("admin:complaints_complaint_changelist")
    return Panel(
        "Unassigned",
        "backoffice/panels/table.html",
        {**_cases(list(found[:8])), "empty": "Every case has somebody."},
        note="all unassigned",
        url=f"{address}?work=unassigned",
    )


def overdue(request: HttpRequest) -> Panel | None:
    """Cases past their deadline."""
    user: User = request.user  # type: ignore[assignment]
    if not user.may(May.SEE_CASES):
        return None
    found = Complaint.objects.overdue(timezone.now()).select_related("customer", "owner").order_by("decide_due_at")
    rows = list(found[:8])
    if not rows:
        return None
    address = reverse("admin:complaints_complaint_changelist")
    return Panel(
        "Overdue",
        "backoffice/panels/table.html",
        _cases(rows),
        side="right",
        note="all overdue",
        url=f"{address}?work=overdue",
        tone="bad",
    )


def waiting_for_me(request: HttpRequest) -> Panel | None:
    """Proposals that this person could approve by role and had no hand in."""
    user: User = request.user  # type: ignore[assignment]
    bases = [basis for basis in Refund.Basis.values if user.may(APPROVAL_OF[basis])]
    if not bases:
        return None
    found = (
        Refund.objects.waiting_for_approval()
        .filter(basis__in=bases)
        .exclude(contributions__by=user)
        .exclude(approvals__approver=user)
        .exclude(complaint__decisions__by=user)
        .exclude(complaint__assessments__by=user)
        .select_related("customer", "complaint", "proposed_by")
        .order_by("expires_on")[:15]
    )
    rows = [
        (
            link(refund),
            format_html("{}{}", refund.customer.name, sub(f"{refund.get_basis_display()}, by {refund.proposed_by}")),
            expiry_pill(refund),
            number(money_text(refund.total, refund.currency)),
        )
        for refund in found
    ]
    address = reverse("admin:complaints_refund_changelist")
    return Panel(
        "Waiting for my approval",
        "backoffice/panels/table.html",
        {
            "headings": ["Refund", "Customer", "Expires", ("Amount", "n")],
            "rows": rows,
            "empty": "Nothing waits for you.",
        },
        side="right",
        note="all proposals",
        url=f"{address}?state__exact=proposed",
    )


def my_returned(request: HttpRequest) -> Panel | None:
    """Drafts of this person, the returned ones first."""
    user: User = request.user  # type: ignore[assignment]
    drafts = (
        Refund.objects.filter(state=Refund.State.DRAFT, drafted_by=user)
        .select_related("customer", "complaint")
        .order_by("-returned_reason", "expires_on")[:8]
    )
    rows = [
        (link(refund), refund.customer.name, refund.returned_reason or "–", expiry_pill(refund)) for refund in drafts
    ]
    if not rows:
        return None
    return Panel(
        "My drafts and returned proposals",
        "backoffice/panels/table.html",
        {"headings": ["Refund", "Customer", "Sent back because", "Expires"], "rows": rows},
        side="right",
    )


def _cases(complaints: list[Complaint]) -> dict[str, Any]:
    return {
        "headings": ["Complaint", "State", "Deadline"],
        "rows": [
            (
                format_html(
                    "{} {}{}",
                    link(complaint, complaint.code),
                    complaint.subject,
                    sub(complaint.customer.name),
                ),
                complaint_pill(complaint),
                deadline_pill(complaint),
            )
            for complaint in complaints
        ],
    }


register_home_panel(my_work, order=10)
register_home_panel(unassigned, order=20)
register_home_panel(overdue, order=15)
register_home_panel(waiting_for_me, order=16)
register_home_panel(my_returned, order=18)
