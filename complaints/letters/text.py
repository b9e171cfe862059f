"""A refund as its customer reads it: the lines of its calculation and the ways it is given, in their language.

What staff read, with clauses and in English alone, is in ``complaints.quotes.text``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from billing.periods import Term
from complaints.quotes.inputs import Interval, QuoteInputs
from complaints.quotes.inputs_json import inputs_from_json
from complaints.refund_calculation import days_provided
from complaints.refunds.models import Refund
from messaging.templates.reader import Reader

#: Every phrase by language. A phrase with figures names them in braces.
PHRASES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": MappingProxyType(
            {
                "fee": "Fee for {first} to {last}",
                "minutes": "Minutes used, {minutes} at {cost} each",
                "operation": "{name}, {count} at {cost} each",
                "time": "Service already provided, {provided} of {days} days",
                "full_month": "The fee of one month",
                "full_month_of_year": "The fee of one month, a twelfth of the annual fee",
                "interruption": "Service that was missing, {hours} h {minutes} min of {days} days",
                "special": "What we give you for this case",
                "floor": "More was used than the fee covers, so we count from zero",
                "cap": "Cut to what can still be given back of what you paid",
                "reduction": "Less, because of our decision",
                "reduction_because": "Less: {reason}",
                "credit": "{amount} as a credit on your next invoice",
                "minutes_given": "{amount} as {count} minutes",
                "extension_given": "{amount} as {count} more days of service",
                "extension_given_one": "{amount} as one more day of service",
                "cash": "{amount} paid to your account",
                "about": "About the period from {first} to {last}:",
            }
        ),
        "it": MappingProxyType(
            {
                "fee": "Canone per il periodo {first} – {last}",
                "minutes": "Minuti usati: {minutes} a {cost} ciascuno",
                "operation": "{name}: {count} a {cost} ciascuna",
                "time": "Servizio già fornito: {provided} giorni su {days}",
                "full_month": "Il canone di un mese",
                "full_month_of_year": "Il canone di un mese, un dodicesimo di quello annuale",
                "interruption": "Servizio mancato: {hours} h {minutes} min su {days} giorni",
                "special": "Quanto riconosciamo per questo caso",
                "floor": "L'uso supera il canone: si conta da zero",
                "cap": "Riduzione a quanto si può ancora restituire di ciò che ha pagato",
                "reduction": "Riduzione per la nostra decisione",
                "reduction_because": "Riduzione: {reason}",
                "credit": "{amount} come credito sulla prossima fattura",
                "minutes_given": "{amount} come {count} minuti",
                "extension_given": "{amount} come {count} giorni di servizio in più",
                "extension_given_one": "{amount} come un giorno di servizio in più",
                "cash": "{amount} versati sul suo conto",
                "about": "Per il periodo {first} – {last}:",
            }
        ),
    }
)


def calculation_in_words(refund: Refund, language: str) -> list[str]:
    """The stored lines of a refund, "label: amount", as they were frozen; nothing is computed anew."""
    return _Letter(refund, language).lines()


def remedies_in_words(refund: Refund, language: str) -> list[str]:
    """How a refund is given, a line each."""
    letter = _Letter(refund, language)
    return [letter.remedy(entry) for entry in refund.remedy_plan]


def period_in_words(refund: Refund, language: str) -> str:
    """The heading for one refund of several: which period it is about."""
    return _Letter(refund, language).about()


class _Letter:
    """One refund for one reader."""

    def __init__(self, refund: Refund, language: str) -> None:
        self.refund = refund
        self.reader = Reader(language)
        self.phrases = PHRASES[language]

    def phrase(self, key: str, **figures: object) -> str:
        return self.phrases[key].format(**figures)

    def money(self, amount: Decimal) -> str:
        return self.reader.money(amount, self.refund.currency)

    def about(self) -> str:
        period = self.refund.period
        return self.phrase("about", **self._days(period.starts_on, period.ends_on))

    def lines(self) -> list[str]:
        if not self.refund.inputs:
            return []
        inputs = inputs_from_json(self.refund.inputs)
        return [f"{self._label(line['code'], inputs)}: {self.money(Decimal(line['amount']))}" for line in self._shown()]

    def _shown(self) -> Sequence[Mapping[str, str]]:
        """Lines of nothing tell a customer nothing; without them the others still add up."""
        lines: Sequence[Mapping[str, str]] = self.refund.lines
        return [line for line in lines if Decimal(line["amount"])]

    def _days(self, starts_on: Any, ends_on: Any) -> dict[str, str]:
        return {"first": self.reader.day(starts_on), "last": self.reader.day(ends_on - timedelta(days=1))}

    def _label(self, code: str, inputs: QuoteInputs) -> str:
        match code:
            case "fee":
                return self.phrase("fee", **self._days(inputs.starts_on, inputs.ends_on))
            case "minutes":
                return self.phrase(
                    "minutes", minutes=self._minutes(inputs.seconds_used), cost=self.money(inputs.minute_cost)
                )
            case "time":
                assert inputs.as_of is not None
                provided = days_provided(inputs.starts_on, inputs.ends_on, inputs.as_of, inputs.as_of_day_counts)
                return self.phrase("time", provided=provided, days=inputs.days)
            case "full_month":
                return self.phrase("full_month_of_year" if inputs.term is Term.ANNUAL else "full_month")
            case "interruption":
                minutes = int(self._missing_seconds() // 60)
                return self.phrase("interruption", hours=minutes // 60, minutes=minutes % 60, days=inputs.days)
            case "reduction" if self.refund.reduction_reason.strip():
                return self.phrase("reduction_because", reason=self.refund.reduction_reason.strip())
        if code.startswith("operation:"):
            return self._operation(code.removeprefix("operation:"), inputs)
        return self.phrase(code)

    def _minutes(self, seconds: int) -> str:
        """To the tenth of a minute, half up; the amount beside it counts the seconds."""
        tenths = (seconds + 3) // 6
        return self.reader.number(Decimal(tenths) / 10)

    def _missing_seconds(self) -> Fraction:
        counted: Sequence[Sequence[str]] = self.refund.counted
        each = (Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)).seconds for start, end in counted)
        return sum(each, Fraction(0))

    def _operation(self, code: str, inputs: QuoteInputs) -> str:
        names = {cost["code"]: cost["name"] for cost in self.refund.period.operation_costs}
        used = next(entry for entry in inputs.operations if entry.code == code)
        return self.phrase(
            "operation",
            name=names.get(code, code),
            count=self.reader.number(used.quantity),
            cost=self.money(used.unit_cost),
        )

    def remedy(self, entry: Mapping[str, Any]) -> str:
        amount = self.money(Decimal(entry["amount"]))
        match entry["kind"]:
            case "minutes":
                return self.phrase("minutes_given", amount=amount, count=self.reader.number(Decimal(entry["minutes"])))
            case "extension" if int(entry["days"]) == 1:
                return self.phrase("extension_given_one", amount=amount)
            case "extension":
                return self.phrase("extension_given", amount=amount, count=entry["days"])
            case "credit":
                return self.phrase("credit", amount=amount)
        return self.phrase("cash", amount=amount)
