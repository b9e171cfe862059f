"""Moving a subscription to another plan: scheduled for a day, taken on by the first period that begins then or later.

Billing takes the change on when it opens that period. The running period and all before it stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle, require
from audit.actions import Obstacle, Refused, act, checked
from audit.bulk import update_tracked
from audit.vocabulary import Refusal
from billing.money import format_amount
from billing.periods import Period, Term, period_containing
from billing.plans.models import Plan, Price
from billing.subscriptions.actions import fee_obstacle, no_price, plan_obstacle, price_in_force
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.subscriptions.rules import own_period
from billing.vocabulary import BillingRefusal, BillingVerb
from core.sql import in_list
from core.text import join, lower, say

State = PlanChange.State

#: A change is scheduled at most so many days ahead: nobody knows the prices of a day further off.
MOST_DAYS_AHEAD = 731


# --- What a change comes to: reads only ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """The first period with the new plan, and the whole fee of it; ``price`` is the plan's of that day."""

    period: Period
    price: Price
    fee: Decimal


def first_period_from(subscription: Subscription, current: BillingPeriod, day: date) -> Period:
    """The first period after the ``current`` one that begins on the day or later, as far as can be told now: an
    extension moves it.
    """
    following = own_period(subscription, current.sequence + 1)
    if following.starts_on >= day:
        return following
    anchor, term = subscription.anchor_on, Term(subscription.term)
    containing = period_containing(anchor, term, day)
    return containing if containing.starts_on == day else period_containing(anchor, term, containing.ends_on)


def effect_of(
    subscription: Subscription, current: BillingPeriod, plan: Plan, effective_on: date, agreed_fee: Decimal | None
) -> Effect | Obstacle:
    """What the change comes to, or why it cannot be: no published price holds on the first day with the new plan."""
    period = first_period_from(subscription, current, effective_on)
    price = price_in_force(plan.pk, subscription.term, subscription.currency, period.starts_on)
    if price is None:
        missing = no_price(plan, subscription.term, subscription.currency, period.starts_on)
        return Obstacle(say("It cannot be changed: {missing}", missing=missing), missing.code)
    return Effect(period, price, price.fee if agreed_fee is None else agreed_fee)


# --- Guards -------------------------------------------------------------------------------------


def change_obstacle(subscription: Subscription, by: User) -> Obstacle | None:
    """Why the subscription's plan cannot be changed by this person now, or None. What is scheduled comes on top."""
    if missing := permission_obstacle(by, May.CHANGE_PLANS):
        return missing
    if subscription.state == Subscription.State.ENDED:
        return Obstacle(say("{subscription} has ended.", subscription=subscription.number), Refusal.STATE)
    if subscription.state == Subscription.State.CANCELLED:
        return Obstacle(
            say(
                "{subscription} is cancelled: no period follows that could have another plan.",
                subscription=subscription.number,
            ),
            Refusal.STATE,
        )
    return None


def scheduled_obstacle(scheduled: PlanChange | None) -> Obstacle | None:
    """One change waits at a time."""
    if scheduled is None:
        return None
    return Obstacle(
        say(
            "A change to {plan} from {day} is scheduled already: take it back first.",
            plan=scheduled.plan.name,
            day=scheduled.effective_on,
        ),
        BillingRefusal.SCHEDULED,
    )


