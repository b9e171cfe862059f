"""Money: a currency's minor unit, the one rounding function, and the one way an amount is written.

Amounts are `Decimal`, never float. Arithmetic between two roundings belongs in `fractions.Fraction`: a
`Decimal` sum or product is silently cut to the context's 28 digits, a fraction never is. Nothing here
depends on the decimal context, and nothing outside `round_money` quantises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final

import iso4217

type Exact = Fraction | Decimal | int

# Beyond this a number written as 1E+999999999 would become an integer of a billion digits.
_LARGEST_EXPONENT: Final = 10_000

# Wide enough for every amount that is stored or that a quote takes: sums in it are exact whatever the context is.
_WIDE: Final = Context(prec=2000)

# ISO 4217 itself and not CLDR: the two differ (CLDR gives the Iraqi dinar no decimals, ISO three). Units of
# account and metals have no minor unit in ISO, so no amount of them can be written or rounded: they are
# left out.
_MINOR_UNITS: Final[Mapping[str, int]] = MappingProxyType(
    {currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None}
)


class UnknownCurrency(ValueError):
    """The code is not a currency of ISO 4217 that has a minor unit. Codes are three capital letters."""

    def __init__(self, currency: object) -> None:
        self.currency = currency
        shown = repr(currency)
        super().__init__(
            f"{shown if len(shown) <= 40 else shown[:37] + '...'} is not a currency code of ISO 4217 "
            "that amounts can be written in"
        )


def minor_units(currency: str) -> int:
    """Number of decimals of the currency by ISO 4217: EUR 2, JPY 0, KWD 3. Raises `UnknownCurrency`."""
    if currency not in _MINOR_UNITS:
        raise UnknownCurrency(currency)
    return _MINOR_UNITS[currency]


def left_to_refund(fee: Decimal, given_back: Decimal) -> Decimal:
    """What of a period's fee can still be given back (R7), whether or not it was paid: the fee less everything refunded
    or pending on it, set-offs included. Never below zero.
    """
    return max(_WIDE.subtract(fee, given_back), Decimal(0))


def exact(amount: Exact) -> Fraction:
    """The number as a fraction, nothing lost.

    Raises `TypeError` for a float or a bool, `ValueError` for NaN, infinity or an exponent beyond reason.
    """
    if isinstance(amount, bool) or not isinstance(amount, Fraction | Decimal | int):
        raise TypeError(f"an amount is a Decimal, a Fraction or an int, not {type(amount).__name__}")
    if isinstance(amount, Decimal):
        if not amount.is_finite():
            raise ValueError(f"{amount} is not a number that money can be counted in")
        exponent = int(amount.as_tuple().exponent)
        if abs(exponent) > _LARGEST_EXPONENT:
            raise ValueError(f"an amount's exponent must lie within {_LARGEST_EXPONENT}, not {exponent}")
    return Fraction(amount)


def round_money(amount: Exact, currency: str) -> Decimal:
    """The amount in whole minor units, half up on the magnitude: 0.005 EUR is 0.01, -0.005 EUR is -0.01.

    The result has exactly the currency's decimals and is never a negative zero. Raises `UnknownCurrency`,
    and what `exact` raises.
    """
    decimals = minor_units(currency)
    scaled = exact(amount) * Fraction(10) ** decimals
    magnitude = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    negative = scaled < 0 and magnitude > 0
    # The tuple form is the one way to place the point that no decimal context can round.
    return Decimal((int(negative), Decimal(magnitude).as_tuple().digits, -decimals))


def is_whole_minor(amount: Exact, currency: str) -> bool:
    """Whether the amount is a whole number of minor units: 10.50 and 10.500 EUR are, 10.505 EUR is not."""
    scaled: Fraction = exact(amount) * Fraction(10) ** minor_units(currency)
    return scaled.denominator == 1


def format_amount(amount: Exact, currency: str) -> str:
    """The amount with exactly the currency's decimals: `"0.00"`, JPY `"0"`; no exponent, no `-0.00`, no
    grouping.

    Writing never rounds: an amount that is not whole minor units is a `ValueError`.
    """
    if not is_whole_minor(amount, currency):
        raise ValueError(f"{amount} {currency} is not a whole number of minor units; round it first")
    return format(round_money(amount, currency), "f")


def split_gross(gross: Exact, tax_rate: Exact, currency: str) -> tuple[Decimal, Decimal]:
    """(net, tax) of a gross amount at a tax rate in percent (19 means 19 %); net + tax == gross, always.

    The net is rounded and the tax is the rest, so a credit note (negative gross) mirrors its invoice to the
    minor unit. Raises `ValueError` for a negative rate or a gross amount that is not whole minor units.
    """
    rate = exact(tax_rate)
    if rate < 0:
        raise ValueError(f"a tax rate may not be negative, not {tax_rate}")
    if not is_whole_minor(gross, currency):
        raise ValueError(f"{gross} {currency} is not a whole number of minor units; round it first")
    net = round_money(exact(gross) / (1 + rate / 100), currency)
    return net, round_money(exact(gross) - exact(net), currency)


@dataclass(frozen=True, slots=True)
class Split:
    """An amount with its net and tax parts."""

    gross: Decimal
    net: Decimal
    tax: Decimal

    def __add__(self, other: Split) -> Split:
        return self._with(other, _WIDE.add)

    def __sub__(self, other: Split) -> Split:
        return self._with(other, _WIDE.subtract)

    def _with(self, other: Split, sum_of: Callable[[Decimal, Decimal], Decimal]) -> Split:
        return Split(sum_of(self.gross, other.gross), sum_of(self.net, other.net), sum_of(self.tax, other.tax))


NO_SPLIT = Split(Decimal(0), Decimal(0), Decimal(0))


def split_next(amount: Exact, whole: Exact, standing: Split, tax_rate: Exact, currency: str) -> Split:
    """The next part of a gross amount (``whole``) of which ``standing`` is credited already, split so that all parts
    together are split as their sum is: 60.00 at 22 % in three times 20.00 has nets 16.39, 16.40 and 16.39.

    Its net is the rounded net of the sum less what stands, within what is left of the whole's net and tax, so that the
    parts never exceed the whole in either. Raises `ValueError` if it and what stands are more than the whole.
    """
    part, everything = exact(amount), Split(round_money(whole, currency), *split_gross(whole, tax_rate, currency))
    left = everything - standing
    if part > left.gross:
        raise ValueError(f"{amount} {currency} is more than the {left.gross} that is left of {whole}")
    together, _ = split_gross(part + exact(standing.gross), tax_rate, currency)
    net = _within(_WIDE.subtract(together, standing.net), round_money(part, currency), left)
    return Split(round_money(part, currency), net, round_money(part - exact(net), currency))


def split_back(amount: Exact, note: Split, tax_rate: Exact, currency: str) -> Split:
    """A part of what a note says, taken back: the whole mirrors the note, less is split by itself within it. Raises
    `ValueError` for more than the note.
    """
    gross = round_money(amount, currency)
    if gross > note.gross:
        raise ValueError(f"{amount} {currency} is more than the note's {note.gross}")
    net = _within(split_gross(amount, tax_rate, currency)[0], gross, note)
    return Split(gross, net, _WIDE.subtract(gross, net))


def _within(net: Decimal, gross: Decimal, left: Split) -> Decimal:
    """The net nearest to the one given that leaves net and tax of the amount within what is left of both."""
    lowest, highest = max(Decimal(0), _WIDE.subtract(gross, left.tax)), min(gross, left.net)
    return max(lowest, min(highest, net))
