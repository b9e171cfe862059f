"""How a limit is written in a table."""

from __future__ import annotations

from decimal import Decimal

from backoffice.amounts import money
from core.text import Text, say


def limit_cell(amount: Decimal | None, currency: str) -> Text:
    """The amount, or that there is none."""
    return say("No limit") if amount is None else money(amount, currency)