def terms_obstacle(
    subscription: Subscription,
    by: User,
    *,
    plan: Plan,
    term: str,
    effective_on: date,
    asked_on: date,
    agreed_fee: Decimal | None,
) -> Obstacle | None:
    """Why the subscription cannot move to the plan on the day at the fee, or None. Its price comes on top."""
    today = timezone.localdate()
    if obstacle := plan_obstacle(plan):
        return obstacle
    if plan.pk == subscription.plan_id:
        return Obstacle(
            say("{subscription} has the plan {plan} already.", subscription=subscription.number, plan=plan.name),
            BillingRefusal.SAME_PLAN,
        )
    if term and term != subscription.term:
        return Obstacle(
            say(
                "{subscription} is {term}, and stays so: its cycle was chosen when it began (F9). "
                "Another cycle is another subscription.",
                subscription=subscription.number,
                term=lower(subscription.get_term_display()),
            ),
            BillingRefusal.TERM,
        )
    if effective_on < today:
        return Obstacle(say("{day} is over: a plan changes today at the earliest.", day=effective_on), Refusal.DATES)
    if effective_on > today + timedelta(days=MOST_DAYS_AHEAD):
        return Obstacle(say("A plan is changed at most two years ahead."), Refusal.DATES)
    if not subscription.activated_on <= asked_on <= today:
        return Obstacle(
            say(
                "It was asked for between the activation ({activation}) and today, not on {day}.",
                activation=subscription.activated_on,
                day=asked_on,
            ),
            Refusal.DATES,
        )
    if agreed_fee is None:
        return None
    if sentence := permission_obstacle(by, May.OPEN_SUBSCRIPTIONS):
        return Obstacle(
            join(" ", [say("A fee other than the plan's is billing's to agree."), sentence]), Refusal.PERMISSION
        )
    return fee_obstacle(agreed_fee, subscription.currency)


def withdraw_obstacle(
    change: PlanChange | None, subscription: Subscription, current: BillingPeriod | None, by: User
) -> Obstacle | None:
    """Why the change cannot be taken back by this person now, or None. ``current`` is the open period.

    A period that has begun has the plan, even while billing is late and has not opened it.
    """
    if missing := permission_obstacle(by, May.CHANGE_PLANS):
        return missing
    if change is None:
        return Obstacle(say("No change of plan is scheduled."), Refusal.STATE)
    if change.state != State.SCHEDULED:
        return Obstacle(say("This change of plan is “{state}”.", state=change.get_state_display()), Refusal.STATE)
    if current is None:
        return None
    begins = first_period_from(subscription, current, change.effective_on).starts_on
    if begins <= timezone.localdate() and subscription.state == Subscription.State.ACTIVE:
        return Obstacle(
            say("It has taken effect on {day}: billing has only to catch up.", day=begins), BillingRefusal.IN_EFFECT
        )
    return None


# --- Actions ------------------------------------------------------------------------------------


def schedule_plan_change(
    subscription_id: int,
    *,
    by: User,
    plan_id: int,
    effective_on: date,
    channel: str,
    asked_on: date | None = None,
    agreed_fee: Decimal | None = None,
    term: str = "",
    reason: str = "",
) -> PlanChange:
    """Move the subscription to another plan, on the customer's word: periods that begin on the day or later have it,
    and its price of their first day. ``agreed_fee`` (gross, a whole term) goes before that price; without one, a fee
    that was agreed for the old plan ends with it.

    Raises:
        Refused: not active, a change waits already, the same plan or one that is not sold or has no published price
            for that day, another term, a day in the past, a linked person, or a fee that is not theirs to agree.
    """
    with act(BillingVerb.PLAN_CHANGE_SCHEDULE, by=by, reason=reason, target=(Subscription, subscription_id)) as action:
        require(by, May.CHANGE_PLANS)
        subscription = action.lock(Subscription, subscription_id)
        action.about(subscription, customer_id=subscription.customer_id)
        plan = action.lock(Plan, plan_id)
        action.refuse_if(change_obstacle(subscription, by))
        action.refuse_if(scheduled_obstacle(scheduled_change(subscription.pk)))
        asked = asked_on or timezone.localdate()
        action.refuse_if(
            terms_obstacle(
                subscription,
                by,
                plan=plan,
                term=term,
                effective_on=effective_on,
                asked_on=asked,
                agreed_fee=agreed_fee,
            )
        )
        current = subscription.current_period()
        if current is None:
            raise Refused(
                say("{subscription} has no current period.", subscription=subscription.number),
                code=BillingRefusal.NO_CURRENT_PERIOD,
            )
        effect = effect_of(subscription, current, plan, effective_on, agreed_fee)
        if isinstance(effect, Obstacle):
            raise Refused(effect.sentence, code=effect.code)
        change = checked(
            PlanChange(
                subscription=subscription,
                plan=plan,
                previous_plan_id=subscription.plan_id,
                agreed_fee=agreed_fee,
                effective_on=effective_on,
                asked_on=asked,
                channel=channel,
                asked_by=by,
            )
        )
        change.save()
        fee = format_amount(effect.fee, subscription.currency)
        action.data = {
            "plan": plan.code,
            "effective_on": effective_on.isoformat(),
            "first_period": effect.period.starts_on.isoformat(),
            "fee": fee,
        }
        action.message = (
            f"{plan.name} from {effect.period.starts_on}, for {fee} {subscription.currency} a "
            f"{'month' if subscription.term == Term.MONTHLY else 'year'}."
        )
        return change


