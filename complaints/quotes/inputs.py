"""What a quote is computed from: frozen, checked, and written to and read from JSON without loss.

The same form is stored with a refund (so that it can be replayed years later), hashed when a refund is
proposed, and read by the command-line quote. Nothing here knows how an amount comes about: that is
`refund_calculation`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from billing.money import UnknownCurrency, format_amount, is_whole_minor, minor_units
from billing.periods import Term
from complaints.quotes.input_errors import MOST_DIGITS, QuoteInputError, missing, shown, too_long, too_many_decimals
from policies.choices import Basis

DEFAULT_MINIMUM_INTERRUPTION_SECONDS: Final = 4 * 60 * 60


@dataclass(frozen=True, slots=True)
class Operation:
    """Operator operations of one kind in the period. `unit_cost` may have any number of decimals."""

    code: str
    quantity: Decimal
    unit_cost: Decimal

    def __post_init__(self) -> None:
        # Unprintable includes half surrogates and NUL, which no database and no file in UTF-8 can keep.
        if not isinstance(self.code, str):
            raise QuoteInputError("wrong_type", "code", "An operation's code must be text.")
        if not self.code.strip() or not self.code.isprintable() or len(self.code) > MOST_DIGITS:
            raise QuoteInputError(
                "invalid_code",
                "code",
                f"An operation's code is printable text of 1 to {MOST_DIGITS} characters.",
            )
        _check_number("quantity", self.quantity)
        _check_number("unit_cost", self.unit_cost)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From `start` up to `end`, instants kept in UTC, to the microsecond."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        # Kept in UTC because Python subtracts two datetimes of one zone by the clock on the wall, which
        # daylight saving falsifies, and because equal instants then have equal text.
        object.__setattr__(self, "start", _instant(self.start))
        object.__setattr__(self, "end", _instant(self.end))
        if self.end <= self.start:
            raise QuoteInputError("reversed_interval", "", "An interval must end after it starts.")

    @property
    def seconds(self) -> Fraction:
        length = self.end - self.start
        return length.days * 86_400 + length.seconds + Fraction(length.microseconds, 1_000_000)


@dataclass(frozen=True, slots=True)
class Receiving:
    """The period that receives minutes or days of a remedy (R4): its gross fee, its own days, extensions left out, and
    its minute cost.
    """

    fee: Decimal
    days: int
    minute_cost: Decimal

    def __post_init__(self) -> None:
        _check_number("fee", self.fee)
        _check_whole("days", self.days)
        if self.days == 0:
            raise QuoteInputError("no_days", "days", "A period has at least one day.")
        _check_number("minute_cost", self.minute_cost)


MONEY: Final = ("fee", "fee_paid", "already_refunded", "already_given", "special_amount", "reduction")


# Inputs that only some bases use. A quote ignores the others, so they are put back to their defaults
# unchecked: inputs that give the same quote are then equal, have one JSON form and one hash.
_USED_ONLY_BY: Final[Mapping[str, Basis]] = MappingProxyType(
    {
        "as_of": Basis.USAGE,
        "as_of_day_counts": Basis.USAGE,
        "already_given": Basis.USAGE,
        "seconds_used": Basis.USAGE,
        "operations": Basis.USAGE,
        "interruptions": Basis.INTERRUPTION,
        "maintenance": Basis.INTERRUPTION,
        "compensated": Basis.INTERRUPTION,
        "minimum_interruption_seconds": Basis.INTERRUPTION,
        "time_zone": Basis.INTERRUPTION,
        "special_amount": Basis.SPECIAL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteInputs:
    """Everything a quote depends on. Amounts are gross, in `currency`, not negative, in whole minor units.

    `fee_paid` is what was paid of this period's fee, set-offs included, and may exceed it;
    `already_refunded` what refunds of the period, pending ones included, leave given; `already_given` what
    of the days not provided they gave back (R3). Costs are per minute and per unit, exact, any number of
    decimals. `compensated` is what earlier refunds gave back of the time (R7). `receiving` is the period that
    receives minutes or days: this one unless given. What the basis doesn't use is ignored and reset to its
    default. Raises `QuoteInputError`.
    """

    basis: Basis
    currency: str
    term: Term
    fee: Decimal
    starts_on: date
    ends_on: date
    fee_paid: Decimal
    already_refunded: Decimal = Decimal(0)
    already_given: Decimal = Decimal(0)
    receiving: Receiving | None = None
    as_of: date | None = None
    as_of_day_counts: bool = True
    seconds_used: int = 0
    minute_cost: Decimal = Decimal(0)
    operations: tuple[Operation, ...] = ()
    interruptions: tuple[Interval, ...] = ()
    maintenance: tuple[Interval, ...] = ()
    compensated: tuple[Interval, ...] = ()
    minimum_interruption_seconds: int = DEFAULT_MINIMUM_INTERRUPTION_SECONDS
    time_zone: str = "UTC"
    special_amount: Decimal | None = None
    reduction: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "basis", choice_of(Basis, "basis", self.basis))
        object.__setattr__(self, "term", choice_of(Term, "term", self.term))
        for name, basis in _USED_ONLY_BY.items():
            if basis is not self.basis:
                object.__setattr__(self, name, DEFAULTS[name])
        try:
            minor_units(text_of("currency", self.currency))
        except UnknownCurrency as error:
            raise QuoteInputError("unknown_currency", "currency", f"{error}.") from None
        _check_date("starts_on", self.starts_on)
        _check_date("ends_on", self.ends_on)
        if self.ends_on <= self.starts_on:
            raise QuoteInputError("reversed_period", "ends_on", "A period must end after it starts.")
        for name in ("fee", "fee_paid", "already_refunded", "already_given", "reduction"):
            self._check_money(name, getattr(self, name))
        _check_number("minute_cost", self.minute_cost)
        self._settle_receiving()
        match self.basis:
            case Basis.USAGE:
                self._check_usage()
            case Basis.INTERRUPTION:
                self._check_interruption()
            case Basis.SPECIAL:
                self._check_special()

    @property
    def days(self) -> int:
        """Days of the period itself; days granted by an extension are not among them."""
        return (self.ends_on - self.starts_on).days

    def _check_money(self, name: str, amount: Decimal) -> None:
        _check_number(name, amount)
        if not is_whole_minor(amount, self.currency):
            raise too_many_decimals(name, self.currency)

    def _settle_receiving(self) -> None:
        if self.receiving is None:
            object.__setattr__(self, "receiving", Receiving(self.fee, self.days, self.minute_cost))
        elif not isinstance(self.receiving, Receiving):
            raise QuoteInputError("wrong_type", "receiving", "This must be a receiving period.")
        else:
            self._check_money("receiving.fee", self.receiving.fee)

    def _check_usage(self) -> None:
        if self.as_of is None:
            raise missing("as_of")
        _check_date("as_of", self.as_of)
        if self.as_of < self.starts_on:
            raise as_of_before_period(self.as_of, self.starts_on)
        if not isinstance(self.as_of_day_counts, bool):
            raise QuoteInputError("wrong_type", "as_of_day_counts", "This must be true or false.")
        _check_whole("seconds_used", self.seconds_used)
        object.__setattr__(self, "operations", _tuple_of(Operation, "operations", self.operations))
        seen: set[str] = set()
        for position, operation in enumerate(self.operations):
            if operation.code in seen:
                raise QuoteInputError(
                    "repeated_operation",
                    f"operations[{position}].code",
                    f"The operation {shown(operation.code)} is listed twice; give each code once.",
                )
            seen.add(operation.code)

    def _check_interruption(self) -> None:
        for name in ("interruptions", "maintenance", "compensated"):
            object.__setattr__(self, name, _tuple_of(Interval, name, getattr(self, name)))
        _check_whole("minimum_interruption_seconds", self.minimum_interruption_seconds)
        zone_of(self.time_zone)

    def _check_special(self) -> None:
        name = "special_amount"
        if self.special_amount is None:
            raise missing(name)
        self._check_money(name, self.special_amount)
        if self.fee == 0:
            raise QuoteInputError(
                "special_without_fee",
                name,
                "A period without a fee has nothing to give back.",
            )
        if self.special_amount == 0:
            raise QuoteInputError("special_amount_zero", name, "A special amount must be more than zero.")
        if self.special_amount > self.fee:
            fee = format_amount(self.fee, self.currency)
            raise QuoteInputError(
                "special_amount_above_fee",
                name,
                f"A special amount may not exceed the period's fee, {fee} {self.currency}.",
                fee=self.fee,
                currency=self.currency,
            )


DEFAULTS: Final = {field.name: field.default for field in fields(QuoteInputs) if field.default is not MISSING}


def zone_of(name: str) -> ZoneInfo:
    """The time zone by its IANA name. Raises `QuoteInputError`.

    Names that mean whatever this machine is set to, and those with leap seconds, are refused: a quote must
    come out the same elsewhere.
    """
    local = {"localtime", "posixrules", "posix", "right", "Factory"}
    text_of("time_zone", name)
    area = name.partition("/")[0]
    if re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", name) and area not in local:
        # A directory, an over-long name and an unknown one each raise another kind of error.
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise QuoteInputError(
        "unknown_time_zone",
        "time_zone",
        f"{shown(name)} is not a time zone of the IANA database.",
    )


def as_of_before_period(as_of: date, starts_on: date) -> QuoteInputError:
    return QuoteInputError(
        "as_of_before_period",
        "as_of",
        f"The complaint was received on {as_of}, before the period began on {starts_on}.",
        day=as_of,
        beginning=starts_on,
    )


def is_used(name: str, basis: Basis) -> bool:
    return _USED_ONLY_BY.get(name, basis) is basis


# --- checks of single values


def _check_number(name: str, number: Decimal) -> None:
    if not isinstance(number, Decimal):
        raise QuoteInputError("wrong_type", name, "This must be a decimal number.")
    if not number.is_finite():
        raise QuoteInputError("invalid_amount", name, "This is not a number.")
    if number.adjusted() >= MOST_DIGITS or int(number.as_tuple().exponent) < -MOST_DIGITS:
        raise too_long(name)
    if number < 0:
        raise QuoteInputError("negative", name, "This may not be negative.")


def _check_whole(name: str, number: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int):
        raise QuoteInputError("wrong_type", name, "This must be a whole number, without quotes.")
    if number < 0:
        raise QuoteInputError("negative", name, "This may not be negative.")
    if number >= 10**MOST_DIGITS:
        raise too_long(name)


def _check_date(name: str, day: date) -> None:
    # A datetime is a date to isinstance, and would subtract with its time of day.
    if isinstance(day, datetime) or not isinstance(day, date):
        raise QuoteInputError("wrong_type", name, "This must be a date without a time.")


def _instant(moment: datetime) -> datetime:
    if not isinstance(moment, datetime):
        raise QuoteInputError("wrong_type", "", "An interval lies between two times.")
    if moment.utcoffset() is None:
        raise QuoteInputError(
            "naive_timestamp",
            "",
            "A time needs its offset from UTC, such as +01:00 or Z.",
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise QuoteInputError("out_of_range", "", "A time must lie in the years 1 to 9999 of UTC.") from None


def _tuple_of[Item](kind: type[Item], name: str, items: Any) -> tuple[Item, ...]:
    if not isinstance(items, tuple | list) or not all(isinstance(item, kind) for item in items):
        raise QuoteInputError("wrong_type", name, f"This must be a list of {kind.__name__.lower()}s.")
    return tuple(items)


def text_of(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise QuoteInputError("wrong_type", name, f"This must be text in quotes, not {shown(value)}.")
    return value


def choice_of[Choice: StrEnum](choices: type[Choice], name: str, value: Any) -> Choice:
    text = text_of(name, value)
    try:
        return choices(text)
    except ValueError:
        raise QuoteInputError("unknown_choice", name, f"{shown(text)} is not one of {', '.join(choices)}.") from None
