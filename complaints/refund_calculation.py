"""How much of a period's fee may be given back, and as what (clauses F5, R2, R3, R4, R7).

Pure: frozen inputs in, a frozen quote out, no database and no clock. Arithmetic is in fractions; each line
is rounded once, half up, by `billing.money.round_money`, and what a limit cuts off or tops up is a line
itself, so the lines of a quote always sum to its total. Of the total, what was never paid is set off
against that debt; only the rest, `payable`, becomes remedies. A version of the calculation that ever made a
refund stays here, unchanged: replaying old refunds depends on it. A new rule is a new version.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Final

from billing.money import exact, left_to_refund, round_money
from billing.periods import local_midnight
from complaints.quotes.input_errors import MOST_DIGITS, QuoteInputError
from complaints.quotes.inputs import Interval, Operation, QuoteInputs, Receiving, as_of_before_period, zone_of
from complaints.quotes.inputs_json import inputs_from_json, inputs_to_json
from complaints.quotes.intervals import cut_each, joined, seconds_of, within
from policies.choices import Basis

__all__ = [
    "CALCULATIONS",
    "CURRENT_VERSION",
    "LIMITS",
    "Basis",
    "Interval",
    "Line",
    "Operation",
    "Quote",
    "QuoteInputError",
    "QuoteInputs",
    "Receiving",
    "Remedies",
    "calculate",
    "days_provided",
    "inputs_from_json",
    "inputs_to_json",
    "refundable",
    "remedies_for",
    "set_off_of",
    "why_nothing",
]


CURRENT_VERSION: Final = 1

# Wide enough for the difference of any two amounts that the inputs allow.
_EXACTLY: Final = Context(prec=4 * MOST_DIGITS, traps=[Inexact])

#: The lines that limits make; the others are what a quote comes to before them.
LIMITS: Final = frozenset({"floor", "cap", "reduction"})


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a quote, signed: what it adds to the total, in the currency's minor units."""

    code: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Remedies:
    """What an amount is worth in each remedy (clause R4). None: the minute cost or the fee of the period that receives
    it is 0.
    """

    credit: Decimal
    cash: Decimal
    minutes: int | None
    extension_days: int | None


@dataclass(frozen=True, slots=True)
class Quote:
    """The most that may be proposed, and how it comes about.

    Of the `total`, `set_off` reduces what is unpaid of the fee, and `payable` is what `remedies` give.
    `counted` is what an interruption quote counted as not provided: joined, without maintenance and without
    what was compensated before, within the period. It is kept with a refund whatever a cap made of the
    amount, so that a later quote leaves it out. Raises `ValueError` when the lines don't sum to the total,
    the total is out of its limits, or set-off and payable don't add up to it.
    """

    lines: tuple[Line, ...]
    total: Decimal
    refundable: Decimal
    set_off: Decimal
    payable: Decimal
    remedies: Remedies
    counted: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        if _sum(self.lines) != exact(self.total):
            raise ValueError(f"a quote's lines sum to {_sum(self.lines)}, not to its total {self.total}")
        if not 0 <= self.total <= self.refundable:
            raise ValueError(f"a quote's total {self.total} lies outside 0 to {self.refundable}")
        if min(self.set_off, self.payable) < 0 or exact(self.set_off) + exact(self.payable) != exact(self.total):
            raise ValueError(f"set-off {self.set_off} and payable {self.payable} don't make the total {self.total}")
        if not self.remedies.credit == self.remedies.cash == self.payable:
            raise ValueError("a quote's credit and cash are worth what is payable")


def calculate(inputs: QuoteInputs, version: int = CURRENT_VERSION) -> Quote:
    """The quote by that version of the calculation. `ValueError` for a version that never was."""
    if version not in CALCULATIONS:
        raise ValueError(f"there is no version {version} of the calculation")
    return CALCULATIONS[version](inputs)


def refundable(fee: Decimal, already_refunded: Decimal) -> Decimal:
    """What of a period's fee can still be given back, whether or not it was paid. Never below zero."""
    return left_to_refund(fee, already_refunded)


def set_off_of(total: Decimal, *, fee: Decimal, fee_paid: Decimal) -> Decimal:
    """What of `total` reduces the unpaid part of the fee: what was not paid is not handed out.

    `fee_paid` holds payments, applied credits and earlier set-offs; it may exceed the fee.
    """
    return min(total, max(_EXACTLY.subtract(fee, fee_paid), Decimal(0)))


