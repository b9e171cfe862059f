"""Why the bank is not to be told of a payout now."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import QuerySet

from accounts.customers.bank_details.rules import unconfirmed_obstacle, unproven_obstacle
from audit.actions import Obstacle
from billing.credits.rules import owes_beside, owes_obstacle
from billing.payouts.models import Payout
from billing.vocabulary import BillingRefusal
from core.amounts import money_text
from core.text import say

#: What the rules below read of a payout, for lists that show it.
READS = ("customer", "period__invoice", "leftover__credit")


def with_debts(rows: QuerySet[Payout]) -> QuerySet[Payout]:
    """Payouts with what the rules below read of them."""
    found: QuerySet[Payout] = rows.select_related(*READS).annotate(beside_debts=owes_beside())
    return found


def held_obstacle(payout: Payout) -> Obstacle | None:
    """Why a waiting payout is held, or None: what it gives back has not been paid (any more), since the bank took the
    payment back or it was booked on the wrong invoice; or it is leftover credit, and its customer owes something by
    now. It is free again as soon as that is paid. A query unless ``with_debts`` said that nothing is owed.
    """
    if payout.state == Payout.State.PENDING and payout.period is None and payout.__dict__.get("beside_debts", True):
        return _owes_obstacle(payout)
    unpaid = payout.period.unpaid if payout.state == Payout.State.PENDING and payout.period else Decimal(0)
    if not unpaid:
        return None
    return Obstacle(
        say(
            "Held: {unpaid} of the fee that it gives back is not paid. It can be made once the fee is paid again.",
            unpaid=money_text(unpaid, payout.currency),
        ),
        BillingRefusal.HELD,
    )


def _owes_obstacle(payout: Payout) -> Obstacle | None:
    leftover = getattr(payout, "leftover", None)
    return None if leftover is None else owes_obstacle(leftover.credit)


def pay_now_obstacle(payout: Payout) -> Obstacle | None:
    """Why a waiting payout cannot be made now, or None: it is held, or its account awaits a second person."""
    return (
        held_obstacle(payout)
        or unconfirmed_obstacle(payout.customer)
        or unproven_obstacle(payout.customer, payout.iban)
    )
