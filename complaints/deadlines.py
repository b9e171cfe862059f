"""Deadlines of a complaint (clause R5): pure, counted in local days from the day of receipt.

A promise in days ends with a local day and not at the hour of the complaint. The number of days comes from
the policy; how days are counted is this module's alone: calendar days, or the working days of a country.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from typing import Final

from billing.periods import local_day, local_midnight
from policies.choices import known_countries

A_DAY: Final = timedelta(days=1)


class UnknownHolidays(ValueError):
    """Nobody knows the public holidays of that country, or of that year there. The message is a sentence."""

    def __init__(self, country: str, year: int | None = None) -> None:
        of_year = "" if year is None else f" in {year}"
        super().__init__(f"The public holidays of “{country}”{of_year} are not known.")
        self.country = country
        self.year = year


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The working days of a country: neither its weekend nor a public holiday of the whole country.

    Holidays of a single region are working days, since a customer's region is not known. Raises
    `UnknownHolidays` for a country that the calendar does not know.
    """

    country: str

    def __post_init__(self) -> None:
        if self.country not in known_countries():
            raise UnknownHolidays(self.country)

    def counts(self, day: date) -> bool:
        """Whether the day is a working day. Raises `UnknownHolidays` for a year nobody has computed."""
        year = _year_of(self.country, day.year)
        return day in year.worked_anyway or (day.weekday() not in year.weekend and day not in year.holidays)


@dataclass(frozen=True, slots=True)
class _Year:
    """What is off in one country and year. `worked_anyway` are weekend days that are worked to make up for others."""

    weekend: frozenset[int]
    holidays: frozenset[date]
    worked_anyway: frozenset[date]


@cache
def _year_of(country: str, year: int) -> _Year:
    import holidays

    # Frozen per year, because the library's own object grows while it is asked, which threads must not share.
    known = holidays.country_holidays(country, years=year)
    if not known.start_year <= year <= known.end_year:
        raise UnknownHolidays(country, year)
    return _Year(frozenset(known.weekend), frozenset(known), frozenset(known.weekend_workdays))


def deadline_for(received_at: datetime, days: int, zone: tzinfo, *, calendar: WorkingDays | None = None) -> datetime:
    """The instant, in UTC, at which the last local day of the deadline has ended.

    Without a calendar that is the day so many calendar days after the day of receipt: received at any time on
    Monday, one day means Tuesday's end, the midnight with which Wednesday begins, exclusive. With one it is
    the so-manieth working day after the day of receipt, whatever that day itself was. No days mean the end of
    the day of receipt or, in working days, of the first working day from it on. Raises `ValueError` for a
    datetime without a zone, negative days, a day beyond the calendar or holidays that nobody knows.
    """
    if isinstance(days, bool) or not isinstance(days, int):
        raise TypeError(f"days are an int, not {type(days).__name__}")
    if days < 0:
        raise ValueError(f"a deadline lies on or after the day of receipt, not {-days} days before it")
    received_on = local_day(received_at, zone)
    try:
        last_day = received_on + timedelta(days=days) if calendar is None else _last_of(received_on, days, calendar)
        return local_midnight(last_day + timedelta(days=1), zone)
    except OverflowError:
        raise ValueError(f"{days} days after {received_on} is beyond the calendar") from None


def _last_of(received_on: date, days: int, calendar: WorkingDays) -> date:
    working = (day for day in _from(received_on if days == 0 else received_on + A_DAY) if calendar.counts(day))
    for _ in range(days - 1):
        next(working)
    return next(working)


def _from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += A_DAY


def last_day_of(deadline: datetime, zone: tzinfo) -> date:
    """The local day that ends with the deadline: the last one on which it can be met."""
    return local_day(deadline - timedelta(microseconds=1), zone)


def days_left(deadline: datetime, now: datetime, zone: tzinfo) -> int:
    """How many calendar days remain after today until the deadline's last day: 0 on that day itself, negative
    once it is over.
    """
    return (last_day_of(deadline, zone) - local_day(now, zone)).days


def is_missed(deadline: datetime, now: datetime) -> bool:
    """Whether the deadline has passed; at the very instant it has. Raises `ValueError` without a zone."""
    if deadline.utcoffset() is None or now.utcoffset() is None:
        raise ValueError("a deadline and the time it is held against both need a time zone")
    return now >= deadline
