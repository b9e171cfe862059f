"""The refund's pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from accounts.staff.limits.panels import limit_cell
from accounts.staff.models import User
from accounts.staff.permissions import PERMISSIONS, May, role_words
from audit.models import Event, EventQuerySet
from backoffice.amounts import money
from backoffice.display import column, sub, when
from backoffice.links import link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from complaints.cases.guards import with_what_guards_read
from complaints.quotes.panels import compared_quotes, frozen_quote_context, quote_context
from complaints.quotes.quoting import Choices
from complaints.quotes.text import basis_in_words, plan_in_words
from complaints.refunds.approvals.rules import Authority, could_approve
from complaints.refunds.inbox import InboxPages
from complaints.refunds.models import Refund, Remedy
from complaints.refunds.page_actions import REFUND_ACTIONS, rights_of
from complaints.refunds.pills import expiry_pill, refund_pill
from complaints.reversals import admin as reversals
from core.amounts import money_text
from core.text import Text, say


@admin.register(Refund)
class RefundAdmin(InboxPages):
    may_view = May.SEE_CASES
    staff_actions = (*REFUND_ACTIONS, reversals.ProposeReversal)
    list_display = ("code", "who", "status", "basis", "proposer", "amount", "expires")
    list_display_links = ("code", "who")
    numeric_columns = ("amount",)
    list_filter = ("state", "basis", "currency")
    list_select_related = ("customer", "complaint", "proposed_by")
    search_fields = ("code", "complaint__code", "customer__name", "customer__number", "customer__email")
    search_help_text = _("Refund, complaint or customer")
    ordering = ("-drafted_at", "-pk")
    empty_hint = _("Refunds are proposed on the page of a complaint.")
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

    @admin.display(description=_("Case"), ordering="complaint__code")
    def who(self, obj: Refund) -> SafeString:
        return format_html("{}{}", obj.customer.name, sub(f"{obj.complaint.code} {obj.complaint.subject}"))

    status = column(refund_pill, description=_("State"), ordering="state")

    @admin.display(description=_("Proposed by"), ordering="proposed_at")
    def proposer(self, obj: Refund) -> SafeString:
        if obj.proposed_by is None:
            return SafeString("–")
        return format_html("{}{}", obj.proposed_by, sub(when(obj.proposed_at)))

    @admin.display(description=_("Amount"), ordering="total")
    def amount(self, obj: Refund) -> SafeString:
        if not obj.total:
            return SafeString("–")
        return money(obj.total, obj.currency, plan_in_words(obj.remedy_plan, obj.currency, obj.set_off))

    expires = column(expiry_pill, description=_("Expires"), ordering="expires_on")
    case = column(link, "complaint", description=_("Complaint"))
    customer_link = column(link, "customer", description=_("Customer"))

    @admin.display(description=_("Period"))
    def period_shown(self, obj: Refund) -> SafeString:
        # Translators: a period and its subscription: "1 to 31 Oct 2026 of S-00012"
        return format_html(
            gettext("{period} of {subscription}"), period=obj.period, subscription=link(obj.subscription)
        )

    @admin.display(description=_("Given as"))
    def remedies_shown(self, obj: Refund) -> Text:
        # What a draft sets off is worked out when it is proposed; a figure left from an earlier round is not its own.
        if obj.state == Refund.State.DRAFT:
            return plan_in_words(obj.remedy_plan, obj.currency)
        return plan_in_words(obj.remedy_plan, obj.currency, obj.set_off)

    @admin.display(description=_("Why"))
    def why(self, obj: Refund) -> SafeString:
        less: Text = ""
        if obj.reduction:
            amount = money_text(obj.reduction, obj.currency)
            less = say("Less by {amount}: {reason}", amount=amount, reason=obj.reduction_reason)
        return format_html("{}{}{}", obj.proposal_reason or "–", sub(obj.justification), sub(less))

    @admin.display(description=_("People"))
    def people(self, obj: Refund) -> SafeString:
        # Translators: who and when: "drafted by Ann Agent 10 Nov 2026, 09:12 CET"
        drafted = gettext("drafted by {person} {moment}")
        # Translators: who and when: "proposed by Ann Agent 10 Nov 2026, 09:12 CET"
        proposed = gettext("proposed by {person} {moment}")
        # Translators: who and when: "approved by Lena Lead (Team lead) 10 Nov 2026, 09:12 CET"
        approved = gettext("approved by {person} ({role}) {moment}")
        lines: list[SafeString | Text] = [
            format_html(drafted, person=obj.drafted_by, moment=when(obj.drafted_at)),
            format_html(proposed, person=obj.proposed_by, moment=when(obj.proposed_at))
            if obj.proposed_by
            else say("not proposed yet"),
            *(
                format_html(approved, person=one.by_whom, role=role_words(one.approver_role), moment=when(one.at))
                for one in obj.approvals.all()
            ),
        ]
        return format_html_join(SafeString("<br>"), "{}", ((line,) for line in lines))

    @admin.display(description=_("Sent back"))
    def returned(self, obj: Refund) -> str:
        return obj.returned_reason

    @admin.display(description=_("Judged by"))
    def policies(self, obj: Refund) -> SafeString:
        agreement = format_html("{}<br>", link(obj.agreement)) if obj.agreement else ""
        return format_html("{}{}<br>{}", agreement, link(obj.refund_policy), link(obj.fulfilment_policy))

    def page_title(self, obj: Refund) -> Text:
        if not obj.total:
            return say("Refund {code}", code=obj.code)
        return say("Refund {code}, {amount}", code=obj.code, amount=money_text(obj.total, obj.currency))

    def page_pills(self, request: StaffRequest, obj: Refund) -> Sequence[SafeString]:
        return [shown for shown in (refund_pill(obj), expiry_pill(obj)) if shown]

    def events_about(self, obj: Refund) -> EventQuerySet:
        """The whole case: a decision or an assessment changes what a proposal stands on."""
        return Event.objects.of_complaints([obj.complaint_id])

    def change_panels(self, request: StaffRequest, obj: Refund) -> Sequence[Panel]:
        panels = []
        if obj.inputs:
            panels.append(
                Panel(
                    say("Quote as proposed"),
                    "complaints/panels/quote.html",
                    frozen_quote_context(obj),
                    side="right",
                    note=say("frozen"),
                )
            )
        if obj.state == Refund.State.DRAFT:
            choices = Choices(obj.basis, obj.reduction, obj.special_amount)
            live = quote_context(obj.complaint, obj.period, choices, reduction_reason=obj.reduction_reason)
            panels.insert(
                0,
                Panel(say("Quote now"), "complaints/panels/quote.html", live, side="right", note=say("from live data")),
            )
            if obj.inputs and (both := compared_quotes(obj, live)):
                shown = {**both, "nothing": live.get("nothing"), "provisional": live.get("provisional")}
                panels[:] = [
                    Panel(
                        say("Quote as proposed and now"),
                        "complaints/panels/quotes_compared.html",
                        shown,
                        side="right",
                        note=basis_in_words(obj.basis),
                    )
                ]
        remedies = list(obj.remedies.select_related("credit", "minutes_grant", "extension", "payout"))
        was_set_off = obj.settled_at is not None and obj.set_off
        if remedies or was_set_off:
            note = obj.credit_note
            panels.append(
                Panel(
                    pgettext("what a refund gave", "Given"),
                    "backoffice/panels/table.html",
                    _given(obj, remedies),
                    side="right",
                    note=say("credit note {number}", number=note.number) if note else "",
                    url=page_url(note) if note else "",
                )
            )
        approvals = obj.approvals.all()
        if approvals:
            panels.append(Panel(say("Approvals"), "backoffice/panels/table.html", _approvals(obj), side="right"))
        if obj.state in Refund.PENDING_STATES:
            panels.append(
                Panel(
                    say("Who could approve"), "backoffice/panels/table.html", _could_approve(request, obj), side="right"
                )
            )
        events = self.events_about(obj).filter(
            models.Q(target_type="complaints.refund", target_id=obj.pk)
            | models.Q(target_type="complaints.complaint", target_id=obj.complaint_id)
        )
        return [*panels, timeline_panel(events, about=obj)]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        if request.resolver_match is not None and "object_id" in request.resolver_match.kwargs:
            return with_what_guards_read(rows)
        return rows

    def get_queryset_for_action(self, request: HttpRequest) -> models.QuerySet[Any]:
        return with_what_guards_read(super().get_queryset(request))


def _given(refund: Refund, remedies: list[Remedy]) -> dict[str, Any]:
    """Its remedies, and before them what was set off: together they are the refund."""
    rows: list[tuple[Any, ...]] = []
    if refund.set_off:
        amount = money(refund.set_off, refund.currency)
        rows.append((say("Set-off"), link(refund.period.invoice), when(refund.settled_at), amount))
    for remedy in remedies:
        shown = link(remedy.given) if remedy.credit or remedy.payout else str(remedy.given)
        rows.append((remedy.get_kind_display(), shown, when(remedy.at), money(remedy.amount, refund.currency)))
    return {"headings": [say("Remedy"), say("What"), say("When"), (say("Amount"), "n")], "rows": rows}


def _approvals(refund: Refund) -> dict[str, Any]:
    return {
        "headings": [say("Approved by"), say("When"), say("Reason"), (say("Limit"), "n")],
        "rows": [
            (
                format_html("{}{}", approval.by_whom, sub(role_words(approval.approver_role))),
                when(approval.at),
                approval.reason or "–",
                limit_cell(approval.limit, refund.currency),
            )
            for approval in refund.approvals.all()
        ],
    }


def _approver(person: User, authority: Authority) -> Text:
    """Whoever could approve, and in whose place."""
    if authority.right.delegation is None:
        return str(person)
    return say("{approver} for {person}", approver=person, person=authority.right.person)


def _could_approve(request: StaffRequest, refund: Refund) -> dict[str, Any]:
    """Everybody who could approve it now, deputies with whom they stand in for."""
    user = request.user
    people = User.objects.filter(is_active=True, role__name__in=PERMISSIONS[May.WORK_COMPLAINTS])
    found = could_approve(refund, people.select_related("role").order_by("first_name", "last_name"), rights_of(user))
    return {
        "headings": [say("Who"), (say("Limit"), "n")],
        "rows": [
            (
                format_html("{}{}", _approver(person, authority), sub(role_words(person.role_name))),
                limit_cell(authority.limit, refund.currency),
            )
            for person, authority in found
        ],
        "empty": say("Nobody: whoever else could had a hand in it, or it is over their limit."),
    }
