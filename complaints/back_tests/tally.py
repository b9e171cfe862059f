"""What a back-test adds up to, kept as JSON between its batches and shown when it has ended.

Amounts are gross, one sum a basis and currency. Cases that were given something and cases that were given nothing are
never mixed: what a quote would have allowed is no money that anybody received.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from django.utils.translation import gettext_lazy as _

from billing.money import format_amount

#: What can be otherwise under a draft, in the order in which pages tell it.
REASONS = {
    "basis": _("The basis is allowed by one and not by the other"),
    "as_of": _("The day of receipt counts otherwise"),
    "outages": _("Outages count from another length on"),
    "earlier": _("An earlier refund of the period comes out otherwise"),
    "remedy": _("A remedy that was given is not allowed"),
    "approvals": _("Another number of people approves"),
    "consent": _("A lead's consent is needed by one and not by the other"),
}


@dataclass(slots=True)
class Sums:
    """How many and how much, then and under the draft."""

    then: int = 0
    under_draft: int = 0
    amount_then: Decimal = Decimal(0)
    amount_under_draft: Decimal = Decimal(0)

    def add(self, then: Decimal, under_draft: Decimal) -> None:
        """Count one case; an amount of nothing is no refund."""
        self.then += then > 0
        self.under_draft += under_draft > 0
        self.amount_then += then
        self.amount_under_draft += under_draft

    def to_json(self, currency: str) -> dict[str, Any]:
        return {
            "then": self.then,
            "under_draft": self.under_draft,
            "amount_then": format_amount(self.amount_then, currency),
            "amount_under_draft": format_amount(self.amount_under_draft, currency),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(data["then"], data["under_draft"], Decimal(data["amount_then"]), Decimal(data["amount_under_draft"]))


type Key = tuple[str, str]


@dataclass(slots=True)
class Tally:
    """Everything that is counted. ``after`` is the last complaint that is in it."""

    after: int = 0
    cases: int = 0
    given: dict[Key, Sums] = field(default_factory=dict)
    """By basis and currency: refunds that stand."""
    quotable: dict[Key, Sums] = field(default_factory=dict)
    """By basis and currency: what a quote allows in upheld cases that were given nothing."""
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add_given(self, basis: str, currency: str, then: Decimal, under_draft: Decimal) -> None:
        self.given.setdefault((basis, currency), Sums()).add(then, under_draft)

    def add_quotable(self, basis: str, currency: str, then: Decimal, under_draft: Decimal) -> None:
        self.quotable.setdefault((basis, currency), Sums()).add(then, under_draft)

    def count(self, what: str, then: bool, under_draft: bool) -> None:
        """Count something that is so or not, then and under the draft."""
        self.counts[f"{what}_then"] += then
        self.counts[f"{what}_under_draft"] += under_draft

    def to_json(self) -> dict[str, Any]:
        return {
            "after": self.after,
            "cases": self.cases,
            "given": _rows(self.given),
            "quotable": _rows(self.quotable),
            "counts": dict(sorted(self.counts.items())),
            "reasons": {reason: self.reasons[reason] for reason in REASONS if self.reasons[reason]},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The tally as it was kept; an empty one from nothing."""
        if not data:
            return cls()
        return cls(
            after=data["after"],
            cases=data["cases"],
            given=_sums(data["given"]),
            quotable=_sums(data["quotable"]),
            counts=Counter(data["counts"]),
            reasons=Counter(data["reasons"]),
        )


def _rows(sums: dict[Key, Sums]) -> list[dict[str, Any]]:
    return [{"basis": key[0], "currency": key[1], **sums[key].to_json(key[1])} for key in sorted(sums)]


def _sums(rows: list[dict[str, Any]]) -> dict[Key, Sums]:
    return {(row["basis"], row["currency"]): Sums.from_json(row) for row in rows}
