"""Lines that `./dev quote` answers with an error, each with the code of that error."""

import json
from collections.abc import Mapping
from typing import Any

USAGE: dict[str, Any] = {
    "basis": "usage",
    "currency": "EUR",
    "term": "monthly",
    "fee": "30.00",
    "starts_on": "2026-04-01",
    "ends_on": "2026-05-01",
    "as_of": "2026-04-10",
}
INTERRUPTION = {**USAGE, "basis": "interruption"}
SPECIAL = {**USAGE, "basis": "special", "special_amount": "10.00"}
RECEIVING: dict[str, Any] = {"fee": "60.00", "days": 30, "minute_cost": "0.05"}
ABSENT = object()


def line(values: Mapping[str, Any] = USAGE, /, **changes: Any) -> bytes:
    """One line of input; a change to ABSENT takes the key away."""
    merged = {**values, **changes}
    return json.dumps({key: value for key, value in merged.items() if value is not ABSENT}).encode()


BAD_LINES = [
    (b"\xff\xfe{", "invalid_utf8"),
    (line()[:-1] + b"\xc3}", "invalid_utf8"),
    (b"{", "invalid_json"),
    (b"basis=usage", "invalid_json"),
    (line() + line(), "invalid_json"),
    (b"\x00", "invalid_json"),
    (b"[" * 200_000, "invalid_json"),
    (b'{"basis":' * 200_000, "invalid_json"),
    (b'{"fee": NaN}', "invalid_json"),
    (b'{"fee": -Infinity}', "invalid_json"),
    (b'{"basis": "us\x01age"}', "invalid_json"),
    (b"[]", "not_an_object"),
    (b"null", "not_an_object"),
    (b"7", "not_an_object"),
    (b'"text"', "not_an_object"),
    (b"9" * 100_000, "not_an_object"),
    (line()[:-1] + b', "fee": "30.00"}', "repeated_key"),
    (line(operations=[])[:-3] + b'[{"code": "a", "code": "a"}]}', "repeated_key"),
    (line(surprise=1), "unknown_key"),
    (line(**{"\ud800": 1}), "unknown_key"),
    (line(Fee="30.00"), "unknown_key"),
    (b"{}", "missing_key"),
    *[(line(**{key: ABSENT}), "missing_key") for key in USAGE],
    (line(SPECIAL, special_amount=ABSENT), "missing_key"),
    (line(operations=[{"code": "a", "quantity": 1}]), "missing_key"),
    (line(receiving={**RECEIVING, "currency": "EUR"}), "unknown_key"),
    *[(line(receiving={k: v for k, v in RECEIVING.items() if k != key}), "missing_key") for key in RECEIVING],
    *[(line(receiving={**RECEIVING, key: None}), "wrong_type") for key in RECEIVING],
    (line(receiving=None), "wrong_type"),
    (line(receiving=[RECEIVING]), "wrong_type"),
    (line(receiving={**RECEIVING, "days": "30"}), "wrong_type"),
    (line(receiving={**RECEIVING, "days": 30.0}), "wrong_type"),
    (line(already_given=1), "wrong_type"),
    *[(line(**{key: None}), "wrong_type") for key in USAGE],
    *[(line(**{key: 30}), "wrong_type") for key in USAGE],
    (line(fee=30.0), "wrong_type"),
    (line(fee=["30.00"]), "wrong_type"),
    (line(fee=True), "wrong_type"),
    (line(minute_cost=0), "wrong_type"),
    (line(seconds_used="60"), "wrong_type"),
    (line(seconds_used=60.0), "wrong_type"),
    (line(seconds_used=True), "wrong_type"),
    (line(as_of_day_counts=1), "wrong_type"),
    (line(as_of_day_counts="true"), "wrong_type"),
    (line(operations={}), "wrong_type"),
    (line(operations=["sms"]), "wrong_type"),
    (line(operations=[{"code": 1, "quantity": 1, "unit_cost": "1"}]), "wrong_type"),
    (line(operations=[{"code": "a", "quantity": 1.0, "unit_cost": "1"}]), "wrong_type"),
    (line(operations=[{"code": "a", "quantity": True, "unit_cost": "1"}]), "wrong_type"),
    (line(operations=[{"code": "a", "quantity": 1, "unit_cost": 1}]), "wrong_type"),
    (line(INTERRUPTION, interruptions="x"), "wrong_type"),
    (line(INTERRUPTION, interruptions=[["2026-04-02T00:00Z"]]), "wrong_type"),
    (line(INTERRUPTION, interruptions=[{"start": "2026-04-02T00:00Z"}]), "wrong_type"),
    (line(INTERRUPTION, interruptions=[[1, 2]]), "wrong_type"),
    (line(INTERRUPTION, minimum_interruption_seconds=None), "wrong_type"),
    (line(INTERRUPTION, time_zone=1), "wrong_type"),
    (line(basis="goodwill"), "unknown_choice"),
    (line(term="Monthly"), "unknown_choice"),
    (line(currency="EUX"), "unknown_currency"),
    (line(currency="eur"), "unknown_currency"),
    (line(currency="XAU"), "unknown_currency"),
    (line(currency=""), "unknown_currency"),
    (line(currency="E" * 100_000), "unknown_currency"),
    *[
        (line(fee=text), "invalid_amount")
        for text in (
            "", " ", "30,00", " 30.00", "30.00 ", "30.00\n", "+30", "1e2", "1e999999999", "1E-999999999",
            "NaN", "Infinity", "0x1e", "1_000", "30.", ".5", "--1", "٣٠", "thirty", "30.0.0", "1/3",
        )
    ],
    (line(fee="-30.00"), "negative"),
    (line(fee="-0"), "negative"),
    (line(seconds_used=-1), "negative"),
    (line(minute_cost="-0.01"), "negative"),
    (line(operations=[{"code": "a", "quantity": -1, "unit_cost": "1"}]), "negative"),
    (line(operations=[{"code": "a", "quantity": "1", "unit_cost": "-1"}]), "negative"),
    (line(INTERRUPTION, minimum_interruption_seconds=-1), "negative"),
    (line(already_given="-1"), "negative"),
    (line(receiving={**RECEIVING, "fee": "-1"}), "negative"),
    (line(receiving={**RECEIVING, "days": -1}), "negative"),
    (line(receiving={**RECEIVING, "minute_cost": "-1"}), "negative"),
    (line(receiving={**RECEIVING, "days": 0}), "no_days"),
    (line(receiving={**RECEIVING, "fee": "x"}), "invalid_amount"),
    (line(receiving={**RECEIVING, "fee": "60.001"}), "too_many_decimals"),
    (line(receiving={**RECEIVING, "fee": "60.000"}), "too_many_decimals"),
    (line(already_given="0.000"), "too_many_decimals"),
    (line(receiving={**RECEIVING, "days": 10**500}), "too_long"),
    (line(fee="30.001"), "too_many_decimals"),
    (line(fee="30.000"), "too_many_decimals"),
    (line(fee="30.0", currency="JPY"), "too_many_decimals"),
    (line(fee_paid="30.001"), "too_many_decimals"),
    (line(already_refunded="0.001"), "too_many_decimals"),
    (line(reduction="0.001"), "too_many_decimals"),
    (line(SPECIAL, special_amount="1.001"), "too_many_decimals"),
    (line(fee="9" * 501), "too_long"),
    (line(fee="9" * 1_000_000), "too_long"),
    (line(minute_cost="0." + "0" * 500 + "1"), "too_long"),
    (line(seconds_used=10**500), "too_long"),
    (line()[:-1] + b', "seconds_used": ' + b"9" * 100_000 + b"}", "too_long"),
    (
        line()[:-1] + b', "operations": [{"unit_cost": "1", "code": "a", "quantity": ' + b"9" * 999 + b"}]}",
        "too_long",
    ),
    (line(starts_on="2026-02-30"), "invalid_date"),
    (line(starts_on="20260401"), "invalid_date"),
    (line(starts_on="2026-W14-3"), "invalid_date"),
    (line(starts_on="2026-04-01T00:00:00Z"), "invalid_date"),
    (line(as_of=""), "invalid_date"),
    *[
        (line(INTERRUPTION, interruptions=[[text, "2026-04-09T00:00Z"]]), "invalid_timestamp")
        for text in (
            "", "2026-04-02", "2026-04-02T25:00Z", "2026-04-02T24:00Z", "2026-04-31T00:00Z",
            "2026-04-02T00:00:60Z", "2026-04-02T00:00+25:00", "2026-04-02T00:00:00.1234567Z",
            "2026-04-02T00:00 CET", "1775088000", "٢٠٢٦-04-02T00:00Z",
        )
    ],
    (line(INTERRUPTION, interruptions=[["2026-04-02T00:00", "2026-04-09T00:00Z"]]), "naive_timestamp"),
    (line(INTERRUPTION, maintenance=[["2026-04-02T00:00Z", "2026-04-09T00:00:00"]]), "naive_timestamp"),
    (line(INTERRUPTION, compensated=[["2026-04-02T00:00Z", "2026-04-02T00:00Z"]]), "reversed_interval"),
    (line(INTERRUPTION, interruptions=[["2026-04-02T00:00Z", "2026-04-02T01:00+02"]]), "reversed_interval"),
    (line(INTERRUPTION, interruptions=[["0001-01-01T00:00+01:00", "2026-04-02T01:00Z"]]), "out_of_range"),
    (line(INTERRUPTION, starts_on="0001-01-01", time_zone="Asia/Tokyo"), "out_of_range"),
    *[
        (line(INTERRUPTION, time_zone=name), "unknown_time_zone")
        for name in (
            "", "Europe", "Europe/Atlantis", "../UTC", "/etc/localtime", "localtime", "right/UTC", "x" * 5000,
            "U\x00TC", "\ud800", "tzdata.zi", "UTC ",
        )
    ],
    (line(ends_on="2026-04-01"), "reversed_period"),
    (line(ends_on="2026-03-31"), "reversed_period"),
    (line(as_of="2026-03-31"), "as_of_before_period"),
    (line(operations=[{"code": "a", "quantity": 1, "unit_cost": "1"}] * 2), "repeated_operation"),
    (line(operations=[{"code": "", "quantity": 1, "unit_cost": "1"}]), "invalid_code"),
    (line(operations=[{"code": "\udfff", "quantity": 1, "unit_cost": "1"}]), "invalid_code"),
    (line(SPECIAL, special_amount="0.00"), "special_amount_zero"),
    (line(SPECIAL, special_amount="30.01"), "special_amount_above_fee"),
    (line(SPECIAL, fee="0.00"), "special_without_fee"),
]  # fmt: skip
