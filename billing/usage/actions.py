"""Taking in what customers used, and correcting what was taken in wrongly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from itertools import batched
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Value
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Obstacle, Refused, act, act_on_each
from audit.bulk import CHUNK, create_from
from audit.vocabulary import Refusal
from billing.periods import local_midnight
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.models import UsageDay, UsageKind, UsageRecord
from billing.vocabulary import BillingRefusal, BillingVerb
from core.fields import FixedPointField
from core.locks import lock_rows
from core.sheets.problems import quoted
from core.sql import in_list
from core.text import say

#: A quantity has so many decimals at most.
FINEST = 4
_EXACT = Context(prec=60)


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
        known = known_records([row.external_id for rows in usage.values() for row in rows])
        fresh: dict[str, UsageRecord] = {}
        for action, (subscription_id, rows) in zip(actions, usage.items(), strict=True):
            subscription = action.found(Subscription, subscriptions.get(subscription_id))
            action.about(subscription, customer_id=subscription.customer_id)
            own: list[UsageRecord] = []
            for row in rows:
                record = _record(subscription, periods[subscription_id], row)
                twin = known.get(row.external_id) or fresh.get(row.external_id)
                if twin is None:
                    fresh[row.external_id] = record
                    own.append(record)
                elif not says_the_same(twin, record):
                    raise Refused(
                        say("Usage {record} is known already with other contents.", record=row.external_id),
                        code=BillingRefusal.CONFLICT,
                    )
            added[subscription_id] = len(own)
            action.data = {"added": len(own), "known": len(rows) - len(own), "days": sums_by_day(own)}
        create_from(UsageRecord, list(fresh.values()))
        add_to_days(fresh.values())
    return added


def record_usage(subscription_id: int, rows: Sequence[Usage], *, by: User) -> int:
    """Add one subscription's usage: the case of one of ``record_usages``. Returns how many rows were new.

    Raises:
        Refused: as there.
    """
    return record_usages({subscription_id: rows}, by=by)[subscription_id]


def known_records(external_ids: Sequence[str]) -> dict[str, UsageRecord]:
    """The records that are there already, by their source's id, each with its corrections at hand."""
    rows = UsageRecord.objects.filter(corrects=None).prefetch_related("corrections")
    return {
        record.external_id: record
        for part in batched(external_ids, CHUNK)
        for record in rows.filter(external_id__in=part)
    }


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


def sums_by_day(records: Iterable[UsageRecord]) -> dict[str, list[int | str]]:
    """What the event of their recording keeps of records, by local day: how many, seconds, quantity, and a sum that
    differs when they are other subscriptions'. ``billing.usage.ledger`` compares the records with it.
    """
    sums: dict[date, tuple[int, int, Decimal, int]] = defaultdict(lambda: (0, 0, Decimal(0), 0))
    for record in records:
        count, seconds, quantity, whose = sums[record.local_day]
        sums[record.local_day] = (
            count + 1,
            seconds + record.seconds,
            quantity + record.quantity,
            whose + record.subscription_id * (record.seconds + 1),
        )
    return {
        day.isoformat(): [count, seconds, f"{quantity:f}", whose]
        for day, (count, seconds, quantity, whose) in sorted(sums.items())
    }


def build_usage(
    subscription: Subscription, periods: Iterable[BillingPeriod], row: Usage
) -> UsageRecord | tuple[str, Obstacle]:
    """The record of a row, not saved, in the period whose service covers its local day; or the column that is in the
    way (as the import of usage calls it), and why.
    """
    if timezone.is_naive(row.occurred_at):
        return "when", Obstacle(say("its time has no time zone."), Refusal.NAIVE_TIME)
    if row.occurred_at > timezone.now():
        return "when", Obstacle(say("it lies ahead of now."), BillingRefusal.FUTURE)
    day = timezone.localdate(row.occurred_at)
    period = next((period for period in periods if period.starts_on <= day < period.closes_on), None)
    if period is None:
        sentence = say("{subscription} has no period that covers {day}.", subscription=subscription.number, day=day)
        return "when", Obstacle(sentence, BillingRefusal.NO_PERIOD)
    if row.operation:
        if row.operation not in {cost["code"] for cost in period.operation_costs}:
            sentence = say(
                "the operation {operation} has no cost in {period}.", operation=quoted(row.operation), period=period
            )
            return "operation", Obstacle(sentence, BillingRefusal.OPERATION)
        if row.quantity.normalize(_EXACT).as_tuple().exponent < -FINEST:  # type: ignore[operator]
            return "quantity", Obstacle(say("a quantity has at most four decimals."), Refusal.AMOUNT)
        if row.quantity <= 0 or row.seconds:
            return "quantity", Obstacle(say("an operation has a quantity above 0, no seconds."), Refusal.AMOUNT)
    elif row.seconds < 0 or row.quantity:
        return "seconds", Obstacle(say("a call has seconds, not below 0, no quantity."), Refusal.AMOUNT)
    return UsageRecord(
        external_id=row.external_id,
        subscription=subscription,
        period=period,
        kind=UsageKind.OPERATION if row.operation else UsageKind.CALL,
        operation=row.operation,
        occurred_at=row.occurred_at,
        local_day=day,
        seconds=row.seconds,
        quantity=row.quantity,
    )


