"""Payments received, chargebacks of them, and the lines of bank statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, sub
from backoffice.links import day, link
from billing.payments.corrections.actions import take_off_payment
from billing.payments.disputes.actions import record_chargeback
from billing.payments.effects import counter_entry_obstacle
from billing.payments.forms import ChargebackForm, TakeOffForm
from billing.payments.models import COUNTER_ENTRIES, Payment, Unbooking
from core.amounts import money_text
from core.text import Text, join, say


class ChargeBack(StaffAction[Payment]):
    name = "charge_back"
    label = _("Taken back by the bank")
    tone = "danger"
    icon = "undo-2"
    may = May.HANDLE_MONEY
    form_class = ChargebackForm
    rule = of_row(counter_entry_obstacle)

    def consequence(self, obj: Payment, by: User) -> Text:
        amount = money_text(obj.amount, obj.invoice.currency)
        if obj.surplus:
            amount = money_text(obj.kept, obj.invoice.currency)
            more = money_text(obj.surplus, obj.invoice.currency)
            return say(
                "{amount} is due on {invoice} again. Of the credit of {more} what is left is taken back, "
                "and what was used becomes a charge. Refunds given already stay.",
                amount=amount,
                invoice=obj.invoice.number,
                more=more,
            )
        return say(
            "{amount} is due on {invoice} again. Refunds given already stay; new ones see what is paid.",
            amount=amount,
            invoice=obj.invoice.number,
        )

    def get_initial(self, rows: Sequence[Payment], by: User) -> dict[str, Any]:
        return {"taken_back_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        invoice = record_chargeback(pk, by=by, **cleaned).payment.invoice
        return say(
            "{amount} is due on {invoice} again.",
            amount=money_text(invoice.due, invoice.currency),
            invoice=invoice.number,
        )


class TakeOff(StaffAction[Payment]):
    name = "take_off"
    label = _("Take off this invoice")
    icon = "unlink"
    may = May.HANDLE_MONEY
    form_class = TakeOffForm
    intro = _("For a payment that was booked on the wrong invoice. It stays on record, with a counter-entry.")
    rule = of_row(counter_entry_obstacle)

    def consequence(self, obj: Payment, by: User) -> Text:
        sentence = say(
            "{amount} is due on {invoice} again. Refunds given already stay; new ones see what is paid.",
            amount=money_text(obj.kept, obj.invoice.currency),
            invoice=obj.invoice.number,
        )
        if obj.prepayment is not None:
            return join(" ", [sentence, say("It is off the prepayment, too. What waits of that is taken off there.")])
        if not hasattr(obj, "bank_line"):
            return join(" ", [sentence, say("Then record it where it belongs.")])
        return join(" ", [sentence, say("The line of the bank is free to be matched again.")])

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        entry = take_off_payment(pk, by=by, **cleaned)
        invoice = entry.payment.invoice
        return say(
            "{amount} is off {invoice}.", amount=money_text(entry.amount, invoice.currency), invoice=invoice.number
        )


@admin.register(Payment)
class PaymentAdmin(TrackedAdmin[Payment]):
    may_view = May.SEE_MONEY
    reads = (
        "invoice__customer",
        "recorded_by",
        *COUNTER_ENTRIES,
        "bank_line",
        "credit",
        "prepayment__bank_line",
    )
    staff_actions = (ChargeBack, TakeOff)
    list_display = ("received_on", "invoice_link", "customer", "reference", "recorded_by", "amount_shown", "taken_back")
    list_filter = ("received_on",)
    list_select_related = ("invoice__customer", "recorded_by", *COUNTER_ENTRIES)
    numeric_columns = ("amount_shown",)
    search_fields = ("reference", "invoice__number", "invoice__customer__name", "invoice__customer__number")
    search_help_text = _("Reference, invoice number or customer")
    ordering = ("-received_on", "-pk")
    empty_hint = _("Payments are recorded on the page of an invoice.")
    fields = (
        "invoice_link",
        "customer",
        "amount_shown",
        "too_much",
        "received_on",
        "reference",
        "recorded_by",
        "paid_before",
        "taken_back",
    )
    readonly_fields = ("invoice_link", "customer", "amount_shown", "too_much", "paid_before", "taken_back")

    @admin.display(description=_("More than due"))
    def too_much(self, obj: Payment) -> SafeString:
        if obj.credit is None:
            return format_html("{}", say("nothing"))
        return link(obj.credit, say("{amount}, a credit", amount=money_text(obj.surplus, obj.invoice.currency)))

    @admin.display(description=_("Paid before the invoice"))
    def paid_before(self, obj: Payment) -> SafeString:
        if obj.prepayment is None:
            return format_html("{}", say("no"))
        amount = money_text(obj.prepayment.amount, obj.invoice.currency)
        return link(obj.prepayment, say("part of a prepayment of {amount}", amount=amount))

    invoice_link = column(link, "invoice", description=_("Invoice"), ordering="invoice__number")

    @admin.display(description=_("Customer"), ordering="invoice__customer__name")
    def customer(self, obj: Payment) -> Customer:
        return obj.invoice.customer

    @admin.display(description=_("Amount"), ordering="amount")
    def amount_shown(self, obj: Payment) -> SafeString:
        return money(obj.amount, obj.invoice.currency, say("more than due") if obj.surplus else "")

    @admin.display(description=_("Taken back"))
    def taken_back(self, obj: Payment) -> SafeString:
        entry = obj.counter_entry
        if entry is None:
            return SafeString("–")
        amount = money_text(entry.amount, obj.invoice.currency)
        taken_off = isinstance(entry, Unbooking)
        return format_html(
            "{}{}",
            day(entry.taken_off_on if isinstance(entry, Unbooking) else entry.taken_back_on),
            sub(
                say("{amount}, booked elsewhere: {reason}", amount=amount, reason=entry.reason)
                if taken_off
                else say("{amount}: {reason}", amount=amount, reason=entry.reason)
            ),
        )
