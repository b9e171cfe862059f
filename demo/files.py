"""The files that the old system leaves: written as it would, imported as any file is."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import BytesIO, StringIO
from typing import Any

from accounts.imports.frame import Import, Origin
from accounts.staff.models import User
from core.sheets.cells import Candidate
from core.sheets.reading import Record, read_rows

#: Makes what reads the rows of a file with this header.
type Reader = Callable[[Sequence[str]], Callable[[Record], Candidate[Any]]]


def import_rows(
    what: Import[Any],
    name: str,
    rows: Sequence[Mapping[str, str]],
    reader: Reader,
    *,
    by: User,
    today: date,
    further: Mapping[str, Any] | None = None,
) -> None:
    """Import the rows, each by its columns, as a file of that name. ``further`` is what else the event keeps of it."""
    text = StringIO(newline="")
    file = csv.DictWriter(text, list(rows[0]))
    file.writeheader()
    file.writerows(rows)
    candidates, read = read_rows(BytesIO(text.getvalue().encode()), reader, delimiter=",")
    what.run(candidates, origin=Origin(name, read.sha256, read.size, dict(further or {})), by=by, today=today)
