"""A refund as its customer reads it: the lines of its calculation and the ways it is given, in their language.

What staff read, with clauses and in English alone, is in ``complaints.quotes.text``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import override

from billing.periods import Term
from billing.subscriptions.cancellations.rules import cancellation_takes_effect_on
from billing.subscriptions.models import Subscription
from complaints.quotes.inputs import Interval, QuoteInputs
from complaints.quotes.inputs_json import inputs_from_json
from complaints.refund_calculation import days_provided
from complaints.refunds.models import Refund
from complaints.refunds.remedies.kinds import REMEDIES
from core.text import Text, say
from messaging.templates.reader import Reader
from policies.choices import RemedyKind


def calculation_in_words(refund: Refund, language: str) -> list[str]:
    """The stored lines of a refund, "label: amount", as they were frozen; nothing is computed anew."""
    if not refund.inputs:
        return []
    inputs, reader = inputs_from_json(refund.inputs), Reader(language)
    with override(language):
        return [
            f"{_label(line['code'], refund, inputs, reader)}: {reader.money(amount, refund.currency)}"
            for line in refund.lines
            # Lines of nothing tell a customer nothing; without them the others still add up.
            if (amount := Decimal(line["amount"]))
        ]


def remedies_in_words(refund: Refund, language: str) -> list[str]:
    """How a refund is given, a line each."""
    reader = Reader(language)
    with override(language):
        given = [str(_remedy(entry, refund.currency, reader)) for entry in refund.remedy_plan]
        if refund.set_off:
            invoice = refund.period.invoice.number
            amount = reader.money(refund.set_off, refund.currency)
            given.append(str(say("{amount} less to pay on invoice {invoice}", amount=amount, invoice=invoice)))
        return given + end_in_words(refund, language)


def end_in_words(refund: Refund, language: str) -> list[str]:
    """Of a refund that gave days, or took them back: when the service ends now, or the period; else nothing."""
    if all(entry["kind"] != RemedyKind.EXTENSION for entry in refund.remedy_plan):
        return []
    subscription, reader = Subscription.objects.get(pk=refund.subscription_id), Reader(language)
    period = subscription.current_period()
    if period is None:
        return []
    with override(language):
        if subscription.cancelled_on is None:
            day = reader.day(period.closes_on - timedelta(days=1))
            return [
                str(say("the current period of {subscription} now runs to {day}", subscription=subscription, day=day))
            ]
        ends_on = cancellation_takes_effect_on(subscription, period, subscription.cancelled_on)
        day = reader.day(ends_on - timedelta(days=1))
        return [str(say("the service of {subscription} now ends after {day}", subscription=subscription, day=day))]


def period_in_words(refund: Refund, language: str) -> str:
    """The heading for one refund of several: which period it is about."""
    days = _days(refund.period.starts_on, refund.period.ends_on, Reader(language))
    with override(language):
        return str(say("About the period from {first} to {last}:", **days))


def _days(starts_on: date, ends_on: date, reader: Reader) -> dict[str, str]:
    return {"first": reader.day(starts_on), "last": reader.day(ends_on - timedelta(days=1))}


def _label(code: str, refund: Refund, inputs: QuoteInputs, reader: Reader) -> Text:
    match code:
        case "fee":
            return say("Fee for {first} to {last}", **_days(inputs.starts_on, inputs.ends_on, reader))
        case "minutes":
            return say(
                "Minutes used, {minutes} at {cost} each",
                minutes=_minutes(inputs.seconds_used, reader),
                cost=reader.money(inputs.minute_cost, refund.currency),
            )
        case "time":
            assert inputs.as_of is not None
            provided = days_provided(inputs.starts_on, inputs.ends_on, inputs.as_of, inputs.as_of_day_counts)
            return say("Service already provided, {provided} of {days} days", provided=provided, days=inputs.days)
        case "already":
            return say("Given back to you before")
        case "full_month":
            if inputs.term is Term.ANNUAL:
                return say("The fee of one month, a twelfth of the annual fee")
            return say("The fee of one month")
        case "interruption":
            hours, minutes = divmod(int(_missing_seconds(refund) // 60), 60)
            return say(
                "Service that was missing, {hours} h {minutes} min of {days} days",
                hours=hours,
                minutes=minutes,
                days=inputs.days,
            )
        case "special":
            return say("What we give you for this case")
        case "floor":
            return say("More was used than the fee covers, so we count from zero")
        case "cap":
            return say("Cut to what can still be given back of what you paid")
        case "reduction":
            reason = refund.reduction_reason.strip()
            return say("Less: {reason}", reason=reason) if reason else say("Less, because of our decision")
    operation = code.removeprefix("operation:")
    names = {cost["code"]: cost["name"] for cost in refund.period.operation_costs}
    used = next(entry for entry in inputs.operations if entry.code == operation)
    return say(
        "{name}, {count} at {cost} each",
        name=names.get(operation, operation),
        count=reader.number(used.quantity),
        cost=reader.money(used.unit_cost, refund.currency),
    )


def _minutes(seconds: int, reader: Reader) -> str:
    """To the tenth of a minute, half up; the amount beside it counts the seconds."""
    tenths = (seconds + 3) // 6
    return reader.number(Decimal(tenths) / 10)


def _missing_seconds(refund: Refund) -> Fraction:
    counted: Sequence[Sequence[str]] = refund.counted
    each = (Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)).seconds for start, end in counted)
    return sum(each, Fraction(0))


def _remedy(entry: Mapping[str, Any], currency: str, reader: Reader) -> Text:
    amount = reader.money(Decimal(entry["amount"]), currency)
    return REMEDIES[RemedyKind(entry["kind"])].in_letter(amount, entry, reader)
