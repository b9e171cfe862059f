"""What earlier refunds of a period take from a later quote, so that nothing is given back twice (R3, R7).

Pure. It is counted before cap and reduction, in both directions: who was given less than the calculation allowed has
no claim left open for the rest. What was taken back by a reversal can be given again, and no more: the *standing share*
of a refund is what is left of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Self

from billing.money import exact, round_money
from billing.periods import local_midnight
from complaints.quotes.inputs import Interval, QuoteInputs, zone_of
from complaints.quotes.intervals import joined, seconds_of, within
from complaints.refund_calculation import LIMITS, Line, Quote, days_provided
from policies.choices import Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRefund:
    """A refund of the same period, pending or settled, as later quotes see it. Amounts are in the period's currency.

    `counted` is what an interruption refund counted, or, of a special case that names an incident, the incident's
    intervals; `unused` what a usage refund counted as not provided. `taken_back` is what a reversal recovered, charged
    or made due again. Raises `ValueError` for more taken back than was given, or a refund of nothing.
    """

    basis: Basis
    lines: tuple[Line, ...]
    total: Decimal
    taken_back: Decimal = Decimal(0)
    counted: tuple[Interval, ...] = ()
    unused: Interval | None = None

    def __post_init__(self) -> None:
        standing_share(self.total, self.taken_back)

    @classmethod
    def of(
        cls,
        inputs: QuoteInputs,
        quote: Quote,
        *,
        time_zone: str,
        taken_back: Decimal = Decimal(0),
        incident: Iterable[Interval] = (),
    ) -> Self:
        """The refund that gave what the quote allowed; `incident` are the intervals that a special case names."""
        return cls(
            basis=inputs.basis,
            lines=quote.lines,
            total=quote.total,
            taken_back=taken_back,
            counted=(*quote.counted, *incident),
            unused=unused_by(inputs, time_zone) if inputs.basis is Basis.USAGE else None,
        )

    @property
    def share(self) -> Fraction:
        """What stands of it, from 0 to 1."""
        return standing_share(self.total, self.taken_back)

    @property
    def standing(self) -> Decimal:
        """What of it counts against the cap: the whole total, set-off included, less what was taken back."""
        return self.total - self.taken_back

    @property
    def before_limits(self) -> Fraction:
        """What it came to after the floor, before cap and reduction; exact."""
        amounts = (exact(line.amount) for line in self.lines if line.code not in LIMITS)
        return max(sum(amounts, Fraction(0)), Fraction(0))


def standing_share(total: Decimal, taken_back: Decimal) -> Fraction:
    """What is left of a refund after a reversal, from 0 to 1.

    30.00 reversed with 20.00 used and not charged takes 10.00 back and leaves two thirds given. Raises `ValueError`
    for more taken back than was given, or a refund of nothing.
    """
    if total <= 0 or not 0 <= taken_back <= total:
        raise ValueError(f"{taken_back} cannot be taken back of a refund of {total}")
    return 1 - exact(taken_back) / exact(total)


def not_provided(
    starts_on: date, ends_on: date, as_of: date, *, as_of_day_counts: bool, time_zone: str
) -> Interval | None:
    """The period's days after those provided on `as_of` (R3c), between local midnights; None if there are none.

    Raises `QuoteInputError` for a day before the period, or a time zone that is none.
    """
    first = starts_on + timedelta(days=days_provided(starts_on, ends_on, as_of, as_of_day_counts))
    zone = zone_of(time_zone)
    start, end = local_midnight(first, zone), local_midnight(ends_on, zone)
    return Interval(start, end) if start < end else None


def unused_by(inputs: QuoteInputs, time_zone: str) -> Interval | None:
    """The days that a usage quote counts as not provided. The zone is the business's: usage inputs have none."""
    if inputs.as_of is None:
        raise ValueError("only a usage quote counts days as unused")
    return not_provided(
        inputs.starts_on,
        inputs.ends_on,
        inputs.as_of,
        as_of_day_counts=inputs.as_of_day_counts,
        time_zone=time_zone,
    )


def standing_intervals(intervals: Iterable[Interval], share: Fraction) -> tuple[Interval, ...]:
    """What of the intervals stays compensated: from the earliest second on, up to the share, cut up to a whole second.

    Joined and in order. All of them for a share of 1, none for 0.
    """
    union = joined(intervals)
    left = ceil(seconds_of(union) * share) if share < 1 else seconds_of(union)
    kept: list[Interval] = []
    for interval in union:
        if left <= 0:
            break
        if interval.seconds <= left:
            kept.append(interval)
        else:
            kept.append(Interval(interval.start, interval.start + timedelta(microseconds=int(left * 1_000_000))))
        left -= interval.seconds
    return tuple(kept)


def compensated(earlier: Iterable[EarlierRefund]) -> tuple[Interval, ...]:
    """What an interruption quote may not count again: what interruption refunds counted, the days that usage refunds
    counted as unused, and the incidents that special cases name; of each what stands (R7).
    """
    return tuple(
        interval
        for refund in earlier
        for interval in standing_intervals((*refund.counted, *filter(None, [refund.unused])), refund.share)
    )


def already_given(earlier: Iterable[EarlierRefund], unprovided: Interval | None, currency: str) -> Decimal:
    """What a usage quote takes off because it was given back before (R3), rounded once, half up, never negative.

    Of each usage refund its sum after the floor; of each interruption refund the part of its line that fell on the
    days not provided; of both what stands. A full month, and a special case, count against the cap only.
    """
    given = Fraction(0)
    for refund in earlier:
        if refund.basis is Basis.USAGE:
            given += refund.before_limits * refund.share
        elif refund.basis is Basis.INTERRUPTION and refund.counted and unprovided is not None:
            inside = seconds_of(within(refund.counted, unprovided)) / seconds_of(refund.counted)
            given += refund.before_limits * inside * refund.share
    return round_money(given, currency)


def already_refunded(earlier: Iterable[EarlierRefund]) -> Decimal:
    """What all of them leave given: what the cap is lowered by."""
    return sum((refund.standing for refund in earlier), Decimal(0))
