"""Staff read why there is no quote as the calculation says it; the record says it in the very same words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from complaints.quotes.input_errors import QuoteInputError, missing, too_long, too_many_decimals
from complaints.quotes.inputs import as_of_before_period
from complaints.quotes.text import problem_in_words
from core.text import in_english

ABOVE = QuoteInputError(
    "special_amount_above_fee",
    "special_amount",
    "A special amount may not exceed the period's fee, 49.90 EUR.",
    fee=Decimal("49.90"),
    currency="EUR",
)


@pytest.mark.parametrize(
    "problem",
    [
        as_of_before_period(date(2026, 5, 1), date(2026, 6, 1)),
        missing("special_amount"),
        ABOVE,
        too_many_decimals("reduction", "EUR"),
        too_many_decimals("reduction", "JPY"),
        too_long("reduction"),
    ],
    ids=lambda problem: problem.code,
)
def test_the_record_says_what_the_calculation_says(problem: QuoteInputError) -> None:
    assert in_english(problem_in_words(problem)) == problem.message


def test_days_and_amounts_are_written_for_people() -> None:
    assert "received on 1 May 2026" in problem_in_words(as_of_before_period(date(2026, 5, 1), date(2026, 6, 1)))
    dear = QuoteInputError("special_amount_above_fee", "", "", fee=Decimal("1049.90"), currency="EUR")
    assert "the period's fee, 1,049.90 EUR." in problem_in_words(dear)
