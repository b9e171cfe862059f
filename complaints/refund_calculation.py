"""How much of a period's fee may be given back, and as what (clauses F5, R2, R3, R4, R7).

Pure: frozen inputs in, a frozen quote out, no database and no clock. Arithmetic is in fractions; each line
is rounded once, half up, by `billing.money.round_money`, and what a limit cuts off or tops up is a line
itself, so the lines of a quote always sum to its total. A version of the calculation that ever made a
refund stays here, unchanged: replaying old refunds depends on it. A new rule is a new version.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Final

from billing.money import exact, round_money
from billing.periods import local_midnight
from complaints.quotes.inputs import (
    MOST_DIGITS,
    Interval,
    Operation,
    QuoteInputError,
    QuoteInputs,
    as_of_before_period,
    zone_of,
)
from complaints.quotes.inputs_json import inputs_from_json, inputs_to_json
from policies.choices import Basis

__all__ = [
    "CALCULATIONS",
    "CURRENT_VERSION",
    "Basis",
    "Interval",
    "Line",
    "Operation",
    "Quote",
    "QuoteInputError",
    "QuoteInputs",
    "Remedies",
    "calculate",
    "days_provided",
    "inputs_from_json",
    "inputs_to_json",
    "refundable",
    "remedies_for",
    "why_nothing",
]


CURRENT_VERSION: Final = 1

# Wide enough for the difference of any two amounts that the inputs allow.
_EXACTLY: Final = Context(prec=4 * MOST_DIGITS, traps=[Inexact])

_LIMITS: Final = frozenset({"floor", "cap", "reduction"})


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a quote, signed: what it adds to the total, in the currency's minor units."""

    code: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Remedies:
    """What an amount is worth in each remedy (clause R4). None: the minute cost or the fee is 0."""

    credit: Decimal
    cash: Decimal
    minutes: int | None
    extension_days: int | None


@dataclass(frozen=True, slots=True)
class Quote:
    """The most that may be proposed, and how it comes about.

    `counted` is what an interruption quote counted as not provided: joined, without maintenance and without
    what was compensated before, within the period. It is kept with a refund whatever a cap made of the
    amount, so that a later quote leaves it out. Raises `ValueError` when the lines don't sum to the total
    or the total is out of its limits.
    """

    lines: tuple[Line, ...]
    total: Decimal
    refundable: Decimal
    remedies: Remedies
    counted: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        if _sum(self.lines) != exact(self.total):
            raise ValueError(f"a quote's lines sum to {_sum(self.lines)}, not to its total {self.total}")
        if not 0 <= self.total <= self.refundable:
            raise ValueError(f"a quote's total {self.total} lies outside 0 to {self.refundable}")
        if not self.remedies.credit == self.remedies.cash == self.total:
            raise ValueError("a quote's credit and cash are worth its total")


def calculate(inputs: QuoteInputs, version: int = CURRENT_VERSION) -> Quote:
    """The quote by that version of the calculation. `ValueError` for a version that never was."""
    if version not in CALCULATIONS:
        raise ValueError(f"there is no version {version} of the calculation")
    return CALCULATIONS[version](inputs)


def refundable(fee_paid: Decimal, already_refunded: Decimal) -> Decimal:
    """What of the payments for a period can still be given back; an unpaid fee can't. Never below zero."""
    return max(_EXACTLY.subtract(fee_paid, already_refunded), Decimal(0))


def days_provided(starts_on: date, ends_on: date, as_of: date, as_of_day_counts: bool) -> int:
    """Days of the period already provided on `as_of`, the local day on which the complaint was received
    (R3c).

    The as-of day itself counts when the policy says so. After the end all days were provided. Raises
    `QuoteInputError` for a day before the period.
    """
    if as_of < starts_on:
        raise as_of_before_period(as_of, starts_on)
    return min((as_of - starts_on).days + int(as_of_day_counts), (ends_on - starts_on).days)


