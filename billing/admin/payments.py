"""Payments received, chargebacks of them, and the lines of bank statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts.amounts import money, money_text
from accounts.links import linked_obstacle
from accounts.models import Customer, User
from accounts.panels import day, link
from accounts.permissions import May, roles_that
from audit.backoffice import (
    Done,
    PageAction,
    Panel,
    ReasonForm,
    StaffAction,
    TrackedAdmin,
    pill,
    register_verbs,
    sub,
    timeline_panel,
)
from audit.models import Event
from audit.words import join, say
from billing import forms
from billing.actions.bank import (
    Became,
    import_bank,
    line_obstacle,
    match_bank_line,
    set_aside_bank_line,
    set_aside_obstacle,
)
from billing.actions.disputes import chargeback_obstacle, record_chargeback
from billing.models import BankLine, Payment

register_verbs(
    {
        "payment.charge_back": gettext_lazy("recorded that the bank took back the payment"),
        "bank.import": gettext_lazy("read the bank statement"),
        "bank.match": gettext_lazy("matched to an invoice the line"),
        "bank.set_aside": gettext_lazy("set aside the line"),
    }
)


class ChargeBack(StaffAction[Payment]):
    name = "charge_back"
    label = gettext_lazy("Taken back by the bank")
    tone = "danger"
    icon = "undo-2"
    in_bulk = False
    may = May.HANDLE_MONEY
    roles = roles_that(May.HANDLE_MONEY)
    form_class = forms.ChargebackForm

    def obstacle(self, obj: Payment, by: User) -> str | None:
        return chargeback_obstacle(obj) or linked_obstacle(by, obj.invoice.customer_id)

    def consequence(self, obj: Payment, by: User) -> str:
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

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        invoice = record_chargeback(pk, by=by, **cleaned).payment.invoice
        return say(
            "{amount} is due on {invoice} again.",
            amount=money_text(invoice.due, invoice.currency),
            invoice=invoice.number,
        )


@admin.register(Payment)
class PaymentAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    staff_actions = (ChargeBack,)
    list_display = ("received_on", "invoice_link", "customer", "reference", "recorded_by", "amount_shown", "taken_back")
    list_filter = ("received_on",)
    list_select_related = ("invoice__customer", "recorded_by", "chargeback")
    numeric_columns = ("amount_shown",)
    search_fields = ("reference", "invoice__number", "invoice__customer__name", "invoice__customer__number")
    search_help_text = gettext_lazy("Reference, invoice number or customer")
    ordering = ("-received_on", "-pk")
    empty_hint = gettext_lazy("Payments are recorded on the page of an invoice.")
    fields = (
        "invoice_link",
        "customer",
        "amount_shown",
        "too_much",
        "received_on",
        "reference",
        "recorded_by",
        "taken_back",
    )
    readonly_fields = ("invoice_link", "customer", "amount_shown", "too_much", "taken_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        rows: QuerySet[Payment] = super().get_queryset(request)
        return rows.select_related("invoice__customer", "recorded_by", "chargeback", "credit")

    @admin.display(description=gettext_lazy("More than due"))
    def too_much(self, obj: Payment) -> SafeString:
        if obj.credit is None:
            return SafeString(say("nothing"))
        return link(obj.credit, say("{amount}, a credit", amount=money_text(obj.surplus, obj.invoice.currency)))

    @admin.display(description=gettext_lazy("Invoice"), ordering="invoice__number")
    def invoice_link(self, obj: Payment) -> SafeString:
        return link(obj.invoice)

    @admin.display(description=gettext_lazy("Customer"), ordering="invoice__customer__name")
    def customer(self, obj: Payment) -> Customer:
        return obj.invoice.customer

    @admin.display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, obj: Payment) -> SafeString:
        return money(obj.amount, obj.invoice.currency, say("more than due") if obj.surplus else "")

    @admin.display(description=gettext_lazy("Taken back"))
    def taken_back(self, obj: Payment) -> SafeString:
        chargeback = getattr(obj, "chargeback", None)
        if chargeback is None:
            return SafeString("–")
        amount = money_text(chargeback.amount, obj.invoice.currency)
        return format_html(
            "{}{}",
            day(chargeback.taken_back_on),
            sub(say("{amount}: {reason}", amount=amount, reason=chargeback.reason)),
        )

    def change_panels(self, request: HttpRequest, obj: Payment) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj), about=obj)]


class ReadStatement(PageAction):
    name = "read_statement"
    label = gettext_lazy("Read a bank statement")
    icon = "file-up"
    tone = "primary"
    may = May.HANDLE_MONEY
    roles = roles_that(May.HANDLE_MONEY)
    form_class = forms.StatementForm
    submit_label = gettext_lazy("Read it")
    intro = gettext_lazy(
        "Payments whose text names an invoice, over exactly what is due on it, are recorded. The "
        "others are listed here for a person. A statement that was read before adds nothing."
    )

    def run(self, by: User, cleaned: dict[str, Any]) -> Done:
        report = import_bank(cleaned["statement"], by=by)
        left = "?state__exact=unmatched" if report.count(Became.UNMATCHED) else ""
        return Done(report.counts(), f"../../{left}")


class _OnLine(StaffAction[BankLine]):
    in_bulk = False
    may = May.HANDLE_MONEY
    roles = roles_that(May.HANDLE_MONEY)


class MatchLine(_OnLine):
    name = "match"
    label = gettext_lazy("Match to an invoice")
    tone = "primary"
    icon = "link"
    form_class = forms.MatchForm

    def obstacle(self, obj: BankLine, by: User) -> str | None:
        return line_obstacle(obj)

    def consequence(self, obj: BankLine, by: User) -> str:
        return say(
            "{amount} is recorded as a payment of the invoice; it may be a part of it. What is more "
            "than due is refused, unless it is to become a credit.",
            amount=money_text(obj.amount, obj.currency),
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        line = match_bank_line(pk, by=by, **cleaned)
        assert line.payment is not None
        words = say(
            "{amount} is recorded on {invoice}.",
            amount=money_text(line.amount, line.currency),
            invoice=line.payment.invoice.number,
        )
        if line.payment.surplus:
            surplus = money_text(line.payment.surplus, line.currency)
            words = join(" ", [words, say("{surplus} was more than due: it is a credit now.", surplus=surplus)])
        return words


class SetAside(_OnLine):
    name = "set_aside"
    label = gettext_lazy("Set aside")
    label_plural = gettext_lazy("Set aside")
    icon = "archive"
    in_bulk = True
    form_class = ReasonForm

    def obstacle(self, obj: BankLine, by: User) -> str | None:
        return set_aside_obstacle(obj)

    def consequence(self, obj: BankLine, by: User) -> str:
        return say("It pays none of our invoices; it can still be matched later.")

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return say("{line} is set aside.", line=set_aside_bank_line(pk, by=by, reason=cleaned["reason"]))


@admin.register(BankLine)
class BankLineAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    staff_actions = (MatchLine, SetAside)
    page_actions = (ReadStatement,)
    list_display = ("booked_on", "payer_and_text", "amount_shown", "state_pill", "invoice")
    list_filter = ("state", "currency", "booked_on")
    list_select_related = ("payment__invoice",)
    numeric_columns = ("amount_shown",)
    search_fields = ("payer", "text", "file_name", "payment__invoice__number")
    search_help_text = gettext_lazy("Payer, text, file or invoice number")
    ordering = ("-booked_on", "-pk")
    empty_hint = gettext_lazy("Bank statements bring them: “Read a bank statement”.")
    fields = ("booked_on", "amount_shown", "payer", "text", "why", "invoice", "file_name", "row")
    readonly_fields = ("amount_shown", "invoice")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BankLine]:
        rows: QuerySet[BankLine] = super().get_queryset(request)
        return rows.select_related("payment__invoice")

    @admin.display(description=gettext_lazy("From, and what for"), ordering="payer")
    def payer_and_text(self, obj: BankLine) -> SafeString:
        return format_html("{}{}", obj.payer or "–", sub(obj.text))

    @admin.display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, obj: BankLine) -> SafeString:
        return money(obj.amount, obj.currency)

    @admin.display(description=gettext_lazy("State"), ordering="state")
    def state_pill(self, obj: BankLine) -> SafeString:
        return format_html("{}{}", _line_pill(obj), sub(obj.why))

    @admin.display(description=gettext_lazy("Invoice"))
    def invoice(self, obj: BankLine) -> SafeString:
        return SafeString("–") if obj.payment is None else link(obj.payment.invoice)

    def page_title(self, obj: BankLine) -> str:  # type: ignore[override]
        amount = money_text(obj.amount, obj.currency)
        if not obj.payer:
            return say("{amount} from somebody", amount=amount)
        return say("{amount} from {payer}", amount=amount, payer=obj.payer)

    def page_pills(self, request: HttpRequest, obj: BankLine) -> Sequence[SafeString]:
        return [_line_pill(obj)]

    def change_panels(self, request: HttpRequest, obj: BankLine) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj), about=obj)]


def _line_pill(line: BankLine) -> SafeString:
    tones: dict[str, Any] = {"matched": "good", "unmatched": "warn", "set_aside": "mute"}
    return pill(line.get_state_display(), tones[line.state])
