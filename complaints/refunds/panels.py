"""Refunds on cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from audit.models import Event, EventQuerySet
from backoffice.display import number, sub
from backoffice.links import link
from backoffice.panels import Panel
from billing.invoices.models import Invoice
from billing.invoices.panels import register_invoice_events
from complaints.quotes.text import plan_in_words
from complaints.refunds.models import Refund
from complaints.refunds.pills import refund_pill
from complaints.vocabulary import ComplaintVerb
from core.amounts import money_text
from core.text import say


def refunds_table(refunds: Sequence[Refund] | models.QuerySet[Refund], *, with_case: bool = False) -> Mapping[str, Any]:
    """Refunds as the rows of a card."""
    rows = []
    for refund in refunds:
        amount = money_text(refund.total, refund.currency) if refund.total else "–"
        rows.append(
            (
                format_html("{}{}", link(refund), sub(link(refund.complaint, refund.complaint.code)))
                if with_case
                else link(refund),
                format_html(
                    "{}{}",
                    refund.get_basis_display(),
                    sub(plan_in_words(refund.remedy_plan, refund.currency, refund.set_off)),
                ),
                refund_pill(refund),
                number(amount),
            )
        )
    first = say("Refund, case") if with_case else say("Refund")
    return {"headings": [first, say("Basis and remedy"), say("State"), (say("Amount"), "n")], "rows": rows}


@customer_page.panel(order=20)
def refunds_of(request: HttpRequest, customer: Customer) -> Panel:
    """Refunds on the customer's page."""
    found = customer.refunds.select_related("complaint").order_by("-drafted_at")[:20]
    return Panel(say("Refunds"), "backoffice/panels/table.html", refunds_table(found, with_case=True))


@register_invoice_events
def set_offs_of(invoice: Invoice) -> EventQuerySet:
    """The approvals of refunds that were set off against what was due on the invoice."""
    refunds = Refund.objects.filter(period=invoice.period_id, set_off__gt=0, settled_at__isnull=False)
    return Event.objects.filter(
        target_type=Refund._meta.label_lower,
        target_id__in=list(refunds.values_list("pk", flat=True)) if invoice.period_id else [],
        verb=ComplaintVerb.REFUND_APPROVE,
        outcome=Event.Outcome.DONE,
    )
