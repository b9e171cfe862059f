"""From a row of a bank's statement to a booking, or to what is wrong with the row. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import BinaryIO, Final

from billing.imports.bank_map import BankMap
from billing.money import UnknownCurrency, is_whole_minor
from core.sheets.cells import BadCell, Candidate, RowProblems, ragged, read_date
from core.sheets.formulas import begins_as_formula
from core.sheets.problems import quoted
from core.sheets.reading import Record, read_rows
from core.text import say

LONGEST_TEXT: Final = 300
LONGEST_PAYER: Final = 140
EARLIEST: Final = date(1990, 1, 1)

#: An invoice's number as people and banks write it: 2026-000123, 2026/000123, 2026 000123, 2026000123.
_NUMBER: Final = re.compile(r"(?<![0-9])(?<!CN-)(20[0-9]{2})[-/ .]?([0-9]{6})(?![0-9])")
# A structured Belgian reference begins as a formula does and is none.
_STRUCTURED: Final = re.compile(r"\+{3}[0-9]{3}/[0-9]{4}/[0-9]{5}\+{3}")


@dataclass(frozen=True, slots=True)
class Booking:
    """One line of a statement. ``amount`` is above 0 for money received, below for money that went out.

    ``key`` is made from the contents and from how often the same contents stood in the file before, so that two equal
    payments of a day are two and a statement read twice is known.
    """

    row: int
    key: str
    booked_on: date
    amount: Decimal
    currency: str
    payer: str
    text: str

    @property
    def numbers(self) -> tuple[str, ...]:
        """The invoice numbers found in the text, each once, as invoices have them."""
        found = (f"{year}-{digits}" for year, digits in _NUMBER.findall(self.text))
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Statement:
    """A whole file, with what the event keeps of it."""

    file_name: str
    sha256: str
    size: int
    map_name: str
    rows: Sequence[Candidate[Booking]]


def read_statement(stream: BinaryIO, bank_map: BankMap, *, file_name: str, today: date) -> Statement:
    """All rows of a file, the bad ones with every problem of theirs.

    Raises:
        FileProblem: the file as a whole cannot be read, or has no rows.
        MapProblem: it lacks a column that the map names.
    """
    rows, file = read_rows(stream, lambda header: _Rows(bank_map, header, today).read, delimiter=bank_map.delimiter)
    return Statement(file_name[:150], file.sha256, file.size, bank_map.name, rows)


class _Rows:
    """Reads the rows of one file; remembers what stood there before."""

    def __init__(self, bank_map: BankMap, header: Sequence[str], today: date) -> None:
        bank_map.check_header(header)
        self._map = bank_map
        self._header = header
        self._position = {name: index for index, name in enumerate(header)}
        self._today = today
        self._seen: Counter[str] = Counter()
        point = re.escape(bank_map.decimal_point)
        group = "[ '\u00a0\u202f" + ("," if bank_map.decimal_point == "." else ".") + "]"
        self._amount = re.compile(
            rf"([+-]?)([0-9]{{1,12}}|[0-9]{{1,3}}(?:{group}[0-9]{{3}}){{1,4}})(?:{point}([0-9]{{1,4}}))?"
        )

    def read(self, record: Record) -> Candidate[Booking]:
        if problem := ragged(record, self._header):
            return Candidate(record.row, "", None, problem)
        problems = RowProblems()
        booked_on = problems.attempt("booked_on", self._date, record)
        currency = problems.attempt("currency", self._currency, record)
        amount = problems.attempt("amount", self._read_amount, record, currency)
        payer = problems.attempt("payer", self._text, record, (self._map.payer,), LONGEST_PAYER)
        text = problems.attempt("text", self._text, record, self._map.text, LONGEST_TEXT)
        if problems or booked_on is None or amount is None or currency is None or payer is None or text is None:
            return Candidate(record.row, "", None, tuple(problems))
        line_id = self._cell(record, self._map.line_id)
        contents = "\x1f".join((booked_on.isoformat(), f"{amount.normalize():f}", currency, payer, text, line_id))
        self._seen[contents] += 1
        key = hashlib.sha256(f"{contents}\x1f{self._seen[contents]}".encode()).hexdigest()
        return Candidate(record.row, "", Booking(record.row, key, booked_on, amount, currency, payer, text))

    def _cell(self, record: Record, column: str) -> str:
        return record.cells[self._position[column]].strip() if column else ""

    def _date(self, record: Record) -> date:
        cell = self._cell(record, self._map.booked_on)
        return read_date(cell, self._map.dates, earliest=EARLIEST, latest=self._today)

    def _currency(self, record: Record) -> str:
        code = self._map.constant_currency or self._cell(record, self._map.currency)
        try:
            is_whole_minor(0, code)
        except UnknownCurrency:
            raise BadCell("currency", say("{text} is no currency of ISO 4217.", text=quoted(code))) from None
        return code

    def _read_amount(self, record: Record, currency: str | None) -> Decimal:
        raw = self._cell(record, self._map.amount).replace("\u2212", "-")
        match = self._amount.fullmatch(raw)
        if match is None:
            example = f"1234{self._map.decimal_point}50"
            raise BadCell("amount", say("{text} is no amount such as {example}.", text=quoted(raw), example=example))
        whole = "".join(char for char in match[2] if char.isdigit())
        amount = Decimal(f"{match[1]}{whole}.{match[3] or '0'}")
        if currency is not None and not is_whole_minor(amount, currency):
            raise BadCell(
                "amount", say("{text} has more decimals than {currency} has.", text=quoted(raw), currency=currency)
            )
        if amount == 0:
            raise BadCell("amount", say("0 is nobody's payment."))
        return amount

    def _text(self, record: Record, columns: tuple[str, ...], longest: int) -> str:
        parts = [self._cell(record, column) for column in columns if column]
        for part in parts:
            if begins_as_formula(part) and not _STRUCTURED.match(part):
                raise BadCell("formula", say("{text} begins as a formula does.", text=quoted(part)))
        text = unicodedata.normalize("NFC", " ".join(" ".join(parts).split()))
        if any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} for char in text):
            raise BadCell("control", say("{text} holds a control character.", text=quoted(text)))
        if len(text) > longest:
            raise BadCell("length", say("is longer than {count} characters.", count=longest))
        return text
