"""Changes of plan: scheduled and taken back on the subscription's page, and listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from audit.models import Event
from backoffice.actions import ActionForm, ReasonForm, Sentence, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, pill, sub
from backoffice.links import day, link
from backoffice.panels import Panel, timeline_panel
from backoffice.requests import StaffRequest
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.subscriptions.plan_changes.actions import (
    Effect,
    change_obstacle,
    effect_of,
    first_period_from,
    schedule_plan_change,
    scheduled_change,
    scheduled_obstacle,
    terms_obstacle,
    withdraw_obstacle,
    withdraw_plan_change,
)
from billing.subscriptions.plan_changes.forms import PlanChangeForm
from core.amounts import money_text
from core.text import Text, lower, say

#: What waits for a subscription, for the questions that its page and its list ask.
SCHEDULED = Prefetch(
    "plan_changes",
    queryset=PlanChange.objects.filter(state=PlanChange.State.SCHEDULED).select_related("plan"),
    to_attr="scheduled_changes",
)


def _scheduled(subscription: Subscription) -> PlanChange | None:
    found: list[PlanChange] = subscription.scheduled_changes
    return found[0] if found else None


def change_pill(change: PlanChange) -> SafeString:
    tones: dict[str, Any] = {"scheduled": "info", "applied": "good", "withdrawn": "mute"}
    return pill(change.get_state_display(), tones[change.state])


class ChangePlan(StaffAction[Subscription]):
    name = "change_plan"
    label = _("Change the plan")
    icon = "arrow-right-left"
    may = May.CHANGE_PLANS
    form_class = PlanChangeForm
    intro = _("On the customer's word. The current period stays as it is.")
    preview_template = "billing/preview_plan_change.html"
    previews_input = True

    def obstacle(self, obj: Subscription, by: User) -> Obstacle | None:
        return change_obstacle(obj, by) or scheduled_obstacle(_scheduled(obj))

    def consequence(self, obj: Subscription, by: User) -> Text:
        current = obj.current_period()
        if current is None:
            return ""
        following = first_period_from(obj, current, current.closes_on).starts_on
        if obj.agreed_fee is None:
            return say(
                "Periods that begin on the chosen day or later have the new plan and its price. The next one begins "
                "on {day}. Until a period with the new plan begins, the change can be taken back.",
                day=following,
            )
        return say(
            "Periods that begin on the chosen day or later have the new plan and its price. The next one begins on "
            "{day}. The fee that was agreed for the old plan ends with it. Until a period with the new plan begins, "
            "the change can be taken back.",
            day=following,
        )

    def get_initial(self, rows: Sequence[Subscription], by: User) -> dict[str, Any]:
        return {"effective_on": timezone.localdate(), "asked_on": timezone.localdate()}

    def preview_context(self, obj: Subscription, by: User, form: ActionForm) -> Mapping[str, Any]:
        current = obj.current_period()
        if current is None or not (form.is_bound and form.is_valid()):
            return {}
        plan, fee = form.cleaned_data["plan"], form.cleaned_data["agreed_fee"]
        effective_on, asked_on = form.cleaned_data["effective_on"], form.cleaned_data["asked_on"]
        found = terms_obstacle(
            obj, by, plan=plan, term="", effective_on=effective_on, asked_on=asked_on, agreed_fee=fee
        ) or effect_of(obj, current, plan, effective_on, fee)
        if isinstance(found, Obstacle):
            return {"obstacle": found}
        return {
            "subscription": obj,
            "plan": plan,
            "effect": found,
            "fee": money_text(found.fee, obj.currency),
            "fee_now": money_text(current.fee, obj.currency),
        }

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        change = schedule_plan_change(pk, by=by, plan_id=cleaned.pop("plan").pk, **cleaned)
        current = change.subscription.current_period()
        assert current is not None
        begins = first_period_from(change.subscription, current, change.effective_on).starts_on
        return say(
            "{subscription} has the plan {plan} from {day}.",
            subscription=change.subscription,
            plan=change.plan.name,
            day=begins,
        )


class TakeBackChange(StaffAction[Subscription]):
    name = "take_back_change"
    label = _("Take back the change of plan")
    icon = "undo-2"
    may = May.CHANGE_PLANS
    form_class = ReasonForm
    effect = Sentence(_("{number} keeps the plan {plan}."), number="number", plan="plan.name")

    def obstacle(self, obj: Subscription, by: User) -> Obstacle | None:
        return withdraw_obstacle(_scheduled(obj), obj, obj.current_period(), by)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        waiting = scheduled_change(pk)
        change = withdraw_plan_change(waiting.pk if waiting else 0, by=by, reason=cleaned["reason"])
        return say("{subscription} keeps its plan.", subscription=change.subscription)


def plan_change_panel(subscription: Subscription) -> Panel | None:
    """What will change and when; past changes below it."""
    changes = list(subscription.plan_changes.select_related("plan", "previous_plan", "asked_by", "applied_period")[:12])
    if not changes:
        return None
    current = subscription.current_period()
    rows = [
        (
            format_html(
                "{}{}",
                link(change, change.plan.name),
                sub(say("instead of {plan}", plan=change.previous_plan.name)),
            ),
            format_html("{}{}", _begins(change, subscription, current), sub(_word(change))),
            change_pill(change),
            _fee(change, subscription, current),
        )
        for change in changes
    ]
    headings = [say("Plan"), say("From"), say("State"), (say("Fee"), "n")]
    return Panel(say("Changes of plan"), "backoffice/panels/table.html", {"headings": headings, "rows": rows})


def _word(change: PlanChange) -> Text:
    return say(
        "asked for on {day}, by {channel}",
        day=change.asked_on,
        channel=lower(change.get_channel_display()),
    )


def _begins(change: PlanChange, subscription: Subscription, current: BillingPeriod | None) -> SafeString:
    """The first day with the new plan, or the day it was to hold from."""
    if change.applied_period is not None:
        return link(change.applied_period, day(change.applied_period.starts_on))
    if change.state != PlanChange.State.SCHEDULED or current is None:
        return day(change.effective_on)
    begins = first_period_from(subscription, current, change.effective_on).starts_on
    told = sub(say("holds from {day}", day=change.effective_on)) if begins != change.effective_on else ""
    return format_html("{}{}", day(begins), told)


def _fee(change: PlanChange, subscription: Subscription, current: BillingPeriod | None) -> SafeString:
    """What a term costs with the new plan."""
    if change.applied_period is not None:
        return money(change.applied_period.fee, subscription.currency)
    if change.state != PlanChange.State.SCHEDULED or current is None:
        return SafeString("–")
    found = effect_of(subscription, current, change.plan, change.effective_on, change.agreed_fee)
    if not isinstance(found, Effect):
        return pill(say("No price"), "bad")
    return money(found.fee, subscription.currency, say("agreed") if change.agreed_fee is not None else "")


@admin.register(PlanChange)
class PlanChangeAdmin(TrackedAdmin[PlanChange]):
    may_view = May.SEE_CASES
    reads = (
        "subscription__customer",
        "plan",
        "previous_plan",
        "asked_by",
        "applied_period",
    )
    heading_pill = change_pill
    list_display = ("effective_on", "subscription", "customer", "previous_plan", "plan", "asked_on", "state_pill")
    list_filter = ("state", "plan", "effective_on")
    list_select_related = ("subscription__customer", "plan", "previous_plan")
    search_fields = ("subscription__number", "subscription__customer__name", "subscription__customer__number")
    search_help_text = _("Subscription or customer number, or name")
    ordering = ("-effective_on", "-pk")
    empty_hint = _("They are scheduled on the page of a subscription: “Change the plan”.")
    fields = (
        "subscription_link",
        "customer",
        "previous_plan",
        "plan",
        "effective_on",
        "agreed",
        "asked_on",
        "channel",
        "asked_by",
        "first_period",
    )
    readonly_fields = ("subscription_link", "customer", "agreed", "first_period")

    subscription_link = column(link, "subscription", description=_("Subscription"))
    customer = column(link, "subscription.customer", description=_("Customer"), ordering="subscription__customer__name")

    @admin.display(description=_("Fee"))
    def agreed(self, obj: PlanChange) -> SafeString:
        if obj.agreed_fee is None:
            return format_html("{}", say("the plan's price"))
        return money(obj.agreed_fee, obj.subscription.currency, say("agreed"))

    @admin.display(description=_("First period with it"))
    def first_period(self, obj: PlanChange) -> SafeString:
        return format_html("{}", say("none yet")) if obj.applied_period is None else link(obj.applied_period)

    state_pill = column(change_pill, description=_("State"), ordering="state")

    def page_title(self, obj: PlanChange) -> Text:
        return say(
            "{subscription}: {before} to {plan}",
            subscription=obj.subscription.number,
            before=obj.previous_plan.name,
            plan=obj.plan.name,
        )

    def change_panels(self, request: StaffRequest, obj: PlanChange) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj.subscription).filter(verb__startswith="plan_change."))]
