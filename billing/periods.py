"""Billing periods (clause F9): one month or one year from the activation date, local dates, half-open.

Every boundary is computed from the anchor (the activation date) and never from the period before it, so
that a subscription activated on 31 January ends its periods on 28 or 29 February, 31 March, 30 April and so
on.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, tzinfo
from enum import StrEnum


class Term(StrEnum):
    """How long a billing period lasts."""

    MONTHLY = "monthly"
    ANNUAL = "annual"

    @property
    def months(self) -> int:
        return 1 if self is Term.MONTHLY else 12


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The local days `[starts_on, ends_on)`, at least one.

    Raises `ValueError` when empty or reversed, `TypeError` for anything that is not a plain date.
    """

    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        _require_date("starts_on", self.starts_on)
        _require_date("ends_on", self.ends_on)
        if self.ends_on <= self.starts_on:
            raise ValueError(f"a period ends after it starts: {self.starts_on} to {self.ends_on}")

    @property
    def days(self) -> int:
        return (self.ends_on - self.starts_on).days

    def contains(self, day: date) -> bool:
        _require_date("day", day)
        return self.starts_on <= day < self.ends_on


def nth_period(anchor: date, term: Term, n: int) -> Period:
    """Period number `n`, counted from 0, of a subscription activated on `anchor`.

    Raises `ValueError` when `n` is negative or the period would end after the calendar does (31 Dec 9999).
    """
    _require_date("anchor", anchor)
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"a period's number is an int, not {type(n).__name__}")
    if n < 0:
        raise ValueError(f"periods are counted from 0, not from {n}")
    months = Term(term).months
    return Period(_months_after(anchor, n * months), _months_after(anchor, (n + 1) * months))


def period_containing(anchor: date, term: Term, day: date) -> Period:
    """The period of a subscription activated on `anchor` that contains the local day `day`.

    Raises `ValueError` when the day is before the anchor or the period would end after the calendar does.
    """
    _require_date("anchor", anchor)
    _require_date("day", day)
    if day < anchor:
        raise ValueError(f"{day} is before the activation date {anchor}: no period contains it")
    months = Term(term).months
    n = ((day.year - anchor.year) * 12 + day.month - anchor.month) // months
    # The guess is right by month and may be one too many by day, never too few.
    if _months_after(anchor, n * months) > day:
        n -= 1
    return nth_period(anchor, term, n)


def local_midnight(day: date, zone: tzinfo) -> datetime:
    """The instant, in UTC, at which the local day begins in `zone`, daylight saving respected.

    Where the clock skips midnight the day begins at the skip; where midnight comes twice it begins at the
    first (fold 0). Raises `ValueError` at the ends of the calendar, where the instant cannot be told in
    UTC.
    """
    _require_date("day", day)
    # Converted to UTC at once: Python subtracts and compares two datetimes of one zone by the clock on the
    # wall.
    try:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{day} is too near the end of the calendar to have a beginning in {zone}") from None


def local_day(moment: datetime, zone: tzinfo) -> date:
    """The local date in `zone` at an instant. Raises `ValueError` for a datetime without a zone."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} names no instant: it has no time zone")
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        raise ValueError(f"{moment} has no date in {zone}: it is too near the end of the calendar") from None


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, cut to that month's last day.

    Counted from there on, period number ``months`` of a monthly subscription is the one that contains ``day``.
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _months_after(anchor: date, months: int) -> date:
    """The anchor so many months later, its day cut to the month's last day."""
    years, month0 = divmod(anchor.month - 1 + months, 12)
    year = anchor.year + years
    if year > MAXYEAR:
        raise ValueError(f"{months} months after {anchor} is beyond the calendar")
    return date(year, month0 + 1, min(anchor.day, monthrange(year, month0 + 1)[1]))


def _require_date(name: str, value: date) -> None:
    # A datetime is a date to isinstance, and would compare and subtract with a time of day.
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError(f"{name} is a plain date, not {type(value).__name__}")
