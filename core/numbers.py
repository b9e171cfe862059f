"""Numbers that people type, read in one way whatever page they are typed on.

A browser's own number field drops the comma of ``40,23`` without a word, so numbers are typed as text and read here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from core.text import Text, grouped, number_text, say, when_read

#: Blanks and apostrophes of print, as the keyboard has them.
_AS_TYPED: Final = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", " ") | {"\u2019": "'", "\u2212": "-"})
_SIGNED: Final = re.compile(r"(?P<sign>[+-]?) ?(?P<digits>[0-9][0-9 '.,]*|[.,][0-9]+)")
_PLAIN: Final = re.compile(r"[0-9]*(?:[.,][0-9]+)?")
#: Whole groups of three, all parted by the same sign, and decimals after another one.
_GROUPED: Final = re.compile(
    r"(?P<whole>[1-9][0-9]{0,2}(?P<by>[ '.,])[0-9]{3}(?:(?P=by)[0-9]{3})*)(?P<decimals>[.,][0-9]+)?"
)
#: What could be thousands and could be decimals.
_EITHER: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
#: Longer than any number that fits a column; a longer text is a mistake, and no work for a pattern.
_LONGEST: Final = 40


class NotANumber(Exception):
    """What was typed is no number, or could be two. ``code`` is ``invalid`` or ``ambiguous``."""

    def __init__(self, sentence: Text, code: str) -> None:
        super().__init__(code)
        self.sentence, self.code = sentence, code


def read_number(typed: str) -> Decimal:
    """The number that a person typed, with a decimal point or comma: ``40,23``, ``1.234,50``, ``1,234.50``.

    Thousands may be parted, in whole groups of three, by blanks, apostrophes, or whichever of point and comma is not
    the decimal one. One of these before three digits (``1,234``) could be either, and is refused; ``0,234`` could not.

    Raises:
        NotANumber: with a sentence for whoever typed it.
    """
    text = typed.translate(_AS_TYPED).strip()
    signed = _SIGNED.fullmatch(text) if len(text) <= _LONGEST else None
    if signed is None:
        raise _no_number(typed)
    digits = signed["digits"].rstrip()
    if _EITHER.fullmatch(digits):
        whole = re.sub("[.,]", "", digits)
        precise = f"{digits}0"
        sentence = say(
            "“{typed}” can be read in two ways. Write {whole} or {precise}.",
            typed=typed.strip(),
            whole=whole,
            precise=precise,
        )
        raise NotANumber(sentence, "ambiguous")
    if _PLAIN.fullmatch(digits):
        return Decimal(signed["sign"] + digits.replace(",", "."))
    grouped = _GROUPED.fullmatch(digits)
    if grouped is None or (grouped["decimals"] or "")[:1] == grouped["by"]:
        raise _no_number(typed)
    whole = re.sub("[^0-9]", "", grouped["whole"])
    return Decimal(signed["sign"] + whole + (grouped["decimals"] or "").replace(",", "."))


def _no_number(typed: str) -> NotANumber:
    shown = typed.strip()[:_LONGEST]
    return NotANumber(
        say("“{typed}” is not a number such as {example}.", typed=shown, example=number_text(Decimal("1234.50"))),
        "invalid",
    )


@when_read
def typed_text(number: Decimal) -> str:
    """The number as the reader of the page would type it; ``read_number`` gives it back."""
    text = str(number_text(number))
    return f"{text}0" if _EITHER.fullmatch(text.removeprefix("-")) else text


@when_read
def grouped_text(number: Decimal) -> str:
    """The number as pages write it: thousands parted, no fewer than two decimals unless it is whole."""
    return grouped(number, 2 if number.as_tuple().exponent == -1 else None)