def withdraw_plan_change(change_id: int, *, by: User, reason: str) -> PlanChange:
    """Take a scheduled change back before a period with the new plan has begun.

    Raises:
        Refused: not scheduled (any more), that period has begun, a linked person, or no reason.
    """
    with act(BillingVerb.PLAN_CHANGE_WITHDRAW, by=by, reason=reason, target=(PlanChange, change_id)) as action:
        require(by, May.CHANGE_PLANS)
        action.require_reason()
        change = action.lock(PlanChange, change_id, "subscription")
        subscription = change.subscription
        action.about(subscription, customer_id=subscription.customer_id)
        action.refuse_if(withdraw_obstacle(change, subscription, subscription.current_period(), by))
        change.state = State.WITHDRAWN
        change.save()
        action.data = {"plan": change.plan.code, "effective_on": change.effective_on.isoformat()}
        return change


def scheduled_change(subscription_id: int) -> PlanChange | None:
    """The change that waits, if any."""
    waiting = PlanChange.objects.filter(subscription=subscription_id, state=State.SCHEDULED)
    return waiting.select_related("plan").order_by("pk").first()


# --- For the billing run: a batch of subscriptions at once --------------------------------------


def scheduled_changes(subscription_ids: Collection[int]) -> dict[int, PlanChange]:
    """What waits for any of the (locked) subscriptions, by subscription, with the plans. One query."""
    waiting = PlanChange.objects.filter(in_list("subscription", subscription_ids), state=State.SCHEDULED)
    return {change.subscription_id: change for change in waiting.select_related("plan").order_by("pk")}


def settle_plan_changes(
    scheduled: Mapping[int, PlanChange], opened: Sequence[BillingPeriod], ended: Iterable[int]
) -> None:
    """Write down what became of the ``scheduled`` changes of a batch: those that the ``opened`` periods have
    taken on are the subscriptions' plans and fees now; those of ``ended`` subscriptions (their keys) come to nothing.
    """
    taken = [scheduled[each.subscription_id] for each in opened if due(scheduled.get(each.subscription_id), each)]
    if taken:
        changes = PlanChange.objects.filter(pk__in=[change.pk for change in taken])
        mine = changes.filter(subscription=OuterRef("pk"))
        update_tracked(
            Subscription.objects.filter(pk__in=[change.subscription_id for change in taken]),
            reason="A scheduled change of plan takes effect",
            plan=Subquery(mine.values("plan")[:1]),
            agreed_fee=Subquery(mine.values("agreed_fee")[:1]),
        )
        period = BillingPeriod.objects.filter(subscription=OuterRef("subscription"), state=BillingPeriod.State.OPEN)
        update_tracked(
            changes,
            reason="Its first period has begun",
            state=State.APPLIED,
            applied_period=Subquery(period.values("pk")[:1]),
        )
    void = [scheduled[pk].pk for pk in ended if pk in scheduled]
    if void:
        update_tracked(
            PlanChange.objects.filter(pk__in=void), reason="The subscription has ended", state=State.WITHDRAWN
        )


def due(change: PlanChange | None, period: BillingPeriod) -> bool:
    """Whether the period is one that the change holds for."""
    return change is not None and change.effective_on <= period.starts_on
