"""A quote in words: what each line is, how it came about, and the clause behind it. For staff pages and letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from audit.words import say
from billing.models import BillingPeriod
from billing.periods import Term
from complaints.refund_calculation import Basis, Interval, QuoteInputs, days_provided


@dataclass(frozen=True)
class LineInWords:
    """One line as people read it; ``amount`` is signed and in the currency's decimals."""

    code: str
    label: str
    detail: str
    clause: str
    amount: str


def lines_in_words(
    inputs: QuoteInputs,
    lines: Sequence[Mapping[str, str]],
    period: BillingPeriod,
    *,
    counted: Sequence[Sequence[str]] = (),
    reduction_reason: str = "",
) -> list[LineInWords]:
    """The stored or live lines of a quote with their words; ``counted`` are the intervals an interruption counts."""
    names = {cost["code"]: cost["name"] for cost in period.operation_costs}
    made = []
    for line in lines:
        label, detail, clause = _words(line["code"], inputs, names, counted, reduction_reason)
        amount = line["amount"].replace("-", "−")
        made.append(LineInWords(line["code"], label, detail, clause, amount))
    return made


def _words(
    code: str,
    inputs: QuoteInputs,
    names: Mapping[str, str],
    counted: Sequence[Sequence[str]],
    reduction_reason: str,
) -> tuple[str, str, str]:
    last_day = inputs.ends_on - timedelta(days=1)
    match code:
        case "fee":
            return "Subscription fee", f"{_day(inputs.starts_on)} to {_day(last_day)}", "R2"
        case "minutes":
            minutes = Fraction(inputs.seconds_used, 60)
            return "Minutes used", f"{_decimal(minutes)} min × {_plain(inputs.minute_cost)}", "R3 a"
        case "time":
            assert inputs.as_of is not None
            provided = days_provided(inputs.starts_on, inputs.ends_on, inputs.as_of, inputs.as_of_day_counts)
            return (
                "Service already provided",
                f"{provided} of {inputs.days} days; complaint received on {_day(inputs.as_of)}",
                "R3 c",
            )
        case "full_month":
            detail = "a twelfth of the annual fee" if inputs.term is Term.ANNUAL else "the fee of one month"
            return "Full month at discretion", detail, "F5"
        case "interruption":
            seconds = sum(
                (
                    Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)).seconds
                    for start, end in counted
                ),
                Fraction(0),
            )
            return "Service not provided", f"{hours_in_words(seconds)} of {inputs.days} days", "R7"
        case "special":
            return "Special case", "amount entered by staff, with its evidence", "R7"
        case "floor":
            return "Lifted to zero", "more was used than the fee covers", "limit"
        case "cap":
            return "Cut to what can still be refunded", "paid, less what was refunded or is pending", "limit"
        case "reduction":
            return "Given less", reduction_reason or "decided by staff", "decision"
    operation = code.removeprefix("operation:")
    used = next((entry for entry in inputs.operations if entry.code == operation), None)
    detail = f"{_count(used.quantity)} × {_plain(used.unit_cost)}" if used else ""
    return names.get(operation, operation), detail, "R3 b"


def remedy_in_words(entry: Mapping[str, Any], currency: str) -> str:
    """One entry of a remedy plan: "28.26 EUR as credit on the next cycle"."""
    amount = f"{entry['amount']} {currency}" if "amount" in entry else "the rest"
    match entry["kind"]:
        case "credit":
            return say("{amount} as credit on the next cycle", amount=amount)
        case "minutes":
            return (
                f"{amount} as {entry['minutes']} minutes"
                if "minutes" in entry
                else say("{amount} as minutes", amount=amount)
            )
        case "extension":
            return (
                f"{amount} as {entry['days']} more days"
                if "days" in entry
                else say("{amount} as a longer period", amount=amount)
            )
    return say("{amount} in cash", amount=amount)


def plan_in_words(plan: Sequence[Mapping[str, Any]], currency: str) -> str:
    """A whole plan of remedies in one line."""
    return ", ".join(remedy_in_words(entry, currency) for entry in plan)


def basis_in_words(basis: str) -> str:
    """A basis as staff call it."""
    return {
        Basis.USAGE: "usage-based",
        Basis.FULL_MONTH: "full month at discretion",
        Basis.INTERRUPTION: "for an interruption",
        Basis.SPECIAL: "special case",
    }[Basis(basis)]


def hours_in_words(seconds: Fraction) -> str:
    """A length of time: "31 h 20 min"."""
    minutes = int(seconds // 60)
    return say("{minutes} h {minutes_2} min", minutes=minutes // 60, minutes_2=minutes % 60)


def _day(day: Any) -> str:
    return f"{day.day} {day:%b %Y}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text and len(text.split(".")[1]) > 2 else text


def _count(quantity: Decimal) -> str:
    return f"{quantity:f}" if quantity % 1 else f"{quantity:.0f}"


def _decimal(number: Fraction) -> str:
    if number.denominator == 1:
        return f"{number.numerator:,}"
    tenths = round(number * 10)
    return f"{tenths // 10:,}.{tenths % 10}"
