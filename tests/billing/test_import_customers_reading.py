"""Reading CSV: what is taken in, and that everything else is told with its row. No database."""

from __future__ import annotations

import hashlib
from io import BytesIO, RawIOBase
from typing import Any

import pytest

from core.sheets import reading
from core.sheets.problems import FileProblem, quoted
from core.sheets.reading import LONGEST_RECORD, CsvReader

HEADER = b"number,name\n"
CARRIAGE_RETURN = (
    "Row {row}: a line ends with a carriage return alone (line {row}). Save the file with LF or CRLF line ends."
)


def records(raw: bytes, **options: Any) -> list[tuple[int, tuple[str, ...]]]:
    return [(record.row, record.cells) for record in CsvReader(BytesIO(raw), **options)]


def problem_of(raw: bytes) -> str:
    with pytest.raises(FileProblem) as caught:
        records(raw)
    return str(caught.value)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a,b\n1,2\n", [(2, ("1", "2"))]),
        (b"a,b\r\n1,2\r\n", [(2, ("1", "2"))]),
        (b"a,b\n1,2", [(2, ("1", "2"))]),
        (b"\xef\xbb\xbfa,b\n1,2\n", [(2, ("1", "2"))]),
        (b"a,b\n1,\n", [(2, ("1", ""))]),
        (b'a,b\n"1, one","say ""so"""\n', [(2, ("1, one", 'say "so"'))]),
        (b'a,b\n"","x"\n', [(2, ("", "x"))]),
        (b'a,b\n"two\r\nlines",x\n3,4\n', [(2, ("two\nlines", "x")), (3, ("3", "4"))]),
        (b"a,b\n1,2\n\n3,4\n , \n\r\n\n", [(2, ("1", "2")), (4, ("3", "4"))]),
        ("a,b\nÅsa,日本\n".encode(), [(2, ("Åsa", "日本"))]),
        (b"a,b\n1\n1,2,3\n", [(2, ("1",)), (3, ("1", "2", "3"))]),
    ],
    ids=[
        "lf", "crlf", "no last line end", "byte order mark", "blank cell", "quoted", "quoted blank",
        "line in a cell", "blank rows", "utf-8", "ragged rows are the next step's",
    ],
)  # fmt: skip
def test_reads(raw: bytes, expected: list[tuple[int, tuple[str, ...]]]) -> None:
    assert records(raw) == expected


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(delimiter: str) -> None:
    raw = f'a{delimiter}b\n"1{delimiter}"{delimiter}2,0\n'.encode()
    assert records(raw, delimiter=delimiter) == [(2, (f"1{delimiter}", "2,0"))]


