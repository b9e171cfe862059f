"""``import_purchases``: take purchases of phones, with their instalments, from a CSV file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.management.import_command import ImportCommand, person, printable_name, report_file
from audit.actions import Refused
from audit.context import acting
from core.sheets.problems import FileProblem, shown
from core.sheets.reading import DELIMITERS, CsvReader
from hardware.imports.actions import ImportRefused, Origin, import_purchases, preview_purchases
from hardware.imports.rows import Candidate, RowReader


class Command(ImportCommand):
    help = (
        "Take purchases of phones, with their instalments, from a CSV file. All or nothing, unless --partial; what"
        " is here already is left alone. The exit status is 1 when the file or any row was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_import_arguments(parser)
        parser.add_argument("--delimiter", default=",", choices=DELIMITERS, help="what stands between cells: a comma")

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate()
        by = person(options["by"])
        path = Path(options["file"])
        try:
            candidates, origin = _read(path, options["delimiter"], today)
        except FileProblem as problem:
            raise CommandError(f"{problem} Nothing was imported.") from None
        refusal = ""
        partial = options["partial"]
        with report_file(options["report"], path) as stream:
            try:
                with acting(source="command"):
                    if options["dry_run"]:
                        report = preview_purchases(candidates, by=by, today=today, partial=partial)
                    else:
                        report = import_purchases(candidates, origin=origin, by=by, today=today, partial=partial)
            except ImportRefused as refused:
                report, refusal = refused.report, str(refused.message)
            except Refused as refused:
                raise CommandError(refused.message) from None
            if stream is not None:
                report.write_csv(stream)
        self.tell(report, options["verbosity"], refusal=refusal)


def _read(path: Path, delimiter: str, today: date) -> tuple[list[Candidate], Origin]:
    try:
        with path.open("rb") as stream:
            reader = CsvReader(stream, delimiter=delimiter)
            rows = RowReader(reader.header, today=today)
            candidates = [rows.read(record) for record in reader]
    except OSError as error:
        raise FileProblem(f"{shown(str(path))} cannot be read: {error.strerror}.") from None
    if not candidates:
        raise FileProblem("The file has a header and no rows.")
    return candidates, Origin(printable_name(path), reader.sha256, reader.size)
