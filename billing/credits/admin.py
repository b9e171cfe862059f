"""Credits, payouts of what ended subscriptions left of them, and credit notes."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts.four_eyes.admin import four_eyes_pill
from accounts.staff.permissions import May
from audit.models import Event
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.links import day, link
from backoffice.panels import Panel, register_verbs, timeline_panel
from backoffice.tables import TABLE
from billing.credits.models import Credit
from billing.residual_credits.admin import ProposeLeftover
from core.amounts import money_text
from core.text import Text, say

register_verbs(
    {
        "leftover.propose": gettext_lazy("proposed to pay out the credit"),
        "leftover.approve": gettext_lazy("approved to pay out"),
        "leftover.reject": gettext_lazy("rejected to pay out"),
        "leftover.withdraw": gettext_lazy("took back the proposal to pay out"),
    }
)


@admin.register(Credit)
class CreditAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    staff_actions = (ProposeLeftover,)
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
    search_help_text = gettext_lazy("Customer, subscription number or why it was given")
    ordering = ("-granted_on", "-pk")
    empty_hint = gettext_lazy("Credits come from settled refunds.")
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

    @admin.display(description=gettext_lazy("Customer"))
    def customer_link(self, obj: Credit) -> SafeString:
        return link(obj.customer)

    @admin.display(description=gettext_lazy("Subscription"))
    def subscription_link(self, obj: Credit) -> SafeString:
        return link(obj.subscription)

    @admin.display(description=gettext_lazy("Granted"), ordering="granted")
    def granted_shown(self, obj: Credit) -> SafeString:
        return money(obj.granted, obj.currency)

    @admin.display(description=gettext_lazy("Used"), ordering="applied")
    def applied_shown(self, obj: Credit) -> SafeString:
        return money(obj.applied, obj.currency)

    @admin.display(description=gettext_lazy("Left"))
    def remaining_shown(self, obj: Credit) -> SafeString:
        return money(obj.remaining, obj.currency)

    def page_title(self, obj: Credit) -> Text:  # type: ignore[override]
        return say(
            "Credit of {amount}, {customer}", amount=money_text(obj.granted, obj.currency), customer=obj.customer.name
        )

    def change_panels(self, request: HttpRequest, obj: Credit) -> Sequence[Panel]:
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
