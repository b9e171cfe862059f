"""A period's calls by day, small enough for a cell of a table: drawn on the server, told in words to screen readers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from billing.subscriptions.models import BillingPeriod
from billing.usage.models import UsageDay, UsageKind
from core.text import Text, counted, say

HEIGHT = 24


@dataclass(frozen=True, slots=True)
class Column:
    """A day on the drawing, in units of its own; ``y`` from the top."""

    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The calls of a period: minutes, rounded up as a whole, against those that the period includes."""

    columns: tuple[Column, ...]
    days: int
    minutes: int
    allowance: int
    most: int
    most_on: date | None

    @property
    def over(self) -> int:
        """Minutes beyond those that are included."""
        return max(0, self.minutes - self.allowance)

    @property
    def width(self) -> int:
        """Four units a day: three of a column, one between two."""
        return 4 * self.days

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def in_words(self) -> Text:
        minutes, allowance = counted(self.minutes), counted(self.allowance)
        if self.most_on is None:
            return say("{minutes} of {allowance} minutes used", minutes=minutes, allowance=allowance)
        return say(
            "{minutes} of {allowance} minutes used, the most on {day}: {most}",
            minutes=minutes,
            allowance=allowance,
            day=self.most_on,
            most=counted(self.most),
        )


def sparkline(period: BillingPeriod, usage: Iterable[UsageDay], *, granted: int = 0) -> Sparkline:
    """Draw the period's calls of ``usage``; ``granted`` minutes stand beside those that the plan includes."""
    calls: dict[date, int] = {}
    for row in usage:
        if row.kind == UsageKind.CALL:
            calls[row.local_day] = calls.get(row.local_day, 0) + row.seconds
    most_on = max(sorted(calls), key=calls.__getitem__, default=None)
    most = calls[most_on] if most_on else 0
    columns = []
    for on, seconds in sorted(calls.items()):
        if seconds:
            height = max(1, HEIGHT * seconds // most)
            columns.append(Column(4 * (on - period.starts_on).days, HEIGHT - height, height))
    return Sparkline(
        columns=tuple(columns),
        days=(period.closes_on - period.starts_on).days,
        minutes=-(-sum(calls.values()) // 60),
        allowance=period.included_minutes + granted,
        most=-(-most // 60),
        most_on=most_on if most else None,
    )


def usage_cell(period: BillingPeriod) -> SafeString:
    """The drawing with its sum beneath, for a table's cell. Expects ``usage_days``, and ``granted``: the annotated
    sum of granted minutes.
    """
    granted: int | None = cast("Any", period).granted
    line = sparkline(period, period.usage_days.all(), granted=granted or 0)
    return render_to_string("billing/sparkline.html", {"line": line})
