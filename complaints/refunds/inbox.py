"""The approvals inbox: one line a proposal, its quote opened in place, decided by the keyboard.

The inbox decides nothing itself: its forms are sent to the actions of the refund's pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import allowed
from backoffice.admin import TrackedAdmin
from backoffice.badges import counts_of, register_count
from backoffice.links import page_url
from backoffice.requests import StaffRequest
from complaints.quotes.comparable_cases import percent, share_of, similar_cases
from complaints.quotes.panels import frozen_quote_context
from complaints.quotes.text import plan_in_words
from complaints.refunds.approvals.windows.rules import granted_lately, takes_two
from complaints.refunds.models import Refund
from complaints.refunds.page_actions import ApproveRefund, RejectRefund, ReturnRefund, rights_of
from complaints.refunds.pills import expiry_pill
from complaints.refunds.work_queues import stood_in_by, waiting_for_approval_of
from complaints.signals.kinds import reported_lately, signals_of
from core.amounts import money_text
from core.text import Text, say

#: Lines on one page.
LINES = 50

#: Among the numbers of the navigation: in how many people's place somebody approves today. Every page asks whether the
#: inbox is for its reader; so it costs no query of its own.
STOOD_IN = "stood_in"
register_count(STOOD_IN, lambda user: stood_in_by(user) if user.may(May.WORK_COMPLAINTS) else None)


class InboxPages(TrackedAdmin[Refund]):
    """For the refund's pages: ``inbox/`` and ``inbox/<key>/``, the inside of one line."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("inbox/", view(self.inbox), name="complaints_refund_inbox"),
            path("inbox/<int:pk>/", view(self.inbox_line), name="complaints_refund_inbox_line"),
            *super().get_urls(),
        ]

    def may_see_inbox(self, request: StaffRequest) -> bool:
        """Those who approve something, themselves or in somebody's place today."""
        if not self.has_view_permission(request):
            return False
        return allowed(request.user, ApproveRefund.may) or counts_of(request).get(STOOD_IN, 0) > 0

    def inbox(self, request: StaffRequest) -> HttpResponse:
        """What waits for this person, what expires first on top."""
        if not self.may_see_inbox(request):
            raise PermissionDenied
        user = request.user
        page = Paginator(_waiting(user), LINES).get_page(request.GET.get("page"))
        opened = request.GET.get("open", "")
        refunds = _refunds(list(page))
        controls = rights_of(user).controls
        granted = granted_lately(refunds, controls)
        signals = reported_lately([refund.pk for refund in refunds])
        lines = [
            _line(refund, two=takes_two(refund, granted[refund.pk], controls), signals=signals[refund.pk])
            for refund in refunds
        ]
        inside = next((line["refund"] for line in lines if str(line["refund"].pk) == opened), None)
        return TemplateResponse(
            request,
            "complaints/inbox.html",
            {
                **self.admin_site.each_context(request),
                "title": say("Waiting for my approval"),
                "opts": self.opts,
                "lines": lines,
                "page_obj": page,
                "opened": inside,
                "inside": self._inside(request, inside.pk) if inside is not None else None,
            },
        )

    def inbox_line(self, request: StaffRequest, pk: int) -> HttpResponse:
        """The inside of one line, for a page that opens it in place."""
        if not self.may_see_inbox(request):
            raise PermissionDenied
        return TemplateResponse(request, "complaints/inbox_inside.html", self._inside(request, pk))

    def _inside(self, request: StaffRequest, pk: int) -> dict[str, Any]:
        refund = self.get_queryset_for_action(request).filter(pk=pk).first()
        if refund is None:
            raise Http404
        user = request.user
        approve = ApproveRefund()
        form = approve.form_class(rows=[refund], by=user, auto_id=f"inbox-{pk}-%s")
        return {
            **frozen_quote_context(refund),
            "refund": refund,
            "complaint": refund.complaint,
            "case_url": page_url(refund.complaint),
            "refund_url": page_url(refund),
            "form": form,
            "choice": form["choice"] if "choice" in form.fields else None,
            "obstacle": approve.why_not(refund, user),
            "end_obstacle": ReturnRefund().why_not(refund, user),
            "consequence": approve.consequence(refund, user),
            "granted": _granted(refund, user),
            "similar": _similar(refund),
            "signals": signals_of([refund])[refund.pk],
            "decision": refund.complaint.decision,
            "seen": self.version_of(refund),
            "actions": {
                action.name: f"{self.url_of('changelist')}act/{action.name}/?ids={pk}"
                for action in (ApproveRefund, ReturnRefund, RejectRefund)
            },
            "back": self.url_of("inbox"),
        }


def _waiting(user: User) -> QuerySet[Refund, int]:
    """The keys of what waits, in the order of the lines. The rows come by another query: together with all that a line
    shows, the database takes longer to plan this than to answer it.
    """
    return waiting_for_approval_of(user).order_by("expires_on", "proposed_at", "pk").values_list("pk", flat=True)


def _refunds(keys: Sequence[int]) -> list[Refund]:
    """The refunds of these lines, in their order. Few documents judge them all."""
    found = (
        Refund.objects.select_related("customer", "complaint", "proposed_by")
        .prefetch_related("refund_policy", "fulfilment_policy", "agreement")
        .defer("inputs", "lines", "counted", "complaint__text")
        .in_bulk(keys)
    )
    return [found[key] for key in keys if key in found]


def _line(refund: Refund, *, two: bool, signals: int) -> dict[str, Any]:
    assert refund.proposed_at is not None
    return {
        "signals": signals,
        "refund": refund,
        "amount": money_text(refund.total, refund.currency),
        "plan": plan_in_words(refund.remedy_plan, refund.currency, refund.set_off),
        "expiry": expiry_pill(refund),
        "days": (timezone.localdate() - timezone.localdate(refund.proposed_at)).days,
        "second": refund.state == Refund.State.APPROVED,
        "two": two,
    }


def _granted(refund: Refund, user: User) -> Text:
    """What was granted in the policy's window to the customer and whoever is paid to the same account."""
    return money_text(granted_lately([refund], rights_of(user).controls)[refund.pk], refund.currency)


def _similar(refund: Refund) -> dict[str, Any] | None:
    found = similar_cases(refund.complaint, refund.basis)
    if found is None:
        return None
    share = share_of(refund.total, refund.period.fee)
    return {
        "count": found.count,
        "median": percent(found.middle),
        "this": percent(share),
        "unusual": found.is_unusual(share),
    }
