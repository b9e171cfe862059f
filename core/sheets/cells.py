"""From the cells of a row to values, or to what is wrong with each. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from core.sheets.maps import DateOrder
from core.sheets.problems import Problem, quoted
from core.sheets.reading import Record
from core.text import Text, say

_DATES: Final[Mapping[DateOrder, tuple[re.Pattern[str], tuple[int, int, int]]]] = MappingProxyType(
    {
        DateOrder.YEAR_FIRST: (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), (1, 2, 3)),
        DateOrder.DAY_FIRST: (re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})"), (3, 2, 1)),
        DateOrder.MONTH_FIRST: (re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})"), (3, 1, 2)),
        DateOrder.DAY_FIRST_DOTS: (re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})"), (3, 2, 1)),
    }
)


@dataclass(frozen=True, slots=True)
class Candidate[Value]:
    """A row as read: its value, or why there is none. ``number`` is what names it, as the file has it, for reports."""

    row: int
    number: str
    value: Value | None
    problems: tuple[Problem, ...] = ()


class BadCell(Exception):
    """One cell that cannot be taken in; ``code`` names the rule."""

    def __init__(self, code: str, message: Text) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class RowProblems(list[Problem]):
    """What is wrong with a row, one problem a field."""

    def attempt[T](self, field: str, read: Callable[..., T], *args: object) -> T | None:
        """What ``read`` gives for the arguments, or None with its problem noted."""
        try:
            return read(*args)
        except BadCell as bad:
            self.append(Problem(field, bad.code, bad.message))
        return None


def ragged(record: Record, header: Sequence[str]) -> tuple[Problem, ...]:
    """What is wrong with a row that has not as many cells as the header."""
    count, width = len(record.cells), len(header)
    if count == width:
        return ()
    sentence = say("it has {count} cells where the header has {width}.", count=count, width=width)
    return (Problem("row", "ragged", sentence),)


def read_date(cell: str, order: DateOrder, *, earliest: date, latest: date | None = None) -> date:
    """A day as the file writes it. Raises ``BadCell``; ``latest`` is today where no later day can be."""
    form, (year, month, day) = _DATES[order]
    match = form.fullmatch(cell)
    if match is None:
        raise BadCell("date", say("{text} is no date written as {form}.", text=quoted(cell), form=str(order)))
    try:
        found = date(int(match[year]), int(match[month]), int(match[day]))
    except ValueError:
        raise BadCell("date", say("{text} is no day of the calendar.", text=quoted(cell))) from None
    if latest is not None and found > latest:
        raise BadCell("future", say("{text} lies in the future.", text=quoted(cell)))
    if found < earliest:
        raise BadCell("date", say("{text} lies before {day}.", text=quoted(cell), day=earliest.isoformat()))
    return found
