"""What of refunds and reversals stands in the way of merging two customers."""

from __future__ import annotations

from accounts.customers.merge.rules import register_merge_rule
from accounts.customers.models import Customer
from audit.actions import Obstacle
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from complaints.vocabulary import ComplaintRefusal
from core.text import say


@register_merge_rule
def open_refund_obstacle(duplicate: Customer, survivor: Customer) -> Obstacle | None:
    """A refund of either that has not come to its end."""
    refund = Refund.objects.open().filter(customer__in=(duplicate, survivor)).first()
    if refund is None:
        return None
    return Obstacle(
        say("The refund {refund} is open: finish or withdraw it first.", refund=refund.code),
        ComplaintRefusal.OPEN_REFUND,
    )


@register_merge_rule
def open_reversal_obstacle(duplicate: Customer, survivor: Customer) -> Obstacle | None:
    """A reversal of either's refund that somebody still has to decide on."""
    waiting = Reversal.objects.filter(
        refund__customer__in=(duplicate, survivor), state=Reversal.State.PROPOSED
    ).select_related("refund")
    reversal = waiting.first()
    if reversal is None:
        return None
    return Obstacle(
        say("The reversal of {refund} is open: finish or withdraw it first.", refund=reversal.refund.code),
        ComplaintRefusal.OPEN_REVERSAL,
    )
