"""What a check of the books found: a rule, the row that breaks it, and the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

#: Rows read at a time: the books may be larger than the memory.
CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Breach:
    """One row that breaks a rule. ``figures`` is a sentence with what was expected and what is there."""

    rule: str
    row: str
    figures: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.row}: {self.figures}"


type Check = Callable[[], Iterable[Breach]]


def run_checks(checks: Iterable[Check]) -> Iterator[Breach]:
    """Everything that the checks find, one check after another. Only reads."""
    for check in checks:
        yield from check()


def each(rows: QuerySet[Any]) -> Iterator[Any]:
    """The rows by key, read in chunks; with whatever was annotated."""
    return rows.order_by("pk").iterator(chunk_size=CHUNK)
