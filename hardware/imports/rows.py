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

from core.sheets.problems import FileProblem, Problem, shown
from core.sheets.reading import Record
from hardware.phones.validators import clean_mac, clean_serial

REQUIRED: Final = ("customer", "maker", "model", "serial", "mac", "price", "bought_on")
OPTIONAL: Final = ("instalments", "paid")
MOST_INSTALMENTS: Final = 60
EARLIEST: Final = date(1990, 1, 1)

_AMOUNT: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,8})?")
_COUNT: Final = re.compile(r"[0-9]{1,3}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as read: a purchase, or why there is none. ``serial`` is as the file has it, for the report."""

    row: int
    serial: str
    purchase: PurchaseRow | None
    problems: tuple[Problem, ...] = ()


class _Bad(Exception):
    """One cell that cannot be taken in."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RowReader:
    """Reads the rows of one file. ``today`` is the local day of the import.

    Raises:
        FileProblem: the header lacks a column, or has one that means nothing here.
    """

    def __init__(self, header: Sequence[str], *, today: date) -> None:
        known = (*REQUIRED, *OPTIONAL)
        if missing := [name for name in REQUIRED if name not in header]:
            raise FileProblem(f"The file has no column {shown(missing[0])}; it needs {', '.join(REQUIRED)}.")
        if extra := [name for name in header if name not in known]:
            raise FileProblem(f"The column {shown(extra[0])} means nothing here; the columns are {', '.join(known)}.")
        self._header = tuple(header)
        self._today = today

    def read(self, record: Record) -> Candidate:
        """The row's purchase, or every problem of the row, one a column."""
        if len(record.cells) != len(self._header):
            ragged = f"it has {len(record.cells)} cells where the header has {len(self._header)}."
            return Candidate(record.row, "", None, (Problem("row", "ragged", ragged),))
        cells = {name: cell.strip() for name, cell in zip(self._header, record.cells, strict=True)}
        problems: list[Problem] = []

        def attempt[T](name: str, read: Callable[[str], T]) -> T | None:
            try:
                text = cells.get(name, "")
                if not text and name in REQUIRED:
                    raise _Bad("blank", "is blank.")
                return read(text)
            except _Bad as bad:
                problems.append(Problem(name, bad.code, bad.message))
            except ValidationError as problem:
                problems.append(Problem(name, "invalid", " ".join(problem.messages)))
            return None

        names = [attempt(name, _name) for name in ("customer", "maker", "model")]
        serial, mac = attempt("serial", clean_serial), attempt("mac", clean_mac)
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
        found = _day(text)
        if found > self._today:
            raise _Bad("future", f"{shown(text)} lies in the future.")
        return found


def _name(text: str) -> str:
    if len(text) > 80:
        raise _Bad("length", "is longer than 80 characters.")
    return text


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise _Bad("amount", f"{shown(text)} is no plain amount such as 49.90.")
    return Decimal(text)


def _count(text: str) -> int:
    if not text:
        return 0
    if not _COUNT.fullmatch(text):
        raise _Bad("count", f"{shown(text)} is no number of instalments.")
    return int(text)


def _day(text: str) -> date:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        found = date.fromisoformat(text)
    except ValueError:
        raise _Bad("date", f"{shown(text)} is no date written as YYYY-MM-DD.") from None
    if found < EARLIEST:
        raise _Bad("date", f"{shown(text)} lies before {EARLIEST}.")
    return found


def _instalments(text: str) -> int | tuple[tuple[date, Decimal], ...]:
    """Blank is one; ``12`` is twelve equal monthly parts; ``2026-01-31:40.00;2026-02-28:40.00`` is that."""
    if not text:
        return 1
    if ":" not in text:
        count = _count(text)
        if not 1 <= count <= MOST_INSTALMENTS:
            raise _Bad("count", f"{shown(text)} is no number of instalments from 1 to {MOST_INSTALMENTS}.")
        return count
    parts = []
    for part in text.strip(";").split(";"):
        due_on, colon, amount = part.strip().partition(":")
        if not colon:
            raise _Bad("instalment", f"{shown(part)} is no instalment such as 2026-01-31:40.00.")
        parts.append((_day(due_on.strip()), _amount(amount.strip())))
    if len(parts) > MOST_INSTALMENTS:
        raise _Bad("count", f"there are more than {MOST_INSTALMENTS} instalments.")
    return tuple(parts)


def twice(candidates: Sequence[Candidate]) -> Mapping[int, tuple[Problem, ...]]:
    """The rows that name a phone which another row of the file names too: none of them is taken in."""
    places: dict[tuple[str, ...], list[int]] = {}
    for candidate in candidates:
        if (row := candidate.purchase) is not None:
            places.setdefault(("serial", row.maker.casefold(), row.serial), []).append(row.row)
            places.setdefault(("mac", row.mac), []).append(row.row)
    problems: dict[int, tuple[Problem, ...]] = {}
    for key, rows in places.items():
        if len(rows) > 1:
            named = ", ".join(str(row) for row in rows[:10])
            problem = Problem(key[0], "twice", f"{shown(key[-1])} is in rows {named}.")
            for number in rows:
                problems[number] = (*problems.get(number, ()), problem)
    return problems
