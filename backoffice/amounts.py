"""An amount in a cell."""

from __future__ import annotations

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from backoffice.display import sub
from core.amounts import written_out


def money(amount: Decimal | None, currency: str, below: object = "") -> SafeString:
    """The same for a cell, right-aligned with tabular figures; ``below`` is a quieter second line."""
    if amount is None:
        return SafeString("")
    return format_html(
        '<span class="n">{} <span class="currency">{}</span>{}</span>',
        written_out(amount, currency),
        currency,
        sub(below),
    )
