"""The inputs of a quote as JSON values, and back (the form of docs/quote-json.md, and of stored refunds).

The same inputs always give the same text: it is hashed when a refund is proposed and replayed years later.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from billing.money import format_amount, minor_units
from billing.periods import Term
from complaints.quotes.input_errors import MOST_DIGITS, QuoteInputError, missing, shown, too_long, too_many_decimals
from complaints.quotes.inputs import (
    DEFAULTS,
    MONEY,
    Interval,
    Operation,
    QuoteInputs,
    Receiving,
    choice_of,
    is_used,
    text_of,
)
from policies.choices import Basis


def inputs_to_json(inputs: QuoteInputs) -> dict[str, Any]:
    """The inputs as JSON values, every one that the basis uses, defaults written out.

    Equal inputs give equal JSON: money has the currency's decimals, other numbers no needless zeros, and
    instants are in UTC. `inputs_from_json` gives the same inputs back.
    """
    written: dict[str, Any] = {}
    for field in fields(QuoteInputs):
        if is_used(field.name, inputs.basis):
            value = getattr(inputs, field.name)
            written[field.name] = format_amount(value, inputs.currency) if field.name in MONEY else _json_value(value)
    if inputs.receiving is not None:
        written["receiving"]["fee"] = format_amount(inputs.receiving.fee, inputs.currency)
    return written


def inputs_from_json(data: Mapping[str, Any]) -> QuoteInputs:
    """The inputs in the JSON form of docs/quote-json.md, as parsed by `json`. Raises `QuoteInputError`.

    Keys that the basis doesn't use are accepted and not looked at: a caller that always sends all it has,
    half-filled interruptions on a usage quote say, gets the same quote as one that sends only what counts.
    """
    if not isinstance(data, Mapping):
        raise QuoteInputError("not_an_object", "", "The inputs of a quote are one JSON object.")
    for key in data:
        if key not in _READERS:
            raise QuoteInputError("unknown_key", shown(key), "A quote has no such input.")
    if "basis" not in data:
        raise missing("basis")
    basis = _read_basis("basis", data["basis"])
    given: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in data and is_used(name, basis):
            given[name] = read(name, data[name])
        elif name not in data and name not in DEFAULTS and name != "fee_paid":
            raise missing(name)
    given.setdefault("fee_paid", given["fee"])
    inputs = QuoteInputs(**given)
    # Written decimals count, also when they are zeros: 10.000 is not a way to write an amount of euros.
    money: dict[str, Decimal] = {name: given[name] for name in MONEY if name in given}
    if "receiving" in given:
        money["receiving.fee"] = given["receiving"].fee
    for name, amount in money.items():
        if -int(amount.as_tuple().exponent) > minor_units(inputs.currency):
            raise too_many_decimals(name, inputs.currency)
    return inputs


# --- reading and writing JSON values


def _json_value(value: Any) -> Any:
    match value:
        case Decimal():
            text = format(value or Decimal(0), "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        case StrEnum():
            return value.value
        case date():
            return value.isoformat()
        case Interval():
            return [value.start.isoformat(), value.end.isoformat()]
        case Operation() | Receiving():
            return {field.name: _json_value(getattr(value, field.name)) for field in fields(value)}
        case tuple():
            return [_json_value(item) for item in value]
        case _:
            return value


def _read_basis(name: str, value: Any) -> Basis:
    return choice_of(Basis, name, value)


def _read_term(name: str, value: Any) -> Term:
    return choice_of(Term, name, value)


def _read_decimal(name: str, value: Any) -> Decimal:
    if not isinstance(value, str):
        raise QuoteInputError(
            "wrong_type",
            name,
            f'This must be text in quotes like "12.50", not {shown(value)}.',
        )
    if re.fullmatch(r"-[0-9]+(\.[0-9]+)?", value):
        raise QuoteInputError("negative", name, f"This may not be negative: {shown(value)}.")
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise QuoteInputError(
            "invalid_amount",
            name,
            f"{shown(value)} is not a number in plain digits with a point, like 12.50.",
        )
    if len(value) > 2 * MOST_DIGITS + 1:
        raise too_long(name)
    return Decimal(value)


def _read_whole(name: str, value: Any) -> int:
    # Integers too long for Python to read come as Decimal from the JSON parser of `quote_json`.
    if isinstance(value, Decimal):
        raise too_long(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise QuoteInputError(
            "wrong_type",
            name,
            f"This must be a whole number, without quotes, not {shown(value)}.",
        )
    return value


def _read_bool(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise QuoteInputError("wrong_type", name, f"This must be true or false, not {shown(value)}.")
    return value


def _read_date(name: str, value: Any) -> date:
    text = text_of(name, value)
    # Python alone would also take 20260131 and 2026-W05-6.
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise QuoteInputError("invalid_date", name, f"{shown(text)} is not a date like 2026-01-31.")


def _read_timestamp(name: str, value: Any) -> datetime:
    text = text_of(name, value)
    shape = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?"
    clock = re.match(shape, text)
    # What Python takes beyond this differs between its versions: 24:00, more than six decimals (cut off).
    try:
        if clock and re.fullmatch(r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)?", text[clock.end() :]):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise QuoteInputError(
        "invalid_timestamp",
        name,
        f"{shown(text)} is not a time like 2026-01-31T08:00:00+01:00.",
    )


def _read_list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise QuoteInputError("wrong_type", name, f"This must be a list, not {shown(value)}.")
    return value


def _read_intervals(name: str, value: Any) -> tuple[Interval, ...]:
    return tuple(_read_interval(f"{name}[{n}]", item) for n, item in enumerate(_read_list(name, value)))


def _read_interval(name: str, value: Any) -> Interval:
    if not isinstance(value, list) or len(value) != 2:
        raise QuoteInputError("wrong_type", name, "An interval is a list of two times, start and end.")
    start, end = (_read_timestamp(name, item) for item in value)
    return _placed(name, lambda: Interval(start, end))


def _read_operations(name: str, value: Any) -> tuple[Operation, ...]:
    return tuple(_read_operation(f"{name}[{n}]", item) for n, item in enumerate(_read_list(name, value)))


def _read_object(name: str, value: Any, what: str, *keys: str) -> dict[str, Any]:
    """An object with exactly these keys."""
    if not isinstance(value, dict):
        raise QuoteInputError("wrong_type", name, f"{what} is an object with {', '.join(keys[:-1])} and {keys[-1]}.")
    for key in value:
        if key not in keys:
            raise QuoteInputError("unknown_key", f"{name}.{shown(key)}", f"{what} has no such input.")
    for key in keys:
        if key not in value:
            raise missing(f"{name}.{key}")
    return value


def _read_receiving(name: str, value: Any) -> Receiving:
    period = _read_object(name, value, "A receiving period", "fee", "days", "minute_cost")
    fee = _read_decimal(f"{name}.fee", period["fee"])
    days = _read_whole(f"{name}.days", period["days"])
    minute_cost = _read_decimal(f"{name}.minute_cost", period["minute_cost"])
    return _placed(name, lambda: Receiving(fee, days, minute_cost))


def _read_operation(name: str, value: Any) -> Operation:
    value = _read_object(name, value, "An operation", "code", "quantity", "unit_cost")
    quantity = value["quantity"]
    if isinstance(quantity, int | Decimal):
        exact_quantity = Decimal(_read_whole(f"{name}.quantity", quantity))
    else:
        exact_quantity = _read_decimal(f"{name}.quantity", quantity)
    unit_cost = _read_decimal(f"{name}.unit_cost", value["unit_cost"])
    return _placed(name, lambda: Operation(value["code"], exact_quantity, unit_cost))


def _placed[Item](name: str, make: Callable[[], Item]) -> Item:
    """Makes what stands inside; an error in it tells its place."""
    try:
        return make()
    except QuoteInputError as error:
        field = f"{name}.{error.field}" if error.field else name
        raise QuoteInputError(error.code, field, error.message) from None


_READERS: Final[Mapping[str, Callable[[str, Any], Any]]] = MappingProxyType(
    {
        "basis": _read_basis,
        "currency": text_of,
        "term": _read_term,
        "fee": _read_decimal,
        "starts_on": _read_date,
        "ends_on": _read_date,
        "fee_paid": _read_decimal,
        "already_refunded": _read_decimal,
        "already_given": _read_decimal,
        "receiving": _read_receiving,
        "as_of": _read_date,
        "as_of_day_counts": _read_bool,
        "seconds_used": _read_whole,
        "minute_cost": _read_decimal,
        "operations": _read_operations,
        "interruptions": _read_intervals,
        "maintenance": _read_intervals,
        "compensated": _read_intervals,
        "minimum_interruption_seconds": _read_whole,
        "time_zone": text_of,
        "special_amount": _read_decimal,
        "reduction": _read_decimal,
    }
)
