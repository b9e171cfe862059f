from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given

from billing.periods import Term
from complaints.quotes.input_errors import QuoteInputError
from complaints.quotes.inputs import QuoteInputs
from complaints.refund_calculation import (
    CALCULATIONS,
    CURRENT_VERSION,
    LIMITS,
    Line,
    Quote,
    Remedies,
    calculate,
    days_provided,
    refundable,
    remedies_for,
    set_off_of,
    why_nothing,
)
from policies.choices import Basis
from tests.complaints.quote_cases import all_inputs, inputs, interval, lines, operation, quoted, receiving

# --- usage (R2, R3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # 10 of 30 days provided.
        ({}, ["fee 30.00", "minutes 0.00", "time -10.00"]),
        ({"as_of_day_counts": False}, ["fee 30.00", "minutes 0.00", "time -9.00"]),
        ({"as_of": "2026-04-01"}, ["fee 30.00", "minutes 0.00", "time -1.00"]),
        ({"as_of": "2026-04-01", "as_of_day_counts": False}, ["fee 30.00", "minutes 0.00", "time 0.00"]),
        ({"as_of": "2026-04-30"}, ["fee 30.00", "minutes 0.00", "time -30.00"]),
        ({"as_of": "2026-05-01"}, ["fee 30.00", "minutes 0.00", "time -30.00"]),
        ({"as_of": "2031-01-01", "as_of_day_counts": False}, ["fee 30.00", "minutes 0.00", "time -30.00"]),
        # 100 s are 1 2/3 minutes at 0.05: 0.0833; 90 s at 0.03: 0.045, half up.
        ({"seconds_used": 100, "minute_cost": "0.05"}, ["fee 30.00", "minutes -0.08", "time -10.00"]),
        ({"seconds_used": 90, "minute_cost": "0.03"}, ["fee 30.00", "minutes -0.05", "time -10.00"]),
        ({"seconds_used": 100}, ["fee 30.00", "minutes 0.00", "time -10.00"]),
        ({"minute_cost": "0.05"}, ["fee 30.00", "minutes 0.00", "time -10.00"]),
        # Each operation is rounded for itself, in the order given, nothing included.
        (
            {
                "operations": (
                    operation("transfer", "3", "0.015"),
                    operation("sms", "0", "0.07"),
                    operation("fax page", "2.5", "0.3333"),
                )
            },
            [
                "fee 30.00",
                "minutes 0.00",
                "operation:transfer -0.05",
                "operation:sms 0.00",
                "operation:fax page -0.83",
                "time -10.00",
            ],
        ),
        # An annual fee in a leap year: 91 of 366 days.
        (
            {
                "term": Term.ANNUAL,
                "fee": "366.00",
                "starts_on": "2024-01-01",
                "ends_on": "2025-01-01",
                "as_of": "2024-03-31",
            },
            ["fee 366.00", "minutes 0.00", "time -91.00"],
        ),
        # 1 of 2 days of 0.05 is 0.025.
        (
            {"fee": "0.05", "ends_on": "2026-04-03", "as_of": "2026-04-01"},
            ["fee 0.05", "minutes 0.00", "time -0.03"],
        ),
        # 1000 / 31 = 32.26; no decimals in JPY. 61 s at 10 a minute: 10.17.
        (
            {
                "currency": "JPY",
                "fee": "1000",
                "starts_on": "2026-05-01",
                "ends_on": "2026-06-01",
                "as_of": "2026-05-01",
                "seconds_used": 61,
                "minute_cost": "10",
            },
            ["fee 1000", "minutes -10", "time -32"],
        ),
        ({"currency": "KWD", "fee": "10.000"}, ["fee 10.000", "minutes 0.000", "time -3.333"]),
        ({"fee": "0"}, ["fee 0.00", "minutes 0.00", "time 0.00"]),
    ],
)
def test_usage_deducts_minutes_operations_and_time_from_the_fee(changes: Any, expected: list[str]) -> None:
    assert quoted(**changes) == expected


