"""Exact decimals on both databases: fixed point over a whole number column.

SQLite keeps decimal columns as floats, so constraints and sums on them lie; whole numbers never do.
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.text import Text, join, number_text, say

# Wide enough for every value of a 64-bit column; nothing is ever rounded here.
_EXACT = Context(prec=60)


def amount_text(amount: Decimal, currency: str) -> Text:
    """Every digit of an amount, with its currency: ``0.015 EUR``. For a cost of one unit, which may be finer than the
    currency, and for the name of a row; amounts on pages are written by ``core.amounts``.
    """
    return join(" ", (number_text(amount), currency))


class FixedPointField(models.BigIntegerField):  # type: ignore[type-arg]
    """A ``Decimal`` with a fixed number of places, stored as a whole number.

    A value with more places than the field is an error, never rounded: rounding is for ``billing.money`` alone.
    """

    if TYPE_CHECKING:
        _pyi_private_set_type: Decimal | int | models.expressions.Combinable  # type: ignore[assignment]
        _pyi_private_get_type: Decimal  # type: ignore[assignment]

    description = _("Exact decimal")

    #: From which stored number on a value is refused, with either sign.
    too_large = 2**63

    def __init__(self, *args: Any, places: int = 4, **kwargs: Any) -> None:
        self.places = places
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs["places"] = self.places
        return name, path, list(args), kwargs

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        # Sums come back as numeric from PostgreSQL, hence the int().
        return None if value is None else self._tidy(Decimal(int(value)).scaleb(-self.places, _EXACT))

    @staticmethod
    def _tidy(value: Decimal) -> Decimal:
        """Without trailing zeros beyond two places, so that 59.9000 reads as 59.90."""
        short = value.normalize(_EXACT)
        exponent = short.as_tuple().exponent
        assert isinstance(exponent, int)
        return short if exponent < -2 else short.quantize(Decimal("0.01"), context=_EXACT)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or value == "":
            return None
        if isinstance(value, float):
            raise ValidationError(say("A decimal is due, not a float."), code="invalid")
        try:
            number = value if isinstance(value, Decimal) else Decimal(str(value))
        except InvalidOperation:
            raise ValidationError(
                say("“%(value)s” is not a number."), code="invalid", params={"value": value}
            ) from None
        if not number.is_finite():
            raise ValidationError(say("“%(value)s” is not a number."), code="invalid", params={"value": value})
        return number

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        number = self.to_python(value)
        if number is None:
            return None
        if number and number.adjusted() > 30:
            raise ValidationError(_("%(value)s is too large."), params={"value": value})
        scaled = number.scaleb(self.places, _EXACT)
        whole = int(scaled)
        if whole != scaled:
            raise ValidationError(
                _("%(value)s has more than %(places)s decimals."),
                params={"value": value, "places": self.places},
            )
        if abs(whole) >= self.too_large:
            raise ValidationError(_("%(value)s is too large."), params={"value": value})
        return whole

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if prepared else self.get_prep_value(value)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        cleaned = super().clean(value, model_instance)
        self.get_prep_value(cleaned)
        return cleaned

    @property
    def validators(self) -> list[Any]:
        # Those of a whole number column compare with the column's range, which is not the value's.
        return list(self._validators)  # type: ignore[attr-defined]

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else f"{value:f}"

    def formfield(self, **kwargs: Any) -> Any:
        return models.Field.formfield(
            self, **{"form_class": forms.DecimalField, "decimal_places": self.places, **kwargs}
        )


class MoneyField(FixedPointField):
    """An amount of money in the currency's major unit; which currency, a column beside it says. Below a hundred
    billion, so that thousands of them can be added up in a column.
    """

    too_large = 10**15
    description = _("Amount of money")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["places"] = 4  # no ISO 4217 currency has more
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["places"]
        return name, path, args, kwargs


class CostField(FixedPointField):
    """A cost per minute or per operation, which may be finer than the currency's minor unit (0.0150)."""

    description = _("Cost of one unit")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["places"] = 8
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["places"]
        return name, path, args, kwargs


class RateField(FixedPointField):
    """A rate in percent: 22 is 22 %."""

    description = _("Rate")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["places"] = 6
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["places"]
        return name, path, args, kwargs
