"""``{% money amount currency %}``: see ``core.amounts``."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.utils.safestring import SafeString

from backoffice import amounts as backoffice_amounts
from core import amounts as core_amounts
from core.text import Text

register = template.Library()


@register.simple_tag
def money(amount: Decimal | None, currency: str) -> SafeString:
    """An amount for a cell of its own: right-aligned, tabular figures."""
    return backoffice_amounts.money(amount, currency)


@register.simple_tag
def money_text(amount: Decimal, currency: str) -> Text:
    """An amount within a sentence."""
    return core_amounts.money_text(amount, currency)
