"""From a row's cells to a purchase with its instalments, or to what is wrong with the row. Pure.

The columns have fixed names (docs/importing-purchases.md). Whether customer, phone model and phone are known, and
whether the price fits the customer's currency, is decided in ``actions``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django.core.exceptions import ValidationError

from core.sheets.cells import BadCell, Candidate, RowProblems, ragged, read_date
from core.sheets.maps import DateOrder
from core.sheets.problems import FileProblem, Problem, quoted
from core.sheets.reading import Record
from hardware.phones.validators import clean_mac, clean_serial

REQUIRED: Final = ("customer", "maker", "model", "serial", "mac", "price", "bought_on")
OPTIONAL: Final = ("instalments", "paid")
MOST_INSTALMENTS: Final = 60
EARLIEST: Final = date(1990, 1, 1)

_AMOUNT: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,8})?")
_COUNT: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """What one row says. ``instalments`` is a number of equal monthly parts, or the agreed (due on, amount) pairs.

    ``paid`` of them, the first ones, were paid before.
    """

    row: int
    customer: str
    maker: str
    model: str
    serial: str
    mac: str
    price: Decimal
    bought_on: date
    instalments: int | tuple[tuple[date, Decimal], ...]
    paid: int


class PurchaseRowReader:
    """Reads the rows of one file. ``today`` is the local day of the import.

    Raises:
        FileProblem: the header lacks a column, or has one that means nothing here.
    """

    def __init__(self, header: Sequence[str], *, today: date) -> None:
        known = (*REQUIRED, *OPTIONAL)
        if missing := [name for name in REQUIRED if name not in header]:
            raise FileProblem(f"The file has no column {quoted(missing[0])}; it needs {', '.join(REQUIRED)}.")
        if extra := [name for name in header if name not in known]:
            raise FileProblem(f"The column {quoted(extra[0])} means nothing here; the columns are {', '.join(known)}.")
        self._header = tuple(header)
        self._today = today

    def read(self, record: Record) -> Candidate[PurchaseRow]:
        """The row's purchase, or every problem of the row, one a column."""
        if problem := ragged(record, self._header):
            return Candidate(record.row, "", None, problem)
        cells = {name: cell.strip() for name, cell in zip(self._header, record.cells, strict=True)}
        problems = RowProblems()

        def attempt[T](name: str, read: Callable[[str], T]) -> T | None:
            text = problems.attempt(name, _filled, cells, name)
            return None if text is None else problems.attempt(name, read, text)

        names = [attempt(name, _name) for name in ("customer", "maker", "model")]
        serial, mac = attempt("serial", _valid(clean_serial)), attempt("mac", _valid(clean_mac))
        price = attempt("price", _amount)
        bought_on = attempt("bought_on", self._past_day)
        instalments = attempt("instalments", _instalments)
        paid = attempt("paid", _count)
        if (
            problems
            or serial is None
            or mac is None
            or price is None
            or bought_on is None
            or instalments is None
            or paid is None
        ):
            return Candidate(record.row, cells["serial"], None, tuple(problems))
        customer, maker, model = (name or "" for name in names)
        row = PurchaseRow(record.row, customer, maker, model, serial, mac, price, bought_on, instalments, paid)
        return Candidate(record.row, serial, row)

    def _past_day(self, text: str) -> date:
        return read_date(text, DateOrder.YEAR_FIRST, earliest=EARLIEST, latest=self._today)


def _filled(cells: Mapping[str, str], name: str) -> str:
    text = cells.get(name, "")
    if not text and name in REQUIRED:
        raise BadCell("blank", "is blank.")
    return text


def _valid(clean: Callable[[str], str]) -> Callable[[str], str]:
    """A validator of the models, for cells."""

    def read(text: str) -> str:
        try:
            return clean(text)
        except ValidationError as problem:
            raise BadCell("invalid", " ".join(problem.messages)) from None

    return read


def _name(text: str) -> str:
    if len(text) > 80:
        raise BadCell("length", "is longer than 80 characters.")
    return text


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise BadCell("amount", f"{quoted(text)} is no plain amount such as 49.90.")
    return Decimal(text)


def _count(text: str) -> int:
    if not text:
        return 0
    if not _COUNT.fullmatch(text):
        raise BadCell("count", f"{quoted(text)} is no number of instalments.")
    return int(text)


def _instalments(text: str) -> int | tuple[tuple[date, Decimal], ...]:
    """Blank is one; ``12`` is twelve equal monthly parts; ``2026-01-31:40.00;2026-02-28:40.00`` is that."""
    if not text:
        return 1
    if ":" not in text:
        count = _count(text)
        if not 1 <= count <= MOST_INSTALMENTS:
            raise BadCell("count", f"{quoted(text)} is no number of instalments from 1 to {MOST_INSTALMENTS}.")
        return count
    parts = []
    for part in text.strip(";").split(";"):
        due_on, colon, amount = part.strip().partition(":")
        if not colon:
            raise BadCell("instalment", f"{quoted(part)} is no instalment such as 2026-01-31:40.00.")
        day = read_date(due_on.strip(), DateOrder.YEAR_FIRST, earliest=EARLIEST)
        parts.append((day, _amount(amount.strip())))
    if len(parts) > MOST_INSTALMENTS:
        raise BadCell("count", f"there are more than {MOST_INSTALMENTS} instalments.")
    return tuple(parts)


def twice(candidates: Sequence[Candidate[PurchaseRow]]) -> Mapping[int, tuple[Problem, ...]]:
    """The rows that name a phone which another row of the file names too: none of them is taken in."""
    places: dict[tuple[str, ...], list[int]] = {}
    for candidate in candidates:
        if (row := candidate.value) is not None:
            places.setdefault(("serial", row.maker.casefold(), row.serial), []).append(row.row)
            places.setdefault(("mac", row.mac), []).append(row.row)
    problems: dict[int, tuple[Problem, ...]] = {}
    for key, rows in places.items():
        if len(rows) > 1:
            named = ", ".join(str(row) for row in rows[:10])
            problem = Problem(key[0], "twice", f"{quoted(key[-1])} is in rows {named}.")
            for number in rows:
                problems[number] = (*problems.get(number, ()), problem)
    return problems
