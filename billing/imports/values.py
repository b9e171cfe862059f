"""From a row's cells to a customer with a plan, a term and a fee, or to what is wrong with the row. Pure.

What a value has to look like is decided here; whether it may be stored (lengths, codes, plans, prices) is
decided by the models and the database in ``preparing``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from string import Formatter
from typing import Final

from billing.imports.column_map import DATES, REQUIRED, ColumnMap, MappedField, Per
from billing.periods import Term, months_before
from core.sheets.cells import BadCell, Candidate, RowProblems, read_date
from core.sheets.formulas import begins_as_formula
from core.sheets.problems import Problem, quoted
from core.sheets.reading import Record
from core.validators import BIDI

LONGEST_TEXT: Final = 10_000  # characters
MOST_MONTHS: Final = 1_200
EARLIEST: Final = date(1900, 1, 1)

_PHONE: Final = re.compile(r"\+[0-9][0-9 ()./-]{3,38}")
_WHOLE: Final = re.compile(r"[0-9]{1,6}")

_CHOICES: Final = frozenset({MappedField.KIND, MappedField.LANGUAGE})  # blank leaves the product's own default
_TEXTS: Final = tuple(name for name in MappedField if name not in DATES | {MappedField.FEE, MappedField.TERM})


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """What one row says. ``texts`` holds the fields that the map gives, and only those.

    ``fee`` is gross and for the whole term, None for the plan's own price. ``compared`` are the fields that a
    customer who is here already must agree with: those that do not depend on the day of the import.
    """

    row: int
    texts: Mapping[MappedField, str]
    term: Term
    fee: Decimal | None
    activated_on: date
    customer_since: date
    compared: frozenset[MappedField]

    @property
    def number(self) -> str:
        return self.texts[MappedField.NUMBER]


class CustomerRowReader:
    """Reads the rows of one file by one map. ``today`` is the local day of the import."""

    def __init__(self, column_map: ColumnMap, header: Sequence[str], *, today: date) -> None:
        self._map = column_map
        self._sources = column_map.sources
        self._header = tuple(header)
        self._position = {name: index for index, name in enumerate(header)}
        self._today = today
        decimal_point = re.escape(column_map.decimal_point)
        self._amount = re.compile(rf"(-?[0-9]{{1,12}})(?:{decimal_point}([0-9]{{1,8}}))?")
        self._parsed_pattern = {
            name: list(Formatter().parse(source.pattern))
            for name, source in self._sources.items()
            if source.pattern is not None
        }
        # A date counted back from today is another one tomorrow: it says nothing about the file.
        self._comparable = {name for name, source in self._sources.items() if source.months_before_today is None}

    def read(self, record: Record) -> Candidate[CustomerRow]:
        """The row's customer, or every problem of the row, one a field."""
        if len(record.cells) != len(self._header):
            problem = Problem("row", "ragged", self._ragged(len(record.cells)))
            return Candidate(record.row, "", None, (problem,))
        problems = RowProblems()

        def attempt[T](name: MappedField, read: Callable[[Record, MappedField], T]) -> T | None:
            return problems.attempt(name.value, read, record, name)

        texts: dict[MappedField, str] = {}
        for name in _TEXTS:
            text = attempt(name, self._text) if name in self._sources else None
            if text is not None and (text or name not in _CHOICES):
                texts[name] = text
        term = attempt(MappedField.TERM, self._term)
        fee = attempt(MappedField.FEE, self._fee)
        activated_on = attempt(MappedField.ACTIVATED_ON, self._date)
        customer_since = attempt(MappedField.CUSTOMER_SINCE, self._date)
        number = texts.get(MappedField.NUMBER, "")
        if problems or term is None or activated_on is None:
            return Candidate(record.row, number, None, tuple(problems))
        if fee is not None and self._sources[MappedField.FEE].per is Per.MONTH:
            fee *= term.months
        silent = (_CHOICES - texts.keys()) | ({MappedField.CUSTOMER_SINCE} if customer_since is None else set())
        customer = CustomerRow(
            row=record.row,
            texts=texts,
            term=term,
            fee=fee,
            activated_on=activated_on,
            customer_since=customer_since or activated_on,
            compared=frozenset(self._comparable - silent),
        )
        return Candidate(record.row, number, customer)

    def _ragged(self, cells: int) -> str:
        due = len(self._header)
        if cells > due:
            return f"it has {cells} cells where the header has {due}: is one with a delimiter in it not quoted?"
        missing = quoted(self._header[cells])
        return f"it has {cells} cells where the header has {due}: {missing} and what follows are missing."

    def _raw(self, record: Record, name: MappedField) -> str:
        """What the map gives for the field, blank for nothing; not stripped yet, unless it was replaced."""
        source = self._sources.get(name)
        if source is None:
            return ""
        if source.constant is not None:
            return source.constant
        if source.pattern is not None:
            raw = "".join(
                text + ("" if column is None else record.cells[self._position[column]].strip())
                for text, column, _, _ in self._parsed_pattern[name]
            )
        else:
            raw = record.cells[self._position[source.columns[0]]]
        known = raw.strip()
        if known in source.translate:
            return source.translate[known]
        return raw if known else source.default

    def _text(self, record: Record, name: MappedField) -> str:
        raw = self._raw(record, name)
        text = unicodedata.normalize("NFC", raw.strip())
        if not text and name in REQUIRED:
            raise BadCell("blank", "is blank.")
        if len(text) > LONGEST_TEXT:
            raise BadCell("length", f"is longer than {LONGEST_TEXT:,} characters.")
        if name is MappedField.PHONE and text.startswith("+") and not raw.startswith("\t"):
            if not _PHONE.fullmatch(text):
                raise BadCell("formula", f"{quoted(raw)} begins with + and is no phone number.")
        elif begins_as_formula(raw) or begins_as_formula(text):
            raise BadCell("formula", f"{quoted(raw)} begins as a formula does.")
        if any(_is_control(char, lines=name in {MappedField.NOTES, MappedField.POSTAL_ADDRESS}) for char in text):
            raise BadCell("control", f"{quoted(text)} holds a control character.")
        return text

    def _term(self, record: Record, name: MappedField) -> Term:
        raw = self._raw(record, name).strip()
        if not raw:
            raise BadCell("blank", "is blank.")
        try:
            return Term(raw)
        except ValueError:
            known = ", ".join(Term)
            raise BadCell(
                "term", f"{quoted(raw)} is no term of ours ({known}), and the map does not translate it."
            ) from None

    def _fee(self, record: Record, name: MappedField) -> Decimal | None:
        raw = self._raw(record, name).strip()
        if not raw:
            return None
        match = self._amount.fullmatch(raw)
        if match is None:
            raise BadCell("amount", f"{quoted(raw)} is no plain amount such as 49{self._map.decimal_point}90.")
        return Decimal(f"{match[1]}.{match[2]}" if match[2] else match[1])

    def _date(self, record: Record, name: MappedField) -> date | None:
        raw = self._raw(record, name).strip()
        if not raw:
            if name in REQUIRED:
                raise BadCell("blank", "is blank.")
            return None
        if self._sources[name].months_before_today is not None:
            if not _WHOLE.fullmatch(raw) or int(raw) > MOST_MONTHS:
                raise BadCell("months", f"{quoted(raw)} is no number of months from 0 to {MOST_MONTHS:,}.")
            return months_before(self._today, int(raw))
        return read_date(raw, self._map.dates, earliest=EARLIEST, latest=self._today)


def _is_control(char: str, *, lines: bool) -> bool:
    if char.isascii() and char.isprintable():
        return False
    return char in BIDI or (unicodedata.category(char) in {"Cc", "Zl", "Zp"} and not (lines and char == "\n"))
