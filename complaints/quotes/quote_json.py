"""Quotes as JSON, one object a line in and one a line out: `python -m complaints.quotes.quote_json FILE`.

The form, its error codes and worked examples are in docs/quote-json.md. Needs no database and no settings,
so an auditor can recompute a dossier's quote on another machine.
"""

import json
import os
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, Final, NoReturn, TextIO

from billing.money import format_amount
from complaints.quotes.input_errors import MOST_DIGITS, QuoteInputError, shown
from complaints.quotes.inputs_json import inputs_from_json
from complaints.refund_calculation import Quote, calculate

LONGEST_LINE: Final = 10 * 1024 * 1024  # bytes; about 150,000 intervals

EXIT_ALL_GOOD: Final = 0
EXIT_BAD_LINE: Final = 1
EXIT_INTERRUPTED: Final = 130
EXIT_NOT_RUN: Final = 2  # not asked properly, nothing to read, or nowhere to write

_USAGE: Final = "usage: quote FILE    (one JSON object a line; - is standard input; see docs/quote-json.md)"


def quote_lines(stream_in: BinaryIO, stream_out: TextIO) -> int:
    """Answer every line with a quote or an error, in order; returns the exit status, 1 if any line was bad.

    Bad lines never stop the others. What can't be read or written at all is an `OSError` of the stream.
    """
    status = EXIT_ALL_GOOD
    for number, line in _numbered_lines(stream_in):
        try:
            answer = _quote_line(line)
        except QuoteInputError as error:
            status = EXIT_BAD_LINE
            answer = {"error": {"code": error.code, "message": str(error), "line": number}}
        stream_out.write(json.dumps(answer) + "\n")
        # Another program may ask line by line and wait for each answer.
        stream_out.flush()
    return status


def quote_to_json(quote: Quote, currency: str) -> dict[str, Any]:
    """The quote as JSON values: amounts with exactly the currency's decimals, minutes and days whole."""
    return {
        "lines": [{"code": line.code, "amount": format_amount(line.amount, currency)} for line in quote.lines],
        "total": format_amount(quote.total, currency),
        "set_off": format_amount(quote.set_off, currency),
        "payable": format_amount(quote.payable, currency),
        "remedies": {
            "credit": format_amount(quote.remedies.credit, currency),
            "cash": format_amount(quote.remedies.cash, currency),
            "minutes": quote.remedies.minutes,
            "extension_days": quote.remedies.extension_days,
        },
    }


def _quote_line(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise QuoteInputError("line_too_long", "", f"A line has at most {LONGEST_LINE} bytes.")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise QuoteInputError("invalid_utf8", "", f"The line is not UTF-8 (byte {error.start + 1} of it).") from None
    inputs = inputs_from_json(_parse(text))
    return quote_to_json(calculate(inputs), inputs.currency)


def _parse(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise QuoteInputError(
            "invalid_json", "", f"The line is not JSON: {error.msg} (character {error.pos + 1} of it)."
        ) from None
    except RecursionError:
        raise QuoteInputError("invalid_json", "", "The line is nested too deeply.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise QuoteInputError("repeated_key", shown(repeated), "This key stands twice in one object.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise QuoteInputError("invalid_json", "", f"The line is not JSON: {name} is not a JSON number.")


def _whole_number(digits: str) -> int | Decimal:
    # Python refuses to read very long integers; as a Decimal they reach the check that names the field.
    return int(digits) if len(digits) <= MOST_DIGITS + 1 else Decimal(digits)


def _numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, counted from 1 with the blank ones; of an endless one its beginning."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        too_long = rest = len(line) > LONGEST_LINE and not line.endswith(b"\n")
        while rest:
            piece = stream.readline(LONGEST_LINE)
            rest = bool(piece) and not piece.endswith(b"\n")
        if number == 1:
            line = line.removeprefix(BOM_UTF8)
        if too_long or line.strip():
            yield number, line


def main(argv: Sequence[str] | None = None) -> int:
    """Answer the file that the arguments name on standard output; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(f"{_USAGE}\n")
        return EXIT_ALL_GOOD
    if len(arguments) != 1 or (arguments[0].startswith("-") and arguments[0] != "-"):
        sys.stderr.write(f"{_USAGE}\n")
        return EXIT_NOT_RUN
    path = arguments[0]
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:
            return quote_lines(file, sys.stdout)
    except OSError as error:
        # Whoever reads the answers may stop early; that is no news to anybody.
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"quote: {path}: {error.strerror or error}\n")
        _drop_unwritable_output()
        return EXIT_NOT_RUN
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _drop_unwritable_output() -> None:
    """Lets Python end with our exit status when it still holds answers that can't be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
