"""A price in equal monthly parts. Pure: the actions check and store what this proposes."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from decimal import Decimal
from fractions import Fraction

from iso4217 import Currency


def equal_parts(price: Decimal, currency: str, parts: int) -> list[Decimal]:
    """The price in parts that add up to it to the minor unit; what does not divide is in the first ones.

    100.00 EUR in three is 33.34, 33.33, 33.33. Raises ``ValueError`` for more parts than minor units.
    """
    decimals: int = Currency(currency).exponent or 0
    scaled = Fraction(price) * 10**decimals
    if scaled.denominator != 1 or parts < 1 or scaled.numerator < parts:
        raise ValueError(f"{price:f} {currency} cannot be paid in {parts} parts.")
    each, rest = divmod(scaled.numerator, parts)
    return [Decimal(each + (1 if at < rest else 0)).scaleb(-decimals) for at in range(parts)]


def monthly_from(first: date, parts: int) -> list[date]:
    """The day of the first and the same day of the months after it, cut to each month's last day."""
    days = []
    for at in range(parts):
        year, month = divmod(first.year * 12 + first.month - 1 + at, 12)
        days.append(date(year, month + 1, min(first.day, monthrange(year, month + 1)[1])))
    return days
