"""``import_bank``: read a bank's statement and match its payments to invoices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.management.import_command import person, printable_name
from audit.actions import Refused
from audit.context import acting
from billing.imports.bank import Statement, read_statement
from billing.imports.bank_map import BankMap, load_bank_map, shipped_bank_maps
from billing.imports.column_map import MapProblem
from billing.payments.bank_lines import BankReport, Became, StatementRefused, import_bank, preview_bank
from core.sheets.problems import FileProblem, shown


class Command(BaseCommand):
    help = (
        "Read a bank's statement (CSV) and record its payments on the invoices that they name; the others are listed."
        " All or nothing; what was read before is left alone. The exit status is 1 when the file was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the CSV file, UTF-8, with a header")
        parser.add_argument(
            "--map",
            default="own",
            metavar="MAP.toml",
            help=f"what the columns mean: a TOML file, or a shipped map ({', '.join(shipped_bank_maps())}; own if left"
            " out)",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
        parser.add_argument("--by", metavar="USERNAME", help="who reads it; the system itself if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        by = person(options["by"])
        try:
            statement = _read(Path(options["file"]), load_bank_map(options["map"]))
        except (FileProblem, MapProblem) as problem:
            raise CommandError(f"{problem} Nothing was taken in.") from None
        try:
            with acting(source="command"):
                report = preview_bank(statement, by=by) if options["dry_run"] else import_bank(statement, by=by)
        except StatementRefused as refused:
            self._tell(refused.report)
            raise CommandError("Nothing was taken in.") from None
        except Refused as refused:
            raise CommandError(refused.message) from None
        self._tell(report)
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was written.")
            if report.count(Became.REFUSED):
                raise CommandError("The file would be refused.")

    def _tell(self, report: BankReport) -> None:
        for result in report.results:
            if result.became in (Became.UNMATCHED, Became.REFUSED):
                self.stdout.write(str(result))
        self.stdout.write(str(report.counts()))


def _read(path: Path, bank_map: BankMap) -> Statement:
    try:
        with path.open("rb") as stream:
            return read_statement(stream, bank_map, file_name=printable_name(path), today=timezone.localdate())
    except OSError as error:
        raise FileProblem(f"{shown(str(path))} cannot be read: {error.strerror}.") from None
