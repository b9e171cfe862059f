"""Smallest valid inputs of a quote, and a Hypothesis strategy over all of them.

The period is April 2026: 30 days, 720 hours.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from billing.money import minor_units, round_money
from billing.periods import Term
from complaints.quotes.inputs import Interval, Operation, QuoteInputs, Receiving
from complaints.refund_calculation import Quote, calculate
from policies.choices import Basis


def inputs(**changes: Any) -> QuoteInputs:
    """A usage quote on the tenth of thirty days of a paid fee of 30.00 EUR; numbers and dates may be text."""
    values: dict[str, Any] = {
        "basis": Basis.USAGE,
        "currency": "EUR",
        "term": Term.MONTHLY,
        "fee": "30.00",
        "starts_on": "2026-04-01",
        "ends_on": "2026-05-01",
        "as_of": "2026-04-10",
        **changes,
    }
    values.setdefault("fee_paid", values["fee"])
    for name in ("fee", "fee_paid", "already_refunded", "already_given", "minute_cost", "special_amount", "reduction"):
        if isinstance(values.get(name), str):
            values[name] = Decimal(values[name])
    for name in ("starts_on", "ends_on", "as_of"):
        if isinstance(values[name], str):
            values[name] = date.fromisoformat(values[name])
    return QuoteInputs(**values)


def receiving(fee: str, days: int, minute_cost: str = "0") -> Receiving:
    return Receiving(Decimal(fee), days, Decimal(minute_cost))


def operation(code: str, quantity: str, unit_cost: str) -> Operation:
    return Operation(code, Decimal(quantity), Decimal(unit_cost))


def interval(text: str, year_and_month: str = "2026-04") -> Interval:
    """`"02T08:00 02T12:00"` in UTC."""
    start, end = text.split()
    return Interval(
        datetime.fromisoformat(f"{year_and_month}-{start}Z"),
        datetime.fromisoformat(f"{year_and_month}-{end}Z"),
    )


def outage(start: str, end: str) -> tuple[Interval, ...]:
    return (Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)),)


def lines(quote: Quote) -> list[str]:
    """The lines as text, so that a wrong number of decimals or a negative zero shows."""
    return [f"{line.code} {line.amount}" for line in quote.lines]


def quoted(**changes: Any) -> list[str]:
    return lines(calculate(inputs(**changes)))


def amounts(currency: str, most: int = 10_000) -> st.SearchStrategy[Decimal]:
    unit = Fraction(1, 10 ** minor_units(currency))
    return st.integers(0, most * 100).map(lambda units: round_money(units * unit, currency))


costs = st.decimals(0, 50, places=2) | st.decimals(0, 1, places=7) | st.just(Decimal(0))
moments = st.integers(-3 * 24 * 60, 70 * 24 * 60).map(
    lambda minutes: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
intervals = st.tuples(moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=4))).map(
    lambda pair: Interval(pair[0], pair[0] + pair[1])
)
interval_lists = st.lists(intervals, max_size=6).map(tuple)


@st.composite
def all_inputs(draw: st.DrawFn, bases: Sequence[Basis] = tuple(Basis)) -> QuoteInputs:
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    money = amounts(currency)
    basis = draw(st.sampled_from(bases))
    fee = draw(money.filter(bool) if basis is Basis.SPECIAL else money)
    starts_on = date(2026, 3, 1) + timedelta(days=draw(st.integers(0, 60)))
    codes = draw(st.lists(st.text("abcé xyz-1", min_size=1).filter(str.strip), unique=True, max_size=4))
    given: dict[str, Any] = {
        "as_of": starts_on + timedelta(days=draw(st.integers(0, 500))),
        "as_of_day_counts": draw(st.booleans()),
        "already_given": draw(st.one_of(st.just(Decimal(0)), money)),
        "receiving": draw(st.none() | st.builds(Receiving, money, st.integers(1, 400), costs)),
        "seconds_used": draw(st.integers(0, 10**6)),
        "operations": tuple(Operation(code, draw(costs), draw(costs)) for code in codes),
        "interruptions": draw(interval_lists),
        "maintenance": draw(interval_lists),
        "compensated": draw(interval_lists),
        "minimum_interruption_seconds": draw(st.sampled_from([0, 1, 14_400, 10**6])),
        "time_zone": draw(st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "America/Havana"])),
    }
    if basis is Basis.SPECIAL:
        unit = Fraction(1, 10 ** minor_units(currency))
        units = draw(st.integers(1, int(Fraction(fee) / unit)))
        given["special_amount"] = round_money(units * unit, currency)
    return QuoteInputs(
        basis=basis,
        currency=currency,
        term=draw(st.sampled_from(Term)),
        fee=fee,
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=draw(st.integers(1, 400))),
        fee_paid=draw(st.one_of(st.just(fee), money)),
        already_refunded=draw(st.one_of(st.just(Decimal(0)), money)),
        minute_cost=draw(costs),
        reduction=draw(st.one_of(st.just(Decimal(0)), money)),
        **given,
    )
