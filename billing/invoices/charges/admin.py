"""Charges: what stood, or will stand, on an invoice besides a fee; and asking for those that no invoice follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.customers.panels import customer_page
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event
from backoffice.actions import ActionResult, OptionalReasonForm, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, pill
from backoffice.links import day, link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.invoices.charges.actions import ask_for_charges, ask_obstacle
from billing.invoices.models import Charge
from billing.subscriptions.models import Subscription
from billing.subscriptions.panels import subscription_page
from core.amounts import money_text
from core.text import Text, say


def charge_pill(charge: Charge) -> SafeString:
    """Expects the subscription: a charge that no invoice will ask for wants attention."""
    if charge.invoiced_on is not None:
        return pill(say("On an invoice"), "good")
    if charge.subscription.state == Subscription.State.ENDED:
        return pill(say("Not asked for"), "bad")
    return pill(say("Waits for the next invoice"), "info")


class AskForCharges(StaffAction[Charge]):
    name = "ask"
    label = _("Ask for it by an own invoice")
    tone = "primary"
    icon = "receipt-text"
    may = May.HANDLE_MONEY
    form_class = OptionalReasonForm
    intro = _("For a subscription that has ended: no next invoice comes.")
    rule = ask_obstacle

    def consequence(self, obj: Charge, by: User) -> Text:
        waiting = obj.subscription.charges.filter(invoiced_on__isnull=True, currency=obj.currency)
        amount = money_text(sum(charge.amount for charge in waiting), obj.currency)
        return say(
            "An invoice over {amount}, all that waits on {subscription}, is issued today. Credit "
            "that the subscription left goes onto it.",
            amount=amount,
            subscription=obj.subscription.number,
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> ActionResult:
        invoice = ask_for_charges(pk, by=by, reason=cleaned["reason"])
        due = money_text(invoice.due, invoice.currency)
        return ActionResult(
            say("Invoice {invoice} is issued; {due} is due.", invoice=invoice.number, due=due), page_url(invoice)
        )


class WaitingFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
        return [
            ("ended", say("Not asked for")),
            ("next", say("Waits for the next invoice")),
            ("asked", say("On an invoice")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Charge]) -> QuerySet[Charge]:
        ended = Subscription.State.ENDED
        match self.value():
            case "ended":
                return queryset.filter(invoiced_on__isnull=True, subscription__state=ended)
            case "next":
                return queryset.filter(invoiced_on__isnull=True).exclude(subscription__state=ended)
            case "asked":
                return queryset.filter(invoiced_on__isnull=False)
        return queryset


@admin.register(Charge)
class ChargeAdmin(TrackedAdmin[Charge]):
    may_view = May.SEE_MONEY
    reads = (
        "customer",
        "subscription",
        "line__invoice",
    )
    heading_pill = charge_pill
    staff_actions = (AskForCharges,)
    list_display = ("charged_on", "customer", "subscription", "reason", "state_pill", "amount_shown")
    list_filter = (WaitingFilter, "currency", "charged_on")
    list_select_related = ("customer", "subscription")
    numeric_columns = ("amount_shown",)
    search_fields = ("customer__name", "customer__number", "subscription__number", "reason")
    search_help_text = _("Customer, subscription number or what it is for")
    ordering = ("-charged_on", "-pk")
    empty_hint = _("Charges come from reversals that ask for what was used, and from payments that a bank took back.")
    fields = ("customer_link", "subscription_link", "charged_on", "reason", "amount_shown", "tax_rate", "invoice")
    readonly_fields = ("customer_link", "subscription_link", "amount_shown", "invoice")

    customer_link = column(link, "customer", description=_("Customer"))
    subscription_link = column(link, "subscription", description=_("Subscription"))
    amount_shown = column(money, "amount", "currency", description=_("Amount"), ordering="amount")

    @admin.display(description=_("Invoice"))
    def invoice(self, obj: Charge) -> SafeString:
        line = getattr(obj, "line", None)
        return format_html("{}", say("none yet")) if line is None else link(line.invoice)

    state_pill = column(charge_pill, description=_("State"), ordering="invoiced_on")

    def page_title(self, obj: Charge) -> Text:
        return say(
            "Charge of {amount}, {customer}", amount=money_text(obj.amount, obj.currency), customer=obj.customer.name
        )

    def change_panels(self, request: StaffRequest, obj: Charge) -> Sequence[Panel]:
        line = getattr(obj, "line", None)
        return [] if line is None else [timeline_panel(Event.objects.about(line.invoice))]


# --- On the pages of customers and subscriptions ------------------------------------------------


@customer_page.panel(order=35)
def customers_charges_panel(request: HttpRequest, customer: Customer) -> Panel | None:
    return _waiting_panel(customer.charges.all())


@subscription_page.panel(order=6)
def subscriptions_charges_panel(request: HttpRequest, subscription: Subscription) -> Panel | None:
    return _waiting_panel(subscription.charges.all())


def _waiting_panel(charges: QuerySet[Charge]) -> Panel | None:
    """Charges that no invoice asks for yet; nothing where none waits."""
    waiting = list(charges.filter(invoiced_on__isnull=True).select_related("subscription"))
    if not waiting:
        return None
    rows = [
        (
            link(charge, day(charge.charged_on)),
            format_html("{} {}", charge.reason, charge_pill(charge)),
            money(charge.amount, charge.currency),
        )
        for charge in waiting
    ]
    lost = any(charge.subscription.state == Subscription.State.ENDED for charge in waiting)
    return Panel(
        say("Charges not invoiced yet"),
        TABLE,
        {"headings": [say("Charged"), say("What for"), (say("Amount"), "n")], "rows": rows},
        side="right",
        tone="warn" if lost else "",
    )
