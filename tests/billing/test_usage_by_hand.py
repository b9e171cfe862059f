"""Usage typed on a period's page, and a wrong record put right by a counter-entry."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.staff.models import User
from audit.models import Event
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.actions import correct_usage, enter_usage
from billing.usage.models import UsageDay, UsageRecord
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.every_page import signed_in

pytestmark = pytest.mark.django_db

DAY = date(2025, 1, 12)
NONE: dict[str, Decimal] = {}


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


@pytest.fixture
def period() -> BillingPeriod:
    """From 10 January 2025 on; the operations FORWARD and TRUNK have a cost."""
    for code in ("FORWARD", "TRUNK"):
        factories.OperationCostFactory.create(operation__code=code)
    found = factories.open_subscription(activated_on=date(2025, 1, 10)).current_period()
    assert found is not None
    return found


def enter(period: BillingPeriod, by: User, **kwargs: Any) -> int:
    values = {"day": DAY, "reference": "List 7", "seconds": 0, "operations": NONE, **kwargs}
    return enter_usage(period.pk, by=by, **values)


def sums(period: BillingPeriod) -> dict[str, tuple[int, Decimal]]:
    return {row.operation: (row.seconds, row.quantity) for row in UsageDay.objects.filter(period=period)}


def record(operation: str = "") -> UsageRecord:
    return UsageRecord.objects.get(operation=operation, corrects=None)


def test_minutes_and_operations_are_entered_once_each(period: BillingPeriod, clerk: User) -> None:
    typed: dict[str, Any] = {"seconds": 5430, "operations": {"TRUNK": Decimal("2.5"), "FORWARD": Decimal(0)}}
    assert enter(period, clerk, **typed) == 2
    assert sums(period) == {"": (5430, Decimal(0)), "TRUNK": (0, Decimal("2.5"))}
    assert (record().external_id, record("TRUNK").external_id) == ("List 7/calls", "List 7/TRUNK")
    assert enter(period, clerk, **typed) == 0
    assert UsageRecord.objects.count() == 2
    event = Event.objects.filter(verb="usage.enter").latest("pk")
    assert (event.customer_id, event.data["added"], event.data["known"]) == (period.subscription.customer_id, 0, 2)
    assert enter(period, clerk, reference="List 8", seconds=60) == 1
    assert sums(period)[""][0] == 5490


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({}, "nothing"),
        ({"seconds": 60, "reference": " "}, "name_missing"),
        ({"seconds": 60, "day": date(2025, 1, 9)}, "no_period"),
        ({"seconds": 60, "day": date(2025, 2, 10)}, "no_period"),
        ({"seconds": -60}, "amount"),
        ({"operations": {"TRUNK": Decimal(-1)}}, "amount"),
        ({"operations": {"FAX": Decimal(1)}}, "operation"),
    ],
)
def test_what_cannot_be_entered(period: BillingPeriod, clerk: User, typed: dict[str, Any], code: str) -> None:
    assert_refused(code, lambda: enter(period, clerk, **typed))


def test_no_day_to_come_and_no_other_figures_from_the_same_source(clerk: User, period: BillingPeriod) -> None:
    enter(period, clerk, seconds=60)
    assert_refused("conflict", lambda: enter(period, clerk, seconds=61))
    now = factories.open_subscription(activated_on=factories.today()).current_period()
    assert now is not None
    tomorrow = factories.days_ago(-1)
    assert_refused("dates", lambda: enter(now, clerk, seconds=60, day=tomorrow), saying="in the future")


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_enters_and_corrects(period: BillingPeriod, clerk: User, who: str) -> None:
    enter(period, clerk, seconds=60)
    person = getattr(factories, who)()
    assert_refused("permission", lambda: enter(period, person, seconds=60, reference="Mine"))
    assert_refused("permission", correct_usage, record().pk, by=person, seconds=0, reason="Wrong")


def test_nobody_enters_or_corrects_their_own(period: BillingPeriod, clerk: User) -> None:
    enter(period, clerk, seconds=60)
    own = factories.billing_clerk(customer=period.subscription.customer)
    assert_refused("linked", lambda: enter(period, own, seconds=60, reference="Mine"))
    assert_refused("linked", correct_usage, record().pk, by=own, seconds=0, reason="Wrong")


# --- Corrections --------------------------------------------------------------------------------


def test_a_correction_is_a_further_record_with_the_difference(period: BillingPeriod, clerk: User) -> None:
    enter(period, clerk, seconds=3600, operations={"TRUNK": Decimal(2)})
    for right, difference in ((600, -3000), (900, 300), (0, -900)):
        correct_usage(record().pk, by=clerk, seconds=right, reason="A slip")
        newest = UsageRecord.objects.latest("pk")
        assert (newest.corrects, newest.seconds, newest.external_id) == (record(), difference, "List 7/calls")
        assert sums(period)[""] == (right, Decimal(0))
    correct_usage(record("TRUNK").pk, by=clerk, quantity=Decimal("0.5"), reason="A slip")
    assert sums(period)["TRUNK"] == (0, Decimal("0.5"))
    assert record().seconds == 3600  # as it was typed
    event = Event.objects.filter(verb="usage.correct").latest("pk")
    assert (event.reason, event.data["was"], event.data["is"]) == ("A slip", {"quantity": "2.00"}, {"quantity": "0.5"})


def test_what_cannot_be_corrected(period: BillingPeriod, clerk: User) -> None:
    enter(period, clerk, seconds=3600, operations={"TRUNK": Decimal(2)})
    calls, trunk = record().pk, record("TRUNK").pk
    assert_refused("reason_missing", correct_usage, calls, by=clerk, seconds=0, reason=" ")
    assert_refused("nothing_changed", correct_usage, calls, by=clerk, seconds=3600, reason="A slip")
    assert_refused("amount", correct_usage, calls, by=clerk, seconds=-1, reason="A slip")
    assert_refused("amount", correct_usage, calls, by=clerk, quantity=Decimal(1), reason="A slip")
    assert_refused("amount", correct_usage, trunk, by=clerk, seconds=5, reason="A slip")
    assert_refused("missing", correct_usage, 0, by=clerk, seconds=5, reason="A slip")
    correct_usage(calls, by=clerk, seconds=60, reason="A slip")
    correction = UsageRecord.objects.get(corrects=calls).pk
    assert_refused("state", correct_usage, correction, by=clerk, seconds=0, reason="A slip")


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ({"seconds": -1}, "usage_below_zero_only_corrects"),
        ({"kind": "operation", "operation": "TRUNK", "quantity": Decimal(-1)}, "usage_below_zero_only_corrects"),
        ({"corrects": True}, "usage_below_zero_only_corrects"),
        ({"corrects": True, "seconds": -1, "quantity": Decimal(-1)}, "usage_is_call_or_operation"),
    ],
)
def test_the_database_keeps_records_above_zero(
    period: BillingPeriod, clerk: User, given: dict[str, Any], constraint: str
) -> None:
    enter(period, clerk, seconds=60)
    if given.get("corrects"):
        given = {**given, "corrects": record()}
    row = UsageRecord(
        **{
            "external_id": "1",
            "subscription": period.subscription,
            "period": period,
            "kind": "call",
            "occurred_at": factories.at(DAY),
            "local_day": DAY,
            **given,
        }
    )
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row.save()


# --- The pages ----------------------------------------------------------------------------------


def test_usage_is_entered_on_the_periods_page(period: BillingPeriod, clerk: User) -> None:
    client = signed_in(clerk)
    url = f"{reverse('admin:billing_billingperiod_act', args=['enter_usage'])}?ids={period.pk}"
    form = client.get(url).context["form"]
    assert [field.label for field in form][:2] == ["Day", "Minutes of calls"]
    assert [name for name in form.fields if name.startswith("operation_")] == ["operation_0", "operation_1"]
    typed = {"day": DAY.isoformat(), "minutes": "90:30", "operation_1": "2.5", "reference": "List 7"}
    code = period.operation_costs[1]["code"]
    assert "2 records of usage are added." in client.post(url, typed, follow=True).content.decode()
    assert sums(period) == {"": (5430, Decimal(0)), code: (0, Decimal("2.5"))}
    assert "This was entered before" in client.post(url, typed, follow=True).content.decode()
    assert "is no time such as 90" in client.post(url, {**typed, "minutes": "1h"}).content.decode()
    assert "Nothing was used" in client.post(url, {"day": DAY.isoformat(), "reference": "x"}).content.decode()


def test_a_record_is_corrected_on_its_page(period: BillingPeriod, clerk: User) -> None:
    enter(period, clerk, seconds=3600, operations={"TRUNK": Decimal(2)})
    client = signed_in(clerk)
    for wrong, typed in ((record(), {"minutes": "10:05"}), (record("TRUNK"), {"quantity": "1"})):
        url = f"{reverse('admin:billing_usagerecord_act', args=['correct'])}?ids={wrong.pk}"
        assert set(client.get(url).context["form"].fields) == {*typed, "reason"}
        answer = client.post(url, {**typed, "reason": "A slip of the pen"}, follow=True).content.decode()
        assert "is corrected." in answer
        assert "A slip of the pen" in answer
    assert sums(period) == {"": (605, Decimal(0)), "TRUNK": (0, Decimal(1))}


def test_a_subscription_is_told_apart(period: BillingPeriod, clerk: User) -> None:
    other: Subscription = factories.open_subscription(activated_on=date(2025, 1, 10))
    enter(period, clerk, seconds=60)
    elsewhere = other.current_period()
    assert elsewhere is not None
    assert_refused("conflict", lambda: enter(elsewhere, clerk, seconds=60))
