"""Granted minutes are spoken first, the grant that ends first at the front (R3, R4). Pure; small numbers of seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.remedies.granted_minutes import Grant, GrantedUse, spend

#: Five periods of six days; when the last two close is not known yet.
FIRST = date(2024, 4, 1)
CLOSES = [FIRST + timedelta(days=6 * number) for number in (1, 2, 3)] + [None, None]
DAYS = [FIRST + timedelta(days=number) for number in range(24)]


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """One that holds from some day on to the end of that period or of one after it, or was over the day it began."""
    granted_on = draw(st.sampled_from(DAYS))
    last_period = min((granted_on - FIRST).days // 6 + draw(st.integers(0, 2)), 4)
    return Grant(0, draw(st.integers(0, 30)), granted_on, last_period, CLOSES[last_period])


granted = st.lists(grants(), max_size=5).map(
    lambda found: [
        Grant(number, grant.seconds, grant.granted_on, grant.last_period, grant.until)
        for number, grant in enumerate(found)
    ]
)
calls = st.dictionaries(st.sampled_from(DAYS), st.integers(0, 40), max_size=10)


def second_by_second(grants: Sequence[Grant], calls: Mapping[date, int]) -> tuple[Counter[date], Counter[int]]:
    """Each second by itself looks for the grant that ends first, of those that hold on its day and are not used up."""
    left = {grant.pk: grant.seconds for grant in grants}
    by_day, by_grant = Counter[date](), Counter[int]()
    for day in sorted(calls):
        for _ in range(calls[day]):
            usable = [
                ((grant.until or date.max), grant.last_period, grant.granted_on, grant.pk)
                for grant in grants
                if left[grant.pk] and grant.granted_on <= day < (grant.until or date.max)
            ]
            if usable:
                *_, pk = min(usable)
                left[pk] -= 1
                by_day[day] += 1
                by_grant[pk] += 1
    return by_day, by_grant


@given(granted, calls)
def test_no_second_is_spoken_that_was_not_granted_called_and_in_time(
    grants: list[Grant], calls: dict[date, int]
) -> None:
    use = spend(grants, calls)
    assert set(use.by_grant) == {grant.pk for grant in grants}
    assert all(0 <= use.by_grant[grant.pk] <= grant.seconds for grant in grants)
    assert all(0 < seconds <= calls[day] for day, seconds in use.by_day.items())
    assert sum(use.by_day.values()) == sum(use.by_grant.values())
    for grant in grants:
        in_time = [day for day in calls if grant.granted_on <= day and (grant.until is None or day < grant.until)]
        assert use.by_grant[grant.pk] <= sum(calls[day] for day in in_time)
    for day, seconds in use.by_day.items():
        held = [grant for grant in grants if grant.granted_on <= day < (grant.until or date.max)]
        assert seconds <= sum(grant.seconds for grant in held)


@given(granted, calls)
def test_each_second_goes_to_the_grant_that_ends_first(grants: list[Grant], calls: dict[date, int]) -> None:
    use = spend(grants, calls)
    by_day, by_grant = second_by_second(grants, calls)
    assert dict(use.by_day) == dict(by_day)
    assert {pk: seconds for pk, seconds in use.by_grant.items() if seconds} == dict(by_grant)


@given(granted, calls, st.randoms())
def test_the_order_in_which_rows_come_makes_no_difference(
    grants: list[Grant], calls: dict[date, int], random: Random
) -> None:
    other_grants, other_calls = list(grants), list(calls.items())
    random.shuffle(other_grants)
    random.shuffle(other_calls)
    assert spend(other_grants, dict(other_calls)) == spend(grants, calls)


@given(granted, calls)
def test_what_was_not_spoken_can_be_taken_back_without_changing_what_was(
    grants: list[Grant], calls: dict[date, int]
) -> None:
    """So a reversal of the unused minutes leaves every quote as it was."""
    use = spend(grants, calls)
    kept = [
        Grant(grant.pk, use.by_grant[grant.pk], grant.granted_on, grant.last_period, grant.until) for grant in grants
    ]
    assert spend(kept, calls) == use


@pytest.mark.parametrize(
    ("grants", "calls", "by_day", "by_grant"),
    [
        pytest.param([(60, 3, 0)], {2: 60}, {}, [0], id="the day before"),
        pytest.param([(60, 3, 0)], {3: 40}, {3: 40}, [40], id="its own day"),
        pytest.param([(60, 3, 0)], {5: 90}, {5: 60}, [60], id="the last day, and no more than granted"),
        pytest.param([(60, 3, 0)], {6: 60}, {}, [0], id="the day it ends"),
        pytest.param([(60, 3, 1)], {6: 60}, {6: 60}, [60], id="the period after"),
        pytest.param([(60, 3, 1), (60, 4, 0)], {4: 60, 7: 90}, {4: 60, 7: 60}, [60, 60], id="the one that ends first"),
        pytest.param([(60, 3, 1), (60, 4, 0)], {4: 100}, {4: 100}, [40, 60], id="and then the other"),
        pytest.param([(60, 0, 4), (30, 0, 3)], {20: 40}, {20: 40}, [10, 30], id="ends that are not known yet"),
    ],
)
def test_spend(
    grants: list[tuple[int, int, int]], calls: dict[int, int], by_day: dict[int, int], by_grant: list[int]
) -> None:
    """A grant: seconds, day from the first on, last period. Calls: seconds by day."""
    held = [Grant(pk, seconds, DAYS[day], last, CLOSES[last]) for pk, (seconds, day, last) in enumerate(grants)]
    assert spend(held, {DAYS[day]: seconds for day, seconds in calls.items()}) == GrantedUse(
        {DAYS[day]: seconds for day, seconds in by_day.items()}, dict(enumerate(by_grant))
    )


def test_what_was_spoken_between_two_days() -> None:
    use = spend([Grant(1, 100, DAYS[0], 2, CLOSES[2])], {DAYS[2]: 10, DAYS[3]: 20, DAYS[5]: 30})
    assert [use.between(DAYS[2], DAYS[end]) for end in (2, 3, 5, 6)] == [0, 10, 30, 60]


# --- Where a minute costs something else --------------------------------------------------------

COSTS = [Decimal(cost) for cost in ("0", "0.0001", "0.02", "0.03", "0.50")]
costs = st.fixed_dictionaries({day: st.sampled_from(COSTS) for day in DAYS})


@given(granted, st.sampled_from(COSTS), calls, costs)
def test_granted_minutes_are_never_worth_more_than_what_was_approved(
    grants: list[Grant], cost: Decimal, calls: dict[date, int], costs: dict[date, Decimal]
) -> None:
    held = [replace(grant, cost=cost) for grant in grants]
    use = spend(held, calls, costs)
    given_away = sum((seconds * costs[day] for day, seconds in use.by_day.items()), Decimal(0))
    assert given_away <= cost * sum(use.by_grant.values()) <= cost * sum(grant.seconds for grant in held)
    # Never more seconds either, and what was not used up can be taken back.
    assert sum(use.by_day.values()) <= sum(use.by_grant.values())
    kept = [replace(grant, seconds=use.by_grant[grant.pk]) for grant in held]
    assert spend(kept, calls, costs) == use


@given(granted, calls, st.sampled_from(COSTS))
def test_where_a_minute_costs_the_same_or_less_a_second_is_a_second(
    grants: list[Grant], calls: dict[date, int], cost: Decimal
) -> None:
    held = [replace(grant, cost=cost) for grant in grants]
    for today in (cost, cost / 2):
        assert spend(held, calls, dict.fromkeys(DAYS, today)) == spend(grants, calls)


@pytest.mark.parametrize(
    ("cost", "spoken", "used"),
    [("0.02", 100, 100), ("0.01", 100, 100), ("0.04", 50, 100), ("0.03", 66, 99), ("0.50", 4, 100), ("2.50", 0, 0)],
)
def test_in_a_dearer_plan_a_grant_lasts_for_as_much_less(cost: str, spoken: int, used: int) -> None:
    """A hundred seconds at 0.02 a minute."""
    grant = Grant(1, 100, DAYS[0], 4, None, Decimal("0.02"))
    use = spend([grant], {DAYS[2]: 500}, {DAYS[2]: Decimal(cost)})
    assert (use.by_day.get(DAYS[2], 0), use.by_grant[1]) == (spoken, used)


def test_what_was_worth_nothing_buys_nothing() -> None:
    use = spend([Grant(1, 100, DAYS[0], 4)], {DAYS[1]: 10, DAYS[2]: 10}, {DAYS[1]: Decimal(0), DAYS[2]: Decimal(1)})
    assert use == GrantedUse({DAYS[1]: 10}, {1: 10})
