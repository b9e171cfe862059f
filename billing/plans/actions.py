"""Plans and dated terms: a billing clerk drafts, a manager publishes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from accounts.four_eyes.rules import publish, publish_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act, checked
from audit.vocabulary import Refusal
from billing.money import is_whole_minor
from billing.plans.models import Operation, OperationCost, Plan, Price
from billing.vocabulary import BillingVerb
from core.text import number_text, say


def create_plan(*, by: User, code: str, name: str, kind: str) -> Plan:
    """A new plan, without prices yet. Raises ``Refused`` for a code that is taken or malformed."""
    with act(BillingVerb.PLAN_CREATE, by=by, target=(Plan, None)) as action:
        require(by, May.DRAFT_PRICES)
        plan = checked(Plan(code=code, name=name, kind=kind))
        plan.save()
        action.about(plan)
        return plan


def create_operation(*, by: User, code: str, name: str) -> Operation:
    """A new operator operation, without a cost yet."""
    with act(BillingVerb.OPERATION_CREATE, by=by, target=(Operation, None)) as action:
        require(by, May.DRAFT_PRICES)
        operation = checked(Operation(code=code, name=name))
        operation.save()
        action.about(operation)
        return operation


def draft_price(
    *,
    by: User,
    plan_id: int,
    term: str,
    currency: str,
    valid_from: date,
    fee: Decimal,
    tax_rate: Decimal = Decimal(0),
    included_minutes: int = 0,
    minute_cost: Decimal = Decimal(0),
) -> Price:
    """Draft a plan's terms from a date on: ``fee`` gross for the whole term, ``tax_rate`` in percent,
    ``minute_cost`` per minute. Nothing is charged by a draft.
    """
    with act(BillingVerb.PRICE_DRAFT, by=by, target=(Price, None)) as action:
        require(by, May.DRAFT_PRICES)
        plan = action.lock(Plan, plan_id)
        price = checked(
            Price(
                plan=plan,
                term=term,
                currency=currency,
                valid_from=valid_from,
                fee=fee,
                tax_rate=tax_rate,
                included_minutes=included_minutes,
                minute_cost=minute_cost,
                drafted_by=by,
            )
        )
        _not_below_nothing(fee=fee, tax_rate=tax_rate, minute_cost=minute_cost)
        if not is_whole_minor(fee, currency):
            raise Refused(
                say("The fee {fee} has more decimals than {currency} has.", fee=number_text(fee), currency=currency),
                code=Refusal.DECIMALS,
            )
        price.save()
        action.about(price)
        return price


def draft_operation_cost(
    *, by: User, operation_id: int, currency: str, valid_from: date, unit_cost: Decimal
) -> OperationCost:
    """Draft what one use of an operation costs from a date on."""
    with act(BillingVerb.OPERATION_COST_DRAFT, by=by, target=(OperationCost, None)) as action:
        require(by, May.DRAFT_PRICES)
        operation = action.lock(Operation, operation_id)
        cost = checked(
            OperationCost(
                operation=operation,
                currency=currency,
                valid_from=valid_from,
                unit_cost=unit_cost,
                drafted_by=by,
            )
        )
        _not_below_nothing(unit_cost=unit_cost)
        cost.save()
        action.about(cost)
        return cost


def _not_below_nothing(**values: Decimal) -> None:
    for field, value in values.items():
        if value < 0:
            sentences = {
                "fee": say("A fee cannot be below 0, as {amount} is.", amount=number_text(value)),
                "tax_rate": say("A tax rate cannot be below 0, as {amount} is.", amount=number_text(value)),
                "minute_cost": say("A minute cost cannot be below 0, as {amount} is.", amount=number_text(value)),
                "unit_cost": say("A unit cost cannot be below 0, as {amount} is.", amount=number_text(value)),
            }
            raise Refused(
                sentences[field],
                code=Refusal.AMOUNT,
                data={"field": field},
            )


def publish_price(price_id: int, *, by: User) -> Price:
    """Publish another person's draft. It holds for periods that begin on or after its date, no others."""
    with act(BillingVerb.PRICE_PUBLISH, by=by, target=(Price, price_id)) as action:
        require(by, May.PUBLISH_PRICES)
        price = action.lock(Price, price_id)
        action.about(price)
        action.refuse_if(publish_obstacle(price, by))
        publish(price, by=by)
        return price


def publish_operation_cost(cost_id: int, *, by: User) -> OperationCost:
    """As ``publish_price``, for the cost of an operation."""
    with act(BillingVerb.OPERATION_COST_PUBLISH, by=by, target=(OperationCost, cost_id)) as action:
        require(by, May.PUBLISH_PRICES)
        cost = action.lock(OperationCost, cost_id)
        action.about(cost)
        action.refuse_if(publish_obstacle(cost, by))
        publish(cost, by=by)
        return cost