# Shares of a month that an open-source billing engine tests with the actual days of the month: (first day,
# days of the month from there, days left, share left to nine decimals). The fee makes the share visible to
# nine digits.
@pytest.mark.parametrize(
    ("starts_on", "ends_on", "days_left", "share"),
    [
        ("2023-05-15", "2023-06-15", 23, "0.741935484"),
        ("2023-06-15", "2023-07-15", 22, "0.733333333"),
        ("2023-02-15", "2023-03-15", 20, "0.714285714"),
        ("2024-02-15", "2024-03-15", 21, "0.724137931"),
    ],
)
def test_time_is_shared_by_the_actual_days_of_the_period(
    starts_on: str, ends_on: str, days_left: int, share: str
) -> None:
    as_of = date.fromisoformat(ends_on) - timedelta(days=days_left)
    quote = calculate(
        inputs(
            fee="1000000000.00",
            starts_on=starts_on,
            ends_on=ends_on,
            as_of=as_of,
            as_of_day_counts=False,
        )
    )
    assert abs(quote.total / 10**9 - Decimal(share)) < Decimal("1e-9")


# --- limits


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # 600 minutes at 0.05 are the whole fee; with the ten days it is 10.00 too much.
        (
            {"seconds_used": 36_000, "minute_cost": "0.05"},
            ["fee 30.00", "minutes -30.00", "time -10.00", "floor 10.00"],
        ),
        # Exactly zero needs no floor.
        ({"seconds_used": 24_000, "minute_cost": "0.05"}, ["fee 30.00", "minutes -20.00", "time -10.00"]),
        # The floor comes before the cap: nothing is left for the cap or a reduction to take.
        (
            {
                "seconds_used": 36_000,
                "minute_cost": "0.05",
                "already_refunded": "35",
                "reduction": "3",
            },
            ["fee 30.00", "minutes -30.00", "time -10.00", "floor 10.00"],
        ),
        # What was paid bounds nothing: the rest is set off.
        ({"fee_paid": "15.00"}, ["fee 30.00", "minutes 0.00", "time -10.00"]),
        ({"fee_paid": "0"}, ["fee 30.00", "minutes 0.00", "time -10.00"]),
        ({"fee_paid": "100.00"}, ["fee 30.00", "minutes 0.00", "time -10.00"]),
        ({"already_refunded": "10.00"}, ["fee 30.00", "minutes 0.00", "time -10.00"]),
        ({"already_refunded": "10.01"}, ["fee 30.00", "minutes 0.00", "time -10.00", "cap -0.01"]),
        ({"already_refunded": "99.00"}, ["fee 30.00", "minutes 0.00", "time -10.00", "cap -20.00"]),
        ({"reduction": "5.00"}, ["fee 30.00", "minutes 0.00", "time -10.00", "reduction -5.00"]),
        ({"reduction": "20.00"}, ["fee 30.00", "minutes 0.00", "time -10.00", "reduction -20.00"]),
        ({"reduction": "999.00"}, ["fee 30.00", "minutes 0.00", "time -10.00", "reduction -20.00"]),
        # The reduction comes after the cap, off what the cap left.
        (
            {"already_refunded": "15.00", "reduction": "4.00"},
            ["fee 30.00", "minutes 0.00", "time -10.00", "cap -5.00", "reduction -4.00"],
        ),
        ({"already_refunded": "30", "reduction": "4.00"}, ["fee 30.00", "minutes 0.00", "time -10.00", "cap -20.00"]),
        # What was given back before comes off before floor, cap and reduction.
        ({"already_given": "0.01"}, ["fee 30.00", "minutes 0.00", "time -10.00", "already -0.01"]),
        ({"already_given": "20.00"}, ["fee 30.00", "minutes 0.00", "time -10.00", "already -20.00"]),
        (
            {"already_given": "25.00", "already_refunded": "25.00", "reduction": "1.00"},
            ["fee 30.00", "minutes 0.00", "time -10.00", "already -25.00", "floor 5.00"],
        ),
        (
            {"already_given": "5.00", "already_refunded": "20.00", "reduction": "1.00"},
            ["fee 30.00", "minutes 0.00", "time -10.00", "already -5.00", "cap -5.00", "reduction -1.00"],
        ),
        ({"fee": "0", "reduction": "4.00"}, ["fee 0.00", "minutes 0.00", "time 0.00"]),
    ],
)
def test_floor_cap_and_reduction_act_in_this_order_and_only_when_they_must(changes: Any, expected: list[str]) -> None:
    assert quoted(**changes) == expected


