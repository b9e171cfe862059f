"""The billing run writes thousands of rows as copies of a few. Row by row, everything comes to the very same."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from billing.remedies import effects as giving
from billing.runs import actions as run_module
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from tests import factories
from tests.billing.end_state import State, end_state
from tests.billing.mixed_company import MixedCompany
from tests.billing.row_by_row import bill_row_by_row

pytestmark = pytest.mark.django_db

TODAY = date(2024, 6, 1)


def sorted_state() -> State:
    """A batch writes table by table, one row after another writes subscription by subscription."""
    return {name: sorted(rows) for name, rows in end_state().items()}


def assert_as_row_by_row(today: date = TODAY) -> State:
    by = factories.system_user()
    with transaction.atomic():
        run_billing(today, by=by)
        at_once = sorted_state()
        transaction.set_rollback(True)
    with transaction.atomic():
        bill_row_by_row(today, by=by)
        one_by_one = sorted_state()
        transaction.set_rollback(True)
    for name, rows in one_by_one.items():
        assert at_once[name] == rows, name
    assert at_once.keys() == one_by_one.keys()
    return at_once


def having(rows: list[tuple[tuple[str, str], ...]], **wanted: str) -> int:
    return sum(wanted.items() <= dict(row).items() for row in rows)


@pytest.mark.parametrize("batch", [7, 2000])
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)])
def test_a_mixed_company(seed: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "BATCH", batch)
    MixedCompany(seed, 60)
    state = assert_as_row_by_row()
    # It is all there: more than the fee, less than it, nothing, an end, a change of plan, a refusal.
    invoices = state["Invoice"]
    assert len(invoices) > 120
    assert having(invoices, state="paid") > 5
    assert len(state["CreditApplication"]) > 20
    assert sum(dict(row)["charge"] != "None" for row in state["InvoiceLine"]) > 3
    assert having(state["Subscription"], state="ended") > 1
    assert having(state["PlanChange"], state="applied") > 2
    assert having(state["Event"], outcome="refused") > 3
    assert {dict(row)["currency"] for row in invoices} == {"EUR", "JPY"}
    assert {dict(row)["language"] for row in state["OutgoingMessage"]} == {"en", "it"}
    assert {dict(row)["state"] for row in state["Delivery"]} == {"queued", "no_address"}


def test_many_that_are_alike_and_their_keys() -> None:
    """More than one insert takes: each row still gets its own period, invoice and number, in the order of the keys."""
    plan = factories.PlanFactory.create()
    for n in range(9):
        row = factories.open_subscription(plan=plan, activated_on=date(2024, 5, 1))
        if n % 4 == 1:
            giving.give_credit(row, Decimal(25), reason="A refund", on=date(2024, 5, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audit.bulk.CHUNK", 2)
        state = assert_as_row_by_row()
        run_billing(TODAY, by=factories.system_user())
    june = Subscription.objects.order_by("pk").filter(periods__starts_on=TODAY)
    numbers = list(june.values_list("periods__invoice__number", "periods__invoice__customer_id", "customer_id"))
    assert [number for number, _, _ in numbers] == [f"2024-{n:06d}" for n in range(10, 19)]
    assert all(billed == owner for _, billed, owner in numbers)
    assert having(state["Invoice"], credited="25.00") == 2
