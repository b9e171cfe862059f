"""``{% money amount currency %}``: see ``accounts.amounts``."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils.safestring import SafeString

from accounts import amounts

register = template.Library()


@register.simple_tag
def money(amount: Decimal | None, currency: str) -> SafeString:
    """An amount for a cell of its own: right-aligned, tabular figures."""
    return amounts.money(amount, currency)


@register.simple_tag
def money_text(amount: Decimal, currency: str) -> str:
    """An amount within a sentence."""
    return amounts.money_text(amount, currency)
