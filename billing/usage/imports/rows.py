"""From a row's cells to a piece of usage, or to what is wrong with the row. Pure.

The columns have fixed names (docs/importing-usage.md). Whether the subscription is known, which period covers the day
and whether the operation had a cost there, is decided in ``actions``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from billing.periods import local_midnight
from core.sheets.cells import BadCell, Candidate, RowProblems, ragged, read_date
from core.sheets.formulas import begins_as_formula
from core.sheets.maps import DateOrder
from core.sheets.problems import FileProblem, Problem, quoted
from core.sheets.reading import Record
from core.text import say

COLUMNS: Final = ("external_id", "subscription", "when", "kind", "operation", "seconds", "quantity")
KINDS: Final = ("call", "operation")
EARLIEST: Final = date(1990, 1, 1)
#: Three years in one call are a slip; a month of many lines in one row is not.
MOST_SECONDS: Final = 100_000_000
LONGEST_ID: Final = 120

_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_WHOLE: Final = re.compile(r"-?[0-9]{1,12}")
_QUANTITY: Final = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one row says: ``seconds`` of a call, or the ``quantity`` of an ``operation``, by its source's id."""

    row: int
    external_id: str
    subscription: str
    occurred_at: datetime
    operation: str
    seconds: int
    quantity: Decimal


class UsageRowReader:
    """Reads the rows of one file. ``today`` is the local day of the import; moments without an offset are local times
    of ``zone``.

    Raises:
        FileProblem: the header lacks a column, or has one that means nothing here.
    """

    def __init__(self, header: Sequence[str], *, today: date, zone: ZoneInfo) -> None:
        if missing := [name for name in COLUMNS if name not in header]:
            raise FileProblem(
                say(
                    "The file has no column {column}; it needs {columns}.",
                    column=quoted(missing[0]),
                    columns=", ".join(COLUMNS),
                )
            )
        if extra := [name for name in header if name not in COLUMNS]:
            raise FileProblem(
                say(
                    "The column {column} means nothing here; the columns are {columns}.",
                    column=quoted(extra[0]),
                    columns=", ".join(COLUMNS),
                )
            )
        self._header = tuple(header)
        self._today, self._zone = today, zone

    def read(self, record: Record) -> Candidate[UsageRow]:
        """The row's usage, or every problem of the row, one a column."""
        if problem := ragged(record, self._header):
            return Candidate(record.row, "", None, problem)
        cells = {name: cell.strip() for name, cell in zip(self._header, record.cells, strict=True)}
        problems = RowProblems()
        external_id = problems.attempt("external_id", _identifier, cells["external_id"])
        subscription = problems.attempt("subscription", _filled, cells["subscription"])
        occurred_at = problems.attempt("when", self._moment, cells["when"])
        kind = problems.attempt("kind", _kind, cells["kind"])
        operation, seconds, quantity = "", 0, Decimal(0)
        if kind == "call":
            seconds = problems.attempt("seconds", _seconds, cells["seconds"]) or 0
            for name in ("operation", "quantity"):
                problems.attempt(name, _blank, cells[name], say("a call"))
        elif kind == "operation":
            operation = problems.attempt("operation", _filled, cells["operation"]) or ""
            quantity = problems.attempt("quantity", _quantity, cells["quantity"]) or Decimal(0)
            problems.attempt("seconds", _blank, cells["seconds"], say("an operation"))
        if problems or external_id is None or subscription is None or occurred_at is None:
            return Candidate(record.row, cells["external_id"], None, tuple(problems))
        row = UsageRow(record.row, external_id, subscription, occurred_at, operation, seconds, quantity)
        return Candidate(record.row, external_id, row)

    def _moment(self, cell: str) -> datetime:
        """A local day (its first moment), a local time, or an instant with its offset; none after today."""
        if not _MOMENT.fullmatch(cell):
            return local_midnight(
                read_date(_filled(cell), DateOrder.YEAR_FIRST, earliest=EARLIEST, latest=self._today), self._zone
            )
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            raise BadCell("date", say("{text} is no time of the calendar.", text=quoted(cell))) from None
        if moment.tzinfo is None:
            local = moment.replace(tzinfo=self._zone)
            if local.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) != moment:
                sentence = say("{text} was skipped when the clocks were put forward.", text=quoted(cell))
                raise BadCell("date", sentence)
            moment = local
        # The same rule as for a day, on the day that it was here.
        read_date(
            moment.astimezone(self._zone).date().isoformat(),
            DateOrder.YEAR_FIRST,
            earliest=EARLIEST,
            latest=self._today,
        )
        return moment


def _filled(cell: str) -> str:
    if not cell:
        raise BadCell("blank", say("is blank."))
    return cell


def _blank(cell: str, what: object) -> None:
    if cell:
        raise BadCell("not_blank", say("stays blank for {what}.", what=what))


def _identifier(cell: str) -> str:
    _filled(cell)
    if len(cell) > LONGEST_ID:
        raise BadCell("length", say("is longer than {count} characters.", count=LONGEST_ID))
    if begins_as_formula(cell):
        raise BadCell("formula", say("{text} begins as a formula does.", text=quoted(cell)))
    if not cell.isprintable():
        raise BadCell("control", say("{text} holds a control character.", text=quoted(cell)))
    return cell


def _kind(cell: str) -> str:
    if cell not in KINDS:
        raise BadCell("kind", say("{text} is neither call nor operation.", text=quoted(cell)))
    return cell


def _seconds(cell: str) -> int:
    if not _WHOLE.fullmatch(cell):
        raise BadCell("amount", say("{text} is no whole number of seconds.", text=quoted(cell)))
    seconds = int(cell)
    if seconds < 0:
        raise BadCell("negative", say("{text} is below 0.", text=quoted(cell)))
    if seconds > MOST_SECONDS:
        raise BadCell("amount", say("{text} is more than {most} seconds.", text=quoted(cell), most=MOST_SECONDS))
    return seconds


def _quantity(cell: str) -> Decimal:
    if not _QUANTITY.fullmatch(cell):
        raise BadCell("amount", say("{text} is no quantity such as 2 or 0.5.", text=quoted(cell)))
    quantity = Decimal(cell)
    if quantity < 0:
        raise BadCell("negative", say("{text} is below 0.", text=quoted(cell)))
    if not quantity:
        raise BadCell("amount", say("0 uses of an operation are none."))
    return quantity


def repeated_ids(candidates: Sequence[Candidate[UsageRow]]) -> Mapping[int, tuple[Problem, ...]]:
    """The rows whose id another row of the file has too: none of them is taken in."""
    places: dict[str, list[int]] = defaultdict(list)
    for candidate in candidates:
        if candidate.number:
            places[candidate.number].append(candidate.row)
    return {
        row: (
            Problem(
                "external_id",
                "twice",
                say("{text} is in rows {rows}.", text=quoted(name), rows=", ".join(str(each) for each in rows[:10])),
            ),
        )
        for name, rows in places.items()
        if len(rows) > 1
        for row in rows
    }
