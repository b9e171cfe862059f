"""A price in equal parts: they add up to it to the minor unit. Pure: no database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.purchases.instalments.rules import equal_parts, monthly_from


@pytest.mark.parametrize(
    ("price", "currency", "parts", "expected"),
    [
        ("120.00", "EUR", 1, ["120.00"]),
        ("100.00", "EUR", 3, ["33.34", "33.33", "33.33"]),
        ("0.03", "EUR", 3, ["0.01", "0.01", "0.01"]),
        ("1000", "JPY", 3, ["334", "333", "333"]),
        ("1.000", "KWD", 3, ["0.334", "0.333", "0.333"]),
    ],
)
def test_worked_cases(price: str, currency: str, parts: int, expected: list[str]) -> None:
    assert [str(part) for part in equal_parts(Decimal(price), currency, parts)] == expected


@pytest.mark.parametrize(
    ("price", "currency", "parts"),
    [("0.02", "EUR", 3), ("0", "EUR", 1), ("1.005", "EUR", 1), ("1.5", "JPY", 1), ("10", "EUR", 0), ("-1", "EUR", 1)],
)
def test_what_cannot_be_divided(price: str, currency: str, parts: int) -> None:
    with pytest.raises(ValueError, match="cannot be paid"):
        equal_parts(Decimal(price), currency, parts)


@given(cents=st.integers(1, 10**9), parts=st.integers(1, 60))
def test_parts_add_up_and_differ_by_one_unit_at_most(cents: int, parts: int) -> None:
    price = Decimal(cents).scaleb(-2)
    if cents < parts:
        return
    found = equal_parts(price, "EUR", parts)
    assert sum(found) == price
    assert len(found) == parts
    assert max(found) - min(found) <= Decimal("0.01")
    assert min(found) > 0


def test_months_are_cut_to_their_last_day() -> None:
    assert monthly_from(date(2026, 12, 31), 4) == [
        date(2026, 12, 31),
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
    ]
