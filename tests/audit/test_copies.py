"""Rows written as copies of a few prototypes: every kind of column, keys that belong to their rows, history."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, IntegrityError, models, transaction
from django.utils import timezone

from accounts.customers.models import Customer
from audit import context
from audit.bulk import create_from, create_new_from, create_tracked_from, update_held
from audit.models import Event
from billing.invoices.models import Charge
from billing.subscriptions.models import BillingPeriod
from core.sql import in_list
from messaging.outbox.models import OutgoingMessage
from tests import factories

pytestmark = pytest.mark.django_db


def columns(row: models.Model, *apart: str) -> dict[str, Any]:
    return {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.attname not in apart
    }


def test_a_copy_is_what_a_save_writes() -> None:
    """Dates, amounts, costs, lists in JSON, nulls and texts with every kind of sign."""
    one, other = (factories.open_subscription(activated_on=date(2024, 5, 1)) for _ in range(2))
    values: dict[str, Any] = {
        "sequence": 1, "starts_on": date(2024, 6, 1), "ends_on": date(2024, 7, 1), "closes_on": date(2024, 7, 1),
        "state": "ended", "plan_id": one.plan_id, "term": "monthly", "currency": "EUR", "fee": Decimal("59.99"),
        "tax_rate": Decimal("7.7"), "minute_cost": Decimal("0.01500001"),
        "operation_costs": [{"code": "Ä", "name": "“½” \\ '日' %s {0}", "unit_cost": "0.50", "none": None, "on": True}],
    }  # fmt: skip
    saved = BillingPeriod(subscription=one, **values)
    saved.save()
    (key,) = create_tracked_from(
        BillingPeriod, [BillingPeriod(**values)], known_by="subscription_id", subscription_id=[other.pk]
    )
    copied = BillingPeriod.objects.get(pk=key)
    assert copied.subscription == other
    saved.refresh_from_db()
    assert columns(copied, "id", "subscription_id") == columns(saved, "id", "subscription_id")
    # As values of its own, too.
    own: dict[str, Any] = {name: [value] for name, value in values.items() if name not in {"state", "sequence"}}
    (key,) = create_tracked_from(
        BillingPeriod, [BillingPeriod(state="ended", sequence=7)], known_by="subscription_id",
        subscription_id=[other.pk], **{**own, "starts_on": [date(2023, 6, 1)]},
    )  # fmt: skip
    again = BillingPeriod.objects.get(pk=key)
    apart = ("id", "subscription_id", "sequence", "starts_on")
    assert columns(again, *apart) == columns(saved, *apart)


def test_each_row_gets_its_prototype_its_own_values_and_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.bulk.CHUNK", 3)
    agent = factories.agent(first_name="Ada", last_name="Lind")
    italian, german = Customer(country="IT", notes="one"), Customer(country="DE", notes="two")
    numbers = [f"X-{n}" for n in (5, 3, 9, 1, 7, 2, 8)]
    like = [italian, german, german, italian, german, italian, italian]
    with context.acting(user=agent, source="job", request_id="r"):
        keys = create_tracked_from(
            Customer, like, known_by="number", reason="Many", number=numbers, name=[f"Name {n}" for n in numbers]
        )
    assert keys == sorted(keys)
    for key, number, prototype in zip(keys, numbers, like, strict=True):
        row = Customer.objects.get(pk=key)
        assert (row.number, row.name) == (number, f"Name {number}")
        assert (row.country, row.notes, row.currency) == (prototype.country, prototype.notes, "EUR")
        version = row.history.get()
        assert (version.history_type, version.number, version.country) == ("+", number, prototype.country)
        assert (version.history_user_id, version.history_actor_name) == (agent.pk, "Ada Lind")
        assert (version.history_change_reason, version.history_request_id) == ("Many", "r")


def test_nobody_acting_and_nothing_to_write() -> None:
    assert create_tracked_from(Customer, [], known_by="number", number=[]) == []
    create_from(Event, [], message=[])
    (key,) = create_tracked_from(Customer, [Customer(name="A")], known_by="number", number=["X-1"])
    assert Customer.objects.get(pk=key).history.get().history_user_id is None
    assert not Event.objects.exists()


def test_events_are_copied_with_their_time_and_data() -> None:
    at = timezone.now() - timedelta(days=1, microseconds=7)
    event = Event(at=at, actor=factories.agent(), actor_name="Ada", verb="test", data={"never": "written"})
    data: list[Any] = [{"n": 1, "text": "“a” \\ 'b'"}, ["x", None], "text", {}]
    create_from(Event, [event] * 4, message=["a", "b", "", "%s"], data=data, target_id=[1, None, 3, 4])
    found = list(Event.objects.order_by("pk").values_list("message", "data", "target_id", "at", "verb"))
    assert found == [(*row, at, "test") for row in zip(["a", "b", "", "%s"], data, [1, None, 3, 4], strict=True)]
    assert isinstance(found[0][3], datetime)


def test_what_is_there_already_is_left_as_it_stands() -> None:
    first = factories.outgoing_message(key="a")
    like = OutgoingMessage(
        kind=first.kind, language="en", customer=first.customer, subject="Other", queued_by=first.queued_by,
        queued_at=timezone.now(),
    )  # fmt: skip
    made = create_new_from(OutgoingMessage, [like] * 3, known_by="key", key=["b", "a", "c"], body=["1", "2", "3"])
    assert made.keys() == {"b", "c"}
    found = OutgoingMessage.objects.exclude(key="a").order_by("key").values_list("key", "pk", "subject", "body")
    assert list(found) == [("b", made["b"], "Other", "1"), ("c", made["c"], "Other", "3")]
    assert OutgoingMessage.objects.get(key="a").body == first.body


def test_uneven_columns_and_keys_that_cannot_be_told_apart() -> None:
    row = Customer(name="A")
    with pytest.raises(ValueError, match="name: one value for each of the 2 rows"):
        create_tracked_from(Customer, [row, row], known_by="number", number=["X-1", "X-2"], name=["A"])
    with pytest.raises(ValueError, match="told apart by number"):
        create_tracked_from(Customer, [row, row], known_by="number", number=["X-1", "X-1"])
    assert not Customer.objects.exists()


def test_the_database_still_refuses() -> None:
    subscription = factories.open_subscription()
    bad = Charge(
        customer=subscription.customer, currency="EUR", amount=Decimal(-1), tax_rate=Decimal(22), reason="",
        charged_on=date(2024, 5, 1),
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="charge_positive"), transaction.atomic():
        create_tracked_from(Charge, [bad], known_by="subscription_id", subscription_id=[subscription.pk])


@pytest.mark.postgresql
def test_a_text_that_is_too_long_is_refused_not_cut() -> None:
    with pytest.raises(DataError, match="too long"), transaction.atomic():
        create_tracked_from(Customer, [Customer(name="A")], known_by="number", number=["X" * 500])


def test_among_is_in() -> None:
    made = factories.CustomerFactory.create_batch(4)
    wanted = [made[0].pk, made[2].pk, 0]
    assert set(Customer.objects.filter(in_list("pk", wanted))) == {made[0], made[2]}
    assert set(Customer.objects.exclude(in_list("pk", wanted))) == {made[1], made[3]}
    assert not Customer.objects.filter(in_list("pk", [])).exists()
    subscription = factories.open_subscription(made[1])
    assert BillingPeriod.objects.get(in_list("subscription", {subscription.pk})).subscription == subscription


def test_rows_that_are_held_are_changed_with_their_history() -> None:
    made = factories.CustomerFactory.create_batch(3)
    assert update_held(Customer, [made[0].pk, made[1].pk], reason="Seen", notes="x") == 2
    assert [row.history.first().notes for row in made] == ["x", "x", ""]
    assert made[0].history.first().history_change_reason == "Seen"
