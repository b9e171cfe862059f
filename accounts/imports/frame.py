"""What the actions that import a file row by row share: where it came from, what is refused, what is on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import IntegrityError

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act
from audit.vocabulary import EventVerb, Refusal
from core.sheets.report import Report, RowResult, rows
from core.text import Text, counted, say


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file was imported: what the event keeps of it. ``further`` is what else the event keeps, as its map."""

    file_name: str
    sha256: str
    size: int
    further: dict[str, Any] = field(default_factory=dict)


class ImportRefused(Refused):
    """A file with refused rows; ``report`` says which and why. Nothing was written."""

    def __init__(self, report: Report, *, data: dict[str, Any]) -> None:
        sentence = say(
            "Refused: {count} of {rows}. Nothing is imported.",
            count=counted(report.refused),
            rows=rows(len(report.results)),
        )
        super().__init__(sentence, code=Refusal.ROWS, data=data)
        self.report = report


@dataclass(frozen=True, slots=True)
class Import[Ready]:
    """An import of one kind of rows. ``prepare`` decides about every row, in the file's order, for the person who
    imports, and says what the added ones consist of; ``write`` adds those; ``concurrent`` is the sentence for what
    somebody else added at the same moment; ``sums`` is what the event keeps of the added ones besides.
    """

    verb: EventVerb
    model: type[Any]
    rights: tuple[May, ...]
    prepare: Callable[..., tuple[list[RowResult], list[Ready]]]
    write: Callable[..., None]
    concurrent: Callable[[], Text]
    sums: Callable[[Sequence[Ready]], dict[str, Any]] = lambda ready: {}

    def run(self, candidates: Sequence[Any], *, origin: Origin, by: User, today: date, partial: bool = False) -> Report:
        """Add what is not here yet: one transaction, one event.

        Raises:
            ImportRefused: a row is refused and the import is not ``partial``.
            Refused: the person may not import, or somebody added one of the rows at the same moment.
        """
        reason = f"Imported from {origin.file_name}"
        with act(self.verb, by=by, reason=reason, target=(self.model, None)) as action:
            action.target_label = origin.file_name[:200]
            for right in self.rights:
                require(by, right)
            results, ready = self.prepare(candidates, by=by, today=today, lock=True)
            report = Report(results)
            data = {
                "file": origin.file_name,
                "sha256": origin.sha256,
                "bytes": origin.size,
                **origin.further,
                "today": today.isoformat(),
                "partial": partial,
            }
            if report.refused and not partial:
                held = report.held_back()
                raise ImportRefused(held, data={**data, **held.as_data()})
            try:
                if ready:
                    self.write(ready, reason=reason)
            except IntegrityError as error:
                raise Refused(self.concurrent(), code=Refusal.CONCURRENT) from error
            action.data = {**data, **report.as_data(), **self.sums(ready)}
            action.message = report.counts()
            return report

    def preview(self, candidates: Sequence[Any], *, by: User, today: date, partial: bool = False) -> Report:
        """What ``run`` would do now, by the same rules. Writes nothing, not even an event.

        Raises:
            Refused: the person may not import.
        """
        for right in self.rights:
            require(by, right)
        results, _ = self.prepare(candidates, by=by, today=today, lock=False)
        report = Report(results, dry_run=True)
        return report if partial or not report.refused else report.held_back()
