"""Local times on the two days of the year on which the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.local_times import NoSuchTime, Which, comes_twice, instant

ROME = ZoneInfo("Europe/Rome")
TWICE = datetime.fromisoformat("2026-10-25T02:15")
MISSING = datetime.fromisoformat("2026-03-29T02:30")


def test_a_time_that_comes_twice_is_two_instants() -> None:
    assert comes_twice(TWICE, ROME)
    assert instant(TWICE, ROME).astimezone(UTC) == datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    assert instant(TWICE, ROME, Which.SECOND).astimezone(UTC) == datetime(2026, 10, 25, 1, 15, tzinfo=UTC)


def test_a_time_that_the_clock_skips_is_refused() -> None:
    with pytest.raises(NoSuchTime) as refused:
        instant(MISSING, ROME)
    assert str(refused.value.sentence) == "02:30 did not exist on 29 Mar 2026: the clocks were put forward."


@given(
    st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2037-12-31")),
    st.sampled_from(["Europe/Rome", "Australia/Lord_Howe", "America/St_Johns"]),
    st.sampled_from(Which),
)
def test_every_other_time_is_the_instant_whose_clock_shows_it(wall: datetime, name: str, which: Which) -> None:
    zone = ZoneInfo(name)
    try:
        found = instant(wall, zone, which)
    except NoSuchTime:
        # No instant shows it: the clock of the nearest one is an hour, or half of one, apart.
        assert datetime.fromtimestamp(wall.replace(tzinfo=zone).timestamp(), zone).replace(tzinfo=None) != wall
        return
    assert found.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == wall
