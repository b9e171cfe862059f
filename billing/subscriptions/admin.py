"""Subscriptions: opening one, cancelling it and undoing that; and their cards on the customer's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event
from backoffice.actions import ActionForm, ActionResult, PageAction, ReasonForm, StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import day, link, page_url
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from billing.credits.models import Credit
from billing.credits.panels import credits_panel, given_panel
from billing.invoices.panels import invoices_panel
from billing.payments.prepayments.page_actions import RecordPrepayment
from billing.payments.prepayments.panels import events_of_prepayments
from billing.subscriptions.actions import fee_obstacle, first_sequence, no_price, open_subscription, price_in_force
from billing.subscriptions.cancellations.actions import cancel_subscription, decide_voided_days, undo_cancellation
from billing.subscriptions.cancellations.panels import cancellation_context
from billing.subscriptions.cancellations.rules import (
    cancellation_obstacle,
    cancellation_takes_effect_on,
    day_obstacle,
    undo_obstacle,
    voided_days_obstacle,
)
from billing.subscriptions.forms import CancelForm, OpenSubscriptionForm
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.subscriptions.panels import (
    NEWEST,
    invoices_of,
    last_day_of,
    newest_credits,
    newest_invoices,
    period_panel,
    periods_panel,
    subscription_page,
    subscription_pill,
)
from billing.subscriptions.plan_changes.admin import SCHEDULED, ChangePlan, TakeBackChange, plan_change_panel
from billing.subscriptions.rules import own_period
from billing.vocabulary import BillingVerb
from core.amounts import money_text
from core.text import Text, join, lower, say, say_count
from hardware.purchases.models import Purchase


class OpenSubscription(PageAction):
    name = "open"
    label = _("Open a subscription")
    icon = "plus"
    may = May.OPEN_SUBSCRIPTIONS
    form_class = OpenSubscriptionForm
    preview_template = "billing/preview_opening.html"
    previews_input = True

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"activated_on": timezone.localdate(), **request.GET.dict()}

    def preview_context(self, by: User, form: ActionForm) -> Mapping[str, Any]:
        if not (form.is_bound and form.is_valid()):
            return {}
        return _opening(form.cleaned_data)

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        customer, plan = cleaned.pop("customer"), cleaned.pop("plan")
        subscription = open_subscription(by=by, customer_id=customer.pk, plan_id=plan.pk, **cleaned)
        return ActionResult(
            say("{subscription} is open, with its first period and invoice.", subscription=subscription),
            page_url(subscription),
        )


def _opening(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """What opening it would come to: its first period and what that costs, or why it can't be."""
    customer, plan, fee = cleaned["customer"], cleaned["plan"], cleaned["agreed_fee"]
    subscription = Subscription(
        customer=customer,
        plan=plan,
        term=cleaned["term"],
        currency=customer.currency,
        agreed_fee=fee,
        activated_on=cleaned["activated_on"],
        anchor_on=cleaned["activated_on"],
    )
    taken_over = cleaned["taken_over_on"]
    if taken_over is not None and taken_over < subscription.activated_on:
        return {"obstacle": say("A subscription cannot be taken over before its activation.")}
    period = own_period(subscription, first_sequence(subscription, taken_over))
    price = price_in_force(plan.pk, subscription.term, customer.currency, period.starts_on)
    if price is None:
        return {"obstacle": no_price(plan, subscription.term, customer.currency, period.starts_on)}
    if fee is not None and (obstacle := fee_obstacle(fee, customer.currency)):
        return {"obstacle": obstacle}
    return {
        "customer": customer,
        "plan": plan,
        "period": period,
        "price": price,
        "fee": money_text(price.fee if fee is None else fee, customer.currency),
    }


