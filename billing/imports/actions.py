"""Writing a file of customers with their subscriptions, first periods and invoices: one action for it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

from django.db import IntegrityError

from accounts.customers.models import Customer
from accounts.numbers.models import next_numbers
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle, require
from audit.actions import Refused, act
from audit.bulk import CHUNK, create_tracked
from billing.imports.preparing import Ready, draft, prepare
from billing.imports.values import Candidate
from billing.invoices.issuing import build_invoice, build_line, invoice_number, invoice_series
from billing.invoices.models import Invoice, InvoiceLine
from billing.subscriptions.actions import SUBSCRIPTION_SERIES, build_period, subscription_number
from billing.subscriptions.models import BillingPeriod, Subscription
from core.sheets.report import Outcome, Report, rows
from core.text import say


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file was imported by which map: what the event keeps of them."""

    file_name: str
    file_sha256: str
    file_size: int
    map_name: str
    map_sha256: str

    def as_data(self) -> dict[str, Any]:
        return {
            "file": self.file_name,
            "sha256": self.file_sha256,
            "bytes": self.file_size,
            "map": self.map_name,
            "map_sha256": self.map_sha256,
        }


class ImportRefused(Refused):
    """A file with refused rows; ``report`` says which and why. Nothing was written."""

    def __init__(self, report: Report, *, data: dict[str, Any]) -> None:
        super().__init__(
            f"Refused: {report.refused:,} of {rows(len(report.results))}. Nothing is imported.",
            code="rows",
            data=data,
        )
        self.report = report


def import_customers(
    candidates: Sequence[Candidate], *, origin: Origin, by: User, today: date, partial: bool = False
) -> Report:
    """Add the customers of a file that are not here yet, each with a subscription taken over on ``today``:
    its first period here is the one that contains the day, and its invoice is issued. A row that is here with
    the same content is known and left alone.

    One transaction, one event. Numbers of subscriptions and invoices follow the file's order.

    Raises:
        ImportRefused: a row is refused and the import is not ``partial``.
        Refused: the person may not import, or somebody added one of the customers at the same moment.
    """
    reason = f"Imported from {origin.file_name}"
    with act("customers.import", by=by, reason=reason, target=(Customer, None)) as action:
        action.target_label = origin.file_name[:200]
        require(by, May.IMPORT)
        prepared = prepare(draft(candidates), today=today, lock=True)
        report = Report(prepared.results)
        data = {**origin.as_data(), "today": today.isoformat(), "partial": partial, **_counts(report)}
        if report.refused and not partial:
            held = _held_back(report)
            raise ImportRefused(held, data={**data, **_counts(held)})
        try:
            if prepared.ready:
                _write(prepared.ready, reason=reason)
        except IntegrityError as error:
            raise Refused(
                say(
                    "Somebody has added one of these customers at the same moment. Nothing was imported: run it again."
                ),
                code="concurrent",
            ) from error
        action.data = data
        action.message = report.counts()
        return report


def preview_customers(candidates: Sequence[Candidate], *, by: User, today: date, partial: bool = False) -> Report:
    """What ``import_customers`` would do now, by the same rules. Writes nothing, not even an event.

    Raises:
        Refused: the person may not import.
    """
    obstacle = permission_obstacle(by, May.IMPORT)
    if obstacle:
        raise Refused(obstacle, code="permission")
    report = Report(prepare(draft(candidates), today=today, lock=False).results, dry_run=True)
    return report if partial or not report.refused else _held_back(report)


def _held_back(report: Report) -> Report:
    results = [
        replace(result, outcome=Outcome.HELD_BACK) if result.outcome is Outcome.ADDED else result
        for result in report.results
    ]
    return replace(report, results=results)


def _counts(report: Report) -> dict[str, Any]:
    counts = {outcome.name.lower(): report.count(outcome) for outcome in Outcome}
    return {"rows": len(report.results), **counts, "reasons": report.reasons()}


def _write(ready: Sequence[Ready], *, reason: str) -> None:
    create_tracked(Customer, [made.customer for made in ready], reason=reason)
    numbers = next_numbers(SUBSCRIPTION_SERIES, len(ready))
    for made, n in zip(ready, numbers, strict=True):
        made.subscription.number = subscription_number(n)
        made.subscription.customer_id = made.customer.pk
    create_tracked(Subscription, [made.subscription for made in ready], reason=reason)
    periods = [build_period(made.subscription, made.sequence, price=made.price, costs=made.costs) for made in ready]
    create_tracked(BillingPeriod, periods, reason=reason)
    invoices: list[Invoice] = []
    # The sort is stable: within a year the invoices keep the file's order.
    for year, group in groupby(sorted(periods, key=_year), key=_year):
        of_year = list(group)
        taken = next_numbers(invoice_series(year), len(of_year))
        invoices.extend(
            build_invoice(period, number=invoice_number(year, n)) for period, n in zip(of_year, taken, strict=True)
        )
    create_tracked(Invoice, invoices, reason=reason)
    InvoiceLine.objects.bulk_create([build_line(invoice) for invoice in invoices], batch_size=CHUNK)


def _year(period: BillingPeriod) -> int:
    return period.starts_on.year