def days_provided(starts_on: date, ends_on: date, as_of: date, as_of_day_counts: bool) -> int:
    """Days of the period already provided on `as_of`, the local day on which the complaint was received
    (R3c).

    The as-of day itself counts when the policy says so. After the end all days were provided. Raises
    `QuoteInputError` for a day before the period.
    """
    if as_of < starts_on:
        raise as_of_before_period(as_of, starts_on)
    return min((as_of - starts_on).days + int(as_of_day_counts), (ends_on - starts_on).days)


def remedies_for(payable: Decimal, *, fee: Decimal, days: int, minute_cost: Decimal) -> Remedies:
    """What `payable`, a quote's or a part of one, is worth in each remedy (R4).

    Minutes and days of extension are rounded up to whole ones, in the customer's favour; `fee`, `minute_cost`
    and `days`, extensions left out, are those of the period that receives them. A part of a mixed remedy is
    worth what it is here, so the parts add up in money, not in minutes.
    """
    amount = exact(payable)
    return Remedies(
        credit=payable,
        cash=payable,
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
    before_limits = _sum(line for line in quote.lines if line.code not in LIMITS)
    if not inputs.fee:
        return gettext_noop("The period has no fee, so there is nothing to give back.")
    if not quote.refundable:
        return gettext_noop(
            "All that can be given back for this period is already refunded or pending in another refund."
        )
    if before_limits > 0:
        return gettext_noop("The reduction takes off all that could be given back.")
    match inputs.basis:
        case Basis.USAGE if before_limits + exact(inputs.already_given) > 0:
            return gettext_noop(
                "What was not used of this period is already given back by another refund, settled or pending."
            )
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
    limit = exact(refundable(inputs.fee, inputs.already_refunded))
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
    set_off = round_money(set_off_of(total, fee=inputs.fee, fee_paid=inputs.fee_paid), inputs.currency)
    payable = round_money(exact(total) - exact(set_off), inputs.currency)
    receiving = _receiving(inputs)
    return Quote(
        lines=tuple(lines),
        total=total,
        refundable=round_money(limit, inputs.currency),
        set_off=set_off,
        payable=payable,
        remedies=remedies_for(payable, fee=receiving.fee, days=receiving.days, minute_cost=receiving.minute_cost),
        counted=counted,
    )


def _receiving(inputs: QuoteInputs) -> Receiving:
    if inputs.receiving is None:
        raise AssertionError("inputs of a quote have a period that receives its remedies")
    return inputs.receiving


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
    """The whole fee less minutes, operations and time, each at its own rate, and what was given back before (R3)."""
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
        *([("already", -exact(inputs.already_given))] if inputs.already_given else []),
    ]


def _counted_v1(inputs: QuoteInputs) -> tuple[Interval, ...]:
    """What counts as not provided. The minimum is judged on whole outages, only maintenance taken off."""
    without_maintenance = cut_each(joined(inputs.interruptions), joined(inputs.maintenance))
    long_enough = [
        piece
        for pieces in without_maintenance
        if seconds_of(pieces) >= inputs.minimum_interruption_seconds
        for piece in pieces
    ]
    not_compensated = [piece for pieces in cut_each(long_enough, joined(inputs.compensated)) for piece in pieces]
    bounds = _bounds(inputs)
    return tuple(within(not_compensated, bounds)) if bounds else ()


def _share_of_period(inputs: QuoteInputs, counted: Sequence[Interval]) -> Fraction:
    bounds = _bounds(inputs)
    return seconds_of(counted) / bounds.seconds if bounds else Fraction(0)


def _bounds(inputs: QuoteInputs) -> Interval | None:
    """The period between its local midnights, in UTC. None if it has not a second: the Pacific islands that moved
    across the date line skipped a whole local day.
    """
    zone = zone_of(inputs.time_zone)
    try:
        starts, ends = local_midnight(inputs.starts_on, zone), local_midnight(inputs.ends_on, zone)
    except ValueError:
        raise QuoteInputError(
            "out_of_range",
            "starts_on",
            "The period lies too near the end of the calendar for its time zone.",
        ) from None
    return Interval(starts, ends) if starts < ends else None


def _sum(lines: Iterable[Line]) -> Fraction:
    # Not a sum of Decimals: that would be cut to the digits of the decimal context.
    return sum((exact(line.amount) for line in lines), Fraction(0))


CALCULATIONS: Final[Mapping[int, Callable[[QuoteInputs], Quote]]] = MappingProxyType({1: _calculate_v1})
