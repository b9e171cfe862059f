"""``import_bank``: read a bank's statement and match its payments to invoices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.management.import_command import opened, person, printable_name
from audit.actions import Refused
from audit.context import acting
from billing.imports.bank import read_statement
from billing.imports.bank_map import load_bank_map, shipped_bank_maps
from billing.payments.bank_lines.actions import BankReport, Became, StatementRefused, import_bank, preview_bank
from core.sheets.maps import MapProblem
from core.sheets.problems import FileProblem


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
            path, bank_map = Path(options["file"]), load_bank_map(options["map"])
            with opened(path) as stream:
                statement = read_statement(stream, bank_map, file_name=printable_name(path), today=timezone.localdate())
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
            if result.outcome in (Became.UNMATCHED, Became.REFUSED):
                self.stdout.write(report.line(result))
        self.stdout.write(str(report.counts()))
