"""What a policy chooses from: bases, remedies, ways to count days. Pure: no Django."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Self


class DayCount(StrEnum):
    """Which days a deadline counts."""

    CALENDAR = "calendar"
    WORKING = "working"


@cache
def known_countries() -> frozenset[str]:
    """The ISO 3166 two-letter codes of the countries whose public holidays are known."""
    import holidays  # here, as below: not every command counts working days, and each would wait for it

    return frozenset(holidays.list_supported_countries(include_aliases=False))


class Basis(StrEnum):
    """Why money may be given back, which decides how it is counted."""

    USAGE = "usage"  # clauses R2, R3
    FULL_MONTH = "full_month"  # clause F5
    INTERRUPTION = "interruption"  # clause R7
    SPECIAL = "special"  # clause R7


def gettext_noop(message: str) -> str:
    """Marks words for translation, as Django's function does, without Django."""
    return message


class RemedyKind(StrEnum):
    """How something is given back (R4, R1): ``label`` names one that was given, ``words`` what a policy allows, and
    ``gives`` the column of a remedy that refers to what it gave.
    """

    label: str
    words: str
    gives: str

    def __new__(cls, value: str, label: str = "", words: str = "", gives: str = "") -> Self:
        kind = str.__new__(cls, value)
        kind._value_, kind.label, kind.words, kind.gives = value, label, words, gives
        return kind

    CREDIT = "credit", gettext_noop("Credit"), gettext_noop("credit on the next cycle"), "credit"
    MINUTES = "minutes", gettext_noop("Minutes"), gettext_noop("more minutes"), "minutes_grant"
    EXTENSION = "extension", gettext_noop("Longer period"), gettext_noop("a longer period"), "extension"
    CASH = "cash", gettext_noop("Cash"), gettext_noop("cash"), "payout"
