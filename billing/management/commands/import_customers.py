"""``import_customers``: take customers with plan, term and fee over from a CSV file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from audit.actions import Refused
from audit.context import acting
from billing.imports.actions import ImportRefused, Origin, import_customers, preview_customers
from billing.imports.column_map import ColumnMap, load_map, shipped_maps
from billing.imports.problems import FileProblem, MapProblem, shown
from billing.imports.reading import CsvReader
from billing.imports.report import Report, rows
from billing.imports.values import Candidate, RowReader


class Command(BaseCommand):
    help = (
        "Take customers with plan, term and fee over from a CSV file. All or nothing, unless --partial; what"
        " is here already is left alone. The exit status is 1 when the file or any row was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the CSV file, UTF-8, with a header")
        parser.add_argument(
            "--map",
            required=True,
            metavar="MAP.toml",
            help=f"what the file's columns mean: a TOML file, or a shipped map ({', '.join(shipped_maps())})",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
        parser.add_argument("--partial", action="store_true", help="import the good rows though others are refused")
        parser.add_argument("--report", metavar="REPORT.csv", help="write what became of every row as CSV, too")
        parser.add_argument("--by", metavar="USERNAME", help="who imports; the system itself if left out")
        parser.add_argument(
            "--today",
            metavar="YYYY-MM-DD",
            help="the local day on which the customers are taken over; today if left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        today = _day(options["today"])
        by = _person(options["by"])
        path = Path(options["file"])
        try:
            candidates, origin = _read(path, load_map(options["map"]), today)
        except (FileProblem, MapProblem) as problem:
            raise CommandError(f"{problem} Nothing was imported.") from None
        refusal = ""
        with _report_file(options["report"], path) as stream:
            try:
                with acting(source="command"):
                    if options["dry_run"]:
                        report = preview_customers(candidates, by=by, today=today, partial=options["partial"])
                    else:
                        report = import_customers(
                            candidates, origin=origin, by=by, today=today, partial=options["partial"]
                        )
            except ImportRefused as refused:
                report, refusal = refused.report, refused.message
            except Refused as refused:
                raise CommandError(refused.message) from None
            if stream is not None:
                report.write_csv(stream)
        self._tell(report, options["verbosity"])
        if report.refused:
            raise CommandError(refusal or f"Refused: {report.refused:,} of {rows(len(report.results))}.")

    def _tell(self, report: Report, verbosity: int) -> None:
        if verbosity > 0:
            for line in report.lines(every_row=verbosity > 1):
                self.stdout.write(line)
        for line in report.summary():
            self.stdout.write(line)
        if report.dry_run:
            self.stdout.write("Dry run: nothing was written.")


def _read(path: Path, column_map: ColumnMap, today: date) -> tuple[list[Candidate], Origin]:
    try:
        with path.open("rb") as stream:
            reader = CsvReader(stream, delimiter=column_map.delimiter)
            fitting = column_map.for_header(reader.header)
            rows = RowReader(fitting, reader.header, today=today)
            candidates = [rows.read(record) for record in reader]
    except OSError as error:
        raise FileProblem(f"{shown(str(path))} cannot be read: {error.strerror}.") from None
    if not candidates:
        raise FileProblem("The file has a header and no rows.")
    name = "".join(char if char.isprintable() else "?" for char in path.name)
    return candidates, Origin(name, reader.sha256, reader.size, column_map.name, column_map.sha256)


def _day(given: str | None) -> date:
    today = timezone.localdate()
    if not given:
        return today
    try:
        day = date.fromisoformat(given)
    except ValueError:
        raise CommandError(f"--today: {shown(given)} is no date (YYYY-MM-DD).") from None
    if day > today:
        raise CommandError(f"--today: {day} lies in the future.")
    return day


def _person(username: str | None) -> User:
    if not username:
        return User.objects.system()
    user = User.objects.select_related("role").filter(username=username).first()
    if user is None:
        raise CommandError(f"--by: there is no staff member {shown(username)}.")
    return user


@contextlib.contextmanager
def _report_file(name: str | None, source: Path) -> Iterator[TextIO | None]:
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
        raise CommandError(f"--report: {shown(name)} cannot be written: {error.strerror}.") from None
    with stream:
        yield stream
