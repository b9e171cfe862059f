"""Invoices, payments and credits, and running billing from a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.amounts import money, money_text
from accounts.models import Customer, User
from accounts.panels import day, link
from accounts.permissions import May, roles_that
from audit.backoffice import (
    ActionForm,
    NoReasonForm,
    PageAction,
    Panel,
    StaffAction,
    TrackedAdmin,
    register_verbs,
    timeline_panel,
)
from audit.models import Event
from billing import forms
from billing.actions.payments import payment_obstacle, record_payment
from billing.actions.run import run_billing
from billing.due import due_for_billing
from billing.models import Credit, Invoice, Payment
from billing.panels import TABLE, invoice_pill

register_verbs({"payment.record": "recorded a payment of the invoice", "billing.run": "ran billing"})

#: More than this many subscriptions at once are the command's work: a page would be cut off before its end.
MOST_BY_PAGE = 500


class RunBilling(PageAction):
    name = "run_billing"
    label = "Run billing"
    icon = "calendar-check"
    may = May.HANDLE_MONEY
    roles = roles_that(May.HANDLE_MONEY)
    form_class = NoReasonForm
    submit_label = "Run billing for today"
    intro = (
        "It ends the periods that are over, opens and invoices the next ones, uses up credits, ends "
        "cancelled subscriptions and marks overdue invoices. Running it again changes nothing more."
    )
    preview_template = "billing/preview_run.html"

    def obstacle(self, by: User) -> str | None:
        due = due_for_billing(timezone.localdate(), show=0)
        if due.subscriptions > MOST_BY_PAGE:
            return (
                f"{due.subscriptions} subscriptions are due, more than a page can bill at once: the command "
                "run_billing does it, as it does every night."
            )
        return None

    def preview_context(self, by: User, form: ActionForm) -> Mapping[str, Any]:
        return {"due": due_for_billing(timezone.localdate())}

    def run(self, by: User, cleaned: dict[str, Any]) -> str:
        result = run_billing(timezone.localdate(), by=by)
        credited = ", ".join(money_text(amount, unit) for unit, amount in sorted(result.credited.items()))
        sentence = (
            f"{result.opened} periods opened and invoiced, credits used: {credited or 'none'}, "
            f"{result.ended} subscriptions ended, {result.overdue} invoices overdue."
        )
        if result.problems:
            sentence += f" Not billed: {' '.join(result.problems)}"
        return sentence


class RecordPayment(StaffAction[Invoice]):
    name = "pay"
    label = "Record a payment"
    tone = "primary"
    icon = "banknote"
    in_bulk = False
    may = May.HANDLE_MONEY
    roles = roles_that(May.HANDLE_MONEY)
    form_class = forms.PaymentForm

    def obstacle(self, obj: Invoice, by: User) -> str | None:
        return payment_obstacle(obj)

    def consequence(self, obj: Invoice, by: User) -> str:
        return f"{money_text(obj.due, obj.currency)} is due on {obj.number}; what is paid now comes off it."

    def get_initial(self, rows: Sequence[Invoice], by: User) -> dict[str, Any]:
        return {"amount": rows[0].due, "received_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        payment = record_payment(pk, by=by, **cleaned)
        invoice = payment.invoice
        left = f"{money_text(invoice.due, invoice.currency)} is still due" if invoice.due else "it is paid"
        return f"{money_text(payment.amount, invoice.currency)} is recorded on {invoice.number}; {left}."


@admin.register(Invoice)
class InvoiceAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    staff_actions = (RecordPayment,)
    page_actions = (RunBilling,)
    list_display = (
        "number",
        "customer",
        "issued_on",
        "due_on",
        "gross_shown",
        "credited_shown",
        "due_shown",
        "state_pill",
    )
    list_filter = ("state", "currency", "issued_on")
    list_select_related = ("customer",)
    numeric_columns = ("gross_shown", "credited_shown", "due_shown")
    search_fields = ("number", "customer__name", "customer__number", "customer__email")
    search_help_text = "Invoice number, or customer by name, number or e-mail"
    empty_hint = "A subscription's first invoice comes with opening it, the others by running billing."
    fields = ("customer_link", "subscription", "period_link", "issued_on", "due_on")
    readonly_fields = ("customer_link", "subscription", "period_link")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invoice]:
        rows: QuerySet[Invoice] = super().get_queryset(request)
        return rows.select_related("customer", "period__subscription")

    @admin.display(description="Customer")
    def customer_link(self, obj: Invoice) -> SafeString:
        return link(obj.customer)

    @admin.display(description="Subscription")
    def subscription(self, obj: Invoice) -> SafeString:
        return link(obj.period.subscription)

    @admin.display(description="Period")
    def period_link(self, obj: Invoice) -> SafeString:
        return link(obj.period)

    @admin.display(description="Gross", ordering="gross")
    def gross_shown(self, obj: Invoice) -> SafeString:
        return money(obj.gross, obj.currency)

    @admin.display(description="Credits applied", ordering="credited")
    def credited_shown(self, obj: Invoice) -> SafeString:
        return money(obj.credited, obj.currency)

    @admin.display(description="Due")
    def due_shown(self, obj: Invoice) -> SafeString:
        return money(obj.due, obj.currency)

    @admin.display(description="State", ordering="state")
    def state_pill(self, obj: Invoice) -> SafeString:
        return invoice_pill(obj)

    def page_title(self, obj: Invoice) -> str:  # type: ignore[override]
        return f"Invoice {obj.number}"

    def page_pills(self, request: HttpRequest, obj: Invoice) -> Sequence[SafeString]:
        return [invoice_pill(obj)]

    def change_panels(self, request: HttpRequest, obj: Invoice) -> Sequence[Panel]:
        unit = obj.currency
        less = [
            (words, -amount)
            for words, amount in (("Less credits applied", obj.credited), ("Less payments", obj.paid))
            if amount
        ]
        applied = [
            (link(use.credit, use.credit.reason), day(use.applied_on), money(use.amount, unit))
            for use in obj.credit_applications.select_related("credit")
        ]
        paid = [
            (day(payment.received_on), payment.reference, payment.recorded_by, money(payment.amount, unit))
            for payment in obj.payments.select_related("recorded_by")
        ]
        return [
            Panel(
                "Lines",
                "billing/panels/invoice_lines.html",
                {"invoice": obj, "lines": obj.lines.all(), "less": less},
            ),
            Panel(
                "Credits applied",
                TABLE,
                {"headings": ["Credit", "On", ("Amount", "n")], "rows": applied, "empty": "None."},
                side="right",
            ),
            Panel(
                "Payments",
                TABLE,
                {
                    "headings": ["Received", "Reference", "Recorded by", ("Amount", "n")],
                    "rows": paid,
                    "empty": "Nothing was paid yet.",
                },
                side="right",
            ),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]


@admin.register(Payment)
class PaymentAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    list_display = ("received_on", "invoice_link", "customer", "reference", "recorded_by", "amount_shown")
    list_filter = ("received_on",)
    list_select_related = ("invoice__customer", "recorded_by")
    numeric_columns = ("amount_shown",)
    search_fields = ("reference", "invoice__number", "invoice__customer__name", "invoice__customer__number")
    search_help_text = "Reference, invoice number or customer"
    ordering = ("-received_on", "-pk")
    empty_hint = "Payments are recorded on the page of an invoice."
    fields = ("invoice_link", "customer", "amount_shown", "received_on", "reference", "recorded_by")
    readonly_fields = ("invoice_link", "customer", "amount_shown")

    @admin.display(description="Invoice", ordering="invoice__number")
    def invoice_link(self, obj: Payment) -> SafeString:
        return link(obj.invoice)

    @admin.display(description="Customer", ordering="invoice__customer__name")
    def customer(self, obj: Payment) -> Customer:
        return obj.invoice.customer

    @admin.display(description="Amount", ordering="amount")
    def amount_shown(self, obj: Payment) -> SafeString:
        return money(obj.amount, obj.invoice.currency)


@admin.register(Credit)
class CreditAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    list_display = (
        "granted_on",
        "customer",
        "subscription",
        "reason",
        "granted_shown",
        "applied_shown",
        "remaining_shown",
    )
    list_filter = ("currency", "granted_on")
    list_select_related = ("customer", "subscription")
    numeric_columns = ("granted_shown", "applied_shown", "remaining_shown")
    search_fields = ("customer__name", "customer__number", "subscription__number", "reason")
    search_help_text = "Customer, subscription number or why it was given"
    ordering = ("-granted_on", "-pk")
    empty_hint = "Credits come from settled refunds."
    fields = (
        "customer_link",
        "subscription_link",
        "granted_on",
        "reason",
        "granted_shown",
        "applied_shown",
        "remaining_shown",
    )
    readonly_fields = (
        "customer_link",
        "subscription_link",
        "granted_shown",
        "applied_shown",
        "remaining_shown",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credit]:
        rows: QuerySet[Credit] = super().get_queryset(request)
        return rows.select_related("customer", "subscription")

    @admin.display(description="Customer")
    def customer_link(self, obj: Credit) -> SafeString:
        return link(obj.customer)

    @admin.display(description="Subscription")
    def subscription_link(self, obj: Credit) -> SafeString:
        return link(obj.subscription)

    @admin.display(description="Granted", ordering="granted")
    def granted_shown(self, obj: Credit) -> SafeString:
        return money(obj.granted, obj.currency)

    @admin.display(description="Used", ordering="applied")
    def applied_shown(self, obj: Credit) -> SafeString:
        return money(obj.applied, obj.currency)

    @admin.display(description="Left")
    def remaining_shown(self, obj: Credit) -> SafeString:
        return money(obj.remaining, obj.currency)

    def page_title(self, obj: Credit) -> str:  # type: ignore[override]
        return f"Credit of {money_text(obj.granted, obj.currency)}, {obj.customer.name}"

    def change_panels(self, request: HttpRequest, obj: Credit) -> Sequence[Panel]:
        rows = [
            (link(use.invoice), day(use.applied_on), money(use.amount, obj.currency))
            for use in obj.applications.select_related("invoice")
        ]
        return [
            Panel(
                "Went to",
                TABLE,
                {
                    "headings": ["Invoice", "On", ("Amount", "n")],
                    "rows": rows,
                    "empty": "No invoice yet: the next one of the subscription uses it (R6).",
                },
            ),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]
