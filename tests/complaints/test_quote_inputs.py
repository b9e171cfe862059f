from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from complaints.quotes.input_errors import QuoteInputError
from complaints.quotes.inputs import Interval, zone_of
from policies.choices import Basis
from tests.complaints.quote_cases import inputs, operation, outage, receiving


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"basis": "goodwill"}, "unknown_choice", "basis"),
        ({"term": "weekly"}, "unknown_choice", "term"),
        ({"currency": "EUX"}, "unknown_currency", "currency"),
        ({"currency": "XAU"}, "unknown_currency", "currency"),
        ({"currency": None}, "wrong_type", "currency"),
        ({"fee": "-0.01"}, "negative", "fee"),
        ({"fee": "30.001"}, "too_many_decimals", "fee"),
        ({"fee": "30.50", "currency": "JPY"}, "too_many_decimals", "fee"),
        ({"fee": 30.0}, "wrong_type", "fee"),
        ({"fee": 30}, "wrong_type", "fee"),
        ({"fee": "NaN"}, "invalid_amount", "fee"),
        ({"fee": "Infinity"}, "invalid_amount", "fee"),
        ({"fee": "1E+999999"}, "too_long", "fee"),
        ({"minute_cost": "1E-999999"}, "too_long", "minute_cost"),
        ({"minute_cost": "-1"}, "negative", "minute_cost"),
        ({"fee_paid": "-1"}, "negative", "fee_paid"),
        ({"already_refunded": "0.001"}, "too_many_decimals", "already_refunded"),
        ({"already_given": "0.001"}, "too_many_decimals", "already_given"),
        ({"already_given": "-1"}, "negative", "already_given"),
        ({"receiving": ("60", 30, "0")}, "wrong_type", "receiving"),
        ({"receiving": receiving("60.001", 30)}, "too_many_decimals", "receiving.fee"),
        ({"reduction": "-1"}, "negative", "reduction"),
        ({"ends_on": "2026-04-01"}, "reversed_period", "ends_on"),
        ({"starts_on": datetime(2026, 4, 1, tzinfo=UTC)}, "wrong_type", "starts_on"),
        ({"as_of": None}, "missing_key", "as_of"),
        ({"as_of_day_counts": 1}, "wrong_type", "as_of_day_counts"),
        ({"seconds_used": -1}, "negative", "seconds_used"),
        ({"seconds_used": True}, "wrong_type", "seconds_used"),
        ({"seconds_used": 1.5}, "wrong_type", "seconds_used"),
        ({"seconds_used": 10**500}, "too_long", "seconds_used"),
        ({"operations": ("sms",)}, "wrong_type", "operations"),
        (
            {"operations": (operation("sms", "1", "1"), operation("sms", "2", "1"))},
            "repeated_operation",
            "operations[1].code",
        ),
        ({"basis": "interruption", "interruptions": ("x",)}, "wrong_type", "interruptions"),
        ({"basis": "interruption", "time_zone": "Europe/Atlantis"}, "unknown_time_zone", "time_zone"),
        ({"basis": "interruption", "time_zone": "localtime"}, "unknown_time_zone", "time_zone"),
        (
            {"basis": "interruption", "minimum_interruption_seconds": -1},
            "negative",
            "minimum_interruption_seconds",
        ),
        ({"basis": "special"}, "missing_key", "special_amount"),
        ({"basis": "special", "special_amount": "0"}, "special_amount_zero", "special_amount"),
        ({"basis": "special", "special_amount": "-1"}, "negative", "special_amount"),
        ({"basis": "special", "special_amount": "30.01"}, "special_amount_above_fee", "special_amount"),
        ({"basis": "special", "special_amount": "1.001"}, "too_many_decimals", "special_amount"),
        ({"basis": "special", "special_amount": "1", "fee": "0"}, "special_without_fee", "special_amount"),
    ],
)
def test_inputs_no_quote_can_be_computed_from(changes: Any, code: str, field: str) -> None:
    with pytest.raises(QuoteInputError) as caught:
        inputs(**changes)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.message.endswith(".")
    assert str(caught.value) == f"{field}: {caught.value.message}"


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        ("2026-04-02T08:00", "2026-04-02T09:00Z", "naive_timestamp"),
        ("2026-04-02T09:00Z", "2026-04-02T09:00Z", "reversed_interval"),
        ("2026-04-02T09:00Z", "2026-04-02T10:00+02:00", "reversed_interval"),
        ("0001-01-01T00:00+02:00", "2026-04-02T10:00Z", "out_of_range"),
    ],
)
def test_intervals_that_are_none(start: str, end: str, code: str) -> None:
    with pytest.raises(QuoteInputError) as caught:
        outage(start, end)
    assert caught.value.code == code


def test_equal_instants_are_equal_intervals_whatever_their_zone() -> None:
    berlin = zone_of("Europe/Berlin")
    summer = Interval(
        datetime(2026, 10, 25, 2, 30, tzinfo=berlin), datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    )
    assert summer == Interval(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert summer.seconds == 3600


@pytest.mark.parametrize(
    ("fee", "days", "minute_cost", "code", "field"),
    [
        ("-1", 30, "0", "negative", "fee"),
        ("60", -1, "0", "negative", "days"),
        ("60", 0, "0", "no_days", "days"),
        ("60", True, "0", "wrong_type", "days"),
        ("60", 30, "-1", "negative", "minute_cost"),
        ("60", 30, "NaN", "invalid_amount", "minute_cost"),
    ],
)
def test_receiving_periods_that_are_none(fee: str, days: int, minute_cost: str, code: str, field: str) -> None:
    with pytest.raises(QuoteInputError) as caught:
        receiving(fee, days, minute_cost)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_the_period_receives_its_remedies_itself_unless_another_does() -> None:
    assert inputs(minute_cost="0.05").receiving == receiving("30.00", 30, "0.05")
    assert inputs(receiving=receiving("30.00", 30)) == inputs()


@pytest.mark.parametrize("code", ["", "  ", "a\nb", "a\x00", "\ud800", "x" * 501])
def test_an_operations_code_is_printable_text(code: str) -> None:
    with pytest.raises(QuoteInputError) as caught:
        operation(code, "1", "1")
    assert (caught.value.code, caught.value.field) == ("invalid_code", "code")


def test_what_a_basis_does_not_use_is_ignored_and_reset() -> None:
    ignored: dict[str, Any] = {
        "as_of": "not a date",
        "seconds_used": -1,
        "operations": None,
        "interruptions": "x",
        "time_zone": 7,
        "special_amount": "99999.99",
        "already_given": Decimal(-1),
    }
    plain = {name: value for name, value in ignored.items() if name != "as_of"}
    assert inputs(basis=Basis.FULL_MONTH, **plain) == inputs(basis=Basis.FULL_MONTH)
    assert inputs(basis=Basis.FULL_MONTH).as_of is None
