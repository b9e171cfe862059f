"""The cards of a case: evidence, the quote, messages, refunds; and the period drawn to scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from accounts.staff.permissions import May
from backoffice.display import sub, when
from backoffice.links import link, page_url
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.subscriptions.panels import subscription_page
from complaints.cases.deadlines.status import DUE_RELATIONS
from complaints.cases.evidence import Evidence
from complaints.cases.files.models import Attachment
from complaints.cases.models import Assessment, Complaint, Decision, Message, Note
from complaints.cases.pills import complaint_pill, deadline_pill
from complaints.notices.panels import notices_panel
from complaints.quotes.facts import bounds_of
from complaints.quotes.inputs import Operation
from complaints.quotes.live_quote import live_quote_panel
from complaints.refunds.models import Refund
from complaints.refunds.panels import refunds_table
from core.amounts import money_text
from core.text import say
from messaging.outbox.admin import NEWEST, messages_panel
from messaging.outbox.models import OutgoingMessage

# --- The period, drawn --------------------------------------------------------------------------

BAR_WIDTH = 460


def period_bar(evidence: Evidence, complaint: Complaint) -> dict[str, Any]:
    """Where things stand on the period's bar, in units of its width: the as-of day, interruptions, the extension."""
    period = evidence.period
    start, end = bounds_of(period)
    closes = end + timedelta(days=period.extension_days)
    whole = (closes - start).total_seconds()

    def place(moment: datetime) -> int:
        share = (min(max(moment, start), closes) - start).total_seconds() / whole
        return round(share * BAR_WIDTH)

    as_of = timezone.localdate(complaint.received_at)
    counts = complaint.terms.as_of_day_counts
    provided_days = min(max((as_of - period.starts_on).days + int(counts), 0), period.days)
    provided = place(start + timedelta(days=provided_days))
    marks = []
    for incident in evidence.incidents:
        left = place(incident.starts_at)
        right = place(incident.ends_at or timezone.now())
        marks.append({"incident": incident, "x": left, "width": max(right - left, 3)})
    return {
        "width": BAR_WIDTH,
        "provided": provided,
        "provided_days": provided_days,
        "as_of": as_of,
        "as_of_anchor": "end" if provided > BAR_WIDTH * 0.6 else "start",
        "own": place(end),
        "extension": BAR_WIDTH - place(end),
        "marks": marks,
        "last_day": period.last_day,
        "period": period,
    }


# --- Cards --------------------------------------------------------------------------------------


def case_panels(request: StaffRequest, complaint: Complaint) -> list[Panel]:
    """The cards of the complaint's page besides its fields and timeline."""
    evidence = Evidence(complaint)
    panels = [
        Panel(
            say("Customer and period"),
            "complaints/panels/period.html",
            _period_context(complaint, evidence),
            side="right",
            note=complaint.customer.number,
            url=page_url(complaint.customer),
        ),
    ]
    if (quote := live_quote_panel(request, complaint, evidence.facts)) is not None:
        panels.append(quote)
    panels += [
        Panel(
            say("Refunds of this case"),
            "backoffice/panels/table.html",
            _refunds_of_matter(complaint),
            side="right",
        ),
        Panel(
            say("Findings"),
            "complaints/panels/findings.html",
            {
                "complaint": complaint,
                "decisions": of_matter(complaint, Decision, "decisions"),
                "assessments": of_matter(complaint, Assessment, "assessments"),
            },
        ),
        Panel(say("Evidence"), "complaints/panels/evidence.html", _evidence_context(evidence), side="right"),
        Panel(
            say("Messages"),
            "complaints/panels/messages.html",
            {"complaint": complaint, "messages": of_matter(complaint, Message, "messages")},
            note=say("to and from the customer"),
        ),
        messages_panel(_newest_emails(complaint)),
        Panel(
            say("Notes"),
            "complaints/panels/notes.html",
            {"complaint": complaint, "notes": of_matter(complaint, Note, "notes")},
            note=say("internal"),
        ),
    ]
    if files := of_matter(complaint, Attachment, "attachments"):
        context = {"complaint": complaint, "attachments": files}
        panels.append(Panel(say("Attachments"), "complaints/panels/attachments.html", context))
    if (notices := notices_panel(complaint)) is not None:
        panels.insert(0, notices)
    breaches = list(complaint.breaches.all())
    if breaches:
        panels.insert(
            0,
            Panel(
                say("Missed deadlines"),
                "backoffice/panels/table.html",
                {
                    "headings": [say("Deadline"), say("Was due"), say("Noticed")],
                    "rows": [
                        (breach.get_deadline_display(), when(breach.due_at), when(breach.noticed_at))
                        for breach in breaches
                    ],
                },
                tone="bad",
            ),
        )
    return panels


