"""Invoices: recording payments of them, disputes, their documents; and running billing from a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import Sentence, StaffAction, of_row
from backoffice.amounts import money
from backoffice.display import column, number, sub
from backoffice.links import day, link
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.documents.admin import DocumentPages
from billing.documents.content import Document, invoice_document
from billing.invoices.models import CreditNote, Invoice
from billing.invoices.panels import dispute_pill, events_of, invoice_pill
from billing.invoices.receivables import UNASKED, receivables, unasked_in_words, write_csv
from billing.invoices.voids.admin import ProposeVoid
from billing.invoices.write_offs.admin import ProposeWriteOff
from billing.payments.actions import pay_in_full, payment_obstacle, record_payment, surplus_obstacle
from billing.payments.disputes.actions import dispute_obstacle, end_dispute, end_dispute_obstacle, open_dispute
from billing.payments.forms import DisputeForm, PaidInFullForm, PaymentForm, SurplusForm
from billing.payments.models import COUNTER_ENTRIES, Payment, SurplusCredit, Unbooking
from billing.payments.surplus.actions import record_with_surplus
from billing.runs.page_actions import RunBilling
from core.amounts import money_text, sums_in_words
from core.text import Text, join, say


class RecordPayment(StaffAction[Invoice]):
    name = "pay"
    label = _("Record a payment")
    tone = "primary"
    icon = "banknote"
    may = May.HANDLE_MONEY
    form_class = PaymentForm
    rule = of_row(payment_obstacle)

    def consequence(self, obj: Invoice, by: User) -> Text:
        return say(
            "{amount} is due on {number}; what is paid now comes off it.",
            amount=money_text(obj.due, obj.currency),
            number=obj.number,
        )

    def get_initial(self, rows: Sequence[Invoice], by: User) -> dict[str, Any]:
        return {"amount": rows[0].payable, "received_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        if not cleaned.pop("surplus_to_credit"):
            del cleaned["reason"]
            return _recorded(record_payment(pk, by=by, **cleaned))
        recorded = record_with_surplus(pk, by=by, **cleaned)
        said = [_recorded(recorded.payment)] if recorded.payment else []
        return join(" ", [*said, _proposed(recorded.surplus)] if recorded.surplus else said)


def _recorded(payment: Payment) -> Text:
    invoice = payment.invoice
    amount = money_text(payment.amount, invoice.currency)
    if invoice.due:
        due = money_text(invoice.due, invoice.currency)
        return say("{amount} is recorded on {invoice}; {due} is still due.", amount=amount, invoice=invoice, due=due)
    return say("{amount} is recorded on {invoice}; it is paid.", amount=amount, invoice=invoice)


def _proposed(surplus: SurplusCredit) -> Text:
    amount = money_text(surplus.amount, surplus.invoice.currency)
    return say("{amount} more than due waits for a manager, who can make it a credit.", amount=amount)


def _set_off_by(invoice: Invoice) -> SafeString:
    """The words of what is set off, with the credit notes that stand for it."""
    words = say("Less set off")
    if not invoice.set_off:
        return format_html("{}", words)
    notes = CreditNote.objects.filter(
        period=invoice.period, kind=CreditNote.Kind.REFUND, set_off__gt=0, reversed_by=None
    ).order_by("pk")
    return format_html("{}{}", words, sub(format_html_join(", ", "{}", ((link(note, note.number),) for note in notes))))


def _voided_by(invoice: Invoice) -> SafeString:
    """The words of what is void, with the credit note that says so."""
    note = getattr(invoice, "void_note", None)
    return format_html("{}{}", say("Less voided"), sub(link(note, note.number)) if note is not None else "")


class RecordSurplus(StaffAction[Invoice]):
    name = "pay_again"
    label = _("Paid once more")
    icon = "coins"
    may = May.HANDLE_MONEY
    form_class = SurplusForm
    intro = _("For money that came though the invoice is paid. It is the customer's, and becomes a credit.")
    rule = of_row(surplus_obstacle)
    effect = Sentence(
        _(
            "A manager who is not you approves it first. It then becomes a credit of {subscription}, which its next "
            "invoice uses. Where none comes, the credit can be paid out with an approval."
        ),
        subscription="subscription.number",
    )

    def get_initial(self, rows: Sequence[Invoice], by: User) -> dict[str, Any]:
        return {"received_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        surplus = record_with_surplus(pk, by=by, **cleaned).surplus
        assert surplus is not None
        return _proposed(surplus)


class PayInFull(StaffAction[Invoice]):
    name = "pay_in_full"
    label = _("Paid in full")
    label_plural = _("Record as paid in full")
    icon = "check"
    may = May.HANDLE_MONEY
    form_class = PaidInFullForm
    intro = _("One day and one reference for all of them, such as a collective transfer's.")
    rule = of_row(payment_obstacle)

    def consequence(self, obj: Invoice, by: User) -> Text:
        return say(
            "{amount} was received for {number}: it is paid.",
            amount=money_text(obj.payable, obj.currency),
            number=obj.number,
        )

    def summary(self, rows: Sequence[Invoice], by: User) -> Text:
        return sums_in_words((invoice.currency, invoice.payable) for invoice in rows)

    def get_initial(self, rows: Sequence[Invoice], by: User) -> dict[str, Any]:
        return {"received_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        payment = pay_in_full(pk, by=by, **cleaned)
        return say(
            "{invoice} is paid: {amount}.",
            invoice=payment.invoice.number,
            amount=money_text(payment.amount, payment.invoice.currency),
        )


class Dispute(StaffAction[Invoice]):
    name = "dispute"
    label = _("Customer disputes it")
    icon = "scale"
    may = May.HANDLE_MONEY
    form_class = DisputeForm
    rule = of_row(dispute_obstacle)
    action = open_dispute
    effect = Sentence(_("{number} is not chased and not marked overdue until the dispute is ended."), number="number")
    done = Sentence(_("{number} is in dispute."), number="number")

    def get_initial(self, rows: Sequence[Invoice], by: User) -> dict[str, Any]:
        return {"disputed_on": timezone.localdate()}


class EndDispute(StaffAction[Invoice]):
    name = "end_dispute"
    label = _("End the dispute")
    icon = "circle-check"
    may = May.HANDLE_MONEY
    rule = of_row(end_dispute_obstacle)
    effect = Sentence(
        _("What is due on {number} is asked for again; it is overdue if its day has passed."),
        number="number",
    )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        invoice = end_dispute(pk, by=by, reason=cleaned["reason"])
        return say(
            "{invoice} is not in dispute any more: “{state}”.",
            invoice=invoice.number,
            state=invoice.get_state_display(),
        )


class InDispute(admin.SimpleListFilter):
    title = _("dispute")
    parameter_name = "dispute"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return [("yes", say("In dispute")), ("no", say("Not in dispute"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> QuerySet[Invoice]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(disputed_on__isnull=self.value() == "no")


@admin.register(Invoice)
class InvoiceAdmin(DocumentPages[Invoice]):
    may_view = May.SEE_MONEY
    reads = (
        "customer",
        "period__subscription",
        "charges_of",
    )
    staff_actions = (RecordPayment, PayInFull, RecordSurplus, Dispute, EndDispute, ProposeWriteOff, ProposeVoid)
    page_actions = (RunBilling,)
    list_display = (
        "number",
        "customer",
        "issued_on",
        "gross_shown",
        "due_shown",
        "state_pill",
    )
    list_filter = ("state", InDispute, "currency", "issued_on")
    list_select_related = ("customer",)
    numeric_columns = ("gross_shown", "due_shown")
    search_fields = ("number", "customer__name", "customer__number", "customer__email")
    search_help_text = _("Invoice number, or customer by name, number or e-mail")
    empty_hint = _("A subscription's first invoice comes with opening it, the others by running billing.")
    fields = ("customer_link", "subscription", "period_link", "issued_on", "due_on", "dispute")
    readonly_fields = ("customer_link", "subscription", "period_link", "dispute")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self._owing_view)
        return [path("owing.csv", view, name="billing_invoice_owing"), *super().get_urls()]

    def list_panels(self, request: StaffRequest) -> Sequence[Panel]:
        """Who owes us what, as a file; and a word where something is owed that no invoice asks for."""
        count, sums = unasked_in_words()
        url = f"{reverse('admin:billing_charge_changelist')}?waits=ended"
        rows = [(format_html('<a href="{}">{}</a>', url, gettext(UNASKED)), number(count), sums)] if count else []
        return [
            Panel(
                say("Owed by customers"),
                TABLE,
                {
                    "headings": [say("What"), (say("How many"), "n"), say("In all")],
                    "rows": rows,
                    "empty": say("Everything that is owed is asked for by an invoice."),
                },
                side="top",
                note=say("who owes what (CSV)"),
                url=self.url_of("owing"),
                tone="warn" if rows else "",
            )
        ]

    def _owing_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="owing-{timezone.localdate()}.csv"'
        write_csv(receivables(), response)
        return response

    customer_link = column(link, "customer", description=_("Customer"))
    subscription = column(link, "subscription", description=_("Subscription"))

    @admin.display(description=_("Period"))
    def period_link(self, obj: Invoice) -> SafeString:
        return link(obj.period) if obj.period is not None else format_html("{}", say("none: charges alone"))

    gross_shown = column(money, "gross", "currency", description=_("Gross"), ordering="gross")

    @admin.display(description=_("Due"), ordering="due_on")
    def due_shown(self, obj: Invoice) -> SafeString:
        """What and by when."""
        return money(obj.due, obj.currency, say("by {day}", day=obj.due_on) if obj.due else "")

    @admin.display(description=_("State"), ordering="state")
    def state_pill(self, obj: Invoice) -> SafeString:
        return format_html("{}{}", invoice_pill(obj), dispute_pill(obj))

    @admin.display(description=_("In dispute"))
    def dispute(self, obj: Invoice) -> SafeString:
        if obj.disputed_on is None:
            return format_html("{}", say("no"))
        return format_html("{}{}", say("since {day}", day=obj.disputed_on), sub(obj.dispute_reason))

    def document_of(self, obj: Invoice) -> Document:
        return invoice_document(obj)

    def page_title(self, obj: Invoice) -> Text:
        return say("Invoice {number}", number=obj.number)

    def page_pills(self, request: StaffRequest, obj: Invoice) -> Sequence[SafeString]:
        return [invoice_pill(obj), *([dispute_pill(obj)] if obj.disputed_on else [])]

    def change_panels(self, request: StaffRequest, obj: Invoice) -> Sequence[Panel]:
        unit = obj.currency
        less = [
            (words, -amount)
            for words, amount in (
                (say("Less credits applied"), obj.credited),
                (say("Less payments"), obj.paid),
                (_set_off_by(obj), obj.set_off),
                (say("Less written off"), obj.written_off),
                (_voided_by(obj), obj.voided),
            )
            if amount
        ]
        applied = [
            (link(use.credit, use.credit.reason), day(use.applied_on), money(use.amount, unit))
            for use in obj.credit_applications.select_related("credit")
        ]
        paid = [
            (
                link(payment, day(payment.received_on)),
                format_html(
                    "{}{}{}{}",
                    payment.reference,
                    sub(say("a prepayment") if payment.prepayment_id else ""),
                    sub(_surplus(payment, unit)),
                    sub(_taken_back(payment, unit)),
                ),
                payment.recorded_by,
                money(payment.amount, unit),
            )
            for payment in obj.payments.select_related("recorded_by", *COUNTER_ENTRIES)
        ]
        return [
            Panel(
                say("Lines"),
                "billing/panels/invoice_lines.html",
                {"invoice": obj, "lines": obj.lines.all(), "less": less},
            ),
            self.document_panel(obj),
            Panel(
                say("Credits applied"),
                TABLE,
                {"headings": [say("Credit"), say("On"), (say("Amount"), "n")], "rows": applied, "empty": say("None.")},
                side="right",
            ),
            Panel(
                say("Payments"),
                TABLE,
                {
                    "headings": [say("Received"), say("Reference"), say("Recorded by"), (say("Amount"), "n")],
                    "rows": paid,
                    "empty": say("Nothing was paid yet."),
                },
                side="right",
            ),
            timeline_panel(events_of(obj), about=obj),
        ]


def _surplus(payment: Payment, currency: str) -> Text:
    return (
        say("{amount} more than due, a credit", amount=money_text(payment.surplus, currency)) if payment.surplus else ""
    )


def _taken_back(payment: Payment, currency: str) -> Text:
    entry = payment.counter_entry
    if entry is None:
        return ""
    amount = money_text(entry.amount, currency)
    if isinstance(entry, Unbooking):
        return say("{amount} taken off: {reason}", amount=amount, reason=entry.reason)
    return say("{amount} taken back by the bank: {reason}", amount=amount, reason=entry.reason)
