"""Form fields that every room uses: days, amounts, reasons, currencies, countries."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from iso4217 import Currency

from backoffice.widgets import DateInput
from core.fields import MoneyField
from core.validators import countries, names_in


def country_choices() -> list[tuple[str, str]]:
    """Countries by name."""
    return sorted(countries().items(), key=lambda entry: entry[1])


def currency_choices() -> list[tuple[str, str]]:
    """Currencies with a minor unit, the most used ones first."""
    return _currencies(get_language())


@cache
def _currencies(language: str | None) -> list[tuple[str, str]]:
    names = names_in(language).currencies
    codes = [currency.code for currency in Currency if currency.exponent is not None]
    first = ["EUR", "USD", "GBP", "CHF"]
    ordered = [*first, *sorted(set(codes) - set(first))]
    return [(code, f"{code} {names.get(code, '')}".strip()) for code in ordered]


class DateField(forms.DateField):
    widget = DateInput


class ReasonField(forms.CharField):
    """A reason that becomes part of the record."""

    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Reason") if kwargs.get("required", True) else _("Reason (optional)"))
        super().__init__(**{"help_text": _("It becomes part of the record."), "max_length": 4000, **kwargs})


class AmountField(forms.DecimalField):
    """An amount that is stored as it was typed, so no finer than the column."""

    def __init__(self, **kwargs: Any) -> None:
        places = MoneyField().places
        super().__init__(**{"min_value": 0, "max_digits": 14, "decimal_places": places, **kwargs})
