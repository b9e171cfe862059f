"""Usage: each record once, for the period whose service covers its local day, summed by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.staff.models import User
from audit.models import Event
from billing.remedies import effects as giving
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from billing.usage.actions import Usage, record_usage, record_usages
from billing.usage.models import UsageDay, UsageRecord
from tests import factories
from tests.billing.end_state import end_state
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


@pytest.fixture
def subscription() -> Subscription:
    """Opened on 10 January 2025 with two operations that have a cost."""
    for code in ("FORWARD", "TRUNK"):
        factories.OperationCostFactory.create(operation__code=code)
    return factories.open_subscription(activated_on=date(2025, 1, 10))


def call(external_id: str, day: date, seconds: int = 60, hour: int = 12) -> Usage:
    return Usage(external_id, factories.at(day, hour), seconds=seconds)


def operation(external_id: str, day: date, code: str, quantity: str = "1") -> Usage:
    return Usage(external_id, factories.at(day), operation=code, quantity=Decimal(quantity))


def days(subscription: Subscription) -> list[tuple[object, ...]]:
    rows = UsageDay.objects.filter(period__subscription=subscription)
    return [
        (row.period.sequence, row.local_day, row.kind, row.operation, row.seconds, row.quantity, row.records)
        for row in rows.order_by("local_day", "kind", "operation")
    ]


def test_many_subscriptions_at_once_come_to_the_same_as_one_after_the_other(
    clerk: User, subscription: Subscription
) -> None:
    other = factories.open_subscription(activated_on=date(2025, 1, 10))
    day = date(2025, 1, 12)
    record_usage(other.pk, [call("b1", day)], by=clerk)
    usage = {
        subscription.pk: [call("a1", day), operation("a2", day, "TRUNK", "2"), call("a1", day)],
        other.pk: [call("b1", day), call("b2", day, 30)],
    }

    def at_once() -> dict[int, int]:
        return record_usages(usage, by=clerk)

    def one_by_one() -> dict[int, int]:
        return {pk: record_usage(pk, rows, by=clerk) for pk, rows in usage.items()}

    states = []
    for way in (at_once, one_by_one):
        with transaction.atomic():
            assert way() == {subscription.pk: 2, other.pk: 1}
            events = Event.objects.filter(verb="usage.record").order_by("pk")
            told = list(events.values_list("target_id", "target_label", "customer_id", "outcome", "message", "data"))
            states.append((end_state(), told))
            transaction.set_rollback(True)
    assert len(states[0][1]) == 3
    assert states[0] == states[1]


def test_of_the_usage_of_many_all_is_added_or_nothing(clerk: User, subscription: Subscription) -> None:
    other = factories.open_subscription(activated_on=date(2025, 1, 10))
    day = date(2025, 1, 12)
    usage = {subscription.pk: [call("a1", day)], other.pk: [call("b1", date(2024, 1, 1))]}
    assert_refused("no_period", record_usages, usage, by=clerk)
    assert not UsageRecord.objects.exists()
    event = Event.objects.get(verb="usage.record")
    assert (event.outcome, event.target_id) == ("refused", other.pk)
    assert record_usages({}, by=clerk) == {}


def test_records_are_summed_by_period_kind_operation_and_day(clerk: User, subscription: Subscription) -> None:
    run_billing(date(2025, 2, 10), by=clerk)
    rows = [
        call("1", date(2025, 1, 10), 90),
        call("2", date(2025, 1, 10), 30, hour=23),
        call("3", date(2025, 1, 11), 60),
        operation("4", date(2025, 1, 10), "FORWARD", "2"),
        operation("5", date(2025, 1, 10), "FORWARD", "0.5"),
        operation("6", date(2025, 1, 10), "TRUNK"),
        call("7", date(2025, 2, 9), 10),
        call("8", date(2025, 2, 10), 20),
    ]
    assert record_usage(subscription.pk, rows, by=clerk) == 8
    none = Decimal(0)
    assert days(subscription) == [
        (0, date(2025, 1, 10), "call", "", 120, none, 2),
        (0, date(2025, 1, 10), "operation", "FORWARD", 0, Decimal("2.5"), 2),
        (0, date(2025, 1, 10), "operation", "TRUNK", 0, Decimal(1), 1),
        (0, date(2025, 1, 11), "call", "", 60, none, 1),
        (0, date(2025, 2, 9), "call", "", 10, none, 1),
        (1, date(2025, 2, 10), "call", "", 20, none, 1),
    ]
    event = Event.objects.latest("pk")
    assert (event.verb, event.data, event.customer_id) == (
        "usage.record",
        {
            "added": 8,
            "known": 0,
            "days": {
                "2025-01-10": [5, 120, "3.5", 125 * subscription.pk],
                "2025-01-11": [1, 60, "0", 61 * subscription.pk],
                "2025-02-09": [1, 10, "0", 11 * subscription.pk],
                "2025-02-10": [1, 20, "0", 21 * subscription.pk],
            },
        },
        subscription.customer_id,
    )


def test_a_record_that_is_known_already_counts_once(clerk: User, subscription: Subscription) -> None:
    rows = [call("1", date(2025, 1, 10)), call("2", date(2025, 1, 10))]
    assert record_usage(subscription.pk, rows, by=clerk) == 2
    before = days(subscription)
    assert record_usage(subscription.pk, rows, by=clerk) == 0
    assert days(subscription) == before
    assert (
        record_usage(subscription.pk, [*rows, call("3", date(2025, 1, 10)), call("3", date(2025, 1, 10))], by=clerk)
        == 1
    )
    assert days(subscription) == [(0, date(2025, 1, 10), "call", "", 180, Decimal(0), 3)]
    assert Event.objects.latest("pk").data == {
        "added": 1,
        "known": 3,
        "days": {"2025-01-10": [1, 60, "0", 61 * subscription.pk]},
    }


def test_an_id_with_other_contents_is_refused(clerk: User, subscription: Subscription) -> None:
    record_usage(subscription.pk, [call("1", date(2025, 1, 10), 60)], by=clerk)
    for other in (
        call("1", date(2025, 1, 10), 61),
        call("1", date(2025, 1, 11), 60),
        operation("1", date(2025, 1, 10), "TRUNK"),
    ):
        assert_refused("conflict", record_usage, subscription.pk, [other], by=clerk, saying="Usage 1 is known")
    twice = [call("2", date(2025, 1, 10), 60), call("2", date(2025, 1, 10), 61)]
    assert_refused("conflict", record_usage, subscription.pk, twice, by=clerk)
    elsewhere = factories.open_subscription(activated_on=date(2025, 1, 10))
    assert_refused("conflict", record_usage, elsewhere.pk, [call("1", date(2025, 1, 10), 60)], by=clerk)


def test_the_local_day_counts_not_that_of_utc(clerk: User, subscription: Subscription) -> None:
    # Half past eleven in the evening in UTC is half past midnight of the next day in Rome.
    rows = [Usage("1", datetime(2025, 1, 10, 23, 30, tzinfo=UTC), seconds=60)]
    record_usage(subscription.pk, rows, by=clerk)
    assert UsageRecord.objects.get().local_day == date(2025, 1, 11)
    before_activation = [Usage("2", datetime(2025, 1, 9, 22, 30, tzinfo=UTC), seconds=60)]
    assert_refused("no_period", record_usage, subscription.pk, before_activation, by=clerk)
    activation = [Usage("3", datetime(2025, 1, 9, 23, 0, tzinfo=UTC), seconds=60)]
    assert record_usage(subscription.pk, activation, by=clerk) == 1


def test_days_of_an_extension_belong_to_their_period(clerk: User, subscription: Subscription) -> None:
    giving.give_days(subscription, 5, reason="A refund")
    run_billing(date(2025, 2, 15), by=clerk)
    record_usage(subscription.pk, [call("1", date(2025, 2, 14)), call("2", date(2025, 2, 15))], by=clerk)
    found = UsageRecord.objects.order_by("external_id").values_list("period__sequence", flat=True)
    assert list(found) == [0, 1]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (Usage("1", datetime(2025, 1, 10, 12), seconds=60), "naive_time"),  # noqa: DTZ001
        (call("1", date(2025, 1, 9)), "no_period"),
        (call("1", date(2025, 2, 10)), "no_period"),
        (call("1", date(2025, 1, 10), -1), "amount"),
        (Usage("1", factories.at(date(2025, 1, 10)), seconds=1, quantity=Decimal(1)), "amount"),
        (operation("1", date(2025, 1, 10), "UNKNOWN"), "operation"),
        (operation("1", date(2025, 1, 10), "TRUNK", "0"), "amount"),
        (operation("1", date(2025, 1, 10), "TRUNK", "-1"), "amount"),
        (Usage("1", factories.at(date(2025, 1, 10)), seconds=1, operation="TRUNK", quantity=Decimal(1)), "amount"),
    ],
)
def test_one_bad_row_stops_the_whole_batch_and_is_named(
    clerk: User, subscription: Subscription, row: Usage, code: str
) -> None:
    good = call("0", date(2025, 1, 10))
    assert_refused(code, record_usage, subscription.pk, [good, row], by=clerk, saying="Usage 1")


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_imports_usage(subscription: Subscription, who: str) -> None:
    rows = [call("1", date(2025, 1, 10))]
    assert_refused("permission", record_usage, subscription.pk, rows, by=getattr(factories, who)())


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "call", "operation": "TRUNK"},
        {"kind": "call", "quantity": Decimal(1)},
        {"kind": "operation", "operation": "", "seconds": 0, "quantity": Decimal(1)},
        {"kind": "operation", "operation": "TRUNK", "seconds": 5, "quantity": Decimal(1)},
    ],
)
def test_the_database_knows_calls_from_operations(subscription: Subscription, given: dict[str, Any]) -> None:
    usual: dict[str, Any] = {
        "external_id": "1",
        "subscription": subscription,
        "period": subscription.current_period(),
        "occurred_at": factories.at(date(2025, 1, 10)),
        "local_day": date(2025, 1, 10),
        "seconds": 60,
    }
    with pytest.raises(IntegrityError, match="usage_is_call_or_operation"), transaction.atomic():
        UsageRecord(**{**usual, **given}).save()


def test_the_database_keeps_an_external_id_once(clerk: User, subscription: Subscription) -> None:
    record_usage(subscription.pk, [call("1", date(2025, 1, 10))], by=clerk)
    twin = UsageRecord.objects.get()
    twin.pk, twin._state.adding = None, True
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_the_sums_equal_the_records(clerk: User, subscription: Subscription) -> None:
    start = date(2025, 1, 10)
    for batch in range(4):
        rows = [call(f"{batch}-{n}", start + timedelta(days=n % 7), seconds=n * 7) for n in range(20)]
        record_usage(subscription.pk, rows, by=clerk)
    by_day: dict[date, list[int]] = {}
    for record in UsageRecord.objects.all():
        by_day.setdefault(record.local_day, []).append(record.seconds)
    assert {row.local_day: (row.seconds, row.records) for row in UsageDay.objects.all()} == {
        day: (sum(seconds), len(seconds)) for day, seconds in by_day.items()
    }


def test_what_a_quantity_and_a_time_cannot_be(clerk: User, subscription: Subscription) -> None:
    day = date(2025, 1, 12)
    assert_refused(
        "amount",
        record_usage,
        subscription.pk,
        [operation("fine", day, "TRUNK", "0.00001")],
        by=clerk,
        saying="at most four decimals",
    )
    record_usage(subscription.pk, [operation("exact", day, "TRUNK", "0.000100")], by=clerk)
    current = factories.open_subscription()
    ahead = Usage("ahead", timezone.now() + timedelta(minutes=1), seconds=60)
    assert_refused("future", record_usage, current.pk, [ahead], by=clerk, saying="it lies ahead of now")
