"""What can be wrong with the inputs of a quote, as one error with a code. Pure."""

from __future__ import annotations

from typing import Any, Final

from billing.money import minor_units

# Generous for any money on earth, and small enough that no input can stall the calculation.
MOST_DIGITS: Final = 500


class QuoteInputError(ValueError):
    """An input a quote can't be computed from.

    `code` is one of those listed in docs/quote-json.md, `field` names the input as the JSON form does
    (empty when the whole is meant) and `message` is a sentence for staff; `str()` puts the field before the
    message. `values` are those in the sentence, for whoever says it in another language.
    """

    def __init__(self, code: str, field: str, message: str, **values: Any) -> None:
        self.code = code
        self.field = field
        self.message = message
        self.values = values
        super().__init__(f"{field}: {message}" if field else message)


# --- errors that several checks share


def missing(name: str) -> QuoteInputError:
    return QuoteInputError("missing_key", name, "This is needed and was not given.")


def too_long(name: str) -> QuoteInputError:
    return QuoteInputError(
        "too_long",
        name,
        f"A number has at most {MOST_DIGITS} digits before and {MOST_DIGITS} after its point.",
    )


def too_many_decimals(name: str, currency: str) -> QuoteInputError:
    decimals = minor_units(currency)
    most = f"at most {decimals}" if decimals else "no"
    return QuoteInputError(
        "too_many_decimals",
        name,
        f"An amount in {currency} has {most} decimals.",
        currency=currency,
    )


def shown(value: Any) -> str:
    """A foreign value in a message: short and printable, whatever was sent."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return "a list"
        case dict():
            return "an object"
        case str():
            text = repr(value[:100])
        case _:
            text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
