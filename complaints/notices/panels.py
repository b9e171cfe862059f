"""What is owed to customers, as cards of the case and of the home page."""

from __future__ import annotations

from django.utils.html import format_html

from accounts.staff.permissions import May
from backoffice.display import sub, when
from backoffice.links import link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from complaints.cases.models import Complaint
from complaints.notices.models import Notice
from core.text import say

TABLE = "backoffice/panels/table.html"
SHOWN = 12


def notices_panel(complaint: Complaint) -> Panel | None:
    """Every outcome that the customer had, or still has, to hear of, with those of merged cases."""
    notices = list(complaint.notices.all())
    if merged := [case.pk for case in complaint.matter()[1:]]:
        theirs = Notice.objects.filter(complaint__in=merged).select_related("refund", "reversal__refund")
        notices = sorted([*notices, *theirs], key=lambda notice: (notice.arose_at, notice.pk))
    if not notices:
        return None
    owed = any(notice.state == Notice.State.OWED for notice in notices)
    rows = [
        (
            notice,
            when(notice.arose_at),
            notice.get_state_display() if not notice.dismissed_reason else notice.dismissed_reason,
            when(notice.met_at) if notice.met_at else "–",
        )
        for notice in notices
    ]
    headings = [say("Outcome"), say("Since"), say("The customer"), say("When")]
    context = {"headings": headings, "rows": rows}
    return Panel(say("What the customer has to hear"), TABLE, context, tone="bad" if owed else "", side="right")


def untold_outcomes(request: StaffRequest) -> Panel | None:
    """Outcomes that the reader has to tell, the oldest first."""
    user = request.user
    if not user.may(May.WORK_COMPLAINTS):
        return None
    owed = Notice.objects.owed_by(user).select_related("complaint__customer", "refund", "reversal__refund")
    rows = [
        (
            format_html(
                '<div class="about">{} {}{}</div>',
                link(notice.complaint, notice.complaint.code),
                notice,
                sub(notice.complaint.customer.name),
            ),
            when(notice.arose_at),
        )
        for notice in owed[:SHOWN]
    ]
    if not rows:
        return None
    context = {"headings": [say("Outcome to tell"), say("Since")], "rows": rows}
    return Panel(say("Customers to be told"), TABLE, context, tone="bad")


def customers_wrote(request: StaffRequest) -> Panel | None:
    """Cases on which a customer wrote something that nobody has answered or read, of the reader's or nobody's."""
    user = request.user
    if not user.may(May.WORK_COMPLAINTS):
        return None
    found = Complaint.objects.customer_wrote().of_owner_or_lead(user).select_related("customer", "owner")
    rows = [
        (
            format_html(
                '<div class="about">{} {}{}</div>',
                link(complaint, complaint.code),
                complaint.subject,
                sub(complaint.customer.name),
            ),
            when(complaint.customer_wrote_at),
            complaint.get_state_display(),
        )
        for complaint in found.order_by("customer_wrote_at", "pk")[:SHOWN]
    ]
    if not rows:
        return None
    context = {"headings": [say("Complaint and customer"), say("Since"), say("State")], "rows": rows}
    return Panel(say("Customers wrote"), TABLE, context)


register_home_panels(untold_outcomes, customers_wrote)
