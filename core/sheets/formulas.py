"""Cells of CSV files that a spreadsheet shows instead of computing them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: object) -> str:
    """The value as text; behind an apostrophe if it could be taken for a formula. Numbers stay as they are."""
    text = str(value)
    if not text.startswith(_FORMULA):
        return text
    try:
        Decimal(text)
    except InvalidOperation:
        return f"'{text}"
    return text
