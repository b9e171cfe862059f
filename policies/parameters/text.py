"""The figures of a policy in plain words, for staff pages and for everybody. No models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from babel import Locale
from django.utils.translation import get_language, gettext_lazy

from core.amounts import money_text
from core.text import Text, join, say, say_count
from policies.parameters.parameters import PolicyParameterError

type Say = Callable[[Any], Text]


@dataclass(frozen=True, slots=True)
class FigureWords:
    """What a figure is called and how its value reads; ``hint`` helps whoever types it.

    ``public`` says whether the public page shows it: what a customer can expect is shown, how staff check each other
    is not.
    """

    label: Text
    say: Say
    public: bool = False
    hint: Text = ""


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


def _one_of(words: Mapping[str, Text]) -> Say:
    return lambda values: join(", ", (words.get(str(value), _plain(value)) for value in values))


def _days_that_count(value: Any) -> str:
    return str(DAYS_THAT_COUNT.get(str(value), _plain(value)))


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
    "usage": gettext_lazy("what was not used"),
    "interruption": gettext_lazy("how long the service was missing"),
    "special": gettext_lazy("special cases"),
    "full_month": gettext_lazy("a full month at discretion"),
}
REMEDIES: Mapping[str, Text] = {
    "credit": gettext_lazy("credit on the next cycle"),
    "minutes": gettext_lazy("more minutes"),
    "extension": gettext_lazy("a longer period"),
    "cash": gettext_lazy("cash"),
}

DAYS_THAT_COUNT: Mapping[str, Text] = {
    "calendar": gettext_lazy("calendar days"),
    "working": gettext_lazy("working days"),
}

#: In the order in which pages show them.
WORDS: Mapping[str, FigureWords] = MappingProxyType(
    {
        "full_month_allowed": FigureWords(
            gettext_lazy("A full month may be given back at discretion"), _yes_no, public=True
        ),
        "bases": FigureWords(gettext_lazy("A refund is counted by"), _one_of(BASES), public=True),
        "remedies": FigureWords(gettext_lazy("A refund can be given as"), _one_of(REMEDIES), public=True),
        "as_of_day_counts": FigureWords(
            gettext_lazy("The day on which a complaint arrives counts as a day of service"),
            _yes_no,
            public=True,
            hint=gettext_lazy("If it counts, the customer had the service on that day, and it is taken off."),
        ),
        "minimum_interruption_seconds": FigureWords(
            gettext_lazy("The shortest interruption that counts"), _length, public=True
        ),
        "acknowledge_within_days": FigureWords(
            gettext_lazy("Receipt of a complaint is confirmed within"),
            _days,
            public=True,
            hint=gettext_lazy("After the day on which it reached us."),
        ),
        "decide_within_days": FigureWords(
            gettext_lazy("A complaint is decided within"),
            _days,
            public=True,
            hint=gettext_lazy("After the day on which it reached us."),
        ),
        "deadline_days": FigureWords(
            gettext_lazy("These days are"),
            _days_that_count,
            public=True,
            hint=gettext_lazy(
                "Working days leave out the weekends and public holidays of a country, by its calendar of each year."
            ),
        ),
        "holidays_of": FigureWords(
            gettext_lazy("Working days leave out the weekends and public holidays of"),
            _country,
            public=True,
            hint=gettext_lazy("For working days alone."),
        ),
        "indemnity_per_day": FigureWords(
            gettext_lazy("For each day by which an answer is late we may give"),
            _indemnities,
            public=True,
            hint=gettext_lazy("One currency a line, such as EUR 1.50; “none” for none."),
        ),
        "indemnity_maximum": FigureWords(
            gettext_lazy("For one late answer at most"),
            _maxima,
            public=True,
            hint=gettext_lazy("One currency a line; never more than the period’s fee, whatever stands here."),
        ),
        "silence_closes_after_days": FigureWords(
            gettext_lazy("An answered complaint is closed if the customer is silent for"), _days, public=True
        ),
        "further_way": FigureWords(
            gettext_lazy("Whoever is not satisfied can turn to"),
            _plain,
            public=True,
            hint=gettext_lazy("A rejection has to name it."),
        ),
        "consent_needed_after_days": FigureWords(
            gettext_lazy("A team lead has to consent if the period ended longer ago than"),
            _days,
            hint=gettext_lazy("A number of days, or “never”."),
        ),
        "warn_before_days": FigureWords(
            gettext_lazy("Staff are warned before a deadline ends, by"),
            _days,
            hint=gettext_lazy("From so many calendar days before its last day on, pages and digests show it as near."),
        ),
        "escalate_after_days": FigureWords(
            gettext_lazy("An overdue case rises by a level"),
            _overdue,
            hint=gettext_lazy(
                "After so many calendar days beyond its deadline, and after as many again each further "
                "time; its lead is told. Or “never”."
            ),
        ),
        "second_approval_above": FigureWords(
            gettext_lazy("Two people approve above"),
            _amounts,
            hint=gettext_lazy(
                "One currency a line, such as EUR 500.00. In a currency that is not named two people "
                "approve any amount."
            ),
        ),
        "approval_window_days": FigureWords(
            gettext_lazy("Counted against an approver's limit: what was given in"),
            _last_days,
            hint=gettext_lazy("So many days back. What the same customer was granted in them counts."),
        ),
        "draft_expires_after_days": FigureWords(gettext_lazy("A draft refund expires after"), _days),
        "proposal_expires_after_days": FigureWords(gettext_lazy("A proposed refund expires after"), _days),
    }
)


def figure(name: str, value: Any) -> Figure:
    """A figure by its stored name and value. One without words reads as it is stored, and is not public."""
    words = WORDS.get(name) or FigureWords(name.replace("_", " ").capitalize(), _plain)
    return Figure(name, str(words.label), str(words.say(value)), words.public)


def figures(parameters: Mapping[str, Any]) -> list[Figure]:
    """All figures of a version in the order of ``WORDS``, then those without words."""
    order = {name: place for place, name in enumerate(WORDS)}
    return [figure(name, parameters[name]) for name in sorted(parameters, key=lambda name: order.get(name, len(order)))]


def problem_in_words(problem: PolicyParameterError) -> Text:
    """What is wrong with a figure, for whoever typed it. What only programs can do wrong is said in English."""
    match problem.code:
        case "nothing_a_day":
            return say("{currency}: leave the currency out instead of naming nothing.", currency=problem.currency)
        case "maximum_alone":
            return say("{currency}: there is a maximum, but no amount for a day of delay.", currency=problem.currency)
    return problem.message


def public_figures(parameters: Mapping[str, Any]) -> list[Figure]:
    """What a customer can expect: the public figures, but for those that another one leaves without effect."""
    without_effect = set()
    if parameters.get("deadline_days") == "calendar":
        without_effect.add("holidays_of")
    if not parameters.get("indemnity_per_day"):
        without_effect |= {"indemnity_per_day", "indemnity_maximum"}
    return [shown for shown in figures(parameters) if shown.public and shown.name not in without_effect]
