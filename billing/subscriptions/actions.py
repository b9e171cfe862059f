"""Opening a subscription, and its periods one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from accounts.customers.models import Customer
from accounts.customers.rules import merged_obstacle
from accounts.numbers.models import next_number
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from billing.invoices.issuing import issue_first_invoice
from billing.money import is_whole_minor
from billing.periods import Term, period_containing
from billing.plans.models import OperationCost, Plan, Price
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.subscriptions.rules import own_period
from billing.vocabulary import BillingRefusal, BillingVerb
from core.text import number_text, say

SUBSCRIPTION_SERIES = "subscription"


def open_subscription(
    *,
    by: User,
    customer_id: int,
    plan_id: int,
    term: str,
    activated_on: date,
    currency: str = "",
    agreed_fee: Decimal | None = None,
    taken_over_on: date | None = None,
) -> Subscription:
    """Open a subscription with its first period and invoice (F9). ``currency`` defaults to the customer's.

    ``taken_over_on`` is for a customer who comes from another system: periods are counted from the activation
    as always, but the first one opened here is the one that contains this day.

    Raises:
        Refused: no published price holds on the period's first day, or a value is invalid.
    """
    with act(BillingVerb.SUBSCRIPTION_OPEN, by=by, target=(Subscription, None)) as action:
        require(by, May.OPEN_SUBSCRIPTIONS)
        customer = action.lock(Customer, customer_id)
        action.refuse_if(merged_obstacle(customer))
        plan = action.lock(Plan, plan_id)
        action.refuse_if(plan_obstacle(plan))
        subscription = checked(
            Subscription(
                number=subscription_number(next_number(SUBSCRIPTION_SERIES)),
                customer=customer,
                plan=plan,
                term=term,
                currency=currency or customer.currency,
                agreed_fee=agreed_fee,
                activated_on=activated_on,
                anchor_on=activated_on,
            )
        )
        if agreed_fee is not None:
            action.refuse_if(fee_obstacle(agreed_fee, subscription.currency))
        sequence = first_sequence(subscription, taken_over_on)
        subscription.save()
        period = open_period(subscription, sequence)
        issue_first_invoice(period)
        action.about(subscription, customer_id=customer.pk)
        return subscription


def subscription_number(n: int) -> str:
    return f"S-{n:06d}"


def plan_obstacle(plan: Plan) -> Obstacle | None:
    """Why nobody can subscribe to the plan now, or None."""
    return (
        None
        if plan.active
        else Obstacle(say("The plan {plan} is not sold any more.", plan=plan.name), BillingRefusal.PLAN_INACTIVE)
    )


def fee_obstacle(fee: Decimal, currency: str) -> Obstacle | None:
    """Why a customer cannot be charged this fee for a term, or None."""
    if fee < 0:
        return Obstacle(say("A fee cannot be below 0, as {amount} is.", amount=number_text(fee)), Refusal.AMOUNT)
    if not is_whole_minor(fee, currency):
        return Obstacle(
            say("The fee {fee} has more decimals than {currency} has.", fee=number_text(fee), currency=currency),
            Refusal.DECIMALS,
        )
    return None


def first_sequence(subscription: Subscription, taken_over_on: date | None) -> int:
    """The number of the first period that is opened here: 0, or that of the period containing the day on
    which the subscription comes over from another system.

    Raises:
        Refused: the day lies before the activation.
    """
    if taken_over_on is None:
        return 0
    anchor, term = subscription.activated_on, Term(subscription.term)
    if taken_over_on < anchor:
        raise Refused(say("A subscription cannot be taken over before its activation."), code=Refusal.DATES)
    start = period_containing(anchor, term, taken_over_on).starts_on
    # Only the day is ever cut to the month's end, so whole months tell the number.
    return ((start.year - anchor.year) * 12 + start.month - anchor.month) // term.months


class TermsInForce:
    """The published terms for periods that begin on a day, each looked up once however many periods there are.

    Without ``plans`` every plan's price is read. ``changes`` are scheduled changes of plan, by subscription: those
    whose day has come are taken on.
    """

    def __init__(
        self, day: date, plans: Iterable[int] | None = None, changes: Mapping[int, PlanChange] | None = None
    ) -> None:
        self.day = day
        self._changes = {pk: change for pk, change in (changes or {}).items() if change.effective_on <= day}
        found = Price.objects.in_force(day)
        if plans is not None:
            plans = {*plans, *(change.plan_id for change in self._changes.values())}
        self._prices: dict[tuple[int, str, str], Price] = {}
        for price in found if plans is None else found.filter(plan__in=set(plans)):
            # The newest comes first.
            self._prices.setdefault((price.plan_id, price.term, price.currency), price)
        self._costs: dict[str, list[dict[str, str]]] = {}

    def period(self, subscription: Subscription, sequence: int) -> BillingPeriod:
        """The subscription's period with the number, its terms copied from those in force on its first day; not saved.
        A change of plan that it takes on is the subscription's, in memory.

        Raises:
            Refused: no price is in force, or the period does not begin on the day.
        """
        if change := self._changes.get(subscription.pk):
            subscription.plan, subscription.agreed_fee = change.plan, change.agreed_fee
        price = self._prices.get((subscription.plan_id, subscription.term, subscription.currency))
        if price is None:
            missing = no_price(subscription.plan, subscription.term, subscription.currency, self.day)
            problem = say("{subscription}: {problem}", subscription=subscription.number, problem=missing)
            raise Refused(problem, code=missing.code)
        if subscription.currency not in self._costs:
            self._costs[subscription.currency] = operation_costs(self.day, subscription.currency)
        period = build_period(subscription, sequence, price=price, costs=self._costs[subscription.currency])
        if period.starts_on != self.day:
            raise Refused(
                say(
                    "{subscription}: its period {sequence} begins on {day} by the anchor, not on {closes}, where the "
                    "one before it closes.",
                    subscription=subscription.number,
                    sequence=sequence,
                    day=period.starts_on,
                    closes=self.day,
                ),
                code=BillingRefusal.DOES_NOT_TILE,
            )
        return period


def open_period(subscription: Subscription, sequence: int) -> BillingPeriod:
    """Open the period with the number, its terms copied from those in force on its first day.

    For use inside an action that holds the subscription. Raises ``Refused`` when no price is in force.
    """
    terms = TermsInForce(own_period(subscription, sequence).starts_on, [subscription.plan_id])
    period = terms.period(subscription, sequence)
    period.save()
    return period


def price_in_force(plan_id: int, term: str, currency: str, day: date) -> Price | None:
    """The published terms of the plan for a period that begins on the day."""
    return Price.objects.in_force(day).filter(plan=plan_id, term=term, currency=currency).first()


def no_price(plan: Plan, term: str, currency: str, day: date) -> Obstacle:
    return Obstacle(
        say(
            "no published price of {plan} ({term}, {currency}) holds on {day}.",
            plan=plan.name,
            term=term,
            currency=currency,
            day=day,
        ),
        BillingRefusal.NO_PRICE,
    )


def build_period(
    subscription: Subscription, sequence: int, *, price: Price, costs: list[dict[str, str]]
) -> BillingPeriod:
    """The subscription's period with the number, its terms copied from ``price`` and ``costs``; not saved."""
    own = own_period(subscription, sequence)
    return BillingPeriod(
        subscription=subscription,
        sequence=sequence,
        starts_on=own.starts_on,
        ends_on=own.ends_on,
        closes_on=own.ends_on,
        plan=subscription.plan,
        term=subscription.term,
        currency=subscription.currency,
        fee=price.fee if subscription.agreed_fee is None else subscription.agreed_fee,
        tax_rate=price.tax_rate,
        included_minutes=price.included_minutes,
        minute_cost=price.minute_cost,
        operation_costs=costs,
    )


def operation_costs(day: date, currency: str) -> list[dict[str, str]]:
    """What each operator operation costs in a period that begins on the day, as a period stores it."""
    newest: dict[int, OperationCost] = {}
    for cost in OperationCost.objects.in_force(day).filter(currency=currency).select_related("operation"):
        newest.setdefault(cost.operation_id, cost)
    return [
        {"code": cost.operation.code, "name": cost.operation.name, "unit_cost": f"{cost.unit_cost:f}"}
        for cost in sorted(newest.values(), key=lambda cost: cost.operation.code)
    ]
