"""What reversals charged and nobody has paid: as with a fee, what did not come in is not handed out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal

from billing.invoices.models import Charge
from complaints.reversals.models import Reversal


def uncollected(period_ids: Collection[int]) -> Mapping[int, Decimal]:
    """What of each period's refunds was charged when they were taken back and has not come in: it waits for an
    invoice, is due, or was written off or voided. One query; of periods without any, 0.
    """
    found: dict[int, Decimal] = defaultdict(Decimal)
    rows = Reversal.objects.filter(refund__period__in=period_ids, charge__isnull=False)
    for reversal in rows.select_related("refund", "charge__line__invoice").order_by("pk"):
        if reversal.charge is not None:
            found[reversal.refund.period_id] += _unpaid(reversal.charge)
    return found


def _unpaid(charge: Charge) -> Decimal:
    """Of an invoice, the fee is paid first, then its charges."""
    line = getattr(charge, "line", None)
    return Decimal(charge.amount if line is None else min(charge.amount, line.invoice.payable + line.invoice.voided))