def remedies_for(total: Decimal, *, fee: Decimal, days: int, minute_cost: Decimal) -> Remedies:
    """What `total`, a quote's or a part of one, is worth in each remedy (R4).

    Minutes and days of extension are rounded up to whole ones, in the customer's favour; `days` and `fee`
    are the period's own. A part of a mixed remedy is worth what it is here, so the parts add up in money,
    not in minutes.
    """
    amount = exact(total)
    return Remedies(
        credit=total,
        cash=total,
        minutes=ceil(amount / exact(minute_cost)) if minute_cost else None,
        extension_days=ceil(amount * days / exact(fee)) if fee else None,
    )


def gettext_noop(sentence: str) -> str:
    """The sentence as it is, marked for those who translate: pages say it in the language of whoever is looking."""
    return sentence


def why_nothing(inputs: QuoteInputs, quote: Quote) -> str | None:
    """Why the quote comes to nothing and can't be proposed, in a sentence for staff; None when it doesn't."""
    if quote.total:
        return None
    before_limits = _sum(line for line in quote.lines if line.code not in _LIMITS)
    if not inputs.fee:
        return gettext_noop("The period has no fee, so there is nothing to give back.")
    if not inputs.fee_paid:
        return gettext_noop("Nothing has been paid for this period yet, and an unpaid fee is not refundable.")
    if not quote.refundable:
        return gettext_noop(
            "Everything that was paid for this period is already refunded or pending in another refund."
        )
    if before_limits > 0:
        return gettext_noop("The reduction takes off all that could be given back.")
    match inputs.basis:
        case Basis.USAGE if any(line.code == "time" and -line.amount == inputs.fee for line in quote.lines):
            return gettext_noop(
                "The whole period had been provided when the complaint was received, so no unused days are "
                "left. An interruption or a special case may fit."
            )
        case Basis.USAGE:
            return gettext_noop(
                "What was used and the time already provided are worth as much as the fee or more. "
                "An interruption or a special case may fit."
            )
        case Basis.INTERRUPTION if not inputs.interruptions:
            return gettext_noop("No interruption of the service is known for this period.")
        case Basis.INTERRUPTION if not quote.counted:
            return gettext_noop(
                "No interruption counts: each was too short without its scheduled maintenance, outside the "
                "period, or compensated before."
            )
        case _:
            return gettext_noop("The amount is less than half of the currency's smallest unit.")


# --- version 1


def _calculate_v1(inputs: QuoteInputs) -> Quote:
    counted = _counted_v1(inputs) if inputs.basis is Basis.INTERRUPTION else ()
    steps = _steps_v1(inputs, counted)
    lines = [Line(code, round_money(amount, inputs.currency)) for code, amount in steps]
    limit = exact(refundable(inputs.fee_paid, inputs.already_refunded))
    # In this order: a debt of usage is forgiven before the cap, and what staff give less comes off what is
    # left then.
    amount = _sum(lines)
    floor = max(-amount, Fraction(0))
    cap = min(limit - (amount + floor), Fraction(0))
    reduction = -min(exact(inputs.reduction), amount + floor + cap)
    lines += [
        Line(code, round_money(change, inputs.currency))
        for code, change in (("floor", floor), ("cap", cap), ("reduction", reduction))
        if change
    ]
    total = round_money(amount + floor + cap + reduction, inputs.currency)
    return Quote(
        lines=tuple(lines),
        total=total,
        refundable=round_money(limit, inputs.currency),
        remedies=remedies_for(total, fee=inputs.fee, days=inputs.days, minute_cost=inputs.minute_cost),
        counted=counted,
    )


def _steps_v1(inputs: QuoteInputs, counted: tuple[Interval, ...]) -> list[tuple[str, Fraction]]:
    """The lines before limits, exact."""
    fee = exact(inputs.fee)
    match inputs.basis:
        case Basis.USAGE:
            return _usage_steps_v1(inputs)
        case Basis.FULL_MONTH:
            return [("full_month", fee / inputs.term.months)]
        case Basis.INTERRUPTION:
            return [("interruption", fee * _share_of_period(inputs, counted))]
        case Basis.SPECIAL:
            return [("special", exact(inputs.special_amount or 0))]


