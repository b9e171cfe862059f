from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import local_day
from complaints.deadlines import deadline_for, is_missed

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("received_at", "days", "zone", "deadline"),
    [
        # Any hour of the day of receipt gives the same deadline.
        ("2026-01-14T23:00:00+00:00", 1, "Europe/Berlin", "2026-01-16T23:00:00+00:00"),
        ("2026-01-15T09:30:00+00:00", 1, "Europe/Berlin", "2026-01-16T23:00:00+00:00"),
        ("2026-01-15T22:59:59+00:00", 1, "Europe/Berlin", "2026-01-16T23:00:00+00:00"),
        ("2026-01-15T23:00:00+00:00", 1, "Europe/Berlin", "2026-01-17T23:00:00+00:00"),
        ("2026-01-15T09:30:00+00:00", 0, "Europe/Berlin", "2026-01-15T23:00:00+00:00"),
        ("2026-01-15T09:30:00+00:00", 30, "UTC", "2026-02-15T00:00:00+00:00"),
        # Over a change of the clock the deadline stays at midnight on the wall.
        ("2026-03-27T10:00:00+00:00", 3, "Europe/Berlin", "2026-03-30T22:00:00+00:00"),
        ("2026-10-23T10:00:00+00:00", 3, "Europe/Berlin", "2026-10-26T23:00:00+00:00"),
        # The next day begins at 01:00, because the clock skips midnight.
        ("2018-11-02T12:00:00+00:00", 1, "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        ("2028-02-28T12:00:00+00:00", 1, "UTC", "2028-03-01T00:00:00+00:00"),
        ("2026-12-31T20:00:00+09:00", 0, "Asia/Tokyo", "2026-12-31T15:00:00+00:00"),
    ],
)
def test_a_deadline_is_the_end_of_a_local_day(received_at: str, days: int, zone: str, deadline: str) -> None:
    found = deadline_for(datetime.fromisoformat(received_at), days, ZoneInfo(zone))
    assert found.isoformat() == deadline


def test_a_deadline_is_missed_from_its_instant_on() -> None:
    deadline = deadline_for(datetime(2026, 1, 15, 12, tzinfo=BERLIN), 2, BERLIN)
    assert not is_missed(deadline, deadline - timedelta(microseconds=1))
    assert is_missed(deadline, deadline)
    assert is_missed(deadline, datetime(2026, 1, 18, 0, 0, tzinfo=BERLIN))


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)), st.integers(0, 400))  # noqa: DTZ001
def test_the_deadline_ends_the_right_day(received_at: datetime, days: int) -> None:
    deadline = deadline_for(received_at, days, BERLIN)
    last_day = local_day(received_at, BERLIN) + timedelta(days=days)
    assert local_day(deadline - timedelta(microseconds=1), BERLIN) == last_day
    assert local_day(deadline, BERLIN) == last_day + timedelta(days=1)
    assert not is_missed(deadline, received_at)


@pytest.mark.parametrize(
    ("received_at", "days", "error"),
    [
        (datetime(2026, 1, 1), 1, ValueError),  # noqa: DTZ001
        (datetime(2026, 1, 1, tzinfo=UTC), -1, ValueError),
        (datetime(9999, 12, 30, tzinfo=UTC), 1, ValueError),
        (datetime(2026, 1, 1, tzinfo=UTC), 10**9, ValueError),
        (datetime(2026, 1, 1, tzinfo=UTC), 10**30, ValueError),
        (datetime(2026, 1, 1, tzinfo=UTC), 1.0, TypeError),
        (datetime(2026, 1, 1, tzinfo=UTC), True, TypeError),
    ],
)
def test_what_has_no_deadline_is_refused(received_at: datetime, days: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        deadline_for(received_at, days, UTC)


def test_a_deadline_is_not_compared_with_a_time_without_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        is_missed(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2))  # noqa: DTZ001
