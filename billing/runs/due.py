"""What a billing run would find to do on a day. Reads only; the run itself looks again, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billing.invoices.models import Invoice
from billing.subscriptions.models import BillingPeriod, Subscription


@dataclass(frozen=True, slots=True)
class DueForBilling:
    """How many subscriptions a run renews or ends, and invoices it marks overdue; some of the periods."""

    today: date
    renewing: int
    ending: int
    overdue: int
    some: Sequence[BillingPeriod]

    @property
    def subscriptions(self) -> int:
        return self.renewing + self.ending


def due_for_billing(today: date, *, show: int = 20) -> DueForBilling:
    """What is due on the day, with the ``show`` longest overdue periods."""
    over = BillingPeriod.objects.filter(state=BillingPeriod.State.OPEN, closes_on__lte=today).exclude(
        subscription__state=Subscription.State.ENDED
    )
    ending = over.filter(subscription__state=Subscription.State.CANCELLED).count()
    return DueForBilling(
        today=today,
        renewing=over.count() - ending,
        ending=ending,
        overdue=Invoice.objects.due_before(today).count(),
        some=list(
            over.select_related("subscription__customer", "subscription__plan").order_by("closes_on", "pk")[:show]
        ),
    )
