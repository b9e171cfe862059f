"""Numbers as people type them: both decimal signs, thousands parted in the usual ways, nothing guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from core.numbers import NotANumber, grouped_text, read_number, typed_text

READ = {
    "40,23": "40.23",
    "40.23": "40.23",
    "0,50": "0.50",
    "0.5": "0.5",
    ",5": "0.5",
    "1234": "1234",
    "1234,5": "1234.5",
    "1.234,50": "1234.50",
    "1,234.50": "1234.50",
    "1 234,50": "1234.50",
    "1\u202f234,50": "1234.50",
    "1'234.50": "1234.50",
    "1’234.50": "1234.50",
    "1.234.567": "1234567",
    "1,234,567.89": "1234567.89",
    "0,015": "0.015",
    "0.125": "0.125",
    "1.2340": "1.234",
    "12345,678": "12345.678",
    "1 234": "1234",
    " 12,00 ": "12.00",
    "-5": "-5",
    "\u22125,5": "-5.5",
    "+3": "3",
}
AMBIGUOUS = ["1,234", "1.234", "12.345", "123,456", "-1,234"]
NO_NUMBER = [
    "",
    " ",
    "abc",
    "12,34.56,7",
    "1.23.456",
    "1,23,456",
    "1.234.56",
    "1,234,5",
    "1.234,567,8",
    "1,234 567",
    "1e3",
    "NaN",
    "Infinity",
    "12 EUR",
    "€ 5",
    "1..2",
    "1.",
    "0x10",
    "٣",
    "--5",
    "1_000",
    "5\x00",
    "9" * 41,
]


@pytest.mark.parametrize(("typed", "number"), READ.items())
def test_both_decimal_signs_are_read(typed: str, number: str) -> None:
    assert read_number(typed) == Decimal(number)


@pytest.mark.parametrize("typed", AMBIGUOUS)
def test_what_could_be_two_numbers_is_refused_with_both(typed: str) -> None:
    with pytest.raises(NotANumber) as refused:
        read_number(typed)
    assert refused.value.code == "ambiguous"
    whole, precise = str(refused.value.sentence).rsplit("Write ")[1].rstrip(".").split(" or ")
    assert read_number(whole) == 1000 * read_number(precise)


@pytest.mark.parametrize("typed", NO_NUMBER)
def test_anything_else_is_no_number(typed: str) -> None:
    with pytest.raises(NotANumber) as refused:
        read_number(typed)
    assert refused.value.code == "invalid"


@given(st.text(alphabet="0123456789., '-+\u2212\u00a0", max_size=45))
def test_what_is_read_keeps_every_digit_in_its_order(typed: str) -> None:
    try:
        number = read_number(typed)
    except NotANumber:
        return
    assert number.is_finite()
    digits = "".join(character for character in typed if character.isdigit())
    assert f"{number.copy_abs():f}".replace(".", "").lstrip("0") == digits.lstrip("0")


@given(
    st.decimals(min_value=-(10**12), max_value=10**12, places=4) | st.decimals(0, 10**6, places=2),
    st.sampled_from(["en", "it"]),
)
def test_what_a_page_wrote_is_read_again(number: Decimal, language: str) -> None:
    with override(language):
        assert read_number(str(typed_text(number))) == number
        if abs(number) >= 1000 and number != number.to_integral():
            assert read_number(str(grouped_text(number))) == number
