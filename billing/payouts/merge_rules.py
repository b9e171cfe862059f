"""What of payouts stands in the way of merging two customers."""

from __future__ import annotations

from accounts.customers.merge.rules import register_merge_rule
from accounts.customers.models import Customer
from audit.actions import Obstacle
from billing.payouts.models import Payout
from billing.vocabulary import BillingRefusal
from core.text import say


@register_merge_rule
def pending_payout_obstacle(duplicate: Customer, survivor: Customer) -> Obstacle | None:
    """Money on its way to either."""
    if not Payout.objects.filter(customer__in=(duplicate, survivor), state=Payout.State.PENDING).exists():
        return None
    return Obstacle(say("A payout is on its way: record first how it ended."), BillingRefusal.PENDING_PAYOUT)
