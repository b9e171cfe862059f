"""Plans, operations and their dated terms: a billing clerk drafts, a manager publishes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import FourEyesAdmin, Publish, four_eyes_pill
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event
from backoffice.actions import ActionResult, NoReasonForm, PageAction
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, number, pill
from backoffice.links import day, link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from billing.plans.actions import (
    create_operation,
    create_plan,
    draft_operation_cost,
    draft_price,
    publish_operation_cost,
    publish_price,
)
from billing.plans.forms import OperationCostForm, OperationForm, PlanForm, PriceForm
from billing.plans.models import Operation, OperationCost, Plan, Price
from core.amounts import money_text
from core.fields import amount_text
from core.text import Text, lower, say


class _Draft(PageAction):
    icon = "plus"
    may = May.DRAFT_PRICES


class _Publish[M: (Price, OperationCost)](Publish[M]):
    may = May.PUBLISH_PRICES
    form_class = NoReasonForm


# --- Plans and prices ---------------------------------------------------------------------------


class NewPlan(_Draft):
    name = "new"
    label = _("New plan")
    form_class = PlanForm
    intro = _("Nobody can subscribe to it before a price is published.")
    action = create_plan
    done = _("The plan {plan} is made; draft its first price.")
    opens = page_url


@admin.register(Plan)
class PlanAdmin(TrackedAdmin[Plan]):
    may_view = May.SEE_PLANS
    page_actions = (NewPlan,)
    list_display = ("name", "code", "kind", "sold")
    list_filter = ("kind", "active")
    search_fields = ("name", "code")
    fields = ("name", "code", "kind", "sold")
    readonly_fields = ("sold",)
    empty_hint = _("Make the first plan with “New plan”, then draft its price.")

    @admin.display(description=_("Sold"), ordering="active")
    def sold(self, obj: Plan) -> SafeString:
        return pill(say("Sold"), "good") if obj.active else pill(say("Not any more"), "mute")

    def change_panels(self, request: StaffRequest, obj: Plan) -> Sequence[Panel]:
        rows = [
            (
                link(price, day(price.valid_from)),
                price.get_term_display(),
                four_eyes_pill(price),
                number(price.included_minutes),
                amount_text(price.minute_cost, price.currency),
                money(price.fee, price.currency),
            )
            for price in obj.prices.order_by("term", "currency", "-valid_from", "-pk")
        ]
        may = request.user.may(May.DRAFT_PRICES)
        url = reverse("admin:billing_price_do", args=("draft",))
        return [
            Panel(
                say("Prices"),
                TABLE,
                {
                    "headings": [
                        say("From"),
                        say("Term"),
                        say("State"),
                        (say("Minutes"), "n"),
                        say("A minute"),
                        (say("Fee"), "n"),
                    ],
                    "rows": rows,
                    "empty": say("Nobody can subscribe before a price is published."),
                },
                note=say("Draft a price") if may else "",
                url=f"{url}?plan={obj.pk}" if may else "",
            ),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]


class DraftPrice(_Draft):
    name = "draft"
    label = _("Draft a price")
    form_class = PriceForm
    intro = _("It holds once a manager has published it. Periods that have begun keep their terms.")

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"valid_from": timezone.localdate(), "currency": "EUR", **request.GET.dict()}

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        plan = cleaned.pop("plan")
        price = draft_price(by=by, plan_id=plan.pk, **cleaned)
        return ActionResult(say("Drafted: {price}. A manager has to publish it.", price=price), page_url(price))


class PublishPrice(_Publish[Price]):
    label_plural = _("Publish prices")
    action = publish_price
    done = _("Published: {price}.")

    def consequence(self, obj: Price, by: User) -> Text:
        return say(
            "{plan}, {term}, costs {amount} for periods that begin on {day} or later. Periods that have begun keep "
            "their terms.",
            plan=obj.plan.name,
            term=lower(obj.get_term_display()),
            amount=money_text(obj.fee, obj.currency),
            day=obj.valid_from,
        )


@admin.register(Price)
class PriceAdmin(FourEyesAdmin[Price]):
    may_view = May.SEE_PLANS
    reads = (
        "plan",
        "drafted_by",
        "published_by",
    )
    staff_actions = (PublishPrice,)
    page_actions = (DraftPrice,)
    list_display = ("plan", "term", "valid_from", "fee_shown", "minutes", "a_minute", "state_pill")
    list_filter = ("state", "plan", "term", "currency")
    list_select_related = ("plan",)
    numeric_columns = ("fee_shown", "minutes", "a_minute")
    search_fields = ("plan__name", "plan__code")
    empty_hint = _("Draft the first price; a manager publishes it.")
    fields = (
        "plan",
        "term",
        "valid_from",
        "fee_shown",
        "tax_rate",
        "included_minutes",
        "a_minute",
        "drafted_by",
        "published_by",
    )
    readonly_fields = ("fee_shown", "a_minute")

    fee_shown = column(money, "fee", "currency", description=_("Fee, gross"), ordering="fee")
    minutes = column(number, "included_minutes", description=_("Included minutes"), ordering="included_minutes")

    @admin.display(description=_("A minute"), ordering="minute_cost")
    def a_minute(self, obj: Price) -> SafeString:
        return number(amount_text(obj.minute_cost, obj.currency))


# --- Operations ---------------------------------------------------------------------------------


class NewOperation(_Draft):
    name = "new"
    label = _("New operation")
    form_class = OperationForm
    action = create_operation
    done = _("The operation {operation} is made; draft its cost.")
    opens = page_url


@admin.register(Operation)
class OperationAdmin(TrackedAdmin[Operation]):
    may_view = May.SEE_PLANS
    page_actions = (NewOperation,)
    list_display = ("name", "code")
    search_fields = ("name", "code")
    fields = ("name", "code")
    empty_hint = _("Make the first with “New operation”: forwarding, hosting a trunk.")

    def change_panels(self, request: StaffRequest, obj: Operation) -> Sequence[Panel]:
        rows = [
            (
                link(cost, day(cost.valid_from)),
                four_eyes_pill(cost),
                number(amount_text(cost.unit_cost, cost.currency)),
            )
            for cost in obj.costs.order_by("currency", "-valid_from", "-pk")
        ]
        may = request.user.may(May.DRAFT_PRICES)
        url = reverse("admin:billing_operationcost_do", args=("draft",))
        return [
            Panel(
                say("Costs"),
                TABLE,
                {
                    "headings": [say("From"), say("State"), (say("One use"), "n")],
                    "rows": rows,
                    "empty": say("No cost yet."),
                },
                note=say("Draft a cost") if may else "",
                url=f"{url}?operation={obj.pk}" if may else "",
            ),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]


class DraftOperationCost(_Draft):
    name = "draft"
    label = _("Draft a cost")
    form_class = OperationCostForm
    intro = _("It holds once a manager has published it. Periods that have begun keep their terms.")

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"valid_from": timezone.localdate(), "currency": "EUR", **request.GET.dict()}

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        operation = cleaned.pop("operation")
        cost = draft_operation_cost(by=by, operation_id=operation.pk, **cleaned)
        return ActionResult(say("Drafted: {cost}. A manager has to publish it.", cost=cost), page_url(cost))


class PublishOperationCost(_Publish[OperationCost]):
    label_plural = _("Publish costs")
    action = publish_operation_cost
    done = _("Published: {cost}.")

    def consequence(self, obj: OperationCost, by: User) -> Text:
        return say(
            "One use of {operation} costs {amount} in periods that begin on {day} or later. Periods that have begun "
            "keep their terms.",
            operation=obj.operation.name,
            amount=amount_text(obj.unit_cost, obj.currency),
            day=obj.valid_from,
        )


@admin.register(OperationCost)
class OperationCostAdmin(FourEyesAdmin[OperationCost]):
    may_view = May.SEE_PLANS
    reads = (
        "operation",
        "drafted_by",
        "published_by",
    )
    staff_actions = (PublishOperationCost,)
    page_actions = (DraftOperationCost,)
    list_display = ("operation", "valid_from", "one_use", "state_pill")
    list_filter = ("state", "operation", "currency")
    list_select_related = ("operation",)
    numeric_columns = ("one_use",)
    search_fields = ("operation__name", "operation__code")
    empty_hint = _("Draft the first cost; a manager publishes it.")
    fields = ("operation", "valid_from", "one_use", "drafted_by", "published_by")
    readonly_fields = ("one_use",)

    @admin.display(description=_("One use"), ordering="unit_cost")
    def one_use(self, obj: OperationCost) -> SafeString:
        return number(amount_text(obj.unit_cost, obj.currency))
