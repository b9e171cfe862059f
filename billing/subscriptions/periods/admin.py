"""Billing periods with their fixed terms, and what was used in them. Nothing here is changed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import day, link
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from billing.invoices.panels import invoices_panel
from billing.subscriptions.models import BillingPeriod
from billing.subscriptions.panels import period_money_panel, period_page, period_panel, period_pill, terms_panel
from billing.usage.page_actions import EnterUsage
from billing.usage.panels import usage_panel
from core.text import Text, say


@admin.register(BillingPeriod)
class BillingPeriodAdmin(TrackedAdmin[BillingPeriod]):
    may_view = May.SEE_CASES
    reads = (
        "subscription__customer",
        "plan",
        "invoice",
    )
    staff_actions = (EnterUsage,)
    heading_pill = period_pill
    list_display = (
        "first_day",
        "last_day",
        "subscription",
        "customer",
        "fee_shown",
        "paid",
        "given_back",
        "refundable",
        "state_pill",
    )
    list_filter = ("state", "term", "currency", "plan")
    list_select_related = ("subscription__customer", "invoice")
    numeric_columns = ("fee_shown", "paid", "given_back", "refundable")
    search_fields = ("subscription__number", "subscription__customer__name", "subscription__customer__number")
    search_help_text = _("Subscription or customer")
    ordering = ("-starts_on", "-pk")
    empty_hint = _("A subscription's first period comes with opening it, the others by running billing.")
    fields = ("subscription_link", "customer", "first_day", "last_own_day", "extension_days", "last_day")
    readonly_fields = ("subscription_link", "customer", "first_day", "last_own_day", "last_day")

    first_day = column(day, "starts_on", description=_("First day"), ordering="starts_on")

    @admin.display(description=_("Last own day"), ordering="ends_on")
    def last_own_day(self, obj: BillingPeriod) -> SafeString:
        return day(obj.ends_on - timedelta(days=1))

    @admin.display(description=_("Last day"), ordering="closes_on")
    def last_day(self, obj: BillingPeriod) -> SafeString:
        return day(obj.closes_on - timedelta(days=1))

    customer = column(link, "subscription.customer", description=_("Customer"), ordering="subscription__customer__name")
    subscription_link = column(link, "subscription", description=_("Subscription"))
    fee_shown = column(money, "fee", "currency", description=_("Fee"), ordering="fee")
    paid = column(money, "fee_paid", "currency", description=_("Paid"))

    @admin.display(description=_("Refunded"), ordering="refunded")
    def given_back(self, obj: BillingPeriod) -> SafeString:
        return money(obj.refunded, obj.currency, say("and more proposed") if obj.pending else "")

    @admin.display(description=_("Refundable"))
    def refundable(self, obj: BillingPeriod) -> SafeString:
        return money(obj.refundable, obj.currency)

    state_pill = column(period_pill, description=_("State"), ordering="state")

    def page_title(self, obj: BillingPeriod) -> Text:
        return say("{subscription}, {period}", subscription=obj.subscription.number, period=obj)

    def change_panels(self, request: StaffRequest, obj: BillingPeriod) -> Sequence[Panel]:
        invoice: Any = getattr(obj, "invoice", None)
        return [
            period_panel(obj, say("The period to scale")),
            usage_panel(obj),
            invoices_panel([invoice] if invoice else []),
            period_money_panel(obj),
            terms_panel(obj),
            *period_page.of(request, obj),
        ]
