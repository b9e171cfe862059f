"""What was given in similar cases: same category and basis, as a share of the fee. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import median, quantiles

from complaints.cases.models import Complaint
from complaints.refunds.models import Refund

#: The latest so many settled refunds are compared with.
COMPARED = 200
#: Fewer than this say nothing about what is usual.
ENOUGH = 8


@dataclass(frozen=True)
class SimilarCases:
    """Shares of the fee that were given, each between 0 and 1. Quartiles are inclusive: of the cases themselves."""

    count: int
    middle: Fraction
    lower_quartile: Fraction
    upper_quartile: Fraction
    lowest: Fraction
    highest: Fraction

    @property
    def is_enough(self) -> bool:
        return self.count >= ENOUGH

    @property
    def usual(self) -> tuple[Fraction, Fraction]:
        """Between these shares nothing is remarkable: one and a half times the quartiles' distance beyond them
        (Tukey's fences), at least a tenth of the fee.
        """
        reach = max((self.upper_quartile - self.lower_quartile) * Fraction(3, 2), Fraction(1, 10))
        return max(self.lower_quartile - reach, Fraction(0)), min(self.upper_quartile + reach, Fraction(1))

    def is_unusual(self, share: Fraction) -> bool:
        """Whether a share lies far outside of what was given; never where too few cases tell."""
        low, high = self.usual
        return self.is_enough and not low <= share <= high


def share_of(amount: Decimal, fee: Decimal) -> Fraction:
    """An amount as a share of the fee; 0 of a fee of 0."""
    return Fraction(amount) / Fraction(fee) if fee else Fraction(0)


def similar_cases(complaint: Complaint, basis: str) -> SimilarCases | None:
    """The latest settled refunds on the basis whose complaint has the category, other cases only; None for none.

    Indemnities are left out: they follow from the days alone.
    """
    rows = (
        Refund.objects.filter(state=Refund.State.SETTLED, basis=basis, complaint__category=complaint.category, fault="")
        .exclude(complaint=complaint.pk)
        .order_by("-settled_at", "-pk")
        .values_list("total", "period__fee")[:COMPARED]
    )
    return summary([share_of(total, fee) for total, fee in rows])


def summary(shares: Sequence[Fraction]) -> SimilarCases | None:
    """Median and spread of the shares."""
    if not shares:
        return None
    ordered = sorted(shares)
    lower, _, upper = quantiles(ordered, n=4, method="inclusive") if len(ordered) > 1 else [ordered[0]] * 3
    return SimilarCases(
        count=len(ordered),
        middle=Fraction(median(ordered)),
        lower_quartile=Fraction(lower),
        upper_quartile=Fraction(upper),
        lowest=ordered[0],
        highest=ordered[-1],
    )


def percent(share: Fraction) -> str:
    """A share as whole percent, half up: "44 %"."""
    return f"{int(share * 100 + Fraction(1, 2))} %"
