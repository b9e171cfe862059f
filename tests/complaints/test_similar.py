"""What was given in similar cases: the middle, the spread, and what lies far outside."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from complaints.similar import ENOUGH, percent, share_of, summary


def shares(*percents: int) -> list[Fraction]:
    return [Fraction(value, 100) for value in percents]


@pytest.mark.parametrize(
    ("given_shares", "middle", "lower", "upper"),
    [
        ((40,), 40, 40, 40),
        ((20, 40), 30, 25, 35),
        ((10, 20, 30, 40, 50), 30, 20, 40),
        ((50, 10, 40, 20, 30, 60), 35, Fraction(45, 2), Fraction(95, 2)),
    ],
)
def test_the_middle_and_the_quartiles(
    given_shares: tuple[int, ...], middle: int, lower: Fraction | int, upper: Fraction | int
) -> None:
    found = summary(shares(*given_shares))
    assert found is not None
    assert (found.middle, found.lower_quartile, found.upper_quartile) == (
        Fraction(middle, 100),
        Fraction(lower) / 100,
        Fraction(upper) / 100,
    )
    assert (found.lowest, found.highest) == (Fraction(min(given_shares), 100), Fraction(max(given_shares), 100))


def test_nothing_to_compare_with() -> None:
    assert summary([]) is None


def test_too_few_cases_call_nothing_unusual() -> None:
    few = summary(shares(*[40] * (ENOUGH - 1)))
    enough = summary(shares(*[40] * ENOUGH))
    assert few is not None
    assert enough is not None
    assert not few.is_unusual(Fraction(1))
    assert enough.is_unusual(Fraction(1))


@pytest.mark.parametrize(("share", "unusual"), [(9, True), (10, False), (40, False), (70, False), (71, True)])
def test_far_outside_is_one_and_a_half_times_the_quartiles_distance(share: int, unusual: bool) -> None:
    """Quartiles 32.5 and 47.5 of these ten: 22.5 points beyond them on both sides."""
    found = summary(shares(30, 30, 30, 40, 40, 40, 40, 50, 50, 50))
    assert found is not None
    assert (found.lower_quartile, found.upper_quartile) == (Fraction(325, 1000), Fraction(475, 1000))
    assert found.is_unusual(Fraction(share, 100)) is unusual


def test_where_all_gave_the_same_a_tenth_of_the_fee_is_still_usual() -> None:
    found = summary(shares(*[40] * 10))
    assert found is not None
    assert found.usual == (Fraction(30, 100), Fraction(50, 100))


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=40))
def test_what_was_given_in_the_middle_is_never_unusual(given_shares: list[Fraction]) -> None:
    found = summary(given_shares)
    assert found is not None
    assert not found.is_unusual(found.middle)
    low, high = found.usual
    assert 0 <= low <= found.lower_quartile <= found.middle <= found.upper_quartile <= high <= 1


def test_shares_of_a_fee() -> None:
    assert share_of(Decimal("28.26"), Decimal("56.52")) == Fraction(1, 2)
    assert share_of(Decimal(0), Decimal(0)) == 0
    assert [percent(Fraction(n, 1000)) for n in (444, 445, 0, 1000)] == ["44 %", "45 %", "0 %", "100 %"]