def _usage_steps_v1(inputs: QuoteInputs) -> list[tuple[str, Fraction]]:
    """The whole fee less minutes, operations and time, each at its own rate (R3)."""
    if inputs.as_of is None:
        raise AssertionError("inputs of a usage quote have an as-of date")
    fee = exact(inputs.fee)
    provided = days_provided(inputs.starts_on, inputs.ends_on, inputs.as_of, inputs.as_of_day_counts)
    return [
        ("fee", fee),
        ("minutes", -Fraction(inputs.seconds_used, 60) * exact(inputs.minute_cost)),
        *(
            (
                f"operation:{operation.code}",
                -exact(operation.quantity) * exact(operation.unit_cost),
            )
            for operation in inputs.operations
        ),
        ("time", -fee * provided / inputs.days),
    ]


def _counted_v1(inputs: QuoteInputs) -> tuple[Interval, ...]:
    """What counts as not provided. The minimum is judged on whole outages, only maintenance taken off."""
    outages = _joined(inputs.interruptions)
    without_maintenance = _cut_each(outages, _joined(inputs.maintenance))
    long_enough = [
        piece
        for pieces in without_maintenance
        if _seconds(pieces) >= inputs.minimum_interruption_seconds
        for piece in pieces
    ]
    not_compensated = [piece for pieces in _cut_each(long_enough, _joined(inputs.compensated)) for piece in pieces]
    starts, ends = _bounds(inputs)
    return tuple(
        Interval(max(piece.start, starts), min(piece.end, ends))
        for piece in not_compensated
        if max(piece.start, starts) < min(piece.end, ends)
    )


def _share_of_period(inputs: QuoteInputs, counted: Sequence[Interval]) -> Fraction:
    starts, ends = _bounds(inputs)
    # A period without a second exists: the Pacific islands that moved across the date line skipped a whole
    # local day.
    return _seconds(counted) / Interval(starts, ends).seconds if starts < ends else Fraction(0)


def _bounds(inputs: QuoteInputs) -> tuple[datetime, datetime]:
    """The local midnights between which the period lies, in UTC."""
    zone = zone_of(inputs.time_zone)
    try:
        return local_midnight(inputs.starts_on, zone), local_midnight(inputs.ends_on, zone)
    except ValueError:
        raise QuoteInputError(
            "out_of_range",
            "starts_on",
            "The period lies too near the end of the calendar for its time zone.",
        ) from None


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    """The union, in order; intervals that overlap or touch become one."""
    union: list[Interval] = []
    for interval in sorted(intervals):
        if union and interval.start <= union[-1].end:
            if interval.end > union[-1].end:
                union[-1] = Interval(union[-1].start, interval.end)
        else:
            union.append(interval)
    return union


def _cut_each(intervals: Sequence[Interval], cuts: Sequence[Interval]) -> list[list[Interval]]:
    """For each interval the pieces that the cuts leave of it; both in order and disjoint. Linear."""
    result: list[list[Interval]] = []
    first = 0
    for interval in intervals:
        while first < len(cuts) and cuts[first].end <= interval.start:
            first += 1
        pieces: list[Interval] = []
        start, position = interval.start, first
        while position < len(cuts) and cuts[position].start < interval.end:
            if start < cuts[position].start:
                pieces.append(Interval(start, cuts[position].start))
            start = cuts[position].end
            position += 1
        if start < interval.end:
            pieces.append(Interval(start, interval.end))
        result.append(pieces)
    return result


def _seconds(intervals: Iterable[Interval]) -> Fraction:
    return sum((interval.seconds for interval in intervals), Fraction(0))


def _sum(lines: Iterable[Line]) -> Fraction:
    # Not a sum of Decimals: that would be cut to the digits of the decimal context.
    return sum((exact(line.amount) for line in lines), Fraction(0))


CALCULATIONS: Final[Mapping[int, Callable[[QuoteInputs], Quote]]] = MappingProxyType({1: _calculate_v1})