def of_matter[M: models.Model](complaint: Complaint, model: type[M], rows: str) -> list[M]:
    """What was put on the case, which its page has read as ``rows``, and on all that were merged into it, the newest
    first.
    """
    merged = [case.pk for case in complaint.matter()[1:]]
    found = list(getattr(complaint, rows).all())
    if merged:
        found += model._default_manager.filter(complaint__in=merged).select_related("by", "complaint")
    found.sort(key=lambda row: (row.at, row.pk), reverse=True)
    return found


def _refunds_of_matter(complaint: Complaint) -> Mapping[str, Any]:
    cases = [case.pk for case in complaint.matter()]
    if len(cases) == 1:
        return refunds_table(complaint.refunds.all())
    refunds = Refund.objects.filter(complaint__in=cases).select_related("complaint", "period")
    return refunds_table(refunds.defer("inputs", "lines").order_by("pk"), with_case=True)


def _newest_emails(complaint: Complaint) -> models.QuerySet[OutgoingMessage]:
    cases = [case.pk for case in complaint.matter()]
    return OutgoingMessage.objects.of_complaints(cases).select_related("delivery").defer("body")[:NEWEST]


def _period_context(complaint: Complaint, evidence: Evidence) -> dict[str, Any]:
    period = evidence.period
    seconds, operations = evidence.usage
    return {
        "complaint": complaint,
        "customer": complaint.customer,
        "subscription": complaint.subscription,
        "subscription_url": page_url(complaint.subscription),
        "period": period,
        "fee": money_text(period.fee, period.currency),
        "invoice": evidence.invoice,
        "invoice_url": page_url(evidence.invoice) if evidence.invoice else "",
        "settled": money_text(evidence.invoice.settled, period.currency) if evidence.invoice else "",
        "bar": period_bar(evidence, complaint),
        "minutes": seconds // 60,
        "allowance": period.included_minutes,
        "granted": evidence.granted_seconds // 60,
        "operations": _operations(period, operations),
    }


def _operations(period: BillingPeriod, operations: Sequence[Operation]) -> list[str]:
    names = {cost["code"]: cost["name"] for cost in period.operation_costs}
    return [
        f"{number_format(operation.quantity.normalize(), use_l10n=True)} × {names[operation.code]}"
        for operation in operations
    ]


def _evidence_context(evidence: Evidence) -> dict[str, Any]:
    return {
        "incidents": [(link(incident), incident) for incident in evidence.incidents],
        "earlier_complaints": [
            (
                link(complaint, complaint.code),
                complaint.subject,
                complaint_pill(complaint),
                complaint.decision,
            )
            for complaint in evidence.earlier_complaints
        ],
        "earlier_refunds": [
            (link(refund), money_text(refund.total, refund.currency), refund.settled_at)
            for refund in evidence.earlier_refunds
        ],
        "phones": [
            (link(purchase), purchase.is_owned, money_text(purchase.owed, purchase.currency))
            for purchase in evidence.purchases
        ],
    }


def complaints_table(complaints: Sequence[Complaint] | models.QuerySet[Complaint]) -> Mapping[str, Any]:
    """Complaints as the rows of a card."""
    return {
        "headings": [say("Complaint"), say("Received"), say("State"), say("Decision")],
        "rows": [
            (
                format_html("{}{}", link(complaint, complaint.code), sub(complaint.subject)),
                when(complaint.received_at),
                format_html("{} {}", complaint_pill(complaint), deadline_pill(complaint)),
                complaint.decision or "–",
            )
            for complaint in complaints
        ],
    }


def register_link(subscription: Subscription) -> SafeString:
    """Where a complaint about a subscription is registered."""
    words = say("Register a complaint")
    return format_html('<a class="btn" href="{}">{}</a>', register_url(subscription.number), words)


def register_url(number: str) -> str:
    """The form with this subscription in it, or the only running one of the customer of this number."""
    return f"{reverse('admin:complaints_complaint_do', args=('register',))}?subscription={number}"


@customer_page.panel(order=10)
def complaints_of(request: StaffRequest, customer: Customer) -> Panel:
    """Complaints on the customer's page."""
    found = (
        customer.complaints.select_related("decision", *DUE_RELATIONS)
        .defer("refund_policy__text", "fulfilment_policy__text", "agreement__text")
        .order_by("-received_at")[:20]
    )
    user = request.user
    registers = user.may(May.WORK_COMPLAINTS)
    return Panel(
        say("Complaints"),
        "backoffice/panels/table.html",
        complaints_table(found),
        note=say("Register a complaint") if registers else "",
        url=register_url(customer.number) if registers else "",
    )


@subscription_page.panel(order=10)
def complaints_about(request: StaffRequest, subscription: Subscription) -> Panel:
    """Complaints on the subscription's page, with the way to register one."""
    found = subscription.complaints.select_related("decision").prefetch_related(*DUE_RELATIONS)
    user = request.user
    context = dict(complaints_table(found.order_by("-received_at")[:20]))
    if user.may(May.WORK_COMPLAINTS):
        context["button"] = register_link(subscription)
    return Panel(say("Complaints"), "complaints/panels/complaints.html", context)