@pytest.mark.parametrize(
    ("fee", "already_refunded", "left"),
    [
        ("30.00", "0", "30.00"),
        ("30.00", "12.34", "17.66"),
        ("30.00", "30.00", "0"),
        ("10.00", "12.00", "0"),
        ("0", "0", "0"),
    ],
)
def test_refundable_is_the_fee_less_what_went_back(fee: str, already_refunded: str, left: str) -> None:
    assert refundable(Decimal(fee), Decimal(already_refunded)) == Decimal(left)


# --- set-off before money


@pytest.mark.parametrize(
    ("changes", "total", "set_off", "payable"),
    [
        ({}, "20.00", "0.00", "20.00"),
        # 60.00 for 30 days, 20 of them used.
        ({"fee": "60.00", "as_of": "2026-04-20", "fee_paid": "10.00"}, "20.00", "20.00", "0.00"),
        ({"fee": "60.00", "as_of": "2026-04-20", "fee_paid": "40.00"}, "20.00", "20.00", "0.00"),
        ({"fee": "60.00", "as_of": "2026-04-20", "fee_paid": "45.00"}, "20.00", "15.00", "5.00"),
        ({"fee": "60.00", "as_of": "2026-04-20", "fee_paid": "60.00"}, "20.00", "0.00", "20.00"),
        ({"fee": "60.00", "as_of": "2026-04-20", "fee_paid": "99.00"}, "20.00", "0.00", "20.00"),
        ({"fee": "60.00", "as_of": "2026-04-20", "fee_paid": "0"}, "20.00", "20.00", "0.00"),
        ({"basis": "special", "special_amount": "20.00", "fee": "60.00"}, "20.00", "0.00", "20.00"),
        ({"basis": "full_month", "fee_paid": "12.34"}, "30.00", "17.66", "12.34"),
        # Cap and reduction act on the total, set-off on what they leave.
        ({"basis": "full_month", "fee_paid": "20.00", "already_refunded": "5.00"}, "25.00", "10.00", "15.00"),
        ({"basis": "full_month", "fee_paid": "20.00", "reduction": "22.00"}, "8.00", "8.00", "0.00"),
        ({"fee": "0", "fee_paid": "0"}, "0.00", "0.00", "0.00"),
        ({"fee": "3000", "currency": "JPY", "fee_paid": "1500"}, "2000", "1500", "500"),
    ],
)
def test_what_was_not_paid_is_set_off_and_only_the_rest_is_payable(
    changes: Any, total: str, set_off: str, payable: str
) -> None:
    quote = calculate(inputs(**changes))
    assert [str(amount) for amount in (quote.total, quote.set_off, quote.payable)] == [total, set_off, payable]
    assert quote.remedies.credit == quote.remedies.cash == quote.payable


def test_set_off_of_amounts_beyond_the_decimal_context_stays_exact() -> None:
    fee = Decimal("1" + "0" * 60)
    assert str(set_off_of(fee, fee=fee, fee_paid=Decimal("0.01"))) == "9" * 60 + ".99"


def test_amounts_beyond_the_decimal_context_stay_exact() -> None:
    fee = "1" + "0" * 60 + ".00"
    quote = calculate(inputs(fee=fee, already_refunded="0.01", as_of="2026-04-01", as_of_day_counts=False))
    assert lines(quote)[-1] == "cap -0.01"
    assert str(quote.total) == "9" * 60 + ".99"


