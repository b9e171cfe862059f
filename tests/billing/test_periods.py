from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import Period, Term, local_day, local_midnight, nth_period, period_containing

MONTHLY, ANNUAL = Term.MONTHLY, Term.ANNUAL

# Boundaries that two open-source billing engines agree on for the same rule, some of them reached by
# counting n months on from the anchor: (anchor, term, n, start of period n).
BOUNDARIES = [
    ("2016-04-08", MONTHLY, 0, "2016-04-08"),
    ("2016-04-08", MONTHLY, 1, "2016-05-08"),
    ("2016-04-08", MONTHLY, 6, "2016-10-08"),
    ("2016-04-08", MONTHLY, 7, "2016-11-08"),
    ("2012-07-16", MONTHLY, 2, "2012-09-16"),
    ("2017-01-31", MONTHLY, 1, "2017-02-28"),
    ("2017-01-31", MONTHLY, 2, "2017-03-31"),
    ("2025-01-31", MONTHLY, 6, "2025-07-31"),
    ("2025-01-31", MONTHLY, 7, "2025-08-31"),
    ("2025-01-31", MONTHLY, 8, "2025-09-30"),
    ("2025-01-31", MONTHLY, 9, "2025-10-31"),
    ("2025-01-30", MONTHLY, 1, "2025-02-28"),
    ("2025-01-30", MONTHLY, 2, "2025-03-30"),
    ("2012-01-31", MONTHLY, 1, "2012-02-29"),
    ("2012-01-30", ANNUAL, 1, "2013-01-30"),
    # Worked by hand.
    ("2026-01-31", MONTHLY, 3, "2026-04-30"),
    ("2026-12-31", MONTHLY, 2, "2027-02-28"),
    ("2024-02-29", MONTHLY, 1, "2024-03-29"),
    ("2024-02-29", MONTHLY, 12, "2025-02-28"),
    ("2024-02-29", ANNUAL, 1, "2025-02-28"),
    ("2024-02-29", ANNUAL, 3, "2027-02-28"),
    ("2024-02-29", ANNUAL, 4, "2028-02-29"),
    ("2096-02-29", ANNUAL, 4, "2100-02-28"),
    ("2025-02-28", ANNUAL, 3, "2028-02-28"),
    ("2026-03-15", ANNUAL, 50, "2076-03-15"),
]


@pytest.mark.parametrize(("anchor", "term", "n", "start"), BOUNDARIES)
def test_boundaries_are_counted_from_the_anchor(anchor: str, term: Term, n: int, start: str) -> None:
    assert nth_period(date.fromisoformat(anchor), term, n).starts_on == date.fromisoformat(start)
    if n:
        assert nth_period(date.fromisoformat(anchor), term, n - 1).ends_on == date.fromisoformat(start)


@pytest.mark.parametrize(
    ("anchor", "term", "day", "starts_on", "ends_on"),
    [
        ("2025-01-31", MONTHLY, "2025-08-13", "2025-07-31", "2025-08-31"),
        ("2025-01-31", MONTHLY, "2025-09-30", "2025-09-30", "2025-10-31"),
        ("2025-01-30", MONTHLY, "2025-02-13", "2025-01-30", "2025-02-28"),
        ("2025-01-31", MONTHLY, "2025-01-31", "2025-01-31", "2025-02-28"),
        ("2025-01-31", MONTHLY, "2025-02-27", "2025-01-31", "2025-02-28"),
        ("2025-01-31", MONTHLY, "2025-02-28", "2025-02-28", "2025-03-31"),
        ("2024-02-29", ANNUAL, "2025-02-27", "2024-02-29", "2025-02-28"),
        ("2024-02-29", ANNUAL, "2025-02-28", "2025-02-28", "2026-02-28"),
        ("2024-02-29", ANNUAL, "2028-02-28", "2027-02-28", "2028-02-29"),
        ("2024-02-29", ANNUAL, "2028-02-29", "2028-02-29", "2029-02-28"),
        ("2025-11-20", ANNUAL, "2026-11-19", "2025-11-20", "2026-11-20"),
    ],
)
def test_the_period_containing_a_day(anchor: str, term: Term, day: str, starts_on: str, ends_on: str) -> None:
    found = period_containing(date.fromisoformat(anchor), term, date.fromisoformat(day))
    assert found == Period(date.fromisoformat(starts_on), date.fromisoformat(ends_on))
    assert found.contains(date.fromisoformat(day))
    assert not found.contains(found.ends_on)


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "days"),
    [
        ("2026-02-01", "2026-03-01", 28),
        ("2024-02-01", "2024-03-01", 29),
        ("2024-01-01", "2025-01-01", 366),
        ("2026-01-01", "2026-01-02", 1),
    ],
)
def test_days_of_a_period(starts_on: str, ends_on: str, days: int) -> None:
    assert Period(date.fromisoformat(starts_on), date.fromisoformat(ends_on)).days == days


def test_the_terms_values_are_those_of_the_interfaces() -> None:
    assert [str(term) for term in Term] == ["monthly", "annual"]
    assert nth_period(date(2026, 1, 1), "annual", 0) == Period(date(2026, 1, 1), date(2027, 1, 1))  # type: ignore[arg-type]


