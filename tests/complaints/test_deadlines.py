from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import local_day
from complaints.deadlines import UnknownHolidays, WorkingDays, days_left, deadline_for, is_missed, last_day_of
from policies.choices import known_countries

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


# --- Working days -------------------------------------------------------------------------------

ZONES = {
    "IT": "Europe/Rome",
    "DE": "Europe/Berlin",
    "SE": "Europe/Stockholm",
    "US": "America/New_York",
    "GB": "Europe/London",
    "EG": "Africa/Cairo",
    "IL": "Asia/Jerusalem",
    "HU": "Europe/Budapest",
}


@pytest.mark.parametrize(
    ("country", "received", "days", "last_day"),
    [
        # Weekends, and receipt on one.
        ("IT", "2026-05-07 10:00", 1, "2026-05-08"),
        ("IT", "2026-05-08 10:00", 1, "2026-05-11"),
        ("IT", "2026-05-09 10:00", 1, "2026-05-11"),
        ("IT", "2026-05-10 23:59", 1, "2026-05-11"),
        ("IT", "2026-05-08 10:00", 5, "2026-05-15"),
        ("IT", "2026-05-08 10:00", 6, "2026-05-18"),
        # No days: the day of receipt, if it is a working day, else the next one.
        ("IT", "2026-05-08 10:00", 0, "2026-05-08"),
        ("IT", "2026-05-09 10:00", 0, "2026-05-11"),
        ("IT", "2026-05-01 10:00", 0, "2026-05-04"),
        # Receipt on a public holiday: 1 May, a Friday.
        ("IT", "2026-05-01 10:00", 1, "2026-05-04"),
        # Easter: Good Friday is a holiday in some countries, Easter Monday in others.
        ("IT", "2026-04-02 10:00", 2, "2026-04-07"),
        ("DE", "2026-04-02 10:00", 2, "2026-04-08"),
        ("SE", "2026-04-02 10:00", 2, "2026-04-08"),
        ("GB", "2026-04-02 10:00", 1, "2026-04-06"),  # England has the Monday off, the whole kingdom has not
        ("US", "2026-04-02 10:00", 2, "2026-04-06"),
        # The end of the year.
        ("IT", "2026-12-24 10:00", 2, "2026-12-29"),
        ("IT", "2026-12-30 10:00", 3, "2027-01-05"),
        ("IT", "2026-12-30 10:00", 4, "2027-01-07"),
        ("DE", "2026-12-30 10:00", 4, "2027-01-06"),
        ("GB", "2026-12-24 10:00", 1, "2026-12-29"),  # Boxing Day, a Saturday, is made up for on Monday
        # Holidays that are observed on another day, over the year's end, too.
        ("US", "2026-07-02 10:00", 1, "2026-07-06"),
        ("US", "2027-12-30 10:00", 1, "2028-01-03"),
        # A national day that is another day elsewhere.
        ("SE", "2025-06-05 10:00", 1, "2025-06-09"),
        ("IT", "2025-06-05 10:00", 1, "2025-06-06"),
        ("IT", "2026-06-01 10:00", 1, "2026-06-03"),
        # What only a region celebrates is a working day: Epiphany in the south of Germany.
        ("DE", "2027-01-05 10:00", 1, "2027-01-06"),
        # Friday and Saturday are the weekend.
        ("EG", "2026-06-04 10:00", 1, "2026-06-07"),
        ("IL", "2026-06-04 10:00", 1, "2026-06-07"),
        # A Saturday that is worked to make up for a bridge day.
        ("HU", "2024-12-06 10:00", 1, "2024-12-07"),
        ("HU", "2024-12-13 10:00", 1, "2024-12-14"),
        # A leap day is a day like any other.
        ("IT", "2028-02-28 10:00", 1, "2028-02-29"),
    ],
)
def test_working_days_pass_over_weekends_and_holidays(country: str, received: str, days: int, last_day: str) -> None:
    zone = ZoneInfo(ZONES[country])
    received_at = datetime.fromisoformat(received).replace(tzinfo=zone)
    deadline = deadline_for(received_at, days, zone, calendar=WorkingDays(country))
    assert last_day_of(deadline, zone).isoformat() == last_day
    assert deadline == datetime.combine(last_day_of(deadline, zone) + timedelta(days=1), time.min, tzinfo=zone)


@pytest.mark.parametrize(
    ("received_at", "deadline"),
    [
        ("2026-03-27T10:00:00+01:00", "2026-03-30T22:00:00+00:00"),  # the clock goes forward on Sunday
        ("2026-10-23T10:00:00+02:00", "2026-10-26T23:00:00+00:00"),  # and back
        ("2026-05-06T22:30:00+00:00", "2026-05-08T22:00:00+00:00"),  # it is Thursday there already
    ],
)
def test_working_days_end_at_midnight_on_the_wall(received_at: str, deadline: str) -> None:
    rome = ZoneInfo("Europe/Rome")
    found = deadline_for(datetime.fromisoformat(received_at), 1, rome, calendar=WorkingDays("IT"))
    assert found.isoformat() == deadline


@pytest.mark.parametrize("country", ["XX", "", "it", "ITA", "Italy", "EU"])
def test_a_country_without_known_holidays_is_an_error(country: str) -> None:
    with pytest.raises(UnknownHolidays, match="not known"):
        WorkingDays(country)


def test_a_year_without_known_holidays_is_an_error_and_no_year_without_any() -> None:
    with pytest.raises(UnknownHolidays, match="“IT” in 2101"):
        deadline_for(datetime(2100, 12, 31, 12, tzinfo=BERLIN), 2, BERLIN, calendar=WorkingDays("IT"))
    with pytest.raises(UnknownHolidays):
        deadline_for(datetime(2026, 1, 1, tzinfo=UTC), 10**9, UTC, calendar=WorkingDays("IT"))


def test_every_known_country_has_a_working_week() -> None:
    for country in sorted(known_countries()):
        calendar = WorkingDays(country)
        working = sum(calendar.counts(date(2026, 1, 1) + timedelta(days=n)) for n in range(365))
        assert 220 < working < 315, f"{country}: {working}"


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 60),
    st.sampled_from(["IT", "DE", "SE", "US", "GB", "EG"]),
)
def test_so_many_working_days_lie_between(received_at: datetime, days: int, country: str) -> None:
    zone, calendar = ZoneInfo(ZONES[country]), WorkingDays(country)
    last_day = last_day_of(deadline_for(received_at, days, zone, calendar=calendar), zone)
    received_on = local_day(received_at, zone)
    assert calendar.counts(last_day)
    after = [received_on + timedelta(days=n) for n in range(1, (last_day - received_on).days + 1)]
    if days:
        assert sum(calendar.counts(day) for day in after) == days
    else:
        assert not any(calendar.counts(day) for day in [received_on, *after][:-1])
    assert last_day_of(deadline_for(received_at, days, zone), zone) <= last_day


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("2026-03-26 23:59", 4),
        ("2026-03-27 00:00", 3),
        ("2026-03-29 12:00", 1),  # the clock goes forward that night
        ("2026-03-30 00:00", 0),
        ("2026-03-30 23:59", 0),
        ("2026-03-31 00:00", -1),
        ("2026-04-02 08:00", -3),
    ],
)
def test_days_left_are_counted_to_the_last_day(now: str, left: int) -> None:
    deadline = deadline_for(datetime(2026, 3, 27, 10, tzinfo=BERLIN), 3, BERLIN)
    assert days_left(deadline, datetime.fromisoformat(now).replace(tzinfo=BERLIN), BERLIN) == left
