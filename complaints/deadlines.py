"""Deadlines of a complaint (clause R5): pure, counted in local calendar days from the day of receipt.

A promise in days ends with a local day and not at the hour of the complaint. The number of days comes from
the policy; how days are counted is this module's alone, so a policy that counts working days changes
nothing else.
"""

from datetime import datetime, timedelta, tzinfo

from billing.periods import local_day, local_midnight


def deadline_for(received_at: datetime, days: int, zone: tzinfo) -> datetime:
    """The instant, in UTC, at which the local day `days` calendar days after the day of receipt has ended.

    Received at any time on Monday, one day means Tuesday's end: the midnight with which Wednesday begins,
    exclusive. No days means the end of the day of receipt. Raises `ValueError` for a datetime without a
    zone, negative days or a day beyond the calendar.
    """
    if isinstance(days, bool) or not isinstance(days, int):
        raise TypeError(f"days are an int, not {type(days).__name__}")
    if days < 0:
        raise ValueError(f"a deadline lies on or after the day of receipt, not {-days} days before it")
    received_on = local_day(received_at, zone)
    try:
        day_after = received_on + timedelta(days=days + 1)
    except OverflowError:
        raise ValueError(f"{days} days after {received_on} is beyond the calendar") from None
    return local_midnight(day_after, zone)


def is_missed(deadline: datetime, now: datetime) -> bool:
    """Whether the deadline has passed; at the very instant it has. Raises `ValueError` without a zone."""
    if deadline.utcoffset() is None or now.utcoffset() is None:
        raise ValueError("a deadline and the time it is held against both need a time zone")
    return now >= deadline
