"""What of leftover credit stands in the way of merging two customers."""

from __future__ import annotations

from accounts.customers.merge.rules import register_merge_rule
from accounts.customers.models import Customer
from audit.actions import Obstacle
from billing.residual_credits.models import ResidualCreditPayout
from billing.vocabulary import BillingRefusal
from core.text import say


@register_merge_rule
def proposed_payout_obstacle(duplicate: Customer, survivor: Customer) -> Obstacle | None:
    """A payout of either's leftover credit that somebody still has to decide on."""
    waiting = ResidualCreditPayout.objects.filter(
        credit__customer__in=(duplicate, survivor), state=ResidualCreditPayout.State.PROPOSED
    )
    if not waiting.exists():
        return None
    return Obstacle(say("A payout of leftover credit is proposed: decide on it first."), BillingRefusal.PENDING_PAYOUT)
