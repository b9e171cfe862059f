"""What became of every row, as lines to read and as a table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TextIO

from django.utils.translation import gettext_noop

from core.sheets.formulas import csv_lines
from core.sheets.problems import Problem, quoted
from core.text import Text, counted, join, say, say_count


class RowOutcome(StrEnum):
    """What happened to a row; ``HELD_BACK`` is a good row of a file that was refused for others."""

    ADDED = "added"
    KNOWN = "known"
    REFUSED = "refused"
    HELD_BACK = "held back"


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row: its number in the file, the number that names what it is about, what happened and, in words, to what."""

    row: int
    number: str
    outcome: StrEnum
    detail: Text = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole import. ``dry_run`` says that nothing was written and ``added`` means would be."""

    results: Sequence[RowResult]
    dry_run: bool = False

    def count(self, outcome: StrEnum) -> int:
        return sum(result.outcome == outcome for result in self.results)

    @property
    def refused(self) -> int:
        return self.count(RowOutcome.REFUSED)

    def held_back(self) -> Report:
        """The same where a refused row keeps the others out."""
        held = (
            replace(result, outcome=RowOutcome.HELD_BACK) if result.outcome is RowOutcome.ADDED else result
            for result in self.results
        )
        return replace(self, results=list(held))

    def as_data(self) -> dict[str, Any]:
        """The counts and reasons, as an event keeps them."""
        counts = {outcome.name.lower(): self.count(outcome) for outcome in RowOutcome}
        return {"rows": len(self.results), **counts, "reasons": self.reasons()}

    def reasons(self) -> dict[str, int]:
        """How many rows were refused for which reason (``field:code``), the most frequent first."""
        counts = Counter(
            reason for result in self.results for reason in sorted({problem.reason for problem in result.problems})
        )
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def lines(self, *, every_row: bool) -> Iterator[str]:
        """A line for each refused row, or for every row."""
        for result in self.results:
            if every_row or result.outcome is RowOutcome.REFUSED:
                yield self.line(result)

    def line(self, result: RowResult) -> str:
        """A row in a line: where it stands, what became of it and why."""
        why = " ".join(str(problem) for problem in result.problems) or result.detail
        said = f"row {result.row}{_called(result.number)}: {self._outcome(result)}"
        return f"{said}: {why}" if why else said

    def counts(self) -> Text:
        """How many rows there are and what became of them, in one sentence without anybody's data."""
        said = {
            RowOutcome.ADDED: gettext_noop("{count} would be added") if self.dry_run else gettext_noop("{count} added"),
            RowOutcome.KNOWN: gettext_noop("{count} known already"),
            RowOutcome.REFUSED: gettext_noop("{count} refused"),
            RowOutcome.HELD_BACK: gettext_noop("{count} held back because of them"),
        }
        parts = [
            say(sentence, count=counted(self.count(outcome)))
            for outcome, sentence in said.items()
            if self.count(outcome) or outcome is not RowOutcome.HELD_BACK
        ]
        return say("{rows}: {counts}.", rows=rows(len(self.results)), counts=join(", ", parts))

    def summary(self) -> Iterator[str]:
        """The counts, and each reason with its own and an example."""
        yield str(self.counts())
        for reason, count in self.reasons().items():
            yield f"  {count:,} refused, the first in {self._first(reason)}"

    def write_csv(self, stream: TextIO) -> None:
        """Every row as CSV, a line for each problem of a refused one. No cell can be run by a spreadsheet."""
        rows = (
            (result.row, result.number, self._outcome(result), problem.field, problem.code, problem.message)
            for result in self.results
            for problem in result.problems or (Problem("", "", result.detail),)
        )
        stream.writelines(csv_lines(("row", "number", "outcome", "field", "reason", "message"), rows, line_end="\n"))

    def _first(self, reason: str) -> str:
        """The reason as the first row with it has it, for a summary."""
        return next(
            f"row {result.row} for {problem}"
            for result in self.results
            for problem in result.problems
            if problem.reason == reason
        )

    def _outcome(self, result: RowResult) -> str:
        return (
            f"would be {result.outcome}" if self.dry_run and result.outcome is RowOutcome.ADDED else str(result.outcome)
        )


def rows(count: int) -> Text:
    """How many rows, in words."""
    return say_count("{count} row", "{count} rows", count, count=counted(count))


def _called(number: str) -> str:
    return (
        f" ({number if number.isascii() and number.isprintable() and len(number) <= 30 else quoted(number)})"
        if number
        else ""
    )
