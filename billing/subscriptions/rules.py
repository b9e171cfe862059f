"""Which days a subscription's periods have."""

from __future__ import annotations

from billing.periods import Period, Term, nth_period
from billing.subscriptions.models import Subscription


def own_period(subscription: Subscription, sequence: int) -> Period:
    """The days of the subscription's period with the number, without any extension."""
    return nth_period(subscription.anchor_on, Term(subscription.term), sequence - subscription.anchor_sequence)
