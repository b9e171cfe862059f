"""``import_customers``: take customers with plan, term and fee over from a CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.imports.frame import Origin
from accounts.management.import_command import ImportCommand, opened, printable_name
from billing.imports.actions import CUSTOMERS
from billing.imports.column_map import load_map, shipped_maps
from billing.imports.values import CustomerRow, CustomerRowReader
from core.sheets.cells import Candidate
from core.sheets.problems import quoted
from core.sheets.reading import read_rows


class Command(ImportCommand):
    help = (
        "Take customers with plan, term and fee over from a CSV file. All or nothing, unless --partial; what"
        " is here already is left alone. The exit status is 1 when the file or any row was refused."
    )

    what = CUSTOMERS

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
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

    def today(self, options: Mapping[str, Any]) -> date:
        today = timezone.localdate()
        if not options["today"]:
            return today
        try:
            day = date.fromisoformat(options["today"])
        except ValueError:
            raise CommandError(f"--today: {quoted(options['today'])} is no date (YYYY-MM-DD).") from None
        if day > today:
            raise CommandError(f"--today: {day} lies in the future.")
        return day

    def read(self, path: Path, options: Mapping[str, Any], today: date) -> tuple[list[Candidate[CustomerRow]], Origin]:
        column_map = load_map(options["map"])
        with opened(path) as stream:
            candidates, file = read_rows(
                stream,
                lambda header: CustomerRowReader(column_map.for_header(header), header, today=today).read,
                delimiter=column_map.delimiter,
            )
        further = {"map": column_map.name, "map_sha256": column_map.sha256}
        return candidates, Origin(printable_name(path), file.sha256, file.size, further)