class CancelSubscription(StaffAction[Subscription]):
    name = "cancel"
    label = _("Cancel the subscription")
    label_plural = _("Cancel subscriptions")
    tone = "danger"
    icon = "circle-x"
    may = May.CANCEL_SUBSCRIPTIONS
    form_class = CancelForm
    intro = _(
        "On the customer's word, from the day on which they asked, whenever it is typed in. Until the period's end it "
        "can be taken back, unless it voids what was billed since."
    )
    rule = of_row(cancellation_obstacle)
    preview_template = "billing/preview_cancellation.html"
    previews_input = True

    def queryset(self, rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
        return rows.prefetch_related(_PHONES)

    def preview_context(self, obj: Subscription, by: User, form: ActionForm) -> Mapping[str, Any]:
        asked_on = timezone.localdate()
        if form.is_bound:
            form.is_valid()
            asked_on = form.cleaned_data.get("requested_on") or asked_on
        if found := day_obstacle(asked_on, timezone.localdate(), by):
            return {"problem": found}
        return cancellation_context(obj, asked_on)

    def consequence(self, obj: Subscription, by: User) -> Text:
        if timezone.localdate() < obj.activated_on:
            return say("It has not begun and never will: nothing is due.")
        ends_on = cancellation_takes_effect_on(obj, obj.current_period(), timezone.localdate())
        return say(
            "It takes effect on {day}: the service goes on with all it includes through {last} (F1, F2) and then ends "
            "by itself, without another invoice (F4). Nothing is paid back for cancelling (F3). {phones} Until {last} "
            "it can be taken back.",
            day=ends_on,
            last=ends_on - timedelta(days=1),
            phones=_phones_in_words(obj.customer),
        )

    def get_initial(self, rows: Sequence[Subscription], by: User) -> dict[str, Any]:
        return {"requested_on": timezone.localdate()}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        subscription = cancel_subscription(pk, by=by, **cleaned)
        if subscription.ended_on is not None:
            return say("{subscription} ended on {day}.", subscription=subscription, day=subscription.ended_on)
        ends_on = cancellation_takes_effect_on(subscription, subscription.current_period(), cleaned["requested_on"])
        return say(
            "{subscription} is cancelled; it ends after {day}.",
            subscription=subscription,
            day=ends_on - timedelta(days=1),
        )


class UndoCancellation(StaffAction[Subscription]):
    name = "undo_cancellation"
    label = _("Take back the cancellation")
    label_plural = _("Take back cancellations")
    icon = "undo-2"
    may = May.CANCEL_SUBSCRIPTIONS
    form_class = ReasonForm
    action = undo_cancellation
    effect = _("The service goes on after the current period, which is invoiced as before.")
    done = _("{subscription} goes on.")

    def obstacle(self, obj: Subscription, by: User) -> Text | None:
        return undo_obstacle(obj, obj.current_period(), timezone.localdate())


class DecideVoidedDays(StaffAction[Subscription]):
    name = "decide_days"
    label = _("Decide on voided days")
    icon = "calendar-x"
    may = May.CANCEL_FOR_OLD_DAYS
    form_class = ReasonForm
    intro = _(
        "A period that is voided had received days as a refund: they were given and never came. Write down what "
        "becomes of them, such as a special refund of their worth."
    )
    rule = of_row(voided_days_obstacle)
    action = decide_voided_days
    effect = _("What was decided is noted; nothing else happens.")
    done = _("{subscription}: what was decided is noted.")


#: The phones that the customer has, for the questions that are asked of every chosen row.
_PHONES = Prefetch(
    "customer__purchases", queryset=Purchase.objects.kept().select_related("phone__model"), to_attr="kept_purchases"
)


def _phones_in_words(customer: Customer) -> Text:
    """What becomes of the customer's phones when the service ends: nothing (F7)."""
    purchases: list[Purchase] = cast("Any", customer).kept_purchases
    if not purchases:
        return say("The customer has no phones of ours.")
    owing = [purchase for purchase in purchases if purchase.owed]
    count = len(purchases)
    if not owing:
        return say_count(
            "{count} phone stays with the customer (F7), all paid.",
            "{count} phones stay with the customer (F7), all paid.",
            count,
        )
    currencies = sorted({purchase.currency for purchase in owing})
    sums = [
        money_text(sum((each.owed for each in owing if each.currency == currency), Decimal(0)), currency)
        for currency in currencies
    ]
    return say_count(
        "{count} phone stays with the customer (F7); {amounts} of their price is still owed (F6).",
        "{count} phones stay with the customer (F7); {amounts} of their price is still owed (F6).",
        count,
        amounts=_all_of(sums),
    )


def _all_of(parts: Sequence[Text]) -> Text:
    *first, last = parts
    return say("{these} and {last}", these=join(", ", first), last=last) if first else last


def keeps_panel(subscription: Subscription, period: BillingPeriod | None) -> Panel | None:
    """What a customer who cancelled keeps: the service to its last day, phones, what is left of credits."""
    if subscription.cancelled_on is None or subscription.state == Subscription.State.ACTIVE:
        return None
    effective = subscription.ended_on or cancellation_takes_effect_on(subscription, period, subscription.cancelled_on)
    left = sum((credit.remaining for credit in subscription.credits.all()), Decimal(0))
    fields: list[tuple[Text, Any]] = [
        (say("Asked for on"), day(subscription.cancelled_on)),
        (say("It came by"), subscription.get_cancellation_channel_display()),
        (say("Takes effect on"), day(effective)),
        (say("Service with all it includes through"), day(effective - timedelta(days=1))),
        (say("Paid back for cancelling"), say("nothing (F3)")),
        (say("Credit left"), money(left, subscription.currency) if left else say("none")),
    ]
    purchases = Purchase.objects.kept().filter(customer=subscription.customer_id).select_related("phone__model")
    fields += [
        (
            say("Keeps {phone}", phone=purchase.phone),
            say("{amount} still owed (F6)", amount=money_text(purchase.owed, purchase.currency))
            if purchase.owed
            else say("paid (F7)"),
        )
        for purchase in purchases
    ]
    return Panel(say("What the customer keeps"), "backoffice/panels/fields.html", {"fields": fields}, side="right")


@admin.register(Subscription)
class SubscriptionAdmin(TrackedAdmin[Subscription]):
    may_view = May.SEE_CASES
    heading_pill = subscription_pill
    staff_actions = (
        ChangePlan,
        TakeBackChange,
        RecordPrepayment,
        CancelSubscription,
        UndoCancellation,
        DecideVoidedDays,
    )
    page_actions = (OpenSubscription,)
    list_display = ("number", "customer", "plan", "term", "fee", "runs_to", "state_pill")
    list_filter = ("state", "term", "plan", "currency")
    list_select_related = ("customer", "plan")
    numeric_columns = ("fee",)
    lookup_by = "number"
    search_fields = (
        "number",
        "customer__name",
        "customer__number",
        "customer__email",
        "customer__purchases__phone__serial",
    )
    search_help_text = _("Subscription or customer number, name, e-mail, or a phone's serial number")
    empty_hint = _("Open the first one from the page of a customer.")
    fields = (
        "customer_link",
        "plan_link",
        "term",
        "fee",
        "activated_on",
        "anchor_on",
        "runs_to",
        "cancellation",
    )
    readonly_fields = ("customer_link", "plan_link", "fee", "runs_to", "cancellation")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        rows: Any = super().get_queryset(request).select_related("customer", "plan")
        current = Prefetch("periods", BillingPeriod.objects.filter(state=BillingPeriod.State.OPEN), "open_periods")
        found: QuerySet[Subscription] = rows.prefetch_related(SCHEDULED, current)
        return found

    @admin.display(description=_("Fee"))
    def fee(self, obj: Subscription) -> SafeString:
        period = obj.current_period()
        fee = period.fee if period else obj.agreed_fee
        return money(fee, obj.currency, say("agreed") if obj.agreed_fee is not None else "")

    @admin.display(description=_("Paid service runs to"))
    def runs_to(self, obj: Subscription) -> Any:
        period = obj.current_period()
        return day(last_day_of(period) if period else obj.ended_on)

    state_pill = column(subscription_pill, description=_("State"), ordering="state")
    customer_link = column(link, "customer", description=_("Customer"))
    plan_link = column(link, "plan", description=_("Plan"))

    @admin.display(description=_("Cancelled"))
    def cancellation(self, obj: Subscription) -> Text:
        if obj.cancelled_on is None:
            return say("no")
        return say(
            "{day}, by {channel}",
            day=obj.cancelled_on,
            channel=lower(obj.get_cancellation_channel_display()),
        )

    def page_title(self, obj: Subscription) -> str:
        return f"{obj.number} {obj.customer.name}"

    def change_panels(self, request: StaffRequest, obj: Subscription) -> Sequence[Panel]:
        current = obj.current_period()
        keeps, changes = keeps_panel(obj, current), plan_change_panel(obj)
        return [
            *([period_panel(current, say("Current period"), linked=True)] if current else []),
            *([changes] if changes else []),
            *([keeps] if keeps else []),
            periods_panel(obj.periods.order_by("-sequence")[: 4 * NEWEST]),
            invoices_panel(newest_invoices(invoices_of(obj))),
            credits_panel(newest_credits(Credit.objects.filter(subscription=obj))),
            given_panel(obj),
            *subscription_page.of(request, obj),
            # Usage arrives every day: it would bury the rest.
            timeline_panel(
                Event.objects.about(obj).exclude(verb=BillingVerb.USAGE_RECORD) | events_of_prepayments(obj), about=obj
            ),
        ]