def test_every_anchor_tiles_fifty_years() -> None:
    leap_year = [date(2024, 1, 1) + timedelta(days=n) for n in range(366)]
    for anchor in [*leap_year, date(2025, 2, 28), date(2099, 12, 31)]:
        for term, count in ((MONTHLY, 600), (ANNUAL, 50)):
            ends_on = anchor
            for n in range(count):
                period = nth_period(anchor, term, n)
                assert period.starts_on == ends_on
                ends_on = period.ends_on
            assert ends_on.year == anchor.year + 50


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.sampled_from(Term), st.integers(0, 60 * 366))
def test_each_day_lies_in_exactly_one_period(anchor: date, term: Term, later: int) -> None:
    day = anchor + timedelta(days=later)
    period = period_containing(anchor, term, day)
    assert period.starts_on <= day < period.ends_on
    n = next(n for n in range(1000) if nth_period(anchor, term, n).ends_on > day)
    assert nth_period(anchor, term, n) == period
    assert min(period.starts_on.day, 28) == min(anchor.day, 28)
    assert period.starts_on.day <= anchor.day


@pytest.mark.parametrize(
    "call",
    [
        lambda: nth_period(date(2026, 1, 1), MONTHLY, -1),
        lambda: period_containing(date(2026, 1, 2), MONTHLY, date(2026, 1, 1)),
        lambda: nth_period(date(2026, 1, 1), "weekly", 0),  # type: ignore[arg-type]
        lambda: nth_period(date(9999, 12, 1), MONTHLY, 0),
        lambda: nth_period(date(9999, 1, 1), ANNUAL, 0),
        lambda: nth_period(date(2026, 1, 1), MONTHLY, 10**30),
        lambda: period_containing(date(2026, 1, 15), MONTHLY, date(9999, 12, 31)),
        lambda: Period(date(2026, 1, 1), date(2026, 1, 1)),
        lambda: Period(date(2026, 1, 2), date(2026, 1, 1)),
    ],
)
def test_what_is_no_period_is_a_value_error(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        call()


def test_the_last_periods_of_the_calendar() -> None:
    assert nth_period(date(9998, 12, 31), ANNUAL, 0).ends_on == date(9999, 12, 31)
    assert period_containing(date(9999, 11, 30), MONTHLY, date(9999, 12, 29)).ends_on == date(9999, 12, 30)


@pytest.mark.parametrize(
    "call",
    [
        lambda: nth_period(datetime(2026, 1, 1, tzinfo=UTC), MONTHLY, 0),
        lambda: period_containing(date(2026, 1, 1), MONTHLY, datetime(2026, 1, 1, tzinfo=UTC)),
        lambda: Period(date(2026, 1, 1), datetime(2026, 2, 1, tzinfo=UTC)),
        lambda: Period(date(2026, 1, 1), date(2026, 2, 1)).contains(datetime(2026, 1, 1, tzinfo=UTC)),
        lambda: nth_period(date(2026, 1, 1), MONTHLY, 1.0),  # type: ignore[arg-type]
        lambda: nth_period(date(2026, 1, 1), MONTHLY, True),
        lambda: nth_period("2026-01-01", MONTHLY, 0),  # type: ignore[arg-type]
    ],
)
def test_a_time_of_day_or_text_is_no_date(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        call()


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        ("2026-01-15", "Europe/Berlin", "2026-01-14T23:00:00+00:00"),
        ("2026-07-15", "Europe/Berlin", "2026-07-14T22:00:00+00:00"),
        ("2026-03-30", "Europe/Berlin", "2026-03-29T22:00:00+00:00"),
        # The clock jumped from 24:00 to 01:00: the day began at the jump.
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        # The clock went back from 01:00 to 00:00: the day began at the first midnight.
        ("2026-11-01", "America/Havana", "2026-11-01T04:00:00+00:00"),
        # A local day that never was begins and ends at once.
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
    ],
)
def test_a_local_day_begins_at_its_first_midnight(day: str, zone: str, instant: str) -> None:
    assert local_midnight(date.fromisoformat(day), ZoneInfo(zone)).isoformat() == instant


# An instant and the billing day it falls on by zone, as an open-source billing engine has it.
@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (ZoneInfo("Pacific/Honolulu"), 16),
        (ZoneInfo("Europe/Paris"), 16),
        (UTC, 16),
        (timezone(timedelta(hours=3)), 17),
        (ZoneInfo("Asia/Tokyo"), 17),
    ],
)
def test_the_local_day_of_an_instant(zone: Any, day: int) -> None:
    assert local_day(datetime(2012, 7, 16, 21, 17, 3, tzinfo=UTC), zone) == date(2012, 7, day)


def test_instants_without_a_zone_or_beyond_the_calendar_have_no_local_day() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        local_day(datetime(2026, 1, 1), UTC)  # noqa: DTZ001
    with pytest.raises(ValueError, match="end of the calendar"):
        local_day(datetime(9999, 12, 31, 23, tzinfo=UTC), ZoneInfo("Asia/Tokyo"))
    with pytest.raises(ValueError, match="end of the calendar"):
        local_midnight(date(1, 1, 1), ZoneInfo("Asia/Tokyo"))