# --- full month (F5)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["full_month 30.00"]),
        ({"term": Term.ANNUAL, "fee": "360.00"}, ["full_month 30.00"]),
        ({"term": Term.ANNUAL, "fee": "100.00"}, ["full_month 8.33"]),
        ({"term": Term.ANNUAL, "fee": "0.06"}, ["full_month 0.01"]),
        ({"term": Term.ANNUAL, "fee": "1000", "currency": "JPY"}, ["full_month 83"]),
        ({"term": Term.ANNUAL, "fee": "1.000", "currency": "KWD"}, ["full_month 0.083"]),
        ({"already_refunded": "20.00"}, ["full_month 30.00", "cap -20.00"]),
        (
            {"already_refunded": "20.00", "reduction": "1.00"},
            ["full_month 30.00", "cap -20.00", "reduction -1.00"],
        ),
        ({"fee": "0"}, ["full_month 0.00"]),
        # The term alone decides, not the days of the period; usage plays no part.
        ({"ends_on": "2027-04-01"}, ["full_month 30.00"]),
        ({"seconds_used": 10**9, "minute_cost": "1"}, ["full_month 30.00"]),
    ],
)
def test_a_full_month_is_the_monthly_fee_or_a_twelfth_of_the_annual(changes: Any, expected: list[str]) -> None:
    assert quoted(basis=Basis.FULL_MONTH, **changes) == expected


# --- special (R7)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"special_amount": "0.01"}, ["special 0.01"]),
        ({"special_amount": "30.00"}, ["special 30.00"]),
        ({"special_amount": "12.50", "already_refunded": "20.00"}, ["special 12.50", "cap -2.50"]),
        ({"special_amount": "12.50", "already_given": "9.00"}, ["special 12.50"]),
        (
            {"special_amount": "30.00", "already_refunded": "10.00", "reduction": "5.00"},
            ["special 30.00", "cap -10.00", "reduction -5.00"],
        ),
        ({"special_amount": "700", "fee": "1000", "currency": "JPY"}, ["special 700"]),
    ],
)
def test_a_special_amount_is_what_staff_enter(changes: Any, expected: list[str]) -> None:
    assert quoted(basis=Basis.SPECIAL, **changes) == expected


# --- remedies (R4)


@pytest.mark.parametrize(
    ("total", "fee", "days", "minute_cost", "minutes", "extension_days"),
    [
        ("20.00", "30.00", 30, "0.05", 400, 20),
        ("19.71", "30.00", 30, "0.05", 395, 20),  # 394.2 minutes, 19.71 days
        ("15.00", "60.00", 30, "1", 15, 8),  # 7.5 days, the example of a shop's documentation
        ("0.01", "365.00", 365, "0.011", 1, 1),
        ("0.00", "30.00", 30, "0.05", 0, 0),
        ("20.00", "30.00", 30, "0", None, 20),
        ("0", "0", 30, "0.05", 0, None),
        ("30.00", "30.00", 31, "0.3", 100, 31),
        ("10.00", "30.00", 30, "0.0000001", 100_000_000, 10),
    ],
)
def test_remedies_of_equal_worth_are_rounded_up(
    total: str, fee: str, days: int, minute_cost: str, minutes: int | None, extension_days: int | None
) -> None:
    assert remedies_for(Decimal(total), fee=Decimal(fee), days=days, minute_cost=Decimal(minute_cost)) == Remedies(
        credit=Decimal(total), cash=Decimal(total), minutes=minutes, extension_days=extension_days
    )


def test_a_quote_shows_its_remedies() -> None:
    quote = calculate(inputs(minute_cost="0.05", seconds_used=60))
    assert quote.remedies == Remedies(Decimal("19.95"), Decimal("19.95"), 399, 20)


