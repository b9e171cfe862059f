"""``import_customers``: take customers with plan, term and fee over from a CSV file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.management.import_command import ImportCommand, person, printable_name, report_file
from audit.actions import Refused
from audit.context import acting
from billing.imports.actions import ImportRefused, Origin, import_customers, preview_customers
from billing.imports.column_map import ColumnMap, MapProblem, load_map, shipped_maps
from billing.imports.values import Candidate, RowReader
from core.sheets.problems import FileProblem, shown
from core.sheets.reading import CsvReader


class Command(ImportCommand):
    help = (
        "Take customers with plan, term and fee over from a CSV file. All or nothing, unless --partial; what"
        " is here already is left alone. The exit status is 1 when the file or any row was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_import_arguments(parser)
        parser.add_argument(
            "--map",
            required=True,
            metavar="MAP.toml",
            help=f"what the file's columns mean: a TOML file, or a shipped map ({', '.join(shipped_maps())})",
        )
        parser.add_argument(
            "--today",
            metavar="YYYY-MM-DD",
            help="the local day on which the customers are taken over; today if left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        today = _day(options["today"])
        by = person(options["by"])
        path = Path(options["file"])
        try:
            candidates, origin = _read(path, load_map(options["map"]), today)
        except (FileProblem, MapProblem) as problem:
            raise CommandError(f"{problem} Nothing was imported.") from None
        refusal = ""
        with report_file(options["report"], path) as stream:
            try:
                with acting(source="command"):
                    if options["dry_run"]:
                        report = preview_customers(candidates, by=by, today=today, partial=options["partial"])
                    else:
                        report = import_customers(
                            candidates, origin=origin, by=by, today=today, partial=options["partial"]
                        )
            except ImportRefused as refused:
                report, refusal = refused.report, str(refused.message)
            except Refused as refused:
                raise CommandError(refused.message) from None
            if stream is not None:
                report.write_csv(stream)
        self.tell(report, options["verbosity"], refusal=refusal)


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
    return candidates, Origin(printable_name(path), reader.sha256, reader.size, column_map.name, column_map.sha256)


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
