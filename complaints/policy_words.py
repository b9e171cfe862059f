"""The figures of a policy in plain words, for staff pages and for everybody. No Django, no models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from babel import Locale
from django.utils.translation import gettext_lazy

from audit.words import Text, say

type Say = Callable[[Any], str]


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


def _yes_no(value: Any) -> str:
    return say("yes") if value else say("no")


def _days(value: Any) -> str:
    return say("never") if value is None else say("the same day") if value == 0 else _count(value, "day")


def _last_days(value: Any) -> str:
    return f"the last {_count(value, 'day')}" if value else say("none")


def _length(seconds: Any) -> str:
    """Seconds in their largest whole units: "4 hours", "1 hour 30 minutes"."""
    parts = []
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(_count(count, unit))
    return " ".join(parts) or say("any length")


def _amounts(value: Any) -> str:
    """Amounts by currency above which something holds; it always holds for a currency that is not named."""
    named = [f"{amount} {currency}" for currency, amount in sorted(value.items())]
    return ", ".join([*named, "any amount in other currencies" if named else "any amount"])


def _country(value: Any) -> str:
    return Locale("en").territories.get(value, _plain(value)) if value else say("the customer's country")


def _indemnities(value: Any) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(value.items())) or say("nothing")


def _maxima(value: Any) -> str:
    return ", ".join([*(f"{amount} {currency}" for currency, amount in sorted(value.items())), "the period's fee"])


def _overdue(value: Any) -> str:
    return say("never by itself") if value is None else f"after every {_count(value, 'day')}"


def _one_of(words: Mapping[str, str]) -> Say:
    return lambda values: ", ".join(words.get(str(value), _plain(value)) for value in values)


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def _plain(value: Any) -> str:
    """Any value, for a figure that nobody has found words for yet."""
    if isinstance(value, bool):
        return _yes_no(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(entry)}" for key, entry in value.items()) or say("none")
    if isinstance(value, list | tuple):
        return ", ".join(_plain(entry) for entry in value) or say("none")
    return say("none") if value is None else str(value).replace("_", " ")


BASES = {
    "usage": "what was not used",
    "interruption": "how long the service was missing",
    "special": "special cases",
    "full_month": "a full month at discretion",
}
REMEDIES = {
    "credit": "credit on the next cycle",
    "minutes": "more minutes",
    "extension": "a longer period",
    "cash": "cash",
}

#: In the order in which pages show them.
WORDS: Mapping[str, FigureWords] = MappingProxyType(
    {
        "full_month_allowed": FigureWords("A full month may be given back at discretion", _yes_no, public=True),
        "bases": FigureWords("A refund is counted by", _one_of(BASES), public=True),
        "remedies": FigureWords("A refund can be given as", _one_of(REMEDIES), public=True),
        "as_of_day_counts": FigureWords(
            "The day on which a complaint arrives counts as a day of service",
            _yes_no,
            public=True,
            hint=gettext_lazy("If it counts, the customer had the service on that day, and it is taken off."),
        ),
        "minimum_interruption_seconds": FigureWords("The shortest interruption that counts", _length, public=True),
        "acknowledge_within_days": FigureWords(
            "Receipt of a complaint is confirmed within",
            _days,
            public=True,
            hint=gettext_lazy("After the day on which it reached us."),
        ),
        "decide_within_days": FigureWords(
            "A complaint is decided within",
            _days,
            public=True,
            hint=gettext_lazy("After the day on which it reached us."),
        ),
        "deadline_days": FigureWords(
            "These days are",
            lambda value: f"{value} days",
            public=True,
            hint=gettext_lazy(
                "Working days leave out the weekends and public holidays of a country, by its calendar of each year."
            ),
        ),
        "holidays_of": FigureWords(
            "Working days leave out the weekends and public holidays of",
            _country,
            public=True,
            hint=gettext_lazy("For working days alone."),
        ),
        "indemnity_per_day": FigureWords(
            "For each day by which an answer is late we may give",
            _indemnities,
            public=True,
            hint=gettext_lazy("One currency a line, such as EUR 1.50; “none” for none."),
        ),
        "indemnity_maximum": FigureWords(
            "For one late answer at most",
            _maxima,
            public=True,
            hint=gettext_lazy("One currency a line; never more than the period’s fee, whatever stands here."),
        ),
        "silence_closes_after_days": FigureWords(
            "An answered complaint is closed if the customer is silent for", _days, public=True
        ),
        "further_way": FigureWords(
            "Whoever is not satisfied can turn to",
            _plain,
            public=True,
            hint=gettext_lazy("A rejection has to name it."),
        ),
        "consent_needed_after_days": FigureWords(
            "A team lead has to consent if the period ended longer ago than",
            _days,
            hint=gettext_lazy("A number of days, or “never”."),
        ),
        "warn_before_days": FigureWords(
            "Staff are warned before a deadline ends, by",
            _days,
            hint=gettext_lazy("From so many calendar days before its last day on, pages and digests show it as near."),
        ),
        "escalate_after_days": FigureWords(
            "An overdue case rises by a level",
            _overdue,
            hint=gettext_lazy(
                "After so many calendar days beyond its deadline, and after as many again each further "
                "time; its lead is told. Or “never”."
            ),
        ),
        "second_approval_above": FigureWords(
            "Two people approve above",
            _amounts,
            hint=gettext_lazy(
                "One currency a line, such as EUR 500.00. In a currency that is not named two people "
                "approve any amount."
            ),
        ),
        "approval_window_days": FigureWords(
            "Counted against an approver's limit: what was given in",
            _last_days,
            hint=gettext_lazy("So many days back. What the same customer was granted in them counts."),
        ),
        "draft_expires_after_days": FigureWords("A draft refund expires after", _days),
        "proposal_expires_after_days": FigureWords("A proposed refund expires after", _days),
    }
)


def figure(name: str, value: Any) -> Figure:
    """A figure by its stored name and value. One without words reads as it is stored, and is not public."""
    words = WORDS.get(name) or FigureWords(name.replace("_", " ").capitalize(), _plain)
    return Figure(name, str(words.label), words.say(value), words.public)


def figures(parameters: Mapping[str, Any]) -> list[Figure]:
    """All figures of a version in the order of ``WORDS``, then those without words."""
    order = {name: place for place, name in enumerate(WORDS)}
    return [figure(name, parameters[name]) for name in sorted(parameters, key=lambda name: order.get(name, len(order)))]


def public_figures(parameters: Mapping[str, Any]) -> list[Figure]:
    """What a customer can expect: the public figures, but for those that another one leaves without effect."""
    without_effect = set()
    if parameters.get("deadline_days") == "calendar":
        without_effect.add("holidays_of")
    if not parameters.get("indemnity_per_day"):
        without_effect |= {"indemnity_per_day", "indemnity_maximum"}
    return [shown for shown in figures(parameters) if shown.public and shown.name not in without_effect]
