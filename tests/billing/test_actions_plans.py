"""Plans and dated terms: drafted by a billing clerk, published by a manager who is another person."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.models import Event
from billing.plans.actions import (
    create_operation,
    create_plan,
    draft_operation_cost,
    draft_price,
    publish_operation_cost,
    publish_price,
)
from billing.plans.models import OperationCost, Plan, Price
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

DAY = date(2026, 1, 1)


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


@pytest.fixture
def manager() -> User:
    return factories.manager()


def draft(by: User, plan: Plan, **given: Any) -> Price:
    usual: dict[str, Any] = {
        "term": "monthly",
        "currency": "EUR",
        "valid_from": DAY,
        "fee": Decimal("59.90"),
        "tax_rate": Decimal(22),
        "included_minutes": 500,
        "minute_cost": Decimal("0.015"),
    }
    return draft_price(by=by, plan_id=plan.pk, **{**usual, **given})


def test_a_plan_is_made_priced_and_published(clerk: User, manager: User) -> None:
    plan = create_plan(by=clerk, code="OFFICE-10", name="Office 10", kind="phone_system")
    price = draft(clerk, plan)
    assert not Price.objects.in_force(DAY).exists()
    publish_price(price.pk, by=manager)
    stored = Price.objects.in_force(DAY).get()
    assert (stored.fee, stored.minute_cost, stored.tax_rate) == (Decimal("59.90"), Decimal("0.015"), Decimal(22))
    assert (stored.drafted_by, stored.published_by) == (clerk, manager)
    verbs = list(Event.objects.order_by("pk").values_list("verb", "actor_id", "outcome"))
    assert verbs == [
        ("plan.create", clerk.pk, "done"),
        ("price.draft", clerk.pk, "done"),
        ("price.publish", manager.pk, "done"),
    ]
    assert [row.history_user_id for row in stored.history.all()] == [manager.pk, clerk.pk]


def test_an_operation_and_its_cost(clerk: User, manager: User) -> None:
    operation = create_operation(by=clerk, code="FORWARD", name="Call forwarding")
    cost = draft_operation_cost(
        by=clerk, operation_id=operation.pk, currency="EUR", valid_from=DAY, unit_cost=Decimal("0.0125")
    )
    publish_operation_cost(cost.pk, by=manager)
    assert OperationCost.objects.in_force(DAY).get().unit_cost == Decimal("0.0125")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"fee": Decimal("59.905")}, "decimals"),
        ({"currency": "JPY", "fee": Decimal("59.90")}, "decimals"),
        ({"currency": "EURO"}, "invalid"),
        ({"term": "weekly"}, "invalid"),
        ({"included_minutes": -1}, "invalid"),
        ({"minute_cost": Decimal("0.000000001")}, "invalid"),
    ],
)
def test_prices_that_are_refused(clerk: User, given: dict[str, Any], code: str) -> None:
    assert_refused(code, draft, clerk, factories.PlanFactory.create(), **given)


@pytest.mark.parametrize(
    "given",
    [{"fee": Decimal(-1)}, {"minute_cost": Decimal(-1)}, {"tax_rate": Decimal(-1)}],
    ids=lambda given: next(iter(given)),
)
def test_no_price_is_below_nothing(clerk: User, given: dict[str, Any]) -> None:
    assert_refused("amount", draft, clerk, factories.PlanFactory.create(), **given)
    with pytest.raises(IntegrityError, match="price_not_negative"), transaction.atomic():
        factories.PriceFactory.create(**given)


def test_no_operation_cost_is_below_nothing(clerk: User) -> None:
    operation = factories.OperationFactory.create()
    assert_refused(
        "amount",
        draft_operation_cost,
        by=clerk,
        operation_id=operation.pk,
        currency="EUR",
        valid_from=DAY,
        unit_cost=Decimal(-1),
    )
    with pytest.raises(IntegrityError, match="operation_cost_not_negative"), transaction.atomic():
        factories.OperationCostFactory.create(unit_cost=Decimal(-1))


def test_codes_are_capital_and_used_once(clerk: User) -> None:
    create_plan(by=clerk, code="A", name="A", kind="software")
    create_operation(by=clerk, code="A", name="A")
    assert_refused("invalid", create_plan, by=clerk, code="A", name="B", kind="software", saying="already exists")
    assert_refused("invalid", create_plan, by=clerk, code="office", name="B", kind="software")
    assert_refused("invalid", create_plan, by=clerk, code="B", name="B", kind="hardware")
    assert_refused("invalid", create_operation, by=clerk, code="A", name="B")


@pytest.mark.parametrize("role", [role for role in Role if role != Role.BILLING])
def test_only_billing_drafts(role: Role) -> None:
    person, plan = factories.UserFactory.create(role=role), factories.PlanFactory.create()
    operation = factories.OperationFactory.create()
    assert_refused("permission", create_plan, by=person, code="A", name="A", kind="software")
    assert_refused("permission", create_operation, by=person, code="A", name="A")
    assert_refused("permission", draft, person, plan)
    cost: dict[str, Any] = {"currency": "EUR", "valid_from": DAY, "unit_cost": Decimal(1)}
    assert_refused("permission", draft_operation_cost, by=person, operation_id=operation.pk, **cost)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.MANAGER])
def test_only_managers_publish(role: Role) -> None:
    person = factories.UserFactory.create(role=role)
    price, cost = factories.PriceFactory.create(state="draft"), factories.OperationCostFactory.create(state="draft")
    assert_refused("permission", publish_price, price.pk, by=person)
    assert_refused("permission", publish_operation_cost, cost.pk, by=person)


def test_nobody_publishes_their_own_draft(manager: User) -> None:
    price = factories.PriceFactory.create(state="draft", drafted_by=manager)
    cost = factories.OperationCostFactory.create(state="draft", drafted_by=manager)
    assert_refused("four_eyes", publish_price, price.pk, by=manager)
    assert_refused("four_eyes", publish_operation_cost, cost.pk, by=manager)


def test_terms_are_published_once_and_once_a_day(manager: User) -> None:
    published = factories.PriceFactory.create()
    rival = factories.PriceFactory.create(plan=published.plan, state="draft")
    other_term = factories.PriceFactory.create(plan=published.plan, state="draft", term="annual")
    assert_refused("state", publish_price, published.pk, by=manager)
    assert_refused("date_taken", publish_price, rival.pk, by=manager)
    assert publish_price(other_term.pk, by=manager).state == "published"
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.PriceFactory.create(plan=published.plan)


@pytest.mark.parametrize("factory", [factories.PriceFactory, factories.OperationCostFactory])
def test_the_database_keeps_four_eyes(factory: Any) -> None:
    clerk = factories.billing_clerk()
    for given in ({"published_by": clerk}, {"published_by": None}):
        with pytest.raises(IntegrityError, match="by_another"), transaction.atomic():
            factory.create(drafted_by=clerk, **given)
