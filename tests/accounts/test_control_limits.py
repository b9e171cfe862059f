"""Control limits: drafted by an administrator, published by a manager, in force from a day on in place of what is built
in; and how far a policy goes with them.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.staff.limits.controls.actions import draft_control_limit, publish_control_limit
from accounts.staff.limits.controls.rules import ControlLimits
from accounts.staff.models import ControlLimit, User
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

DAY = factories.today()
THRESHOLD: dict[str, Any] = {
    "kind": "second_threshold",
    "currency": "EUR",
    "amount": Decimal("300.00"),
    "valid_from": DAY,
}


def test_one_drafts_and_another_publishes_and_it_holds_from_its_day() -> None:
    administrator, manager = factories.administrator(), factories.manager()
    limit = draft_control_limit(by=administrator, **THRESHOLD)
    assert_refused("permission", draft_control_limit, by=manager, **THRESHOLD)
    assert_refused("permission", publish_control_limit, limit.pk, by=administrator)
    assert ControlLimits(DAY).highest_threshold("EUR") == Decimal("1000.00")
    publish_control_limit(limit.pk, by=manager)
    assert_refused("state", publish_control_limit, limit.pk, by=manager)
    twin = draft_control_limit(by=administrator, **THRESHOLD)
    assert_refused("date_taken", publish_control_limit, twin.pk, by=manager)
    assert ControlLimits(DAY - timedelta(days=1)).highest_threshold("EUR") == Decimal("1000.00")
    assert ControlLimits(DAY).highest_threshold("EUR") == Decimal("300.00")
    assert ControlLimits(DAY).highest_threshold("CHF") == Decimal("1000.00")


def test_what_held_is_not_changed_afterwards() -> None:
    limit = draft_control_limit(by=factories.administrator(), **{**THRESHOLD, "valid_from": DAY - timedelta(days=1)})
    assert_refused("dates", publish_control_limit, limit.pk, by=factories.manager())
    assert ControlLimits(DAY).highest_threshold("EUR") == Decimal("1000.00")


def test_the_newest_in_force_holds() -> None:
    for days, later in ((60, 0), (45, 10), (90, 20)):
        factories.control_limit(days=days, valid_from=DAY + timedelta(days=later))
    found = [ControlLimits(DAY + timedelta(days=days)).shortest_window for days in (-1, 0, 9, 10, 20)]
    assert found == [30, 60, 60, 45, 90]


@pytest.mark.parametrize(
    ("policy", "currency", "threshold"),
    [
        ("500.00", "EUR", "500.00"),
        ("5000.00", "EUR", "1000.00"),
        (None, "EUR", "0"),
        ("500.00", "SEK", "0"),
    ],
)
def test_a_threshold_goes_as_far_as_the_control_limit(policy: str | None, currency: str, threshold: str) -> None:
    found = ControlLimits(DAY).threshold(Decimal(policy) if policy else None, currency)
    assert found == Decimal(threshold)


@pytest.mark.parametrize(("policy", "window"), [(0, 30), (30, 30), (90, 90)])
def test_a_window_is_at_least_as_long_as_the_control_limit(policy: int, window: int) -> None:
    assert ControlLimits(DAY).window(policy) == window


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": None}, "amount"),
        ({"amount": Decimal(-1)}, "amount"),
        ({"amount": Decimal("0.001")}, "amount"),
        ({"currency": ""}, "currency"),
        ({"kind": "window", "days": None}, "days"),
        ({"kind": "window", "days": 0}, "days"),
    ],
)
def test_a_limit_without_a_figure_is_refused_at_its_field(values: dict[str, Any], field: str) -> None:
    refusal = assert_refused(
        "currency" if field == "currency" else "amount",
        draft_control_limit,
        by=factories.administrator(),
        **{**THRESHOLD, **values},
    )
    assert refusal.data["field"] == field
    assert not ControlLimit.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"days": 5, "kind": "second_threshold", "currency": "EUR"},
        {"days": 5, "amount": Decimal(1)},
        {"amount": Decimal(1), "currency": ""},
        {"days": 0},
    ],
)
def test_the_database_knows_what_a_limit_is(values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.control_limit(**values)


def test_through_the_pages() -> None:
    administrator, manager = factories.administrator(), factories.manager()
    typed = {"kind": "window", "valid_from": DAY.isoformat(), "days": "45", "currency": "EUR"}
    answer = as_(administrator).post("/accounts/controllimit/do/draft/", typed)
    assert answer.status_code == 302
    limit = ControlLimit.objects.get()
    assert (limit.days, limit.currency, limit.amount) == (45, "", None)
    page = f"/accounts/controllimit/act/publish/?ids={limit.pk}"
    assert "what was granted in the last 45 days counts at least" in as_(manager).get(page).text
    as_(manager).post(page, {"reason": "Agreed"})
    assert ControlLimits(DAY).shortest_window == 45


def as_(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client
