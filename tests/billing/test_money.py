from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import (
    NO_SPLIT,
    Split,
    UnknownCurrency,
    exact,
    format_amount,
    is_whole_minor,
    minor_units,
    round_money,
    split_back,
    split_gross,
    split_next,
)

currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])
numbers = st.fractions() | st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers()


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [
        ("EUR", 2),
        ("USD", 2),
        ("JPY", 0),
        ("ISK", 0),
        ("UGX", 0),
        ("KWD", 3),
        # CLDR, which formats for people, has 0 for the first three and 2 for the last.
        ("IQD", 3),
        ("CLF", 4),
        ("UYW", 4),
        ("HUF", 2),
    ],
)
def test_decimals_come_from_iso_4217(currency: str, decimals: int) -> None:
    assert minor_units(currency) == decimals


@pytest.mark.parametrize(
    "currency", ["XAU", "XXX", "XTS", "XDR", "eur", "EU", "EURO", "", "EUR ", "€", "ZZZ", None, 978]
)
def test_no_minor_unit_or_no_such_code_is_refused(currency: Any) -> None:
    with pytest.raises(UnknownCurrency) as caught:
        minor_units(currency)
    assert repr(currency) in str(caught.value)


def test_a_long_currency_is_not_repeated_in_full() -> None:
    with pytest.raises(UnknownCurrency) as caught:
        minor_units("E" * 10_000)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.004", "EUR", "0.00"),
        ("0.005", "EUR", "0.01"),
        ("0.015", "EUR", "0.02"),
        ("0.025", "EUR", "0.03"),
        ("0.0049999999999999999999999999999999999", "EUR", "0.00"),
        ("-0.004", "EUR", "0.00"),
        ("-0.005", "EUR", "-0.01"),
        ("-0.025", "EUR", "-0.03"),
        ("-0", "EUR", "0.00"),
        ("1E+3", "EUR", "1000.00"),
        ("0.5", "JPY", "1"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "3"),
        ("-2.5", "JPY", "-3"),
        ("0.0005", "KWD", "0.001"),
        ("2.3455", "KWD", "2.346"),
    ],
)
def test_rounding_is_half_up_on_the_magnitude(amount: str, currency: str, rounded: str) -> None:
    assert str(round_money(Decimal(amount), currency)) == rounded
    assert str(round_money(Fraction(Decimal(amount)), currency)) == rounded


def test_amounts_beyond_the_decimal_context_stay_exact() -> None:
    nines = "9" * 60
    assert format_amount(Decimal(nines + ".99"), "EUR") == nines + ".99"
    assert round_money(Fraction(int(nines) * 1000 + 5, 1000), "EUR") == Decimal(nines + ".01")
    with localcontext(prec=3):
        assert str(round_money(Decimal("123456.785"), "EUR")) == "123456.79"
        assert format_amount(Decimal("123456.78"), "EUR") == "123456.78"
    assert len(format_amount(10**6000, "EUR")) == 6004


@pytest.mark.parametrize("amount", [1.5, True, "1.50", None])
def test_only_exact_numbers_are_amounts(amount: Any) -> None:
    with pytest.raises(TypeError):
        round_money(amount, "EUR")


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+999999999", "1E-999999999"])
def test_numbers_that_no_money_is_are_refused_at_once(amount: str) -> None:
    with pytest.raises(ValueError, match=r"counted in|exponent"):
        round_money(Decimal(amount), "EUR")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("0", "EUR", "0.00"),
        ("0", "JPY", "0"),
        ("-0.00", "EUR", "0.00"),
        ("12", "EUR", "12.00"),
        ("12.500000", "EUR", "12.50"),
        ("-3.1", "KWD", "-3.100"),
        ("1E+2", "JPY", "100"),
        ("1234567.89", "EUR", "1234567.89"),
    ],
)
def test_an_amount_is_written_with_exactly_the_currencys_decimals(amount: str, currency: str, text: str) -> None:
    assert format_amount(Decimal(amount), currency) == text


def test_writing_never_rounds() -> None:
    with pytest.raises(ValueError, match="round it first"):
        format_amount(Decimal("0.005"), "EUR")
    with pytest.raises(ValueError, match="round it first"):
        format_amount(Decimal("0.5"), "JPY")


@pytest.mark.parametrize(
    ("amount", "currency", "whole"),
    [
        ("10.50", "EUR", True),
        ("10.500", "EUR", True),
        ("10.505", "EUR", False),
        ("1.0", "JPY", True),
        ("0.5", "JPY", False),
    ],
)
def test_whole_minor_units_are_a_matter_of_value(amount: str, currency: str, *, whole: bool) -> None:
    assert is_whole_minor(Decimal(amount), currency) is whole


