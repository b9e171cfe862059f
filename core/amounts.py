"""How amounts are written on pages and in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from iso4217 import Currency

from core.text import Text, grouped, join, when_read
from core.validators import fits_currency


@when_read
def money_text(amount: Decimal, currency: str) -> str:
    """``1,234.50 EUR``: all of the currency's decimals, grouped. Nothing is rounded."""
    return f"{written_out(amount, currency)} {currency}"


@when_read
def digits_text(amount: Decimal, currency: str) -> str:
    """``1,234.50``: as ``money_text``, for sentences that name the currency themselves."""
    return written_out(amount, currency)


def written_out(amount: Decimal, currency: str) -> str:
    decimals = Currency(currency).exponent if fits_currency(amount, currency) else None
    return grouped(amount, decimals)


def sums_in_words(amounts: Iterable[tuple[str, Decimal]]) -> Text:
    """Amounts with their currency, summed by currency: "12.00 EUR, 5.00 USD"."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return join(", ", (money_text(amount, currency) for currency, amount in sorted(sums.items())))
