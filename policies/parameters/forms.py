"""The forms of a policy's draft and of an agreement: one field for each figure, in groups.

The figures are stored in one JSON object, by the names of ``RefundParameters`` and ``FulfilmentParameters``. In an
agreement each is optional, and what is left empty stays as the policy says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import InvalidOperation
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from backoffice.actions import ActionForm
from backoffice.forms import WholeNumberField, country_choices
from backoffice.widgets import NumberInput
from billing.money import UnknownCurrency, format_amount, is_whole_minor
from core.numbers import NotANumber, read_number
from core.text import Text, join, say
from policies.choices import Basis, known_countries
from policies.parameters.parameters import PARAMETERS, Parameter
from policies.parameters.text import BASES, DAYS_THAT_COUNT, REMEDIES, problem_in_words
from policies.parameters.units import ParameterGroup, PolicyParameterError, Unit

AS_THE_POLICY_SAYS = _("as the policy says")


#: What stands for the customer's own country in the choice, where "nothing chosen" means "as the policy says".
OWN_COUNTRY = "customer"


NEVER = "never"


YES, NO = "yes", "no"


#: Every figure, in the groups and the order in which the forms ask for them.
GROUPS: tuple[tuple[Text, tuple[str, ...]], ...] = tuple(
    (_(group), tuple(name for name, parameter in PARAMETERS.items() if parameter.group is group))
    for group in ParameterGroup
)


GROUP_OF: Mapping[str, Text] = {name: group for group, names in GROUPS for name in names}


def _word_for_never() -> str:
    return pgettext("typed in the place of a number of days", "never")


def _word_for_none() -> str:
    return pgettext("typed in the place of amounts", "none")


# --- Fields -------------------------------------------------------------------------------------


class AmountsField(forms.CharField):
    """Amounts by currency, one a line: "EUR 1.50"; cleaned to ``{"EUR": "1.50"}``.

    Commas and the currency behind the amount are read, too. The word "none", in English or the person's language, is no
    amount at all; left empty it is ``if_empty``.
    """

    _ENTRY = re.compile(r"(?:(?P<before>[A-Za-z]{3})\s*)?(?P<amount>[0-9][0-9.,' ]*?)(?:\s*(?P<behind>[A-Za-z]{3}))?")

    #: A comma parts entries only where a currency or a blank follows: "EUR 1,50" is one.
    _BETWEEN = re.compile(r"[;\n]+|,(?=\s|[A-Za-z]|$)")

    def __init__(self, *, if_empty: dict[str, str] | None = None, **kwargs: Any) -> None:
        self.if_empty = if_empty
        super().__init__(**{"widget": forms.Textarea(attrs={"rows": 4}), **kwargs})

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value) or "").strip()
        if not text:
            return self.if_empty
        if text.casefold() in ("none", _word_for_none().casefold()):
            return {}
        amounts: dict[str, str] = {}
        for entry in filter(None, map(str.strip, self._BETWEEN.split(text))):
            currency, amount = self._read(entry)
            if currency in amounts:
                raise forms.ValidationError(say("{currency} stands there twice.", currency=currency), code="twice")
            amounts[currency] = amount
        return amounts

    def _read(self, entry: str) -> tuple[str, str]:
        found = self._ENTRY.fullmatch(entry)
        if found is None or bool(found["before"]) == bool(found["behind"]):
            raise forms.ValidationError(
                say("Write a currency and its amount: EUR 1.50, not “{entry}”.", entry=entry), code="amount"
            )
        try:
            amount = read_number(found["amount"])
        except NotANumber as problem:
            raise forms.ValidationError(problem.sentence, code=problem.code) from None
        currency = (found["before"] or found["behind"]).upper()
        try:
            if is_whole_minor(amount, currency):
                return currency, format_amount(amount, currency)
        except (UnknownCurrency, InvalidOperation):
            raise forms.ValidationError(say("{currency} is no currency.", currency=currency), code="currency") from None
        raise forms.ValidationError(
            say("{entry}: {currency} has fewer decimals.", entry=entry, currency=currency), code="amount"
        )

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        lines = [f"{currency} {amount}" for currency, amount in sorted(value.items())]
        return "\n".join(lines) or ("" if self.if_empty == {} else _word_for_none())


class DaysOrNeverField(forms.CharField):
    """A number of days, or the word "never", in English or the person's language."""

    def __init__(self, *, least: int, **kwargs: Any) -> None:
        self.least = least
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        text = str("" if value is None else value).strip().casefold()
        if not text:
            return None
        if text in (NEVER, _word_for_never().casefold()):
            return NEVER
        if not text.isdecimal() or not self.least <= int(text) <= 10_000:
            raise forms.ValidationError(
                say("Write a number of days, {least} or more, or “never”.", least=self.least), code="days"
            )
        return int(text)

    def prepare_value(self, value: Any) -> Any:
        return _word_for_never() if value == NEVER else value


