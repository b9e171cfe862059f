"""Files of customers, and the command run on them: what the tests of the import share."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import CommandError, call_command

from billing.plans.models import Plan
from tests import factories

TODAY = "2024-03-31"
HEADER = "number,name,country,currency,plan,term,fee,activated_on"
BAKERY = "C-1,Harbour Bakery,IT,EUR,OFFICE,monthly,49.90,2023-05-17"
FLORIST = "C-2,Corner Florist,IT,EUR,SUITE,annual,,2022-09-30"


@dataclass
class Outcome:
    """How a run ended: its exit status, what it printed, and its error."""

    status: int
    out: str
    error: str


class Importer:
    """Writes a file and runs the command on it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "customers.csv"

    def __call__(self, *rows: str, header: str = HEADER, **options: Any) -> Outcome:
        return self.of_bytes("".join(f"{line}\n" for line in (header, *rows)).encode(), **options)

    def of_bytes(self, raw: bytes, **options: Any) -> Outcome:
        self.path.write_bytes(raw)
        return self.of_path(self.path, **options)

    def of_path(self, path: Path, **options: Any) -> Outcome:
        out = StringIO()
        try:
            call_command("import_customers", str(path), **{"map": "own", "today": TODAY, "stdout": out, **options})
        except CommandError as error:
            return Outcome(error.returncode, out.getvalue(), str(error))
        return Outcome(0, out.getvalue(), "")


def plans() -> None:
    """The plans OFFICE and SUITE, both terms with a price."""
    with_prices(factories.PlanFactory.create(code="OFFICE", name="Office"))
    with_prices(factories.PlanFactory.create(code="SUITE", name="Suite", kind=Plan.Kind.SOFTWARE))


def with_prices(plan: Plan) -> Plan:
    factories.price(plan, "monthly")
    factories.price(plan, "annual")
    return plan


def everything() -> dict[str, int]:
    """How many rows each table has, history and events included."""
    return {model._meta.label: model._base_manager.count() for model in apps.get_models()}