def says_the_same(known: UsageRecord, new: UsageRecord) -> bool:
    """Whether a row tells what is on record: as it was recorded at first, or as it was corrected since."""
    what = ("subscription_id", "kind", "operation", "occurred_at")
    if any(getattr(known, name) != getattr(new, name) for name in what):
        return False
    told = (new.seconds, new.quantity)
    return told in ((known.seconds, known.quantity), as_corrected(known))


def as_corrected(record: UsageRecord) -> tuple[int, Decimal]:
    """Seconds and quantity of a record with its corrections."""
    corrections = record.corrections.all() if not record._state.adding else ()
    return (
        record.seconds + sum(each.seconds for each in corrections),
        record.quantity + sum((each.quantity for each in corrections), Decimal(0)),
    )


def _record(subscription: Subscription, periods: Iterable[BillingPeriod], row: Usage) -> UsageRecord:
    found = build_usage(subscription, periods, row)
    if isinstance(found, UsageRecord):
        return found
    _, obstacle = found
    raise Refused(
        say("Usage {record}: {problem}", record=row.external_id, problem=obstacle.sentence), code=obstacle.code
    )


# --- By hand ------------------------------------------------------------------------------------


def enter_usage(
    period_id: int, *, by: User, day: date, reference: str, seconds: int, operations: Mapping[str, Decimal]
) -> int:
    """Record what somebody typed of one local day of a period: seconds of calls, and how often each operation was used.

    ``reference`` names what they read it from; the records' ids are made from it, so that typing the same thing again
    adds nothing. Returns how many records were new.

    Raises:
        Refused: no reference, nothing used, a day outside the period or in the future, or what ``record_usages``
            refuses.
    """
    with act(BillingVerb.USAGE_ENTER, by=by, target=(BillingPeriod, period_id)) as action:
        require(by, May.IMPORT)
        period = action.lock(BillingPeriod, period_id, "subscription")
        subscription = period.subscription
        action.about(period, customer_id=subscription.customer_id)
        action.target_label = f"{subscription.number}, {period.in_figures}"
        reference = reference.strip()
        if not reference:
            sentence = say("Please write down what you read it from: it tells this entry from others.")
            raise Refused(sentence, code=Refusal.NAME_MISSING, data={"field": "reference"})
        if not period.starts_on <= day < period.closes_on:
            sentence = say("{day} is no day of this period.", day=day)
            raise Refused(sentence, code=BillingRefusal.NO_PERIOD, data={"field": "day"})
        if day > timezone.localdate():
            sentence = say("{day} lies in the future.", day=day)
            raise Refused(sentence, code=Refusal.DATES, data={"field": "day"})
        occurred_at = local_midnight(day, ZoneInfo(settings.BUSINESS_TIME_ZONE))
        rows = [Usage(f"{reference}/calls", occurred_at, seconds=seconds)] if seconds else []
        rows += [
            Usage(f"{reference}/{code}", occurred_at, operation=code, quantity=quantity)
            for code, quantity in operations.items()
            if quantity
        ]
        if not rows:
            raise Refused(say("Nothing was used: type minutes or an operation."), code=Refusal.NOTHING)
        added = record_usage(subscription.pk, rows, by=by)
        action.data = {"reference": reference, "day": day.isoformat(), "added": added, "known": len(rows) - added}
        return added


def correction_obstacle(record: UsageRecord) -> Obstacle | None:
    """Why a record cannot be corrected, or None."""
    if record.corrects_id is not None:
        return Obstacle(say("This is a correction itself: correct the record that it corrects."), Refusal.STATE)
    return None


def correct_usage(
    record_id: int, *, by: User, reason: str, seconds: int = 0, quantity: Decimal = Decimal(0)
) -> UsageRecord:
    """Say what a record should have said: seconds of a call, or the quantity of an operation; 0 takes it back.

    The record stays, and one more with the difference counts beside it. Refunds that were settled stay as they are;
    one that waits for approval is computed again then.

    Raises:
        Refused: no reason, nothing different, an amount below 0, or seconds for an operation and the other way round.
    """
    with act(BillingVerb.USAGE_CORRECT, by=by, reason=reason, target=(UsageRecord, record_id)) as action:
        require(by, May.IMPORT)
        found = action.found(UsageRecord, UsageRecord.objects.filter(pk=record_id).first())
        subscription = action.lock(Subscription, found.subscription_id)
        action.about(found, customer_id=subscription.customer_id)
        action.refuse_if(correction_obstacle(found))
        action.require_reason(say("what was wrong"))
        other, right = (quantity, seconds) if found.kind == UsageKind.CALL else (seconds, quantity)
        if other or right < 0:
            raise Refused(
                say("A call has seconds, an operation a quantity, and neither is below 0."), code=Refusal.AMOUNT
            )
        now = as_corrected(found)
        if (seconds, quantity) == now:
            raise Refused(say("This is what is on record."), code=Refusal.NOTHING_CHANGED)
        difference = UsageRecord(
            external_id=found.external_id,
            subscription=subscription,
            period_id=found.period_id,
            kind=found.kind,
            operation=found.operation,
            occurred_at=found.occurred_at,
            local_day=found.local_day,
            seconds=seconds - now[0],
            quantity=quantity - now[1],
            corrects=found,
        )
        difference.save()
        add_to_days([difference])
        action.data = {
            "was": _figures(*now),
            "is": _figures(seconds, quantity),
            "day": found.local_day.isoformat(),
            "days": sums_by_day([difference]),
        }
        return found


def _figures(seconds: int, quantity: Decimal) -> dict[str, Any]:
    return {"seconds": seconds} if not quantity else {"quantity": f"{quantity:f}"}
