"""Invoices on cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from audit.models import Event, EventQuerySet
from backoffice.amounts import money
from backoffice.display import pill, sub
from backoffice.links import day, link
from backoffice.panels import Panel
from backoffice.tables import TABLE
from billing.invoices.models import Invoice
from core.amounts import money_text
from core.text import Text, say

#: What apps above know of an invoice's past: events of rows of their own that changed what is due on it.
_EVENTS: list[Callable[[Invoice], EventQuerySet]] = []


def register_invoice_events(find: Callable[[Invoice], EventQuerySet]) -> Callable[[Invoice], EventQuerySet]:
    _EVENTS.append(find)
    return find


def events_of(invoice: Invoice) -> EventQuerySet:
    """Everything that the invoice's timeline tells."""
    found: EventQuerySet = Event.objects.about(invoice)
    for find in _EVENTS:
        found = found | find(invoice)
    return found


def invoice_pill(invoice: Invoice) -> SafeString:
    tones: dict[str, Any] = {"issued": "info", "paid": "good", "overdue": "bad", "written_off": "mute", "void": "mute"}
    return pill(_state_in_words(invoice), tones[invoice.state])


def _state_in_words(invoice: Invoice) -> Text:
    """Nobody paid what was set off: an invoice that is settled so does not say that it is paid."""
    if invoice.state != Invoice.State.PAID or not invoice.set_off:
        return invoice.get_state_display()
    if invoice.paid or invoice.credited:
        return pgettext("state of an invoice", "Paid, part set off")
    return pgettext("state of an invoice", "Set off")


def dispute_pill(invoice: Invoice) -> SafeString:
    return pill(say("In dispute"), "warn") if invoice.disputed_on is not None else SafeString("")


def invoices_panel(invoices: Sequence[Invoice], *, note: Text = "", url: str = "") -> Panel:
    """Invoices with what is due, paid and covered by credits."""
    rows = [
        (
            format_html("{}{}", link(invoice), sub(day(invoice.issued_on))),
            invoice_pill(invoice),
            format_html("{}{}", money(invoice.gross, invoice.currency), _covered(invoice)),
            money(invoice.due, invoice.currency),
        )
        for invoice in invoices
    ]
    headings = [say("Number, issued"), say("State"), (say("Gross"), "n"), (say("Due"), "n")]
    context = {"headings": headings, "rows": rows, "empty": say("No invoice yet.")}
    return Panel(say("Invoices"), TABLE, context, note=note, url=url)


def _covered(invoice: Invoice) -> SafeString:
    """What bears of the invoice, a line each: tables stand in half a page."""
    lines = []
    if invoice.credited:
        lines.append(say("{amount} by credit", amount=money_text(invoice.credited, invoice.currency)))
    if invoice.paid:
        lines.append(say("{amount} paid", amount=money_text(invoice.paid, invoice.currency)))
    if invoice.set_off:
        lines.append(say("{amount} set off", amount=money_text(invoice.set_off, invoice.currency)))
    if invoice.voided:
        lines.append(say("{amount} voided", amount=money_text(invoice.voided, invoice.currency)))
    if invoice.written_off:
        lines.append(say("{amount} written off", amount=money_text(invoice.written_off, invoice.currency)))
    return format_html_join("", "{}", ((sub(line),) for line in lines))
