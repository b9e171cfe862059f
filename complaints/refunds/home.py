"""The home page's cards of refunds: waiting for approval, drafts, recently settled."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_count
from backoffice.display import number, pill, sub
from backoffice.links import day, link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest, asked_once
from complaints.cases.home import DRAFTS, SETTLED, TABLE, WAITING, keys_of
from complaints.refunds.models import Approval, Refund
from complaints.refunds.pills import refund_pill
from complaints.refunds.work_queues import waiting_for_approval_of
from core.amounts import money_text
from core.text import join, say

#: What a proposal froze is long, and no card shows it.
FROZEN = ("inputs", "lines", "counted", "remedy_plan", "evidence", "justification")


def _waiting(user: User) -> Any:
    return waiting_for_approval_of(user) if user.may(May.SEE_CASES) else None


# Each is held against everything that the person had a hand in.
register_count("approvals", _waiting, most=99)


# --- Refunds ------------------------------------------------------------------------------------


@asked_once
def _open_refunds(request: StaffRequest) -> tuple[list[Refund], list[Refund]]:
    """Those that wait for the person's approval, and their own drafts."""
    user = request.user
    waiting = waiting_for_approval_of(user).order_by("expires_on", "pk")[:WAITING]
    mine = Q(drafted_by=user) | Q(proposed_by=user)
    drafts = Refund.objects.filter(mine, state=Refund.State.DRAFT).order_by("-returned_reason", "expires_on")
    refunds = list(
        Refund.objects.filter(pk__in=keys_of(waiting, drafts[:DRAFTS]))
        .select_related("customer", "proposed_by")
        .defer(*FROZEN)
        .order_by("expires_on", "pk")
    )
    waits = [one for one in refunds if one.state in Refund.PENDING_STATES]
    return waits, [one for one in refunds if one.state == Refund.State.DRAFT]


def _expires(refund: Refund) -> SafeString:
    """As ``expiry_pill``, short, under the heading that says the rest."""
    days = (refund.expires_on - timezone.localdate()).days
    if days <= 0:
        return pill(say("expired"), "bad")
    return pill(say("tomorrow") if days == 1 else say("in {days} d", days=days), "warn" if days <= 3 else "mute")


def waiting_for_me(request: StaffRequest) -> Panel | None:
    """Proposals that this person could approve."""
    user = request.user
    if not user.may(May.SEE_CASES):
        return None
    waiting, _ = _open_refunds(request)
    if not waiting and not (user.may(May.APPROVE_USAGE) or user.may(May.APPROVE_INTERRUPTION)):
        return None
    rows = [
        (
            format_html(
                "{} {}{}",
                link(refund),
                refund.customer.name,
                sub(say("{basis}, by {person}", basis=refund.get_basis_display(), person=refund.proposed_by)),
            ),
            _expires(refund),
            number(money_text(refund.total, refund.currency)),
        )
        for refund in waiting
    ]
    return Panel(
        say("Waiting for my approval"),
        TABLE,
        {
            "headings": [say("Refund and customer"), say("Expires"), (say("Amount"), "n")],
            "rows": rows,
            "empty": say("Nothing waits for you."),
        },
        side="right",
        note=say("all proposals"),
        url=f"{reverse('admin:complaints_refund_changelist')}?state__exact=proposed",
    )


def my_drafts(request: StaffRequest) -> Panel | None:
    """Drafts of this person, the returned ones first."""
    user = request.user
    if not user.may(May.SEE_CASES):
        return None
    _, drafts = _open_refunds(request)
    if not drafts:
        return None
    rows = [
        (
            format_html("{}{}", link(refund), sub(refund.customer.name)),
            refund.returned_reason or "–",
            _expires(refund),
        )
        for refund in sorted(drafts, key=lambda one: not one.returned_reason)
    ]
    return Panel(
        say("My drafts and returned proposals"),
        TABLE,
        {"headings": [say("Refund, customer"), say("Sent back because"), say("Expires")], "rows": rows},
        side="right",
    )


def lately_settled(request: StaffRequest) -> Panel | None:
    """The newest settled refunds, with who approved each: one query, from the approvals."""
    user = request.user
    if not user.may(May.SEE_CASES):
        return None
    given = (
        Approval.objects.filter(refund__state__in=(Refund.State.SETTLED, Refund.State.REVERSED))
        .select_related("refund__customer", "approver", "on_behalf_of")
        .defer(*(f"refund__{name}" for name in FROZEN))
        .order_by("-pk")[: 2 * SETTLED]
    )
    by_refund: dict[int, list[Approval]] = {}
    for approval in given:
        by_refund.setdefault(approval.refund_id, []).insert(0, approval)
    shown = list(by_refund.values())[:SETTLED]
    if not shown:
        return None
    return Panel(
        say("Lately settled"),
        TABLE,
        {
            "headings": [say("Refund, customer and basis"), say("Approved by"), (say("Amount"), "n")],
            "rows": [_settled_row(approvals) for approvals in shown],
        },
        # Whoever approves has that on the right already.
        side="left" if user.may(May.APPROVE_USAGE) else "right",
        note=say("all refunds"),
        url=reverse("admin:complaints_refund_changelist"),
    )


def _settled_row(approvals: list[Approval]) -> tuple[Any, ...]:
    refund = approvals[-1].refund
    taken_back = refund_pill(refund) if refund.state == Refund.State.REVERSED else SafeString("")
    people = join(", ", dict.fromkeys(one.by_whom for one in approvals if one.round == refund.round))
    return (
        format_html("{} {} {}{}", link(refund), refund.customer.name, taken_back, sub(refund.get_basis_display())),
        format_html("{}{}", people, sub(day(timezone.localdate(refund.settled_at)))),
        number(money_text(refund.total, refund.currency)),
    )


register_home_panels(waiting_for_me, my_drafts, lately_settled)