class LengthWidget(forms.MultiWidget):
    """A number and its unit."""

    UNITS = ((3_600, _("hours")), (60, _("minutes")), (1, _("seconds")))

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        widgets: dict[str, forms.Widget | type[forms.Widget]] = {
            "count": NumberInput(attrs={"aria-label": _("How many")}),
            "unit": forms.Select(attrs={"aria-label": _("Unit")}, choices=self.UNITS),
        }
        super().__init__(widgets, {"class": "length", **(attrs or {})})

    def decompress(self, value: int | None) -> list[int | None]:
        if value is None:
            return [None, self.UNITS[0][0]]
        unit = next(length for length, _ in self.UNITS if value % length == 0)
        return [value // unit, unit]


class LengthField(forms.MultiValueField):
    """A length of time, cleaned to seconds."""

    def __init__(self, **kwargs: Any) -> None:
        count = WholeNumberField(min_value=0, max_value=1_000_000)
        unit = forms.TypedChoiceField(choices=LengthWidget.UNITS, coerce=int)
        super().__init__((count, unit), widget=LengthWidget(), **kwargs)

    def compress(self, data_list: Any) -> int | None:
        if not data_list or data_list[0] is None:
            return None
        count, unit = data_list
        return int(count) * int(unit or 1)


def _holiday_choices() -> list[tuple[str, Text]]:
    countries: list[tuple[str, Text]] = [(code, name) for code, name in country_choices() if code in known_countries()]
    return [(OWN_COUNTRY, say("the customer’s own country")), *countries]


def _field(parameter: Parameter, *, optional: bool) -> forms.Field:
    """How a figure is asked for, by its unit."""
    label: Text = _(parameter.label)
    hints: list[Text] = [_(parameter.hint)] if parameter.hint else []
    make: Callable[..., forms.Field] = WholeNumberField
    options: dict[str, Any] = {"required": not optional}
    choices: Sequence[tuple[str, Text]] = ()
    match parameter.unit:
        case Unit.YES_NO:
            choices = [(YES, say("yes")), (NO, say("no"))]
            options["widget"] = forms.RadioSelect
        case Unit.DAY_COUNT:
            choices = tuple(DAYS_THAT_COUNT.items())
        case Unit.COUNTRY:
            choices = _holiday_choices()
        case Unit.BASES | Unit.REMEDIES:
            make, options["widget"] = forms.MultipleChoiceField, forms.CheckboxSelectMultiple
            words = BASES if parameter.unit is Unit.BASES else REMEDIES
            # A full month at discretion is no basis of its own to allow: another figure says whether it may be given.
            options["choices"] = [(name, said) for name, said in words.items() if name != Basis.FULL_MONTH]
        case Unit.TEXT:
            make, options["max_length"] = forms.CharField, 400
        case Unit.SECONDS:
            make = LengthField
        case Unit.AMOUNTS_ABOVE | Unit.AMOUNTS_A_DAY | Unit.AMOUNTS_AT_MOST:
            make, options = AmountsField, {"required": False, "if_empty": None if optional else {}}
        case Unit.DAYS_OR_NEVER | Unit.EVERY_DAYS_OR_NEVER:
            every = parameter.unit is Unit.EVERY_DAYS_OR_NEVER
            make, options["least"] = DaysOrNeverField, int(every)
            label = say("{figure} every (days)", figure=label) if every else say("{figure} (days)", figure=label)
        case Unit.DAYS | Unit.LAST_DAYS | Unit.COUNT:
            options |= {"min_value": 0, "max_value": parameter.most or 10_000}
            label = label if parameter.unit is Unit.COUNT else say("{figure} (days)", figure=label)
    if choices:
        make, options["choices"] = forms.ChoiceField, [*([("", AS_THE_POLICY_SAYS)] if optional else []), *choices]
    elif optional:
        hints.append(say("Left empty: as the policy says."))
    return make(label=label, help_text=join(" ", hints), **options)


def _typed(unit: Unit, stored: Any) -> Any:
    """A stored figure as its field shows it."""
    match unit:
        case Unit.YES_NO:
            return YES if stored else NO
        case Unit.COUNTRY:
            return stored or OWN_COUNTRY
    return NEVER if stored is None else stored


def _stored(unit: Unit, typed: Any) -> Any:
    """What was typed as it is stored."""
    match unit:
        case Unit.YES_NO:
            return typed == YES
        case Unit.COUNTRY:
            return "" if typed == OWN_COUNTRY else typed
    return None if typed == NEVER else typed


# --- Forms --------------------------------------------------------------------------------------


class FigureForm(ActionForm):
    """A form whose ``json_field`` is not typed: it is put together from the fields of ``names``."""

    json_field: ClassVar[str]
    optional: ClassVar[bool]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        initial = dict(kwargs.pop("initial", None) or {})
        stored = initial.pop(self.json_field, None)
        super().__init__(*args, initial=initial, **kwargs)
        self.names = self.figure_names()
        for name in self.names:
            self.fields[name] = _field(PARAMETERS[name], optional=self.optional)
            if isinstance(stored, Mapping) and name in stored:
                self.initial.setdefault(name, _typed(PARAMETERS[name].unit, stored[name]))
        self.order_fields(self.field_order)

    def figure_names(self) -> tuple[str, ...]:
        """The figures that the form asks for."""
        return tuple(GROUP_OF)

    @property
    def field_groups(self) -> list[tuple[Text, list[forms.BoundField]]]:
        """The fields in their groups, for the template; those of no group under an empty name."""
        found: list[tuple[Text, list[forms.BoundField]]] = []
        for field in self.visible_fields():
            group = GROUP_OF.get(field.name, "")
            if not found or found[-1][0] != group:
                found.append((group, []))
            found[-1][1].append(field)
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        figures = {}
        for name in self.names:
            typed = cleaned.pop(name, None)
            if typed is not None and typed not in ("", []):
                figures[name] = _stored(PARAMETERS[name].unit, typed)
        if not self.errors:
            try:
                self.check(figures, cleaned)
            except PolicyParameterError as problem:
                self.add_error(problem.field if problem.field in self.fields else None, problem_in_words(problem))
        cleaned[self.json_field] = figures
        return cleaned

    def check(self, figures: dict[str, Any], cleaned: dict[str, Any]) -> None:
        """Raise ``PolicyParameterError``, which names the figure, for what the action would refuse."""
        raise NotImplementedError
