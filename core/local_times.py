"""From the clock on the wall to an instant, on the two days a year when that is not plain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from core.text import Text, say


class Which(StrEnum):
    """Which of the two, when the clocks are put back and an hour of the wall comes twice."""

    FIRST = "first"
    SECOND = "second"


class NoSuchTime(Exception):
    """The clocks were put forward past it."""

    def __init__(self, sentence: Text) -> None:
        super().__init__("missing")
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class TypedTime:
    """What a form holds: the text of a local time, and which of the two where somebody said so."""

    text: str
    which: Which | None = None


def comes_twice(wall: datetime, zone: tzinfo) -> bool:
    """Whether the clock in ``zone`` shows the naive time ``wall`` twice."""
    return wall.replace(tzinfo=zone, fold=0).utcoffset() > wall.replace(tzinfo=zone, fold=1).utcoffset()  # type: ignore[operator]


def instant(wall: datetime, zone: tzinfo, which: Which = Which.FIRST) -> datetime:
    """The aware time at which the clock in ``zone`` shows ``wall``; ``which`` matters where it does so twice.

    Raises:
        NoSuchTime: the clock never shows it.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() < second.utcoffset():  # type: ignore[operator]
        raise NoSuchTime(
            say("{time} did not exist on {day}: the clocks were put forward.", time=f"{wall:%H:%M}", day=wall.date())
        )
    return second if which is Which.SECOND and comes_twice(wall, zone) else first
