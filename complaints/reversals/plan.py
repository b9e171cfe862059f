"""What taking a settled refund back comes to: what returns by itself, and what was used.

``plan_reversal`` only reads and serves the page; ``carry_out`` writes the counter-entries, inside the action, on locked
rows. Originals stay as they are: a credit keeps its grant and its applications, a grant its minutes, an extension its
days. A past period never becomes shorter, even if it is still open because billing is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.staff.models import User
from billing.money import format_amount
from billing.remedies.effects import make_due_again
from complaints.refunds.models import Refund, Remedy
from complaints.refunds.remedies.kinds import Returned, type_of
from core.text import in_english


@dataclass(frozen=True)
class ReversalEntry:
    """One remedy's part: ``recovered`` and ``used`` add up to its amount."""

    remedy: Remedy
    back: Returned

    @property
    def recovered(self) -> Decimal:
        return self.back.amount

    @property
    def used(self) -> Decimal:
        rest: Decimal = self.remedy.amount - self.recovered
        return rest

    def as_data(self, currency: str) -> dict[str, Any]:
        """The form that a reversal keeps."""
        return {
            "kind": self.remedy.kind,
            "amount": format_amount(self.remedy.amount, currency),
            "recovered": format_amount(self.recovered, currency),
            "used": format_amount(self.used, currency),
            "undone": self.back.undone,
            "why": in_english(self.back.why),
        }


@dataclass(frozen=True)
class ReversalPlan:
    """What a reversal made now would bring back; ``due_again`` is what had been set off."""

    entries: tuple[ReversalEntry, ...]
    due_again: Decimal = Decimal(0)

    @property
    def recovered(self) -> Decimal:
        return sum((entry.recovered for entry in self.entries), Decimal(0))

    @property
    def used(self) -> Decimal:
        return sum((entry.used for entry in self.entries), Decimal(0))


def plan_reversal(refund: Refund, *, today: date | None = None) -> ReversalPlan:
    """What of a settled refund returns by itself today, remedy by remedy; the rest was used."""
    day = today or timezone.localdate()
    found = refund.remedies.select_related("credit", "minutes_grant__period", "extension__period", "payout__credit")
    return ReversalPlan(
        tuple(ReversalEntry(remedy, type_of(remedy).returns(remedy.given, remedy.amount, day)) for remedy in found),
        due_again=refund.set_off,
    )


def apply_reversal(plan: ReversalPlan, refund: Refund, *, by: User) -> None:
    """Write the counter-entries of every remedy, and make due again what was set off. The subscription, its periods,
    their invoices, credits and payouts are locked.
    """
    if plan.due_again:
        make_due_again(refund.period.invoice, plan.due_again)
    for entry in plan.entries:
        remedy = entry.remedy
        type_of(remedy).take_back(remedy.given, entry.back, refund.subscription, by)
