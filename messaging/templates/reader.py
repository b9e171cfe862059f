"""Figures and days as the reader of a message writes them: in their language, amounts with the currency beside them.

Nothing is rounded: an amount has all of its currency's decimals, or more if it is finer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal
from iso4217 import Currency

#: British rather than American English: the day before the month.
_LOCALES = {"en": "en_GB", "it": "it_IT"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads a language: "en" or "it"."""

    language: str

    @property
    def locale(self) -> str:
        return _LOCALES[self.language]

    def money(self, amount: Decimal, currency: str) -> str:
        """``1,234.50 EUR`` in English, ``1.234,50 EUR`` in Italian; the sign is a true minus."""
        return _money(self, amount, currency)

    def number(self, number: Decimal, decimals: int = 0) -> str:
        """Grouped, with at least so many decimals; none that the number has is cut off."""
        exponent = number.normalize().as_tuple().exponent
        own = max(0, -exponent) if isinstance(exponent, int) else 0
        places = max(decimals, own)
        pattern = "#,##0." + "0" * places if places else "#,##0"
        return format_decimal(number, format=pattern, locale=self.locale).replace("-", "\u2212", 1)

    def day(self, day: date) -> str:
        """``10 April 2024``, ``10 aprile 2024``."""
        return _day(self, day)


# A billing run tells thousands of customers of the same few amounts and days. Equal decimals are written equally.
@lru_cache(maxsize=4096)
def _money(reader: Reader, amount: Decimal, currency: str) -> str:
    return f"{reader.number(amount, Currency(currency).exponent or 0)} {currency}"


@lru_cache(maxsize=1024)
def _day(reader: Reader, day: date) -> str:
    return format_date(day, format="d MMMM y", locale=reader.locale)
