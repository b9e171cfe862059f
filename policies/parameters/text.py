"""The figures of a policy in plain words, for staff pages and for everybody. No models.

What each figure is called stands in the table of ``policy_parameters``; here is how the values of each unit read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel import Locale
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from core.amounts import money_text
from core.text import Text, join, say, say_count
from policies.choices import RemedyKind
from policies.parameters.parameters import PARAMETERS
from policies.parameters.units import PolicyParameterError, Unit

type Say = Callable[[Any], Text]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a version as people read it."""

    name: str
    label: str
    value: str
    public: bool


def _yes_no(value: Any) -> Text:
    return say("yes") if value else say("no")


def _days(value: Any) -> Text:
    return say("never") if value is None else say("the same day") if value == 0 else _count_of_days(value)


def _last_days(value: Any) -> Text:
    if not value:
        return say("none")
    return say_count("the last {count} day", "the last {count} days", value)


def _count_of_days(number: int) -> Text:
    return say_count("{count} day", "{count} days", number)


def _count_of_hours(number: int) -> Text:
    return say_count("{count} hour", "{count} hours", number)


def _count_of_minutes(number: int) -> Text:
    return say_count("{count} minute", "{count} minutes", number)


def _count_of_seconds(number: int) -> Text:
    return say_count("{count} second", "{count} seconds", number)


_UNITS = ((86_400, _count_of_days), (3_600, _count_of_hours), (60, _count_of_minutes), (1, _count_of_seconds))


def _length(seconds: Any) -> Text:
    """Seconds in their largest whole units: "4 hours", "1 hour 30 minutes"."""
    parts = []
    for length, in_words in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(in_words(count))
    return join(" ", parts) or say("any length")


def _amounts(value: Any) -> Text:
    """Amounts by currency above which something holds; it always holds for a currency that is not named."""
    named = _each_amount(value)
    return join(", ", [*named, say("any amount in other currencies") if named else say("any amount")])


def _each_amount(value: Mapping[str, str]) -> list[Text]:
    return [money_text(Decimal(amount), currency) for currency, amount in sorted(value.items())]


def _country(value: Any) -> Text:
    if not value:
        return say("the customer's country")
    return str(Locale.parse(get_language() or "en", sep="-").territories.get(value, _plain(value)))


def _indemnities(value: Any) -> Text:
    return join(", ", _each_amount(value)) or say("nothing")


def _maxima(value: Any) -> Text:
    return join(", ", [*_each_amount(value), say("the period's fee")])


def _overdue(value: Any) -> Text:
    if value is None:
        return say("never by itself")
    return say_count("after every {count} day", "after every {count} days", value)


def _several_of(words: Mapping[str, Text]) -> Say:
    return lambda values: join(", ", (words.get(str(value), _plain(value)) for value in values))


def _plain(value: Any) -> Text:
    """Any value, for a figure that nobody has found words for yet."""
    if isinstance(value, bool):
        return _yes_no(value)
    if isinstance(value, Mapping):
        return join(", ", (f"{key}: {_plain(entry)}" for key, entry in value.items())) or say("none")
    if isinstance(value, list | tuple):
        return join(", ", (_plain(entry) for entry in value)) or say("none")
    return say("none") if value is None else str(value).replace("_", " ")


BASES: Mapping[str, Text] = {
    "usage": _("what was not used"),
    "interruption": _("how long the service was missing"),
    "special": _("special cases"),
    "full_month": _("a full month at discretion"),
}
REMEDIES: Mapping[str, Text] = {kind.value: _(kind.words) for kind in RemedyKind}
DAYS_THAT_COUNT: Mapping[str, Text] = {
    "calendar": _("calendar days"),
    "working": _("working days"),
}

_READ: Mapping[Unit, Say] = {
    Unit.YES_NO: _yes_no,
    Unit.BASES: _several_of(BASES),
    Unit.REMEDIES: _several_of(REMEDIES),
    Unit.DAY_COUNT: lambda value: str(DAYS_THAT_COUNT.get(str(value), _plain(value))),
    Unit.COUNTRY: _country,
    Unit.SECONDS: _length,
    Unit.DAYS: _days,
    Unit.COUNT: number_format,
    Unit.LAST_DAYS: _last_days,
    Unit.DAYS_OR_NEVER: _days,
    Unit.EVERY_DAYS_OR_NEVER: _overdue,
    Unit.AMOUNTS_ABOVE: _amounts,
    Unit.AMOUNTS_A_DAY: _indemnities,
    Unit.AMOUNTS_AT_MOST: _maxima,
}


def figure(name: str, value: Any) -> Figure:
    """A figure by its stored name and value. One without words reads as it is stored, and is not public."""
    parameter = PARAMETERS.get(name)
    if parameter is None:
        return Figure(name, name.replace("_", " ").capitalize(), str(_plain(value)), public=False)
    return Figure(name, gettext(parameter.label), str(_READ.get(parameter.unit, _plain)(value)), parameter.public)


def figures(parameters: Mapping[str, Any]) -> list[Figure]:
    """All figures of a version: those for everybody first, each in the table's order, then those without words."""
    order = {name: (not parameter.public, place) for place, (name, parameter) in enumerate(PARAMETERS.items())}
    last = (True, len(order))
    return [figure(name, parameters[name]) for name in sorted(parameters, key=lambda name: order.get(name, last))]


def problem_in_words(problem: PolicyParameterError) -> Text:
    """What is wrong with a figure, for whoever typed it. What only programs can do wrong is said in English."""
    return say(problem.template, **problem.values)


def public_figures(parameters: Mapping[str, Any]) -> list[Figure]:
    """What a customer can expect: the public figures, but for those that another one leaves without effect."""
    without_effect = set()
    if parameters.get("deadline_days") == "calendar":
        without_effect.add("holidays_of")
    if not parameters.get("indemnity_per_day"):
        without_effect |= {"indemnity_per_day", "indemnity_maximum"}
    return [shown for shown in figures(parameters) if shown.public and shown.name not in without_effect]
