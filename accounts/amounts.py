"""Amounts for people to read: in the reader's number format, with the currency beside them.

Every amount in a sentence or a cell is written here. What machines read is written by ``billing.money`` instead.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from iso4217 import Currency

from accounts.validators import fits_currency
from audit.backoffice.display import sub
from audit.words import Words, in_both


def money_text(amount: Decimal, currency: str) -> Words:
    """``1,234.50 EUR``: all of the currency's decimals, grouped. Nothing is rounded."""
    return in_both(lambda: f"{_digits(amount, currency)} {currency}")


def digits_text(amount: Decimal, currency: str) -> Words:
    """``1,234.50``: as ``money_text``, for sentences that name the currency themselves."""
    return in_both(lambda: _digits(amount, currency))


def money(amount: Decimal | None, currency: str, below: object = "") -> SafeString:
    """The same for a cell, right-aligned with tabular figures; ``below`` is a quieter second line."""
    if amount is None:
        return SafeString("")
    return format_html(
        '<span class="n">{} <span class="currency">{}</span>{}</span>',
        _digits(amount, currency),
        currency,
        sub(below),
    )


def _digits(amount: Decimal, currency: str) -> str:
    decimals = Currency(currency).exponent if fits_currency(amount, currency) else None
    # Unicode's minus sign: a hyphen before a number is easily lost.
    return number_format(amount, decimals, use_l10n=True, force_grouping=True).replace("-", "\u2212", 1)
