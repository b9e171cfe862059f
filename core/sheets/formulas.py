"""CSV files that a spreadsheet shows instead of computing them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

#: What a spreadsheet takes for the beginning of a formula; the wide signs count in some of them, too.
_FORMULA: Final = tuple("=+-@\t\r＝＋－＠")
#: Where a reader that splits at semicolons, tabs or line ends sees the beginning of a cell.
_FURTHER_CELL: Final = re.compile(r"([;\t\r\n][ \u00a0\"]*)(?=[=+\-@＝＋－＠])")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def begins_as_formula(text: str) -> bool:
    """Whether a spreadsheet would run the text as a cell rather than show it."""
    return text.startswith(_FORMULA)


def neutralise_formula(value: object) -> str:
    """The value as text, with an apostrophe before whatever a spreadsheet would run, also behind a semicolon in it."""
    text = str(value)
    harmless = _FURTHER_CELL.sub(r"\1'", text)
    return f"'{harmless}" if begins_as_formula(text) or text.startswith("\n") else harmless


def safe_cell(value: object) -> str:
    """The same for what may be a number, which stays as it is."""
    text = str(value)
    return text if _NUMBER.fullmatch(text) else neutralise_formula(text)


def csv_lines(
    header: Iterable[str],
    rows: Iterable[Iterable[object]],
    *,
    guard: Callable[[object], str] = neutralise_formula,
    line_end: str = "\r\n",
) -> Iterator[str]:
    """A CSV file line by line, the header first. No cell of it can be run by a spreadsheet; ``guard`` may be
    ``safe_cell`` where cells are numbers below 0.
    """
    writer = csv.writer(_Line(), lineterminator=line_end)
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([guard(cell) for cell in row])


class _Line:
    """A file that hands back each line written to it."""

    def write(self, line: str) -> str:
        return line
