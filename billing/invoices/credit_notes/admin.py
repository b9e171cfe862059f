"""The pages of credit notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from backoffice.amounts import money
from backoffice.display import column, sub
from backoffice.links import link
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from billing.documents.admin import DocumentPages
from billing.documents.content import Document, credit_note_document
from billing.invoices.models import CreditNote
from core.amounts import money_text
from core.text import Text, say

# --- Credit notes -------------------------------------------------------------------------------


@admin.register(CreditNote)
class CreditNoteAdmin(DocumentPages[CreditNote]):
    may_view = May.SEE_MONEY
    reads = (
        "customer",
        "period__subscription",
        "period__invoice",
        "invoice__period__subscription",
        "invoice__charges_of",
        "reverses",
    )
    list_display = ("number", "customer", "issued_on", "kind", "period", "net_shown", "tax_shown", "gross_shown")
    list_filter = ("kind", "currency", "issued_on")
    list_select_related = ("customer", "period")
    numeric_columns = ("net_shown", "tax_shown", "gross_shown")
    search_fields = ("number", "customer__name", "customer__number", "period__subscription__number", "invoice__number")
    search_help_text = _("Number, customer or subscription number")
    ordering = ("-issued_on", "-number")
    empty_hint = _("Each settled refund brings one.")
    fields = (
        "kind",
        "customer_link",
        "subscription",
        "period_link",
        "invoice_link",
        "issued_on",
        "amounts",
        "takes_back",
    )
    readonly_fields = ("customer_link", "subscription", "period_link", "invoice_link", "amounts", "takes_back")

    customer_link = column(link, "customer", description=_("Customer"))
    subscription = column(link, "subscription", description=_("Subscription"))
    invoice_link = column(link, "of_invoice", description=_("Invoice"))
    period_link = column(link, "period", description=_("Period"))
    net_shown = column(money, "net", "currency", description=_("Net"), ordering="net")
    tax_shown = column(money, "tax", "currency", description=_("Tax"), ordering="tax")
    gross_shown = column(money, "gross", "currency", description=_("Gross"), ordering="gross")

    @admin.display(description=_("Amounts"))
    def amounts(self, obj: CreditNote) -> SafeString:
        net, tax, gross = (money_text(amount, obj.currency) for amount in (obj.net, obj.tax, obj.gross))
        if obj.tax_rate is None:
            said = say("{net} net and {tax} tax: {gross}", net=net, tax=tax, gross=gross)
        else:
            rate = number_format(obj.tax_rate.normalize())
            said = say("{net} net and {tax} tax ({rate} %): {gross}", net=net, tax=tax, rate=rate, gross=gross)
        return format_html("{}{}", said, sub(self._set_off(obj)))

    def _set_off(self, obj: CreditNote) -> Text:
        if not obj.set_off or obj.of_invoice is None:
            return ""
        amount, invoice = money_text(obj.set_off, obj.currency), obj.of_invoice.number
        if obj.kind == CreditNote.Kind.INVOICE:
            return say("{amount} of it was to pay on invoice {invoice}, which is void", amount=amount, invoice=invoice)
        if obj.kind == CreditNote.Kind.REVERSAL:
            return say("{amount} of it due again on invoice {invoice}", amount=amount, invoice=invoice)
        return say("{amount} of it set off against invoice {invoice}", amount=amount, invoice=invoice)

    @admin.display(description=_("Takes back"))
    def takes_back(self, obj: CreditNote) -> SafeString:
        return link(obj.reverses)

    def get_fields(self, request: HttpRequest, obj: CreditNote | None = None) -> list[Any]:
        """Only a reversal takes something back; a void invoice's note is of no period alone."""
        left_out = [] if obj is not None and obj.reverses_id else ["takes_back"]
        if obj is not None and obj.period_id is None:
            left_out.append("period_link")
        return [name for name in self.fields if name not in left_out]

    def document_of(self, obj: CreditNote) -> Document:
        return credit_note_document(obj)

    def page_title(self, obj: CreditNote) -> Text:
        return say("{kind} {number}", kind=obj.get_kind_display(), number=obj.number)

    def change_panels(self, request: StaffRequest, obj: CreditNote) -> Sequence[Panel]:
        return [self.document_panel(obj)]
