"""The books of phones sold, checked: instalments add up to the price, and those paid to what was paid."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Case, Count, DateField, F, Max, Q, Sum, Value, When
from django.db.models.functions import Coalesce, Greatest

from audit.history_checks import matches_history
from audit.ledger_checks import Breach, Check, each
from core.fields import MoneyField
from hardware.purchases.models import Instalment, Purchase


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


def ownership() -> Iterator[Breach]:
    """A phone is owned since the payment that completed its price, never since before it was bought (F6)."""
    rows = Purchase.objects.annotate(
        since=Case(
            When(price__gt=F("paid"), then=None),
            default=Greatest("bought_on", Coalesce(Max("instalments__paid_on"), "bought_on")),
            output_field=DateField(),
        )
    ).filter(
        ~Q(owned_on=F("since")) & Q(owned_on__isnull=False, since__isnull=False)
        | Q(owned_on__isnull=True, since__isnull=False)
        | Q(owned_on__isnull=False, since__isnull=True)
    )
    for row in each(rows):
        since = f"owned since {row.owned_on}" if row.owned_on else "not owned"
        paid = f"was completed on {row.since}" if row.since else "is not complete"
        yield Breach("purchase-owned", f"purchase {row.number}", f"{since}, its price of {row.price:f} {paid}")


#: Columns that change after the purchase; a merge of customers moves it.
_LATER = ("customer_id", "paid", "owned_on", "returned_on", "return_reason", "warranty_until", "warranty_note")

CHECKS: tuple[Check, ...] = (
    purchases,
    ownership,
    matches_history(Purchase, changing=_LATER),
    matches_history(Instalment, changing=("paid_on",)),
)