@pytest.mark.parametrize(
    ("changes", "minutes", "extension_days"),
    [
        # 40.00 in a period of 600.00 and 31 days: 2.07 days.
        ({"receiving": receiving("600.00", 31)}, None, 3),
        ({"receiving": receiving("600.00", 31, "0.30")}, 134, 3),
        ({"receiving": receiving("0", 31, "0.30")}, 134, None),
        ({"minute_cost": "0.05", "receiving": receiving("600.00", 31)}, None, 3),
        ({"minute_cost": "0.05"}, 800, 20),
        # Only what is payable: 15.00 of the 40.00.
        ({"fee_paid": "35.00", "receiving": receiving("600.00", 31, "0.30")}, 50, 1),
        ({"fee_paid": "0", "receiving": receiving("600.00", 31, "0.30")}, 0, 0),
    ],
)
def test_minutes_and_days_are_worth_what_the_receiving_period_makes_of_them(
    changes: Any, minutes: int | None, extension_days: int | None
) -> None:
    remedies = calculate(inputs(fee="60.00", **changes)).remedies
    assert (remedies.minutes, remedies.extension_days) == (minutes, extension_days)


# --- the as-of day


@pytest.mark.parametrize(
    ("as_of", "counts", "days"),
    [
        ("04-01", True, 1),
        ("04-01", False, 0),
        ("04-30", True, 30),
        ("04-30", False, 29),
        ("05-01", False, 30),
        ("05-01", True, 30),
    ],
)
def test_days_provided(as_of: str, *, counts: bool, days: int) -> None:
    day = date.fromisoformat(f"2026-{as_of}")
    assert days_provided(date(2026, 4, 1), date(2026, 5, 1), day, counts) == days


def test_a_complaint_received_before_the_period_is_an_error_for_usage_only() -> None:
    with pytest.raises(QuoteInputError) as caught:
        inputs(as_of="2026-03-31")
    assert (caught.value.code, caught.value.field) == ("as_of_before_period", "as_of")
    with pytest.raises(QuoteInputError):
        days_provided(date(2026, 4, 1), date(2026, 5, 1), date(2026, 3, 31), True)
    assert quoted(basis=Basis.FULL_MONTH, as_of="2026-03-31") == ["full_month 30.00"]


# --- the quote itself


def quote_of(amounts: list[str], total: str, limit: str, **changes: Any) -> Quote:
    values: dict[str, Any] = {
        "lines": tuple(Line("fee", Decimal(amount)) for amount in amounts),
        "total": Decimal(total),
        "refundable": Decimal(limit),
        "set_off": Decimal(0),
        "payable": Decimal(total),
        "remedies": Remedies(Decimal(total), Decimal(total), None, None),
        **changes,
    }
    return Quote(**values)


def test_a_quote_that_does_not_add_up_cannot_be_made() -> None:
    assert quote_of(["3.00", "-1.00"], "2.00", "2.00").total == 2
    with pytest.raises(ValueError, match="sum"):
        quote_of(["3.00", "-1.00"], "2.01", "5.00")
    with pytest.raises(ValueError, match="outside"):
        quote_of(["3.00"], "3.00", "2.99")
    with pytest.raises(ValueError, match="outside"):
        quote_of(["-1.00"], "-1.00", "2.00")
    with pytest.raises(ValueError, match="worth"):
        quote_of(["1.00"], "1.00", "2.00", remedies=Remedies(Decimal(1), Decimal(2), None, None))
    with pytest.raises(ValueError, match="worth"):
        quote_of(["1.00"], "1.00", "2.00", set_off=Decimal("0.50"), payable=Decimal("0.50"))
    with pytest.raises(ValueError, match="don't make the total"):
        quote_of(["1.00"], "1.00", "2.00", set_off=Decimal("0.01"))
    with pytest.raises(ValueError, match="don't make the total"):
        quote_of(["1.00"], "1.00", "2.00", set_off=Decimal("-1.00"), payable=Decimal("2.00"))


def test_every_version_stays_callable_and_no_other_is() -> None:
    assert CURRENT_VERSION in CALCULATIONS
    for version in CALCULATIONS:
        assert calculate(inputs(), version).total == 20
    with pytest.raises(ValueError, match="no version 0"):
        calculate(inputs(), 0)


