"""What every command that takes in a CSV file has in common: who imports, the report, what is said at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.imports.frame import Import, ImportRefused, Origin
from accounts.staff.models import User
from audit.actions import Refused
from audit.context import acting
from core.sheets.maps import MapProblem
from core.sheets.problems import FileProblem, quoted
from core.sheets.report import Report, rows


class ImportCommand(BaseCommand):
    """Base of the commands that import row by row. Their exit status is 1 when the file or any row was refused."""

    what: Import[Any]

    def add_arguments(self, parser: CommandParser) -> None:
        """The file and the switches that mean the same for every import."""
        parser.add_argument("file", metavar="FILE", help="the CSV file, UTF-8, with a header")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
        parser.add_argument("--partial", action="store_true", help="import the good rows though others are refused")
        parser.add_argument("--report", metavar="REPORT.csv", help="write what became of every row as CSV, too")
        parser.add_argument("--by", metavar="USERNAME", help="who imports; the system itself if left out")

    def today(self, options: Mapping[str, Any]) -> date:
        """The local day of the import."""
        return timezone.localdate()

    def read(self, path: Path, options: Mapping[str, Any], today: date) -> tuple[list[Any], Origin]:
        """Every row of the file, and where they come from. Raises ``FileProblem`` or ``MapProblem``."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        today = self.today(options)
        by = person(options["by"])
        path = Path(options["file"])
        try:
            candidates, origin = self.read(path, options, today)
        except (FileProblem, MapProblem) as problem:
            raise CommandError(f"{problem} Nothing was imported.") from None
        refusal, partial = "", options["partial"]
        with report_file(options["report"], path) as stream:
            try:
                with acting(source="command"):
                    if options["dry_run"]:
                        report = self.what.preview(candidates, by=by, today=today, partial=partial)
                    else:
                        report = self.what.run(candidates, origin=origin, by=by, today=today, partial=partial)
            except ImportRefused as refused:
                report, refusal = refused.report, str(refused.message)
            except Refused as refused:
                raise CommandError(refused.message) from None
            if stream is not None:
                report.write_csv(stream)
        self.tell(report, options["verbosity"], refusal=refusal)

    def tell(self, report: Report, verbosity: int, *, refusal: str = "") -> None:
        """Say what became of the rows.

        Raises:
            CommandError: a row was refused; ``refusal`` is its sentence, if there is a better one than the count.
        """
        if verbosity > 0:
            for line in report.lines(every_row=verbosity > 1):
                self.stdout.write(line)
        for line in report.summary():
            self.stdout.write(line)
        if report.dry_run:
            self.stdout.write("Dry run: nothing was written.")
        if report.refused:
            raise CommandError(refusal or f"Refused: {report.refused:,} of {rows(len(report.results))}.")


def person(username: str | None) -> User:
    """Who imports: the system itself unless somebody is named. Raises ``CommandError`` for a name nobody has."""
    if not username:
        return User.objects.system()
    user = User.objects.select_related("role").filter(username=username).first()
    if user is None:
        raise CommandError(f"--by: there is no staff member {quoted(username)}.")
    return user


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file to import. Raises ``FileProblem`` when it cannot be read."""
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise FileProblem(f"{quoted(str(path))} cannot be read: {error.strerror}.") from None


def printable_name(path: Path) -> str:
    """The file's name as events keep it: nothing in it that acts on a terminal."""
    return "".join(char if char.isprintable() else "?" for char in path.name)


@contextlib.contextmanager
def report_file(name: str | None, source: Path) -> Iterator[TextIO | None]:
    """The report's file, opened before anything is imported, so that a wrong place is found out in time."""
    if not name:
        yield None
        return
    path = Path(name)
    if path.exists() and source.exists() and path.samefile(source):
        raise CommandError("--report: this is the file to import.")
    try:
        stream = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandError(f"--report: {quoted(name)} cannot be written: {error.strerror}.") from None
    with stream:
        yield stream
