"""``import_purchases``: take purchases of phones, with their instalments, from a CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.imports.frame import Origin
from accounts.management.import_command import ImportCommand, opened, printable_name
from core.sheets.cells import Candidate
from core.sheets.reading import DELIMITERS, read_rows
from hardware.imports.actions import PURCHASES
from hardware.imports.rows import PurchaseRow, PurchaseRowReader


class Command(ImportCommand):
    help = (
        "Take purchases of phones, with their instalments, from a CSV file. All or nothing, unless --partial; what"
        " is here already is left alone. The exit status is 1 when the file or any row was refused."
    )

    what = PURCHASES

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--delimiter", default=",", choices=DELIMITERS, help="what stands between cells: a comma")

    def read(self, path: Path, options: Mapping[str, Any], today: date) -> tuple[list[Candidate[PurchaseRow]], Origin]:
        with opened(path) as stream:
            candidates, file = read_rows(
                stream, lambda header: PurchaseRowReader(header, today=today).read, delimiter=options["delimiter"]
            )
        return candidates, Origin(printable_name(path), file.sha256, file.size)
