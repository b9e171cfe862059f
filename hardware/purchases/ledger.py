"""The books of phones sold, checked: instalments add up to the price, and those paid to what was paid."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Count, F, Max, Q, Sum, Value
from django.db.models.functions import Coalesce

from audit.ledger_checks import Breach, Check, each
from core.fields import MoneyField
from hardware.purchases.models import Purchase


def purchases() -> Iterator[Breach]:
    """The instalments of a purchase add up to its price, and those that are paid to what was paid."""
    paid = Q(instalments__paid_on__isnull=False)
    nothing = Value(Decimal(0), output_field=MoneyField())
    rows = Purchase.objects.annotate(
        due=Coalesce(Sum("instalments__amount"), nothing),
        received=Coalesce(Sum("instalments__amount", filter=paid), nothing),
        parts=Count("instalments"),
        last=Max("instalments__sequence"),
    ).filter(~Q(price=F("due")) | ~Q(paid=F("received")) | Q(parts__gt=0) & ~Q(parts=F("last")))
    for row in each(rows):
        name = f"purchase {row.number}"
        if row.price != row.due:
            yield Breach("purchase-instalments", name, f"price {row.price:f}, its instalments add up to {row.due:f}")
        if row.paid != row.received:
            yield Breach("purchase-paid", name, f"paid {row.paid:f}, its paid instalments add up to {row.received:f}")
        if row.parts and row.parts != row.last:
            yield Breach("purchase-parts", name, f"has {row.parts} instalments, the last is number {row.last}")


CHECKS: tuple[Check, ...] = (purchases,)
