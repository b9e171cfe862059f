"""Writing a file of usage: one action for it all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import BinaryIO
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.customers.links import linked_obstacle
from accounts.imports.frame import Import, Origin
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from audit.bulk import CHUNK, create_from
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.actions import (
    Usage,
    add_to_days,
    as_corrected,
    build_usage,
    known_records,
    says_the_same,
    sums_by_day,
)
from billing.usage.imports.rows import UsageRow, UsageRowReader, repeated_ids
from billing.usage.models import UsageKind, UsageRecord
from billing.vocabulary import BillingVerb
from core.locks import lock_rows
from core.sheets.cells import Candidate
from core.sheets.problems import Problem, quoted
from core.sheets.reading import read_rows
from core.sheets.report import RowOutcome, RowResult
from core.sql import in_list
from core.text import Text, say


@dataclass(frozen=True, slots=True)
class UsageFile:
    """A file as read: its rows, the bad ones with their problems, and where they come from."""

    rows: list[Candidate[UsageRow]]
    origin: Origin


def read_usage(stream: BinaryIO, *, file_name: str, today: date, delimiter: str = ",") -> UsageFile:
    """All rows of a file.

    Raises:
        FileProblem: the file as a whole cannot be read.
    """
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    rows, file = read_rows(
        stream, lambda header: UsageRowReader(header, today=today, zone=zone).read, delimiter=delimiter
    )
    return UsageFile(rows, Origin(file_name, file.sha256, file.size))


@dataclass(frozen=True, slots=True)
class _Books:
    """What the database knows of the file's subscriptions and ids."""

    subscriptions: dict[str, Subscription]
    periods: dict[int, list[BillingPeriod]]
    records: dict[str, UsageRecord]
    linked: dict[int, Obstacle | None]


def _prepare(
    candidates: Sequence[Candidate[UsageRow]], *, by: User, today: date, lock: bool
) -> tuple[list[RowResult], list[UsageRecord]]:
    """A result for every row, in the file's order, and the records of the added ones. ``lock`` keeps the subscriptions
    and with them their daily sums to this transaction.
    """
    repeated = repeated_ids(candidates)
    books = _look_up([candidate.value for candidate in candidates if candidate.value], by=by, lock=lock)
    results: list[RowResult] = []
    ready: list[UsageRecord] = []
    for candidate in candidates:
        row, outcome = candidate.value, RowOutcome.REFUSED
        detail: Text = ""
        problems = (*candidate.problems, *repeated.get(candidate.row, ()))
        if row is not None and not problems:
            found = _decide(row, books)
            if isinstance(found, Problem):
                problems = (found,)
            elif found._state.adding:
                ready.append(found)
                outcome, detail = (
                    RowOutcome.ADDED,
                    say("for {subscription}, {period}", subscription=row.subscription, period=found.period),
                )
            else:
                outcome, detail = RowOutcome.KNOWN, say("for {subscription}", subscription=row.subscription)
        results.append(RowResult(candidate.row, candidate.number, outcome, detail, problems))
    return results, ready


def _look_up(rows: Sequence[UsageRow], *, by: User, lock: bool) -> _Books:
    pks: list[int] = []
    for numbers in batched(sorted({row.subscription for row in rows}), CHUNK):
        pks.extend(Subscription.objects.filter(number__in=numbers).values_list("pk", flat=True))
    subscriptions: dict[str, Subscription] = {}
    for keys in batched(sorted(pks), CHUNK):
        read = lock_rows(Subscription, keys) if lock else Subscription.objects.in_bulk(keys)
        subscriptions.update((each.number, each) for each in read.values())
    periods: dict[int, list[BillingPeriod]] = defaultdict(list)
    for period in BillingPeriod.objects.filter(in_list("subscription", pks)):
        periods[period.subscription_id].append(period)
    owners = {each.customer_id for each in subscriptions.values()} if by.customer_id is not None else set()
    linked = {customer_id: linked_obstacle(by, customer_id) for customer_id in owners}
    return _Books(subscriptions, periods, known_records([row.external_id for row in rows]), linked)


def _decide(row: UsageRow, books: _Books) -> UsageRecord | Problem:
    """The record to add, the one that is there with the same contents, or what is wrong with the row."""
    subscription = books.subscriptions.get(row.subscription)
    if subscription is None:
        return Problem("subscription", "unknown", say("{text} is no subscription here.", text=quoted(row.subscription)))
    if obstacle := books.linked.get(subscription.customer_id):
        return Problem("subscription", obstacle.code, obstacle.sentence)
    usage = Usage(row.external_id, row.occurred_at, row.seconds, row.operation, row.quantity)
    record = build_usage(subscription, books.periods.get(subscription.pk, ()), usage)
    if not isinstance(record, UsageRecord):
        field, obstacle = record
        return Problem(field, obstacle.code, obstacle.sentence)
    known = books.records.get(row.external_id)
    if known is None:
        return record
    if not says_the_same(known, record):
        return Problem("external_id", "differs", _difference(known, record))
    return known


def _difference(known: UsageRecord, new: UsageRecord) -> Text:
    """Which of the columns tells something else than the record with the same id, and what is on record."""
    if known.subscription_id != new.subscription_id:
        return say("{id} is here already, of another subscription.", id=quoted(known.external_id))
    if known.occurred_at != new.occurred_at:
        return say("{id} is here already, of {when}.", id=quoted(known.external_id), when=known.occurred_at)
    if (known.kind, known.operation) != (new.kind, new.operation):
        what = quoted(known.operation) if known.operation else say("a call")
        return say("{id} is here already, for {what}.", id=quoted(known.external_id), what=what)
    seconds, quantity = as_corrected(known)
    there = say("{count} seconds", count=seconds) if known.kind == UsageKind.CALL else f"{quantity.normalize():f}"
    return say("{id} is here already, with {there}: correct it there.", id=quoted(known.external_id), there=there)


def _write(ready: Sequence[UsageRecord], *, reason: str) -> None:
    create_from(UsageRecord, ready)
    add_to_days(ready)


#: Usage that is not here yet, each row for the period whose service covers its local day, at the costs that the period
#: was billed with. A row that is here with the same contents, as recorded or as corrected since, is known and left
#: alone; a correction is made on the record's page, never by a file.
USAGE = Import(
    verb=BillingVerb.USAGE_IMPORT,
    model=UsageRecord,
    rights=(May.IMPORT,),
    prepare=_prepare,
    write=_write,
    concurrent=lambda: say(
        "Somebody has added one of these records at the same moment. Nothing was imported: run it again."
    ),
    sums=lambda ready: {"days": sums_by_day(ready)},
)