@given(all_inputs())
def test_any_quote_adds_up_and_stays_within_what_is_refundable(given_inputs: QuoteInputs) -> None:
    quote = calculate(given_inputs)
    assert quote == calculate(given_inputs, 1)
    amounts = {line.code: Fraction(line.amount) for line in quote.lines}
    assert len(amounts) == len(quote.lines)
    before = sum(amount for code, amount in amounts.items() if code not in LIMITS)
    limit = max(Fraction(given_inputs.fee) - Fraction(given_inputs.already_refunded), Fraction(0))
    unpaid = max(Fraction(given_inputs.fee) - Fraction(given_inputs.fee_paid), Fraction(0))
    receiving_period = given_inputs.receiving
    assert receiving_period is not None

    assert sum(amounts.values()) == Fraction(quote.total)
    assert 0 <= quote.total <= quote.refundable == limit
    assert quote.total <= given_inputs.fee
    assert amounts.get("floor", 0) == max(-before, 0)
    assert amounts.get("cap", 0) == min(limit - max(before, Fraction(0)), 0)
    left = max(min(before, limit), Fraction(0))
    assert amounts.get("reduction", 0) == -min(Fraction(given_inputs.reduction), left)
    assert all(amounts[code] for code in {*LIMITS, "already"} & amounts.keys())
    assert amounts.get("already", 0) == -Fraction(given_inputs.already_given)
    assert Fraction(quote.set_off) == min(Fraction(quote.total), unpaid)
    assert Fraction(quote.set_off) + Fraction(quote.payable) == Fraction(quote.total)
    assert 0 <= quote.payable <= given_inputs.fee_paid
    assert [line.code for line in quote.lines if line.code in LIMITS] == [
        code for code in ("floor", "cap", "reduction") if code in amounts
    ]
    if quote.remedies.minutes is not None:
        worth = quote.remedies.minutes * Fraction(receiving_period.minute_cost)
        assert worth - Fraction(receiving_period.minute_cost) < Fraction(quote.payable) <= worth
    if quote.remedies.extension_days is not None:
        a_day = Fraction(receiving_period.fee) / receiving_period.days
        worth = quote.remedies.extension_days * a_day
        assert worth - a_day < Fraction(quote.payable) <= worth
    assert (quote.remedies.minutes is None) == (receiving_period.minute_cost == 0)
    assert (quote.remedies.extension_days is None) == (receiving_period.fee == 0)
    assert (why_nothing(given_inputs, quote) is None) == (quote.total > 0)


# --- why a quote is nothing


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"as_of": "2026-06-01"}, "no unused days"),
        ({"seconds_used": 10**6, "minute_cost": "1"}, "worth as much as the fee"),
        ({"already_refunded": "30.00"}, "already refunded or pending"),
        ({"already_given": "20.00"}, "already given back by another refund"),
        ({"already_given": "25.00", "seconds_used": 60, "minute_cost": "1"}, "already given back by another refund"),
        ({"already_given": "5.00", "as_of": "2026-06-01"}, "no unused days"),
        ({"reduction": "30.00"}, "reduction takes off all"),
        ({"fee": "0"}, "no fee"),
        ({"basis": "interruption"}, "No interruption of the service is known"),
        (
            {"basis": "interruption", "interruptions": (interval("02T08:00 02T09:00"),)},
            "No interruption counts",
        ),
        (
            {"basis": "interruption", "fee": "0.01", "interruptions": (interval("02T08:00 02T12:00"),)},
            "less than half",
        ),
        ({"basis": "full_month", "term": "annual", "fee": "0.01"}, "less than half"),
    ],
)
def test_the_page_can_say_why_a_quote_is_nothing(changes: Any, part: str) -> None:
    made = inputs(**changes)
    assert part in str(why_nothing(made, calculate(made)))


def test_a_quote_of_something_needs_no_reason() -> None:
    assert why_nothing(inputs(), calculate(inputs())) is None