@pytest.mark.parametrize(
    ("gross", "rate", "currency", "net", "tax"),
    [
        ("119.00", "19", "EUR", "100.00", "19.00"),
        ("30.00", "19", "EUR", "25.21", "4.79"),  # 30 / 1.19 = 25.2100...
        ("30.00", "0", "EUR", "30.00", "0.00"),
        ("9.99", "7.7", "EUR", "9.28", "0.71"),  # 9.99 / 1.077 = 9.2757...
        ("-30.00", "19", "EUR", "-25.21", "-4.79"),
        ("0.01", "19", "EUR", "0.01", "0.00"),  # 0.01 / 1.19 = 0.0084
        ("1100", "10", "JPY", "1000", "100"),
        ("1000", "10", "JPY", "909", "91"),
        ("1.000", "5", "KWD", "0.952", "0.048"),
    ],
)
def test_a_gross_amount_splits_into_net_and_tax(gross: str, rate: str, currency: str, net: str, tax: str) -> None:
    parts = split_gross(Decimal(gross), Decimal(rate), currency)
    assert tuple(map(str, parts)) == (net, tax)


def test_a_gross_amount_that_cannot_be_split_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        split_gross(Decimal("1.00"), Decimal(-1), "EUR")
    with pytest.raises(ValueError, match="round it first"):
        split_gross(Decimal("1.005"), Decimal(19), "EUR")


@given(numbers, currencies)
def test_rounding_moves_by_at_most_half_a_unit_and_is_symmetric(amount: Any, currency: str) -> None:
    rounded = round_money(amount, currency)
    unit = Fraction(1, 10 ** minor_units(currency))
    assert abs(exact(rounded) - exact(amount)) <= unit / 2
    assert round_money(-exact(amount), currency) == -exact(rounded)
    assert round_money(rounded, currency).as_tuple() == rounded.as_tuple()
    assert rounded.as_tuple().exponent == -minor_units(currency)
    assert not (rounded == 0 and rounded.is_signed())
    assert Decimal(format_amount(rounded, currency)).as_tuple() == rounded.as_tuple()


@given(st.integers(-(10**40), 10**40), st.decimals(0, 200, places=3), currencies)
def test_net_and_tax_always_sum_to_the_gross(units: int, rate: Decimal, currency: str) -> None:
    gross = Fraction(units, 10 ** minor_units(currency))
    net, tax = split_gross(gross, rate, currency)
    assert exact(net) + exact(tax) == gross
    assert split_gross(-gross, rate, currency) == (
        round_money(-exact(net), currency),
        round_money(-exact(tax), currency),
    )


@pytest.mark.parametrize(
    ("whole", "rate", "parts", "nets", "tax"),
    [
        ("60.00", 22, ["20.00"] * 3, ["16.39", "16.40", "16.39"], "10.82"),
        ("1.00", 22, ["0.05"] * 20, None, "0.18"),
        ("0.01", 22, ["0.01"], ["0.01"], "0.00"),
        ("10.00", 0, ["3.33", "6.67"], ["3.33", "6.67"], "0.00"),
    ],
)
def test_parts_of_a_fee_are_split_as_their_sum_is(
    whole: str, rate: int, parts: list[str], nets: list[str] | None, tax: str
) -> None:
    standing = NO_SPLIT
    found = []
    for part in parts:
        split = split_next(Decimal(part), Decimal(whole), standing, Decimal(rate), "EUR")
        assert split.net + split.tax == split.gross == Decimal(part)
        found.append(split.net)
        standing = standing + split
    assert nets is None or found == [Decimal(net) for net in nets]
    assert (standing.gross, standing.tax) == (Decimal(whole), Decimal(tax))
    with pytest.raises(ValueError, match="more than"):
        split_next(Decimal("0.01"), Decimal(whole), standing, Decimal(rate), "EUR")


@given(
    cents=st.integers(1, 10_000),
    rate=st.decimals(0, 40, places=2),
    steps=st.lists(st.tuples(st.integers(1, 3_000), st.booleans(), st.integers(1, 100)), max_size=12),
)
def test_notes_and_reversals_never_exceed_the_fee_and_mirror_it_in_the_end(
    cents: int, rate: Decimal, steps: list[tuple[int, bool, int]]
) -> None:
    whole = Decimal(cents).scaleb(-2)
    fee = Split(whole, *split_gross(whole, rate, "EUR"))
    standing = NO_SPLIT
    for wanted, taken_back, percent in [*steps, (cents, False, 100)]:
        amount = min(Decimal(wanted).scaleb(-2), whole - standing.gross)
        if not amount:
            continue
        note = split_next(amount, whole, standing, rate, "EUR")
        standing = standing + note
        assert min(note.net, note.tax) >= 0
        if taken_back and (part := round_money(amount * percent / 100, "EUR")):
            back = split_back(part, note, rate, "EUR")
            assert min(back.net, back.tax) >= 0
            assert part < note.gross or back == note
            standing = standing - back
        assert (standing.net <= fee.net, standing.tax <= fee.tax) == (True, True)
    assert standing == fee or standing.gross < whole
