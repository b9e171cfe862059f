"""``import_usage``: take calls and operations that were used from a CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.imports.frame import Origin
from accounts.management.import_command import ImportCommand, opened, printable_name
from billing.usage.imports.actions import USAGE, read_usage
from billing.usage.imports.rows import UsageRow
from core.sheets.cells import Candidate
from core.sheets.reading import DELIMITERS


class Command(ImportCommand):
    help = (
        "Take calls and operations that were used from a CSV file. All or nothing, unless --partial; what is here"
        " already, by its external id, is left alone. The exit status is 1 when the file or any row was refused."
    )

    what = USAGE

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--delimiter", default=",", choices=DELIMITERS, help="what stands between cells: a comma")

    def read(self, path: Path, options: Mapping[str, Any], today: date) -> tuple[list[Candidate[UsageRow]], Origin]:
        with opened(path) as stream:
            file = read_usage(stream, file_name=printable_name(path), today=today, delimiter=options["delimiter"])
        return file.rows, file.origin
