"""Form fields that every room uses: days, amounts, reasons, currencies, countries."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from iso4217 import Currency

from backoffice.widgets import TO_THE_MINUTE, AddressInput, DateInput, LocalTimeInput, NumberInput, read_wall
from core.addresses import Address
from core.fields import MoneyField
from core.local_times import NoSuchTime, TypedTime, Which, comes_twice, instant
from core.numbers import NotANumber, read_number, typed_text
from core.text import say
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


def _read(value: Any) -> Decimal | None:
    """What a number's field holds. Raises ValidationError with the problem in words."""
    if not isinstance(value, str):
        return None if value is None else Decimal(value)
    try:
        return read_number(value) if value.strip() else None
    except NotANumber as problem:
        raise ValidationError(problem.sentence, code=problem.code) from None


class NumberField(forms.DecimalField):
    """A number that people type, with a decimal point or comma: ``core.numbers.read_number`` reads it. The limits are
    those of Django's own field.
    """

    widget = NumberInput

    def to_python(self, value: Any) -> Any:
        return _read(value)

    def prepare_value(self, value: Any) -> Any:
        return typed_text(value) if isinstance(value, Decimal) else value


class WholeNumberField(forms.IntegerField):
    """A whole number that people type. A browser's own field would make 25 of ``2,5``."""

    widget = NumberInput(attrs={"inputmode": "numeric"})

    def to_python(self, value: Any) -> int | None:
        number = _read(value)
        if number is not None and number != number.to_integral_value():
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return None if number is None else int(number)


class AmountField(NumberField):
    """An amount that is stored as it was typed, so no finer than the column."""

    def __init__(self, **kwargs: Any) -> None:
        places = MoneyField().places
        super().__init__(**{"min_value": 0, "max_digits": 14, "decimal_places": places, **kwargs})


class LocalTimeField(forms.DateTimeField):
    """A local date and time. One that comes twice asks which; one that the clock skips says so."""

    widget = LocalTimeInput

    def to_python(self, value: Any) -> datetime | None:
        typed = value if isinstance(value, TypedTime) else TypedTime(value) if isinstance(value, str) else None
        if typed is None:
            return super().to_python(value)
        if not typed.text.strip():
            return None
        wall = read_wall(typed.text.strip())
        if wall is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        zone = timezone.get_current_timezone()
        if typed.which is None and comes_twice(wall, zone):
            sentence = say("{time} came twice on {day}. Choose which one.", time=f"{wall:%H:%M}", day=wall.date())
            raise ValidationError(sentence, code="twice")
        try:
            return instant(wall, zone, typed.which or Which.FIRST)
        except NoSuchTime as problem:
            raise ValidationError(problem.sentence, code="missing") from None

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        return TypedTime(f"{local:{TO_THE_MINUTE}}", Which.SECOND if local.fold else Which.FIRST)


class AddressField(forms.MultiValueField):
    """A postal address in its parts; cleans to an ``Address``, an empty one where nothing was typed."""

    widget = AddressInput

    def __init__(self, **kwargs: Any) -> None:
        lengths = (200, 20, 20, 100)
        texts = [forms.CharField(max_length=length, required=False) for length in lengths]
        country = forms.ChoiceField(choices=lambda: [("", ""), *country_choices()], required=False)
        super().__init__((*texts, country), require_all_fields=False, **kwargs)
        parts: Any = self.widget
        parts.offer_countries(country.choices)

    def compress(self, data_list: Any) -> Address:
        return Address(*data_list) if data_list else Address()
