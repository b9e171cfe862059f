"""Usage, checked: records come to what the events of their recording say; each correction stands beside what it
corrects, and no record comes to less than nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from django.db import models
from django.db.models import Count, F, Q, Sum, Value
from django.db.models.functions import Coalesce

from audit.ledger_checks import CHUNK, Breach, Check, each
from audit.models import Event
from billing.usage.models import UsageRecord
from billing.vocabulary import BillingVerb
from core.fields import FixedPointField


def corrections() -> Iterator[Breach]:
    """A correction is of a record that is none itself, of the same id, period, day and operation; with its corrections
    a record has no less than 0 seconds or uses.
    """
    same = ("external_id", "subscription", "period", "kind", "operation", "local_day")
    astray = Q(corrects__corrects__isnull=False)
    for name in same:
        astray |= ~Q(**{name: F(f"corrects__{name}")})
    for row in each(UsageRecord.objects.filter(astray, corrects__isnull=False).select_related("corrects")):
        yield Breach(
            "usage-correction",
            f"usage {row.external_id}",
            f"of {row.local_day} does not stand beside what it corrects, {row.corrects} of {row.corrects.local_day}",
        )
    seconds = F("seconds") + Coalesce(Sum("corrections__seconds"), Value(0), output_field=models.BigIntegerField())
    none = Value(Decimal(0), output_field=FixedPointField(places=4))
    quantity = F("quantity") + Coalesce(Sum("corrections__quantity"), none)
    corrected = UsageRecord.objects.filter(corrections__isnull=False).annotate(
        left_seconds=models.ExpressionWrapper(seconds, models.BigIntegerField()),
        left_quantity=models.ExpressionWrapper(quantity, FixedPointField(places=4)),
    )
    for row in each(corrected.filter(Q(left_seconds__lt=0) | Q(left_quantity__lt=0))):
        yield Breach(
            "usage-below-zero",
            f"usage {row.external_id}",
            f"comes to {row.left_seconds} seconds and {row.left_quantity:f} uses with its corrections",
        )


def recorded() -> Iterator[Breach]:
    """The records of each local day come to what the events of their recording say of it."""
    by_day: dict[date, _Sums] = {}
    events = Event.objects.filter(
        verb__in=(BillingVerb.USAGE_RECORD, BillingVerb.USAGE_IMPORT, BillingVerb.USAGE_CORRECT),
        outcome=Event.Outcome.DONE,
    ).order_by()
    for data in events.values_list("data", flat=True).iterator(chunk_size=CHUNK):
        for text, (count, seconds, quantity, whose) in data.get("days", {}).items():
            day = date.fromisoformat(text)
            before = by_day.get(day, (0, 0, Decimal(0), 0))
            by_day[day] = _added(before, (count, seconds, Decimal(quantity), whose))
    whose = Sum(F("subscription_id") * (F("seconds") + 1), output_field=models.BigIntegerField())
    rows = UsageRecord.objects.order_by("local_day").values_list("local_day")
    there: dict[date, _Sums] = {
        day: (count, int(seconds), quantity, int(of))
        for day, count, seconds, quantity, of in rows.annotate(
            count=Count("pk"), seconds_sum=Sum("seconds"), quantity_sum=Sum("quantity"), whose=whose
        )
    }
    nothing = (0, 0, Decimal(0), 0)
    for day in sorted({*by_day, *there}):
        is_, said = there.get(day, nothing), by_day.get(day, nothing)
        if is_ != said:
            yield Breach(
                "usage-recorded",
                f"usage of {day}",
                f"is {_told(is_)}; the events of its recording say {_told(said)}"
                f"{'' if is_[:3] != said[:3] else ', of other subscriptions'}",
            )


#: Records, seconds, quantity, and what differs when they are other subscriptions'.
type _Sums = tuple[int, int, Decimal, int]


def _added(one: _Sums, other: _Sums) -> _Sums:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


def _told(sums: _Sums) -> str:
    return f"{sums[0]} records with {sums[1]} seconds and {sums[2]:f} uses"


CHECKS: tuple[Check, ...] = (corrections, recorded)
