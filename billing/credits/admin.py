"""Credits, payouts of what ended subscriptions left of them, and credit notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import four_eyes_pill
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event
from backoffice.actions import OptionalReasonForm, StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import day, link
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.credits.actions import set_off_credit
from billing.credits.models import Credit
from billing.credits.rules import owed, set_off_obstacle
from billing.residual_credits.admin import ProposeResidualPayout
from core.amounts import money_text
from core.text import Text, say


class SetOff(StaffAction[Credit]):
    name = "set_off"
    label = _("Set off against what is owed")
    label_plural = _("Set off against what is owed")
    icon = "scale"
    may = May.HANDLE_MONEY
    form_class = OptionalReasonForm
    rule = of_row(set_off_obstacle)

    def consequence(self, obj: Credit, by: User) -> Text:
        return say(
            "{customer} owes {owed}. What is left of the credit, {left}, goes against it, the oldest invoice first.",
            customer=obj.customer.name,
            owed=money_text(owed(obj), obj.currency),
            left=money_text(obj.remaining, obj.currency),
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        credit = set_off_credit(pk, by=by, **cleaned)
        return say("{left} is left of the credit.", left=money_text(credit.remaining, credit.currency))


@admin.register(Credit)
class CreditAdmin(TrackedAdmin[Credit]):
    may_view = May.SEE_MONEY
    reads = (
        "customer",
        "subscription",
    )
    staff_actions = (ProposeResidualPayout, SetOff)
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
    search_help_text = _("Customer, subscription number or why it was given")
    ordering = ("-granted_on", "-pk")
    empty_hint = _("Credits come from settled refunds.")
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

    customer_link = column(link, "customer", description=_("Customer"))
    subscription_link = column(link, "subscription", description=_("Subscription"))
    granted_shown = column(money, "granted", "currency", description=_("Granted"), ordering="granted")
    applied_shown = column(money, "applied", "currency", description=_("Used"), ordering="applied")
    remaining_shown = column(money, "remaining", "currency", description=_("Left"))

    def page_title(self, obj: Credit) -> Text:
        return say(
            "Credit of {amount}, {customer}", amount=money_text(obj.granted, obj.currency), customer=obj.customer.name
        )

    def change_panels(self, request: StaffRequest, obj: Credit) -> Sequence[Panel]:
        unit = obj.currency
        rows = [
            (link(use.invoice), day(use.applied_on), money(use.amount, unit))
            for use in obj.applications.select_related("invoice")
        ]
        paid_out = [
            (link(leftover, day(leftover.proposed_at.date())), four_eyes_pill(leftover), money(leftover.amount, unit))
            for leftover in obj.leftover_payouts.all()
        ]
        return [
            Panel(
                say("Went to"),
                TABLE,
                {
                    "headings": [say("Invoice"), say("On"), (say("Amount"), "n")],
                    "rows": rows,
                    "empty": say("No invoice yet: the next one of the subscription uses it (R6)."),
                },
            ),
            *(
                [
                    Panel(
                        say("Paid out after the subscription's end"),
                        TABLE,
                        {"headings": [say("Proposed"), say("State"), (say("Amount"), "n")], "rows": paid_out},
                    )
                ]
                if paid_out
                else []
            ),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]
