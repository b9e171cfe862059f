"""What staff look at before they decide: usage, incidents, earlier complaints and refunds, phones. Reads only."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.utils import timezone

from billing.invoices.models import Invoice
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident
from complaints.quotes.facts import QuoteFacts
from complaints.quotes.inputs import Operation
from complaints.refunds.models import Refund
from core.text import in_english
from hardware.purchases.models import Purchase

#: So many of the customer's earlier complaints and refunds are looked at.
EARLIER = 20


class Evidence:
    """The evidence of a case as it stands now, of the period and of the customer. ``facts`` are its period's; each
    thing is read when it is first asked for.
    """

    def __init__(self, complaint: Complaint, facts: QuoteFacts | None = None) -> None:
        self.complaint = complaint
        self.period = complaint.period
        self.facts = facts or QuoteFacts.load([self.period])

    @property
    def invoice(self) -> Invoice | None:
        return getattr(self.period, "invoice", None)

    @cached_property
    def usage(self) -> tuple[int, tuple[Operation, ...]]:
        """Call seconds and operations used until the day of receipt, that day included; without granted minutes."""
        return self.facts.usage_until(self.period, self._after)

    @cached_property
    def granted_seconds(self) -> int:
        """Seconds spoken over the same days on minutes that refunds granted: they go first and cost nothing."""
        return self.facts.granted_until(self.period, self._after)

    @property
    def _after(self) -> date:
        after = timezone.localdate(self.complaint.received_at) + timedelta(days=1)
        return min(max(after, self.period.starts_on), self.period.closes_on)

    @cached_property
    def incidents(self) -> list[Incident]:
        return self.facts.incidents_of(self.period)

    @cached_property
    def earlier_complaints(self) -> list[Complaint]:
        """The customer's latest ones that came before this one."""
        case = self.complaint
        before = Complaint.objects.filter(customer=case.customer_id, received_at__lt=case.received_at)
        latest = before.exclude(pk=case.pk).select_related("decision").defer("text")
        return list(latest.order_by("-received_at", "-pk")[:EARLIER])

    @cached_property
    def earlier_refunds(self) -> list[Refund]:
        """The customer's latest settled ones, of other cases."""
        case = self.complaint
        settled = Refund.objects.filter(customer=case.customer_id, state=Refund.State.SETTLED)
        latest = settled.exclude(complaint=case.pk).defer("inputs", "lines")
        return list(latest.order_by("-settled_at", "-pk")[:EARLIER])

    @cached_property
    def purchases(self) -> list[Purchase]:
        """The customer's phones, the newest first."""
        kept = Purchase.objects.kept().filter(customer=self.complaint.customer_id)
        return list(kept.select_related("phone__model").order_by("-bought_on"))


def evidence_of(complaint: Complaint) -> dict[str, Any]:
    """The evidence in the form that an assessment keeps."""
    found = Evidence(complaint)
    seconds, operations = found.usage
    return {
        "period": in_english(found.period),
        "fee": f"{found.period.fee:f}",
        "fee_paid": f"{found.invoice.settled if found.invoice else Decimal(0):f}",
        "minutes_included": found.period.included_minutes,
        "seconds_used": seconds,
        "granted_seconds_used": found.granted_seconds,
        "operations": [{"code": operation.code, "quantity": f"{operation.quantity:f}"} for operation in operations],
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
