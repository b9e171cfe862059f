"""What staff look at before they decide: usage, incidents, earlier complaints and refunds, phones. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from billing.invoices.models import Invoice
from billing.subscriptions.models import BillingPeriod
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident
from complaints.quotes.case_facts import CaseFacts, with_case_facts
from complaints.quotes.inputs import Operation
from complaints.refunds.models import Refund
from core.text import in_english
from hardware.purchases.models import Purchase


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


def gather_evidence(complaint: Complaint, facts: CaseFacts | None = None) -> Evidence:
    """Collect the evidence for the complaint's period; ``facts`` are what the rows say now, unless given."""
    if facts is None:
        facts = CaseFacts(with_case_facts(Complaint.objects.filter(pk=complaint.pk)).get())
    period = facts.period
    as_of = timezone.localdate(complaint.received_at)
    until = min(max(as_of + timedelta(days=1), period.starts_on), period.closes_on)
    seconds, operations = facts.usage_until(period, until)
    return Evidence(
        period=period,
        invoice=getattr(period, "invoice", None),
        seconds_used=seconds,
        operations=operations,
        granted_minutes=facts.granted_minutes,
        incidents=facts.incidents,
        earlier_complaints=facts.earlier_complaints,
        earlier_refunds=facts.earlier_refunds,
        purchases=facts.purchases,
    )


def evidence_of(complaint: Complaint) -> dict[str, Any]:
    """The evidence in the form that an assessment keeps."""
    found = gather_evidence(complaint)
    return {
        "period": in_english(found.period),
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
