"""Why a quote cannot be made, or comes to nothing, in the language of whoever is looking.

The calculation is pure and knows no language: its sentences are those of the record and of quotes as JSON.
"""

from __future__ import annotations

from billing.money import minor_units
from complaints.quotes.inputs import QuoteInputError, QuoteInputs
from complaints.refund_calculation import Quote, why_nothing
from core.amounts import money_text
from core.text import Text, say, say_count


def nothing_in_words(inputs: QuoteInputs, quote: Quote) -> Text | None:
    """Why the quote comes to nothing and can't be proposed; None when it doesn't."""
    sentence = why_nothing(inputs, quote)
    return say(sentence) if sentence else None


def problem_in_words(problem: QuoteInputError) -> Text:
    """What is wrong with an input that people choose. What only programs can get wrong stays as it is."""
    values = problem.values
    match problem.code:
        case "missing_key":
            return say("This is needed and was not given.")
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