def test_header_is_stripped_and_the_file_is_hashed() -> None:
    raw = b'\xef\xbb\xbf number ,"name"\nC-1,"A\nB"\n\n'
    reader = CsvReader(BytesIO(raw))
    assert reader.header == ("number", "name")
    assert [record.cells for record in reader] == [("C-1", "A\nB")]
    assert (reader.sha256, reader.size) == (hashlib.sha256(raw).hexdigest(), len(raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"\n1,2\n", "Row 1 is empty: it has to name the columns."),
        (b" , \n1,2\n", "Row 1 is empty: it has to name the columns."),
        (b"number,\n1,2\n", "Row 1: column 2 has no name."),
        (b"number,name, number\n", "Row 1: the column “number” is there twice."),
        (
            "number,name\n".encode("utf-16"),
            "The file is UTF-16 (or UTF-32), not UTF-8: save it as CSV UTF-8.",
        ),
        (
            "number,name\n".encode("utf-16-le"),
            "Row 1: byte 2 of the file is a NUL: this is no text in UTF-8 (UTF-16, perhaps).",
        ),
        (
            HEADER + b"C-1,A\nC-2,Zo\0\n",
            "Row 3: byte 25 of the file is a NUL: this is no text in UTF-8 (UTF-16, perhaps).",
        ),
        (
            HEADER + "C-1,Zoë\n".encode("latin-1"),
            (
                "Row 2, column “name”: byte 19 of the file (0xEB) is not UTF-8."
                " Save the file as CSV UTF-8; it may be Latin-1 or Windows-1252."
            ),
        ),
        (
            b"\xef\xbb\xbf" + HEADER + b'"C-1",\x80\n',
            (
                "Row 2: byte 22 of the file (0x80) is not UTF-8."
                " Save the file as CSV UTF-8; it may be Latin-1 or Windows-1252."
            ),
        ),
        (
            b"number,name\rC-1,A\rC-2,B\r",
            CARRIAGE_RETURN.format(row=1),
        ),
        (
            HEADER + b'C-1,"A\rB"\n',
            CARRIAGE_RETURN.format(row=2),
        ),
        (HEADER + b'C-1,"A\nC-2,B\n', "Row 2: a quotation mark is opened and never closed."),
        (
            HEADER + b'C-1,A "quoted" name\n',
            (
                "Row 2: the quotation marks of cell 2 (“name”) do not match."
                " A cell that holds one is quoted as a whole, with the mark inside doubled."
            ),
        ),
        (
            HEADER + b'C-1,A\n"C-2"x,B\n',
            (
                "Row 3: the quotation marks of cell 1 (“number”) do not match."
                " A cell that holds one is quoted as a whole, with the mark inside doubled."
            ),
        ),
        (
            HEADER + b'C-1,A,"B" \n',
            (
                "Row 2: the quotation marks of cell 3 do not match."
                " A cell that holds one is quoted as a whole, with the mark inside doubled."
            ),
        ),
    ],
)
def test_a_bad_file_is_told_with_its_row(raw: bytes, message: str) -> None:
    assert problem_of(raw) == message


class Endless(RawIOBase):
    """A line without an end; counts what was asked of it."""

    def __init__(self, start: bytes) -> None:
        self.start, self.given = start, 0

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 < size <= LONGEST_RECORD + 1
        line = self.start if self.start.endswith(b"\n") and not self.given else b"x" * size
        self.given += len(line)
        return line


def test_a_line_without_end_is_refused_after_a_mebibyte() -> None:
    stream = Endless(HEADER)
    with pytest.raises(FileProblem, match=r"^Row 2: its line is longer than 1,048,576 bytes\.$"):
        list(CsvReader(stream))  # type: ignore[arg-type]
    assert stream.given <= len(HEADER) + LONGEST_RECORD + 1


def test_a_cell_of_endless_lines_is_refused_after_a_mebibyte() -> None:
    stream = BytesIO(HEADER + b'C-1,"' + b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 20_000)
    with pytest.raises(FileProblem, match=r"^Row 2 is longer than 1,048,576 bytes: a quotation mark in it is not"):
        list(CsvReader(stream))
    assert stream.tell() < LONGEST_RECORD + 1000


def test_the_longest_line_and_the_most_rows_are_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST_RECORD", 20)
    monkeypatch.setattr(reading, "MOST_ROWS", 2)
    assert len(records(HEADER + b"C-1," + b"x" * 15 + b"\nC-2,B\n\n")) == 2
    assert problem_of(HEADER + b"C-1," + b"x" * 16 + b"\n") == "Row 2: its line is longer than 20 bytes."
    assert problem_of(HEADER + b"C-1,A\nC-2,B\nC-3,C\n") == "The file has more than 2 rows: split it."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two year", "“Two year”"),
        ("\x1b[2J\n", r"“\x1b[2J\n”"),
        ("\u202eevil\u00a0", r"“\u202eevil\xa0”"),
        ("\U000e0001", r"“\U000e0001”"),
        ("x" * 61, "“" + "x" * 59 + "…”"),
    ],
)
def test_shown_text_is_short_and_harmless(text: str, expected: str) -> None:
    assert quoted(text) == expected
