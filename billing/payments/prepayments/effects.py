"""What invoices use of prepayments, as they are written. For use inside actions.

One subscription or thousands go the same way, with as many statements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db.models import F, OuterRef, Subquery, Sum

from audit.bulk import CHUNK, update_tracked
from billing.payments.models import Payment
from billing.payments.prepayments.models import Prepayment
from core.fields import MoneyField
from core.sql import in_list

#: What an invoice uses of prepayments, each with its part.
type Prepaid = Sequence[tuple[Prepayment, Decimal]]


def prepayments_of(subscription_ids: Sequence[int]) -> Mapping[int, list[Prepayment]]:
    """Each subscription's prepayments with something left, locked; those that came first go first."""
    rows = (
        Prepayment.objects.filter(in_list("subscription", subscription_ids))
        .with_something_left()
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    found: dict[int, list[Prepayment]] = defaultdict(list)
    for row in sorted(rows, key=lambda prepayment: (prepayment.received_on, prepayment.pk)):
        found[row.subscription_id].append(row)
    return found


def write_prepaid(used: Sequence[tuple[int, Prepaid]]) -> None:
    """Write what invoices, by key, use of the (locked) prepayments: a payment each, received when the prepayment was,
    as whoever recorded that says.
    """
    payments = [
        Payment(
            invoice_id=invoice_id,
            amount=part,
            received_on=prepayment.received_on,
            reference=prepayment.reference,
            recorded_by_id=prepayment.recorded_by_id,
            prepayment=prepayment,
        )
        for invoice_id, prepaid in used
        for prepayment, part in prepaid
    ]
    if not payments:
        return
    Payment.objects.bulk_create(payments, batch_size=CHUNK)
    fresh = Payment.objects.filter(in_list("invoice", [pk for pk, _ in used]), prepayment=OuterRef("pk")).order_by()
    applied = Subquery(fresh.values("prepayment").annotate(sum=Sum("amount")).values("sum"), output_field=MoneyField())
    update_tracked(
        Prepayment.objects.filter(in_list("pk", {prepayment.pk for _, prepaid in used for prepayment, _ in prepaid})),
        reason="Used on an invoice",
        applied=F("applied") + applied,
    )
