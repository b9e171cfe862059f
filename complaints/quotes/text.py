"""A quote in words: what each line is, how it came about, and the clause behind it. For staff pages and letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.formats import number_format

from billing.money import minor_units
from billing.periods import Term
from billing.subscriptions.models import BillingPeriod
from complaints.quotes.input_errors import QuoteInputError
from complaints.quotes.inputs import Interval, QuoteInputs
from complaints.refund_calculation import Quote, days_provided, why_nothing
from complaints.refunds.remedies.kinds import REMEDIES
from core.amounts import money_text
from core.text import Text, join, say, say_count, when_read
from policies.choices import Basis, RemedyKind


@dataclass(frozen=True)
class LineInWords:
    """One line as people read it; ``amount`` is signed and in the currency's decimals. ``clause`` is that of the
    policy behind it, or "limit" or "decision", which pages draw otherwise.
    """

    code: str
    label: Text
    detail: Text
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
        amount = _number(Decimal(line["amount"])).replace("-", "−")
        made.append(LineInWords(line["code"], label, detail, clause, amount))
    return made


def _words(
    code: str,
    inputs: QuoteInputs,
    names: Mapping[str, str],
    counted: Sequence[Sequence[str]],
    reduction_reason: str,
) -> tuple[Text, Text, str]:
    last_day = inputs.ends_on - timedelta(days=1)
    match code:
        case "fee":
            return say("Subscription fee"), say("{first} to {last}", first=inputs.starts_on, last=last_day), "R2"
        case "minutes":
            minutes = Fraction(inputs.seconds_used, 60)
            return (
                say("Minutes used"),
                say("{minutes} min × {cost}", minutes=_decimal(minutes), cost=_plain(inputs.minute_cost)),
                "R3 a",
            )
        case "time":
            assert inputs.as_of is not None
            provided = days_provided(inputs.starts_on, inputs.ends_on, inputs.as_of, inputs.as_of_day_counts)
            return (
                say("Service already provided"),
                say_count(
                    "{provided} of {count} day; complaint received on {day}",
                    "{provided} of {count} days; complaint received on {day}",
                    inputs.days,
                    provided=provided,
                    day=inputs.as_of,
                ),
                "R3 c",
            )
        case "already":
            return say("Given back before"), say("by earlier refunds of this period"), "R3"
        case "full_month":
            annual = inputs.term is Term.ANNUAL
            detail = say("a twelfth of the annual fee") if annual else say("the fee of one month")
            return say("Full month at discretion"), detail, "F5"
        case "interruption":
            seconds = sum(
                (
                    Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)).seconds
                    for start, end in counted
                ),
                Fraction(0),
            )
            return (
                say("Service not provided"),
                say_count(
                    "{hours} of {count} day", "{hours} of {count} days", inputs.days, hours=hours_in_words(seconds)
                ),
                "R7",
            )
        case "special":
            return say("Special case"), say("amount entered by staff, with its evidence"), "R7"
        case "floor":
            why = (
                say("more was used and given back than the fee covers")
                if inputs.already_given
                else say("more was used than the fee covers")
            )
            return say("Lifted to zero"), why, "limit"
        case "cap":
            return (
                say("Cut to what can still be refunded"),
                say("the fee, less what was refunded or is pending"),
                "limit",
            )
        case "reduction":
            return say("Given less"), reduction_reason or say("decided by staff"), "decision"
    operation = code.removeprefix("operation:")
    used = next((entry for entry in inputs.operations if entry.code == operation), None)
    how = join(" × ", (_count(used.quantity), _plain(used.unit_cost))) if used else ""
    return names.get(operation, operation), how, "R3 b"


def remedy_in_words(entry: Mapping[str, Any], currency: str) -> Text:
    """One entry of a remedy plan: "28.26 EUR as credit on the next cycle"."""
    amount = money_text(Decimal(entry["amount"]), currency) if "amount" in entry else say("the rest")
    return REMEDIES[RemedyKind(entry["kind"])].in_words(amount, entry)


def plan_in_words(plan: Sequence[Mapping[str, Any]], currency: str, set_off: Decimal = Decimal(0)) -> Text:
    """A whole plan of remedies in one line, with what is set off instead of being given."""
    parts = [remedy_in_words(entry, currency) for entry in plan]
    if set_off:
        parts.append(say("{amount} set off against the unpaid fee", amount=money_text(set_off, currency)))
    return join(", ", parts)


def basis_in_words(basis: str) -> Text:
    """A basis as staff call it."""
    match Basis(basis):
        case Basis.USAGE:
            return say("usage-based")
        case Basis.FULL_MONTH:
            return say("full month at discretion")
        case Basis.INTERRUPTION:
            return say("for an interruption")
        case Basis.SPECIAL:
            return say("special case")


def hours_in_words(seconds: Fraction) -> Text:
    """A length of time: "31 h 20 min"."""
    minutes = int(seconds // 60)
    return say("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def _number(number: Decimal) -> str:
    """Grouped, with all its decimals, as people of the language write it."""
    return number_format(number, use_l10n=True, force_grouping=True)


@when_read
def _plain(number: Decimal) -> str:
    """A cost without the zeros at its end, but for two decimals."""
    text = f"{number:f}"
    short = text.rstrip("0").rstrip(".") if "." in text and len(text.split(".")[1]) > 2 else text
    return _number(Decimal(short))


@when_read
def _count(quantity: Decimal) -> str:
    return _number(quantity if quantity % 1 else quantity.to_integral_value())


@when_read
def _decimal(number: Fraction) -> str:
    """Whole, or to the tenth."""
    tenths = round(number * 10)
    return _number(Decimal(number.numerator) if number.denominator == 1 else Decimal(tenths) / 10)


def nothing_in_words(inputs: QuoteInputs, quote: Quote) -> Text | None:
    """Why a quote comes to nothing and can't be proposed; None when it doesn't."""
    sentence = why_nothing(inputs, quote)
    return say(sentence) if sentence else None


def problem_in_words(problem: QuoteInputError) -> Text:
    """What is wrong with an input that people choose. What only programs can get wrong stays as it is."""
    values = problem.values
    match problem.code:
        case "missing_key":
            return say("This is needed and was not given.")
        case "period_voided":
            return say("The period is voided: the subscription was cancelled from a day before it.")
        case "invoice_void":
            return say("The invoice of the period is void: nobody owes its fee, and nothing was paid of it.")
        case "as_of_before_period":
            return say("The complaint was received on {day}, before the period began on {beginning}.", **values)
        case "special_without_fee":
            return say("A period without a fee has nothing to give back.")
        case "special_amount_zero":
            return say("A special amount must be more than zero.")
        case "special_amount_above_fee" if values:
            fee = money_text(values["fee"], values["currency"])
            return say("A special amount may not exceed the period's fee, {fee}.", fee=fee)
        case "too_many_decimals" if values:
            currency = values["currency"]
            decimals = minor_units(currency)
            if decimals == 0:
                return say("An amount in {currency} has no decimals.", currency=currency)
            return say_count(
                "An amount in {currency} has at most {count} decimal.",
                "An amount in {currency} has at most {count} decimals.",
                decimals,
                currency=currency,
            )
    return problem.message
