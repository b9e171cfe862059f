"""Rows are locked in one order, whoever asks and in whatever order; and they know each other afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.customers.models import Customer
from audit.actions import act
from billing.payouts.models import Payout
from billing.remedies.effects import order_payout
from billing.vocabulary import BillingVerb
from complaints.refunds.models import Refund
from complaints.reversals import actions as reversals
from core.locks import ORDER, RowsMoved, lock_chain, lock_rows
from tests import factories
from tests.complaints.cases import Desk, decided, settled
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def payout() -> Payout:
    customer = factories.CustomerFactory.create(iban="DE89370400440532013000")
    subscription = factories.open_subscription(customer=customer)
    return order_payout(subscription, Decimal("5.00"), key="test", reason="Test")


def locking(queries: CaptureQueriesContext) -> list[str]:
    """The tables that rows were locked of, one after the other. SQLite locks all at once, and says no ``FOR UPDATE``;
    what reads whole rows is a lock.
    """
    return [
        query["sql"].split('FROM "')[1].split('"')[0]
        for query in queries
        if query["sql"].startswith("SELECT") and " IN (" in query["sql"]
    ]


def test_the_order_names_each_model_once_and_no_other() -> None:
    assert len(set(ORDER)) == len(ORDER)
    for label in ORDER:
        apps.get_model(label)


def test_what_owns_is_locked_before_what_is_owned_however_it_is_asked(payout: Payout) -> None:
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        lock_chain(Payout, payout.pk, "subscription", "customer")
    assert locking(queries) == ["accounts_customer", "billing_subscription", "billing_payout"]
    assert all("JOIN" not in query["sql"] for query in queries if " IN (" in query["sql"])


def test_rows_of_one_model_are_locked_by_key() -> None:
    first, second = factories.CustomerFactory.create(), factories.CustomerFactory.create()
    with transaction.atomic():
        assert list(lock_rows(Customer, [second.pk, first.pk, 0])) == [first.pk, second.pk]


def test_the_rows_are_attached_to_each_other(payout: Payout) -> None:
    with transaction.atomic():
        found = lock_chain(Payout, payout.pk, "subscription", "customer")
        assert found is not None
        with CaptureQueriesContext(connection) as queries:
            assert found.subscription.customer is found.customer
        assert len(queries) == 0


def test_a_path_may_lead_back_and_nowhere(payout: Payout) -> None:
    with transaction.atomic():
        found = lock_chain(Payout, payout.pk, "customer", "leftover__credit", "leftover", "credit")
    assert found == payout
    with transaction.atomic():
        assert lock_chain(Payout, 0, "customer") is None


def test_a_refunds_chain_is_one_circle_of_rows() -> None:
    desk = Desk(limits=True)
    refund = settled(desk, decided(desk))
    with transaction.atomic():
        found = lock_chain(Refund, refund.pk, *reversals._CASE)
        assert found is not None
        with CaptureQueriesContext(connection) as queries:
            assert found.complaint.customer is found.customer
            assert found.period.subscription is found.subscription
        assert len(queries) == 0


def test_a_row_that_moved_before_it_was_locked_is_refused(payout: Payout, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a merge of customers commits between the two."""
    other = factories.CustomerFactory.create()

    def moving(model: Any, keys: Any) -> Any:
        if model is Customer:
            row = Payout.objects.get(pk=payout.pk)
            row.customer = other
            row.save()
        return lock_rows(model, keys)

    monkeypatch.setattr("core.locks.lock_rows", moving)
    with pytest.raises(RowsMoved), transaction.atomic():
        lock_chain(Payout, payout.pk, "customer")

    agent = factories.agent()

    def action() -> None:
        with act(BillingVerb.PAYOUT_PAID, by=agent, target=(Payout, payout.pk)) as running:
            running.lock(Payout, payout.pk, "customer")

    assert_refused("busy", action)
