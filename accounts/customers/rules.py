"""What stands in the way of any change of a customer."""

from __future__ import annotations

from accounts.customers.models import Customer
from accounts.vocabulary import AccountRefusal
from audit.actions import Obstacle
from core.text import say


def merged_obstacle(customer: Customer) -> Obstacle | None:
    """Why nothing new is written for a customer who turned out to be another one, or None."""
    if customer.merged_into is None:
        return None
    return Obstacle(
        say(
            "{customer} was merged into {other} and is kept for reading only.",
            customer=customer,
            other=customer.merged_into,
        ),
        AccountRefusal.MERGED,
    )
