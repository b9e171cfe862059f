"""The forms of a policy's draft and of an agreement: one field for each figure, in groups.

The figures are stored in one JSON object, by the names of ``RefundParameters`` and ``FulfilmentParameters``. In an
agreement each is optional, and what is left empty stays as the policy says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from backoffice.actions import ActionForm
from backoffice.forms import country_choices
from billing.money import UnknownCurrency, format_amount, is_whole_minor
from core.text import Text, join, say
from policies.choices import DayCount, known_countries
from policies.parameters.parameters import MOST_DAYS_OF_WARNING, PolicyParameterError
from policies.parameters.text import BASES, DAYS_THAT_COUNT, REMEDIES, WORDS, problem_in_words
from policies.versions.models import FULL_MONTH

AS_THE_POLICY_SAYS = _("as the policy says")


#: What stands for the customer's own country in the choice, where "nothing chosen" means "as the policy says".
OWN_COUNTRY = "customer"


NEVER = "never"


YES, NO = "yes", "no"


#: Every figure, in the groups and the order in which the forms ask for them.
GROUPS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (_("What may be refunded"), (FULL_MONTH, "bases", "remedies", "as_of_day_counts", "consent_needed_after_days")),
    (_("Interruptions"), ("minimum_interruption_seconds",)),
    (
        _("Approvals and expiry"),
        ("second_approval_above", "approval_window_days", "draft_expires_after_days", "proposal_expires_after_days"),
    ),
    (
        _("Deadlines"),
        (
            "acknowledge_within_days",
            "decide_within_days",
            "deadline_days",
            "holidays_of",
            "warn_before_days",
            "escalate_after_days",
            "silence_closes_after_days",
        ),
    ),
    (_("Indemnity for a late answer"), ("indemnity_per_day", "indemnity_maximum")),
    (_("The way to take it further"), ("further_way",)),
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

    _ENTRY = re.compile(
        r"(?:(?P<before>[A-Za-z]{3})\s*)?(?P<amount>[0-9]+(?:\.[0-9]+)?)(?:\s*(?P<behind>[A-Za-z]{3}))?"
    )

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
        for entry in filter(None, map(str.strip, re.split(r"[,;\n]+", text))):
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
        amount, currency = Decimal(found["amount"]), (found["before"] or found["behind"]).upper()
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
            "count": forms.NumberInput(attrs={"aria-label": _("How many"), "min": 0}),
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
        count = forms.IntegerField(min_value=0, max_value=1_000_000)
        unit = forms.TypedChoiceField(choices=LengthWidget.UNITS, coerce=int)
        super().__init__((count, unit), widget=LengthWidget(), **kwargs)

    def compress(self, data_list: Any) -> int | None:
        if not data_list or data_list[0] is None:
            return None
        count, unit = data_list
        return int(count) * int(unit or 1)


def _whole(optional: bool, most: int = 10_000, **kwargs: Any) -> forms.Field:
    return forms.IntegerField(required=not optional, min_value=0, max_value=most, **kwargs)


def _never(least: int) -> Callable[..., forms.Field]:
    return lambda optional, **kwargs: DaysOrNeverField(required=not optional, least=least, **kwargs)


def _several(words: Mapping[str, Text]) -> Callable[..., forms.Field]:
    return lambda optional, **kwargs: forms.MultipleChoiceField(
        required=not optional, choices=tuple(words.items()), widget=forms.CheckboxSelectMultiple, **kwargs
    )


def _one(
    choices: Callable[[], list[tuple[str, Text]]], widget: type[forms.Widget] = forms.Select
) -> Callable[..., forms.Field]:
    def make(optional: bool, **kwargs: Any) -> forms.Field:
        empty = [("", AS_THE_POLICY_SAYS)] if optional else []
        return forms.ChoiceField(required=not optional, choices=[*empty, *choices()], widget=widget, **kwargs)

    return make


def _amounts(optional: bool, **kwargs: Any) -> forms.Field:
    return AmountsField(required=False, if_empty=None if optional else {}, **kwargs)


def _holiday_choices() -> list[tuple[str, Text]]:
    countries: list[tuple[str, Text]] = [(code, name) for code, name in country_choices() if code in known_countries()]
    return [(OWN_COUNTRY, say("the customer’s own country")), *countries]


_yes_no = _one(lambda: [(YES, say("yes")), (NO, say("no"))], forms.RadioSelect)


_YES_NO = (FULL_MONTH, "as_of_day_counts")


#: How each figure is asked for; the others are whole numbers of days.
_MAKE: Mapping[str, Callable[..., forms.Field]] = {
    **dict.fromkeys(_YES_NO, _yes_no),
    # A full month at discretion is no basis of its own to allow: the figure above it says whether it may be given.
    "bases": _several({name: words for name, words in BASES.items() if name != "full_month"}),
    "remedies": _several(REMEDIES),
    "consent_needed_after_days": _never(0),
    "minimum_interruption_seconds": lambda optional, **kwargs: LengthField(required=not optional, **kwargs),
    "second_approval_above": _amounts,
    "deadline_days": _one(lambda: [(each.value, DAYS_THAT_COUNT[each.value]) for each in DayCount]),
    "holidays_of": _one(_holiday_choices),
    "warn_before_days": lambda optional, **kwargs: _whole(optional, MOST_DAYS_OF_WARNING, **kwargs),
    "escalate_after_days": _never(1),
    "indemnity_per_day": _amounts,
    "indemnity_maximum": _amounts,
    "further_way": lambda optional, **kwargs: forms.CharField(required=not optional, max_length=400, **kwargs),
}


def _field(name: str, *, optional: bool) -> forms.Field:
    words = WORDS[name]
    make: Callable[..., forms.Field] = _MAKE.get(name, _whole)
    label: Text = words.label
    if name == "escalate_after_days":
        label = say("{figure} every (days)", figure=words.label)
    elif name.endswith("_days") and name != "deadline_days":
        label = say("{figure} (days)", figure=words.label)
    choice = name in _YES_NO or name in ("deadline_days", "holidays_of")
    hints: list[Text] = [words.hint] if words.hint else []
    if optional and not choice:
        hints.append(say("Left empty: as the policy says."))
    return make(optional, label=label, help_text=join(" ", hints))


def _typed(name: str, stored: Any) -> Any:
    """A stored figure as its field shows it."""
    if name in _YES_NO:
        return YES if stored else NO
    if name == "holidays_of":
        return stored or OWN_COUNTRY
    return NEVER if stored is None else stored


def _stored(name: str, typed: Any) -> Any:
    """What was typed as it is stored."""
    if name in _YES_NO:
        return typed == YES
    if name == "holidays_of":
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
            self.fields[name] = _field(name, optional=self.optional)
            if isinstance(stored, Mapping) and name in stored:
                self.initial.setdefault(name, _typed(name, stored[name]))
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
                figures[name] = _stored(name, typed)
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
