"""The refund's pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.amounts import money, money_text
from accounts.models import User
from accounts.panels import link, page_url
from accounts.permissions import PERMISSIONS, May
from audit.backoffice import Panel, TrackedAdmin, register_verbs, sub, timeline_panel, when
from audit.models import Event, EventQuerySet
from audit.words import say
from complaints import guards
from complaints.admin import reversals
from complaints.admin.inbox import InboxPages
from complaints.admin.pills import expiry_pill, refund_pill
from complaints.admin.quotes import frozen_quote_context, quote_context
from complaints.admin.refund_actions import REFUND_ACTIONS, rights_of
from complaints.models import Refund, Remedy
from complaints.quoting import Choices
from complaints.wording import plan_in_words

register_verbs(
    {
        "refund.draft": "drafted",
        "refund.edit": "edited",
        "refund.propose": "proposed",
        "refund.draft_indemnity": "drafted the indemnity for a late answer:",
        "refund.draft_and_propose": "drafted and proposed",
        "refund.approve": "approved",
        "refund.return": "returned",
        "refund.reject": "rejected",
        "refund.withdraw": "withdrew",
        "refund.revoke": "revoked",
        "refund.expire": "let expire",
    }
)


@admin.register(Refund)
class RefundAdmin(InboxPages, TrackedAdmin):
    may_view = May.SEE_CASES
    staff_actions = (*REFUND_ACTIONS, reversals.Propose)
    list_display = ("code", "who", "status", "basis", "proposer", "amount", "expires")
    list_display_links = ("code", "who")
    numeric_columns = ("amount",)
    list_filter = ("state", "basis", "currency")
    list_select_related = ("customer", "complaint", "proposed_by")
    search_fields = ("code", "complaint__code", "customer__name", "customer__number", "customer__email")
    search_help_text = "Refund, complaint or customer"
    ordering = ("-drafted_at", "-pk")
    empty_hint = "Refunds are proposed on the page of a complaint."
    fields = (
        "case",
        "customer_link",
        "period_shown",
        "basis",
        "remedies_shown",
        "why",
        "evidence",
        "unusual_reason",
        "people",
        "returned",
        "policies",
    )
    readonly_fields = (
        "case",
        "customer_link",
        "period_shown",
        "remedies_shown",
        "why",
        "people",
        "returned",
        "policies",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        empty = (
            {
                "evidence": not obj.evidence,
                "unusual_reason": not obj.unusual_reason,
                "returned": not obj.returned_reason,
            }
            if obj is not None
            else {}
        )
        return [name for name in self.fields if not empty.get(name)]

    @admin.display(description="Case", ordering="complaint__code")
    def who(self, obj: Refund) -> SafeString:
        return format_html("{}{}", obj.customer.name, sub(f"{obj.complaint.code} {obj.complaint.subject}"))

    @admin.display(description="State", ordering="state")
    def status(self, obj: Refund) -> SafeString:
        return refund_pill(obj)

    @admin.display(description="Proposed by", ordering="proposed_at")
    def proposer(self, obj: Refund) -> SafeString:
        if obj.proposed_by is None:
            return SafeString("–")
        return format_html('{}<span class="sub">{}</span>', obj.proposed_by, when(obj.proposed_at))

    @admin.display(description="Amount", ordering="total")
    def amount(self, obj: Refund) -> SafeString:
        if not obj.total:
            return SafeString("–")
        return money(obj.total, obj.currency, plan_in_words(obj.remedy_plan, obj.currency))

    @admin.display(description="Expires", ordering="expires_on")
    def expires(self, obj: Refund) -> SafeString:
        return expiry_pill(obj)

    @admin.display(description="Complaint")
    def case(self, obj: Refund) -> SafeString:
        return link(obj.complaint)

    @admin.display(description="Customer")
    def customer_link(self, obj: Refund) -> SafeString:
        return link(obj.customer)

    @admin.display(description="Period")
    def period_shown(self, obj: Refund) -> SafeString:
        return format_html("{} of {}", obj.period, link(obj.subscription))

    @admin.display(description="Given as")
    def remedies_shown(self, obj: Refund) -> str:
        return plan_in_words(obj.remedy_plan, obj.currency)

    @admin.display(description="Why")
    def why(self, obj: Refund) -> SafeString:
        less = f"Less by {money_text(obj.reduction, obj.currency)}: {obj.reduction_reason}" if obj.reduction else ""
        return format_html("{}{}{}", obj.proposal_reason or "–", sub(obj.justification), sub(less))

    @admin.display(description="People")
    def people(self, obj: Refund) -> SafeString:
        proposed = (
            format_html("proposed by {} {}", obj.proposed_by, when(obj.proposed_at))
            if obj.proposed_by
            else "not proposed yet"
        )
        approved = format_html_join(
            "",
            "<br>{} {}",
            (
                (say("approved by {person} ({role})", person=one.by_whom, role=one.approver_role), when(one.at))
                for one in obj.approvals.all()
            ),
        )
        return format_html("drafted by {} {}<br>{}{}", obj.drafted_by, when(obj.drafted_at), proposed, approved)

    @admin.display(description="Sent back")
    def returned(self, obj: Refund) -> str:
        return obj.returned_reason

    @admin.display(description="Judged by")
    def policies(self, obj: Refund) -> SafeString:
        agreement = format_html("{}<br>", link(obj.agreement)) if obj.agreement else ""
        return format_html("{}{}<br>{}", agreement, link(obj.refund_policy), link(obj.fulfilment_policy))

    def page_title(self, obj: Refund) -> str:  # type: ignore[override]
        amount = f", {money_text(obj.total, obj.currency)}" if obj.total else ""
        return f"Refund {obj.code}{amount}"

    def page_pills(self, request: HttpRequest, obj: Refund) -> Sequence[SafeString]:
        return [shown for shown in (refund_pill(obj), expiry_pill(obj)) if shown]

    def events_about(self, obj: Refund) -> EventQuerySet:
        """The whole case: a decision or an assessment changes what a proposal stands on."""
        return Event.objects.of_complaint(obj.complaint_id)

    def change_panels(self, request: HttpRequest, obj: Refund) -> Sequence[Panel]:
        panels = []
        if obj.inputs:
            panels.append(
                Panel(
                    "Quote as proposed",
                    "complaints/panels/quote.html",
                    frozen_quote_context(obj),
                    side="right",
                    note="frozen",
                )
            )
        if obj.state == Refund.State.DRAFT:
            choices = Choices(obj.basis, obj.reduction, obj.special_amount)
            live = quote_context(obj.complaint, obj.period, choices, reduction_reason=obj.reduction_reason)
            panels.insert(
                0,
                Panel("Quote now", "complaints/panels/quote.html", live, side="right", note="from live data"),
            )
        remedies = list(obj.remedies.select_related("credit", "minutes_grant", "extension", "payout"))
        if remedies:
            note = obj.credit_note
            panels.append(
                Panel(
                    "Given",
                    "backoffice/panels/table.html",
                    _given(remedies, obj.currency),
                    side="right",
                    note=f"credit note {note.number}" if note else "",
                    url=page_url(note) if note else "",
                )
            )
        approvals = obj.approvals.all()
        if approvals:
            panels.append(Panel("Approvals", "backoffice/panels/table.html", _approvals(obj), side="right"))
        if obj.state in Refund.PENDING_STATES:
            panels.append(
                Panel("Who could approve", "backoffice/panels/table.html", _could_approve(request, obj), side="right")
            )
        events = self.events_about(obj).filter(
            models.Q(target_type="complaints.refund", target_id=obj.pk)
            | models.Q(target_type="complaints.complaint", target_id=obj.complaint_id)
        )
        return [*panels, timeline_panel(events, about=obj)]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        if request.resolver_match is not None and "object_id" in request.resolver_match.kwargs:
            return guards.with_what_guards_read(rows)
        return rows

    def get_queryset_for_action(self, request: HttpRequest) -> models.QuerySet[Any]:
        return guards.with_what_guards_read(super().get_queryset(request))


def _given(remedies: list[Remedy], currency: str) -> dict[str, Any]:
    rows = []
    for remedy in remedies:
        what = remedy.credit or remedy.payout or remedy.minutes_grant or remedy.extension
        shown = link(what) if remedy.credit or remedy.payout else str(what)
        rows.append((remedy.get_kind_display(), shown, when(remedy.at), money(remedy.amount, currency)))
    return {"headings": ["Remedy", "What", "When", ("Amount", "n")], "rows": rows}


def _approvals(refund: Refund) -> dict[str, Any]:
    return {
        "headings": ["Approved by", "When", "Reason", ("Limit", "n")],
        "rows": [
            (
                format_html("{}{}", approval.by_whom, sub(approval.approver_role)),
                when(approval.at),
                approval.reason or "–",
                money(approval.limit, refund.currency),
            )
            for approval in refund.approvals.all()
        ],
    }


def _for(person: User | None) -> str:
    return f" for {person}" if person is not None else ""


def _could_approve(request: HttpRequest, refund: Refund) -> dict[str, Any]:
    """Everybody who could approve it now, deputies with whom they stand in for."""
    user: User = request.user  # type: ignore[assignment]
    people = User.objects.filter(is_active=True, role__name__in=PERMISSIONS[May.WORK_COMPLAINTS])
    found = guards.could_approve(
        refund, people.select_related("role").order_by("first_name", "last_name"), rights_of(user)
    )
    return {
        "headings": ["Who", ("Limit", "n")],
        "rows": [
            (
                format_html(
                    "{}{}{}",
                    person,
                    _for(authority.right.person if authority.right.delegation is not None else None),
                    sub(person.role_name),
                ),
                money(authority.limit, refund.currency),
            )
            for person, authority in found
        ],
        "empty": "Nobody: whoever else could had a hand in it, or it is over their limit.",
    }
