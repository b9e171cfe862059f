"""What can be wrong with an import, in sentences for whoever has to mend the file."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from core.text import Text

_SHOWN: Final = 60


class FileProblem(Exception):
    """The file as a whole cannot be taken in: nothing after this point can be trusted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is refused: in which of our fields (``row`` for the row itself), and what to mend.

    ``code`` names the rule, so that a summary can count without showing anybody's data.
    """

    field: str
    code: str
    message: Text

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"

    @property
    def reason(self) -> str:
        """The field and the rule, without what the file says."""
        return f"{self.field}:{self.code}"


def quoted(text: str) -> str:
    """Text from a file between quotation marks: cut when long, and nothing in it that acts on a terminal."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return "“" + "".join(char if char == " " or _is_harmless(char) else _escaped(char) for char in cut) + "”"


def _is_harmless(char: str) -> bool:
    return unicodedata.category(char)[0] not in "CZ"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
