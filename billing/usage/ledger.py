"""Corrections of usage, checked: each stands beside what it corrects, and no record comes to less than nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.db import models
from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce

from audit.ledger_checks import Breach, Check, each
from billing.usage.models import UsageRecord
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


CHECKS: tuple[Check, ...] = (corrections,)
