"""What a policy chooses from: bases, remedies, ways to count days. Pure: no Django."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

import holidays


class DayCount(StrEnum):
    """Which days a deadline counts."""

    CALENDAR = "calendar"
    WORKING = "working"


@cache
def known_countries() -> frozenset[str]:
    """The ISO 3166 two-letter codes of the countries whose public holidays are known."""
    return frozenset(holidays.list_supported_countries(include_aliases=False))


class RemedyKind(StrEnum):
    """How something is given back (R4, R1)."""

    CREDIT = "credit"
    MINUTES = "minutes"
    EXTENSION = "extension"
    CASH = "cash"


class Basis(StrEnum):
    """Why money may be given back, which decides how it is counted."""

    USAGE = "usage"  # clauses R2, R3
    FULL_MONTH = "full_month"  # clause F5
    INTERRUPTION = "interruption"  # clause R7
    SPECIAL = "special"  # clause R7
