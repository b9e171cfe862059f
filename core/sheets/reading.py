"""CSV, record by record, in bounded memory and without guessing. Pure.

What Python's own reader lets pass (a quotation mark in the middle of a cell, one that is never closed, a NUL,
a line of any length) is an error here, told with the row: a file that is read wrongly is worse than one that
is refused.
"""

from __future__ import annotations

import hashlib
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.sheets.problems import FileProblem, quoted
from core.text import counted, say

LONGEST_RECORD: Final = 1024 * 1024  # bytes
MOST_ROWS: Final = 100_000
DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one row. Rows are counted as a spreadsheet does: the header is row 1."""

    row: int
    cells: tuple[str, ...]


class CsvReader:
    """Reads a file's header at once and its records as they are asked for.

    Quoted cells may hold delimiters, doubled quotation marks and line ends; rows without any content are
    passed over. ``sha256`` and ``size`` are of the bytes read so far: after the last record, all the file's.

    Raises:
        FileProblem: at construction or on the way, naming the row: not UTF-8, a NUL, an old Mac line end, a
            record above 1 MiB, quotation marks that do not match, a missing or repeated column name, too many
            rows.
    """

    def __init__(self, stream: BinaryIO, *, delimiter: str = ",") -> None:
        if delimiter not in DELIMITERS:
            raise ValueError(f"{delimiter!r} is no delimiter that can be read")
        self._stream = stream
        self._delimiter = delimiter
        self._cell = re.compile(f'"([^"]*(?:""[^"]*)*)"|([^"{re.escape(delimiter)}]*)')
        self._digest = hashlib.sha256()
        self._row = 1
        self._line = 0
        self.size = 0
        self.header: tuple[str, ...] = ()
        self._records = self._all_records()
        self.header = self._checked_header(next(self._records, None))

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            if any(cell and not cell.isspace() for cell in record.cells):
                if record.row > MOST_ROWS + 1:
                    raise FileProblem(say("The file has more than {count} rows: split it.", count=counted(MOST_ROWS)))
                yield record

    def _checked_header(self, first: Record | None) -> tuple[str, ...]:
        if first is None:
            raise FileProblem(say("The file is empty."))
        header = tuple(cell.strip() for cell in first.cells)
        if not any(header):
            raise FileProblem(say("Row 1 is empty: it has to name the columns."))
        seen: set[str] = set()
        for position, name in enumerate(header, start=1):
            if not name:
                raise FileProblem(say("Row 1: column {position} has no name.", position=position))
            if name in seen:
                raise FileProblem(say("Row 1: the column {column} is there twice.", column=quoted(name)))
            seen.add(name)
        return header

    def _all_records(self) -> Iterator[Record]:
        lines = self._lines()
        for first in lines:
            parts, size, open_quote = [first], len(first.encode()), first.count('"') % 2 == 1
            while open_quote:
                following = next(lines, None)
                if following is None:
                    raise FileProblem(say("Row {row}: a quotation mark is opened and never closed.", row=self._row))
                parts.append(following)
                size += len(following.encode()) + 1
                if size > LONGEST_RECORD:
                    raise FileProblem(
                        say(
                            "Row {row} is longer than {count} bytes: a quotation mark in it is not closed.",
                            row=self._row,
                            count=counted(LONGEST_RECORD),
                        )
                    )
                open_quote ^= following.count('"') % 2 == 1
            yield Record(self._row, self._cells("\n".join(parts)))
            self._row += 1

    def _lines(self) -> Iterator[str]:
        while raw := self._stream.readline(LONGEST_RECORD + 1):
            self._line += 1
            start, self.size = self.size, self.size + len(raw)
            self._digest.update(raw)
            if start == 0:
                if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                    raise FileProblem(say("The file is UTF-16 (or UTF-32), not UTF-8: save it as CSV UTF-8."))
                if raw.startswith(BOM_UTF8):
                    start, raw = len(BOM_UTF8), raw[len(BOM_UTF8) :]
                    if not raw:
                        return
            yield self._text(raw, start)

    def _text(self, raw: bytes, start: int) -> str:
        """The line's text without its end; ``start`` is how many bytes of the file come before it."""
        # Before the length, so that a UTF-16 file without a mark is called by its name.
        if (nul := raw.find(b"\0")) >= 0:
            raise FileProblem(
                say(
                    "Row {row}: byte {byte} of the file is a NUL: this is no text in UTF-8 (UTF-16, perhaps).",
                    row=self._row,
                    byte=start + nul + 1,
                )
            )
        if len(raw) > LONGEST_RECORD:
            raise FileProblem(
                say("Row {row}: its line is longer than {count} bytes.", row=self._row, count=counted(LONGEST_RECORD))
            )
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            column = self._column_at(raw[: error.start].decode("utf-8"))
            if column:
                where = say("Row {row}, column {column}", row=self._row, column=quoted(column))
            else:
                where = say("Row {row}", row=self._row)
            raise FileProblem(
                say(
                    "{where}: byte {byte} of the file ({value}) is not UTF-8. Save the file as CSV UTF-8; it may be "
                    "Latin-1 or Windows-1252.",
                    where=where,
                    byte=start + error.start + 1,
                    value=f"0x{raw[error.start]:02X}",
                )
            ) from None
        text = text.removesuffix("\n").removesuffix("\r")
        if "\r" in text:
            raise FileProblem(
                say(
                    "Row {row}: a line ends with a carriage return alone (line {line}). Save the file with LF or CRLF "
                    "line ends.",
                    row=self._row,
                    line=self._line,
                )
            )
        return text

    def _column_at(self, before: str) -> str:
        """The column that comes after this much of a line, where quotation marks leave no doubt."""
        position = before.count(self._delimiter)
        return self.header[position] if '"' not in before and position < len(self.header) else ""

    def _cells(self, text: str) -> tuple[str, ...]:
        if '"' not in text:
            return tuple(text.split(self._delimiter))
        cells: list[str] = []
        at = 0
        while True:
            match = self._cell.match(text, at)
            assert match is not None  # the second alternative matches nothing, too
            at = match.end()
            if at < len(text) and text[at] != self._delimiter:
                position = len(cells)
                cell = str(position + 1)
                if position < len(self.header):
                    cell = f"{cell} ({quoted(self.header[position])})"
                raise FileProblem(
                    say(
                        "Row {row}: the quotation marks of cell {cell} do not match. A cell that holds one is quoted "
                        "as a whole, with the mark inside doubled.",
                        row=self._row,
                        cell=cell,
                    )
                )
            doubled = match.group(1)
            cells.append(match.group(2) if doubled is None else doubled.replace('""', '"'))
            if at >= len(text):
                return tuple(cells)
            at += 1


def read_rows[Row](
    stream: BinaryIO, row_reader: Callable[[Sequence[str]], Callable[[Record], Row]], *, delimiter: str
) -> tuple[list[Row], CsvReader]:
    """Every row of a file as ``row_reader``, given the header, reads it; and the reader, for what the event keeps.

    Raises:
        FileProblem: the file as a whole cannot be read, or has no rows.
    """
    reader = CsvReader(stream, delimiter=delimiter)
    read = row_reader(reader.header)
    rows = [read(record) for record in reader]
    if not rows:
        raise FileProblem(say("The file has a header and no rows."))
    return rows, reader
