"""What staff look at before they decide: usage, incidents, earlier complaints and refunds, phones. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from billing.models import BillingPeriod, Invoice
from complaints.models import Complaint, Incident, Refund
from complaints.quoting import bounds_of, usage_until
from complaints.refund_calculation import Operation
from hardware.models import Purchase


@dataclass(frozen=True)
class Evidence:
    """The evidence of a case as it stands now."""

    period: BillingPeriod
    invoice: Invoice | None
    seconds_used: int
    operations: tuple[Operation, ...]
    granted_minutes: int
    incidents: list[Incident]
    earlier_complaints: list[Complaint]
    earlier_refunds: list[Refund]
    purchases: list[Purchase]

    @property
    def allowance(self) -> int:
        """Minutes included in the period, with those granted as a remedy."""
        return self.period.included_minutes + self.granted_minutes


def gather_evidence(complaint: Complaint, period: BillingPeriod | None = None) -> Evidence:
    """Collect the evidence for the complaint's period, or another period of its subscription."""
    period = period or complaint.period
    start, end = bounds_of(period)
    as_of = timezone.localdate(complaint.received_at)
    until = min(max(as_of + timedelta(days=1), period.starts_on), period.closes_on)
    seconds, operations = usage_until(period, until)
    return Evidence(
        period=period,
        invoice=Invoice.objects.filter(period=period).first(),
        seconds_used=seconds,
        operations=operations,
        granted_minutes=period.minutes_grants.aggregate(total=Sum("minutes"))["total"] or 0,
        incidents=list(Incident.objects.hitting(period.subscription).overlapping(start, end).order_by("starts_at")),
        earlier_complaints=list(
            Complaint.objects.filter(customer=complaint.customer_id, received_at__lt=complaint.received_at)
            .exclude(pk=complaint.pk)
            .select_related("decision")
            .order_by("-received_at")[:20]
        ),
        earlier_refunds=list(
            Refund.objects.filter(customer=complaint.customer_id, state=Refund.State.SETTLED)
            .exclude(complaint=complaint.pk)
            .select_related("complaint")
            .order_by("-settled_at")[:20]
        ),
        purchases=list(
            Purchase.objects.kept()
            .filter(customer=complaint.customer_id)
            .select_related("phone__model")
            .order_by("-bought_on")
        ),
    )


def evidence_of(complaint: Complaint) -> dict[str, Any]:
    """The evidence in the form that an assessment keeps."""
    found = gather_evidence(complaint)
    return {
        "period": str(found.period),
        "fee": f"{found.period.fee:f}",
        "fee_paid": f"{found.invoice.settled if found.invoice else Decimal(0):f}",
        "minutes_allowed": found.allowance,
        "seconds_used": found.seconds_used,
        "operations": [
            {"code": operation.code, "quantity": f"{operation.quantity:f}"} for operation in found.operations
        ],
        "incidents": [
            {
                "code": incident.code,
                "starts_at": incident.starts_at.isoformat(),
                "ends_at": incident.ends_at.isoformat() if incident.ends_at else None,
                "scheduled": incident.scheduled,
            }
            for incident in found.incidents
        ],
        "earlier_complaints": [earlier.code for earlier in found.earlier_complaints],
        "earlier_refunds": [
            {"code": refund.code, "amount": f"{refund.total:f}", "currency": refund.currency}
            for refund in found.earlier_refunds
        ],
        "phones": [
            {"number": purchase.number, "owed": f"{purchase.owed:f}", "currency": purchase.currency}
            for purchase in found.purchases
        ],
    }
