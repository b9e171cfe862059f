"""Taking in what customers used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import F, Value
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act_on_each
from audit.bulk import CHUNK, create_from
from audit.vocabulary import Refusal
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.models import UsageDay, UsageKind, UsageRecord
from billing.vocabulary import BillingRefusal, BillingVerb
from core.fields import FixedPointField
from core.locks import lock_rows
from core.sql import in_list
from core.text import say


@dataclass(frozen=True)
class Usage:
    """One call (``seconds``) or operation (``operation`` and ``quantity``), by the source's own id."""

    external_id: str
    occurred_at: datetime
    seconds: int = 0
    operation: str = ""
    quantity: Decimal = Decimal(0)


def record_usages(usage: Mapping[int, Sequence[Usage]], *, by: User) -> dict[int, int]:
    """Add the usage of subscriptions, by their key, and its daily sums, all of it in one transaction or nothing;
    returns how many rows of each were new.

    A row counts for the period whose service covers its local day. A row that is known already is skipped.

    Raises:
        Refused: naming the row: a naive time, a day outside every period, an unknown operation, nothing used,
            or an id that is known with other contents. Nothing is written then.
    """
    if not usage:
        return {}
    added: dict[int, int] = {}
    with act_on_each(BillingVerb.USAGE_RECORD, by=by, model=Subscription, pks=list(usage)) as actions:
        require(by, May.IMPORT)
        subscriptions = lock_rows(Subscription, usage)
        periods: dict[int, list[BillingPeriod]] = defaultdict(list)
        for period in BillingPeriod.objects.filter(in_list("subscription", usage)):
            periods[period.subscription_id].append(period)
        known = _known([row.external_id for rows in usage.values() for row in rows])
        fresh: dict[str, UsageRecord] = {}
        for action, (subscription_id, rows) in zip(actions, usage.items(), strict=True):
            subscription = action.found(Subscription, subscriptions.get(subscription_id))
            action.about(subscription, customer_id=subscription.customer_id)
            before = len(fresh)
            for row in rows:
                record = _record(subscription, periods[subscription_id], row)
                twin = known.get(row.external_id) or fresh.get(row.external_id)
                if twin is None:
                    fresh[row.external_id] = record
                elif not _same(twin, record):
                    raise Refused(
                        say("Usage {record} is known already with other contents.", record=row.external_id),
                        code=BillingRefusal.CONFLICT,
                    )
            added[subscription_id] = len(fresh) - before
            action.data = {"added": added[subscription_id], "known": len(rows) - added[subscription_id]}
        create_from(UsageRecord, list(fresh.values()))
        add_to_days(fresh.values())
    return added


def record_usage(subscription_id: int, rows: Sequence[Usage], *, by: User) -> int:
    """Add one subscription's usage: the case of one of ``record_usages``. Returns how many rows were new.

    Raises:
        Refused: as there.
    """
    return record_usages({subscription_id: rows}, by=by)[subscription_id]


def _known(external_ids: Sequence[str]) -> dict[str, UsageRecord]:
    """The records that are there already, by their source's id."""
    parts = (external_ids[start : start + CHUNK] for start in range(0, len(external_ids), CHUNK))
    return {record.external_id: record for part in parts for record in UsageRecord.objects.filter(external_id__in=part)}


def add_to_days(records: Iterable[UsageRecord]) -> None:
    """Add records to the daily sums of their periods. For use in the transaction that adds the records and holds
    their subscriptions, so that nobody else adds the same day meanwhile.
    """
    sums: dict[tuple[int, str, str, date], tuple[int, Decimal, int]] = {}
    for record in records:
        key = (record.period_id, record.kind, record.operation, record.local_day)
        seconds, quantity, count = sums.get(key, (0, Decimal(0), 0))
        sums[key] = (seconds + record.seconds, quantity + record.quantity, count + 1)
    there = {
        (row.period_id, row.kind, row.operation, row.local_day): row.pk
        for row in UsageDay.objects.filter(
            period__in={period_id for period_id, _, _, _ in sums}, local_day__in={day for _, _, _, day in sums}
        )
    }
    fresh = []
    for key, (seconds, quantity, count) in sorted(sums.items()):
        if key in there:
            # A bare Decimal beside F() would be added unscaled, ten thousand times too small.
            more = Value(quantity, output_field=FixedPointField(places=4))
            UsageDay.objects.filter(pk=there[key]).update(
                seconds=F("seconds") + seconds, quantity=F("quantity") + more, records=F("records") + count
            )
        else:
            period_id, kind, operation, day = key
            fresh.append(
                UsageDay(
                    period_id=period_id,
                    kind=kind,
                    operation=operation,
                    local_day=day,
                    seconds=seconds,
                    quantity=quantity,
                    records=count,
                )
            )
    UsageDay.objects.bulk_create(fresh, batch_size=2000)


def _record(subscription: Subscription, periods: list[BillingPeriod], row: Usage) -> UsageRecord:
    if timezone.is_naive(row.occurred_at):
        raise Refused(
            say("Usage {record}: its time has no time zone.", record=row.external_id), code=Refusal.NAIVE_TIME
        )
    day = timezone.localdate(row.occurred_at)
    period = next((period for period in periods if period.starts_on <= day < period.closes_on), None)
    if period is None:
        raise Refused(
            say(
                "Usage {record}: {subscription} has no period that covers {day}.",
                record=row.external_id,
                subscription=subscription.number,
                day=day,
            ),
            code=BillingRefusal.NO_PERIOD,
        )
    if row.operation:
        if row.operation not in {cost["code"] for cost in period.operation_costs}:
            raise Refused(
                say(
                    "Usage {record}: the operation {operation} has no cost in {period}.",
                    record=row.external_id,
                    operation=row.operation,
                    period=period,
                ),
                code=BillingRefusal.OPERATION,
            )
        if row.quantity <= 0 or row.seconds:
            raise Refused(
                say("Usage {record}: an operation has a quantity above 0, no seconds.", record=row.external_id),
                code=Refusal.AMOUNT,
            )
        kind = UsageKind.OPERATION
    else:
        if row.seconds < 0 or row.quantity:
            raise Refused(
                say("Usage {record}: a call has seconds, not below 0, no quantity.", record=row.external_id),
                code=Refusal.AMOUNT,
            )
        kind = UsageKind.CALL
    return UsageRecord(
        external_id=row.external_id,
        subscription=subscription,
        period=period,
        kind=kind,
        operation=row.operation,
        occurred_at=row.occurred_at,
        local_day=day,
        seconds=row.seconds,
        quantity=row.quantity,
    )


def _same(known: UsageRecord, new: UsageRecord) -> bool:
    fields = ("subscription_id", "kind", "operation", "occurred_at", "seconds", "quantity")
    return all(getattr(known, name) == getattr(new, name) for name in fields)
