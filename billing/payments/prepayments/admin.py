"""Pages of prepayments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, sub
from backoffice.links import day, link
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.payments.models import COUNTER_ENTRIES, Payment
from billing.payments.prepayments.models import Prepayment
from billing.payments.prepayments.page_actions import CreditPrepayment, TakeOffPrepayment
from billing.payments.prepayments.panels import events_of
from core.amounts import money_text
from core.text import Text, say


class PrepaymentWaits(admin.SimpleListFilter):
    title = _("what waits")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return [("yes", say("Something waits")), ("ended", say("Something waits, though the subscription has ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prepayment]) -> QuerySet[Prepayment]:
        left: Any = queryset
        match self.value():
            case "yes":
                left = left.with_something_left()
            case "ended":
                left = left.left_by_ended_subscriptions()
        rows: QuerySet[Prepayment] = left
        return rows


class PrepaymentProved(admin.SimpleListFilter):
    title = _("line of the bank")
    parameter_name = "proved"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return [("yes", say("A line of the bank stands for it")), ("no", say("No line of the bank"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prepayment]) -> QuerySet[Prepayment]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(bank_line__isnull=self.value() == "no")


@admin.register(Prepayment)
class PrepaymentAdmin(TrackedAdmin[Prepayment]):
    may_view = May.SEE_MONEY
    reads = ("subscription__customer", "recorded_by", "bank_line", "credit", "unbooking")
    staff_actions = (CreditPrepayment, TakeOffPrepayment)
    list_display = (
        "received_on",
        "customer",
        "subscription_link",
        "reference",
        "recorded_by",
        "amount_shown",
        "remaining_shown",
    )
    list_filter = (PrepaymentWaits, PrepaymentProved, "currency", "received_on")
    list_select_related = ("subscription__customer", "recorded_by")
    numeric_columns = ("amount_shown", "remaining_shown")
    search_fields = (
        "reference",
        "subscription__number",
        "subscription__customer__name",
        "subscription__customer__number",
    )
    search_help_text = _("Reference, subscription number or customer")
    ordering = ("-received_on", "-pk")
    empty_hint = _("They are recorded on the page of a subscription, or from a line of the bank.")
    fields = (
        "subscription_link",
        "customer",
        "amount_shown",
        "applied_shown",
        "taken_off_shown",
        "credited_shown",
        "remaining_shown",
        "received_on",
        "reference",
        "recorded_by",
        "line",
    )
    readonly_fields = (
        "subscription_link",
        "customer",
        "amount_shown",
        "applied_shown",
        "taken_off_shown",
        "credited_shown",
        "remaining_shown",
        "line",
    )

    subscription_link = column(link, "subscription", description=_("Subscription"), ordering="subscription__number")
    customer = column(link, "subscription.customer", description=_("Customer"), ordering="subscription__customer__name")
    amount_shown = column(money, "amount", "currency", description=_("Amount"), ordering="amount")
    applied_shown = column(money, "applied", "currency", description=_("Used"))
    remaining_shown = column(money, "remaining", "currency", description=_("Waits"))

    @admin.display(description=_("Taken off"))
    def taken_off_shown(self, obj: Prepayment) -> SafeString:
        entry = getattr(obj, "unbooking", None)
        shown = money(obj.taken_off, obj.currency)
        return shown if entry is None else format_html("{}{}", shown, sub(entry.reason))

    @admin.display(description=_("Made a credit"))
    def credited_shown(self, obj: Prepayment) -> SafeString:
        if obj.credit is None:
            return format_html("{}", say("nothing"))
        return link(obj.credit, money_text(obj.credited, obj.currency))

    @admin.display(description=_("Line of the bank"))
    def line(self, obj: Prepayment) -> SafeString:
        return link(obj.bank_line) if obj.is_proved else format_html("{}", say("none"))

    def page_title(self, obj: Prepayment) -> Text:
        return say(
            "Prepayment of {amount}, {customer}",
            amount=money_text(obj.amount, obj.currency),
            customer=obj.subscription.customer.name,
        )

    def change_panels(self, request: StaffRequest, obj: Prepayment) -> Sequence[Panel]:
        payments = obj.payments.select_related("invoice", *COUNTER_ENTRIES)
        rows = [
            (
                link(payment.invoice),
                format_html("{}{}", link(payment, day(payment.invoice.issued_on)), sub(_taken_back(payment))),
                money(payment.amount, obj.currency),
            )
            for payment in payments
        ]
        return [
            Panel(
                say("Went to"),
                TABLE,
                {
                    "headings": [say("Invoice"), say("On"), (say("Amount"), "n")],
                    "rows": rows,
                    "empty": say("No invoice yet: the next one of the subscription uses it."),
                },
            ),
            timeline_panel(events_of(obj), about=obj),
        ]


def _taken_back(payment: Payment) -> Text:
    return "" if payment.counter_entry is None else str(payment.counter_entry)
