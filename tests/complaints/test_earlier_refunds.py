"""The same thing is never given back twice: what earlier refunds take from later quotes (R3, R7).

The period is April 2026 for 60.00: 30 days, 720 hours, 2.00 a day.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from complaints.quotes.earlier_refunds import (
    EarlierRefund,
    already_given,
    already_refunded,
    compensated,
    not_provided,
    standing_intervals,
    standing_share,
    unused_by,
)
from complaints.quotes.inputs import Interval, QuoteInputs
from complaints.quotes.intervals import joined, seconds_of
from complaints.refund_calculation import Line, Quote, calculate
from policies.choices import Basis
from tests.complaints.quote_cases import inputs, interval, interval_lists

LAST_FIVE_DAYS = "26T00:00 30T23:59:59"


def april(basis: str, earlier: Sequence[EarlierRefund] = (), **changes: Any) -> tuple[QuoteInputs, Quote]:
    """A quote of April's 60.00 that knows the earlier refunds, as its caller makes one."""
    made = inputs(basis=basis, fee="60.00", already_refunded=already_refunded(earlier), **changes)
    if made.basis is Basis.USAGE:
        changes["already_given"] = already_given(earlier, unused_by(made, "UTC"), "EUR")
    elif made.basis is Basis.INTERRUPTION:
        changes["compensated"] = compensated(earlier)
    made = inputs(basis=basis, fee="60.00", already_refunded=already_refunded(earlier), **changes)
    return made, calculate(made)


def refund(
    basis: str = "usage",
    earlier: Sequence[EarlierRefund] = (),
    *,
    taken_back: str = "0",
    incident: tuple[Interval, ...] = (),
    **changes: Any,
) -> EarlierRefund:
    made, quote = april(basis, earlier, **changes)
    return EarlierRefund.of(made, quote, time_zone="UTC", taken_back=Decimal(taken_back), incident=incident)


def total(basis: str, *earlier: EarlierRefund, **changes: Any) -> str:
    return str(april(basis, earlier, **changes)[1].total)


def outage(text: str) -> dict[str, Any]:
    return {"interruptions": (interval(text),)}


# --- one after another


def test_what_is_unused_is_given_back_once() -> None:
    first = refund()
    assert first.total == 40
    assert total("usage", first) == "0.00"
    assert total("usage", first, as_of="2026-04-05") == "10.00"
    assert total("usage", first, as_of="2026-04-20") == "0.00"


def test_giving_less_leaves_no_claim_open() -> None:
    reduced = refund(reduction="20.00")
    assert reduced.total == 20
    assert total("usage", reduced) == "0.00"
    capped = refund("usage", [refund("special", special_amount="50.00")])
    assert (capped.total, capped.before_limits) == (Decimal(10), Fraction(40))
    assert total("usage", capped) == "0.00"


def test_later_usage_refunds_add_up_to_the_unused_portion() -> None:
    first = refund(as_of="2026-04-20")
    second = refund("usage", [first])
    assert (first.total, second.total) == (Decimal(20), Decimal(20))
    assert total("usage", first, second) == "0.00"


def test_an_outage_in_days_that_were_refunded_gives_nothing() -> None:
    assert total("interruption", refund(), **outage("12T00:00 13T00:00")) == "0.00"
    assert total("interruption", refund(), **outage("10T12:00 13T00:00")) == "1.00"
    assert total("interruption", refund(), **outage("02T00:00 03T00:00")) == "2.00"


def test_an_outage_that_was_refunded_comes_off_what_is_unused() -> None:
    inside = refund("interruption", **outage("21T00:00 26T00:00"))
    assert inside.total == 10
    assert total("usage", inside) == "30.00"
    # Of its ten days half lie in those provided.
    across = refund("interruption", **outage("06T00:00 16T00:00"))
    assert across.total == 20
    assert total("usage", across) == "30.00"
    before = refund("interruption", **outage("02T00:00 05T00:00"))
    assert total("usage", before) == "40.00"
    # After the end everything was provided.
    assert total("usage", inside, as_of="2026-06-01") == "0.00"


def test_an_outage_is_given_back_once() -> None:
    first = refund("interruption", **outage("02T00:00 05T00:00"))
    assert first.total == 6
    assert total("interruption", first, **outage("02T00:00 06T00:00")) == "2.00"


def test_a_special_case_is_compensated_by_the_incident_it_names_alone() -> None:
    named = refund("special", special_amount="5.00", incident=(interval("02T00:00 05T00:00"),))
    assert total("interruption", named, **outage("02T00:00 06T00:00")) == "2.00"
    assert total("usage", named) == "40.00"
    nameless = refund("special", special_amount="5.00")
    assert total("interruption", nameless, **outage("02T00:00 06T00:00")) == "8.00"


def test_a_full_month_counts_against_the_cap_only() -> None:
    month = refund("full_month", reduction="25.00")
    assert month.total == 35
    made, quote = april("usage", [month])
    assert (made.already_given, made.already_refunded, quote.total) == (Decimal(0), Decimal(35), Decimal(25))
    assert quote.lines[-1] == Line("cap", Decimal("-15.00"))


# --- after a reversal


@pytest.mark.parametrize(
    ("given_amount", "taken_back", "share"),
    [("30.00", "10.00", "2/3"), ("30.00", "0", "1"), ("30.00", "30.00", "0"), ("0.03", "0.01", "2/3")],
)
def test_the_standing_share_is_what_was_not_taken_back(given_amount: str, taken_back: str, share: str) -> None:
    assert standing_share(Decimal(given_amount), Decimal(taken_back)) == Fraction(share)


@pytest.mark.parametrize(("given_amount", "taken_back"), [("0", "0"), ("1", "1.01"), ("1", "-0.01"), ("-1", "0")])
def test_more_than_was_given_cannot_be_taken_back(given_amount: str, taken_back: str) -> None:
    with pytest.raises(ValueError, match="cannot be taken back"):
        standing_share(Decimal(given_amount), Decimal(taken_back))
    with pytest.raises(ValueError, match="cannot be taken back"):
        EarlierRefund(basis=Basis.SPECIAL, lines=(), total=Decimal(given_amount), taken_back=Decimal(taken_back))


def test_a_reversed_outage_is_given_back_up_to_what_came_back() -> None:
    # 30.00, of which 20.00 had been used as a credit, not charged.
    down = outage("01T00:00 16T00:00")
    reversed_ = refund("interruption", taken_back="10.00", **down)
    assert (reversed_.total, reversed_.standing, reversed_.share) == (Decimal(30), Decimal(20), Fraction(2, 3))
    assert compensated([reversed_]) == (interval("01T00:00 11T00:00"),)
    assert total("interruption", reversed_, **down) == "10.00"


def test_a_reversed_usage_refund_is_given_back_up_to_what_came_back() -> None:
    reversed_ = refund(taken_back="30.00")
    assert total("usage", reversed_) == "30.00"
    # A quarter of the twenty unused days stays compensated.
    assert compensated([reversed_]) == (interval("11T00:00 16T00:00"),)
    assert total("interruption", reversed_, **outage("11T00:00 21T00:00")) == "10.00"


def test_a_refund_that_was_wholly_taken_back_leaves_nothing() -> None:
    gone = refund(taken_back="40.00")
    assert gone.standing == 0
    assert compensated([gone]) == ()
    assert total("usage", gone) == "40.00"


def test_what_came_off_for_an_outage_stands_by_its_share_too() -> None:
    reversed_ = refund("interruption", taken_back="5.00", **outage("21T00:00 26T00:00"))
    assert total("usage", reversed_) == "35.00"


@pytest.mark.parametrize(
    ("intervals", "share", "kept"),
    [
        (["02T08:00 02T12:00"], "1", ["02T08:00 02T12:00"]),
        (["02T08:00 02T12:00"], "0", []),
        (["02T08:00 02T12:00"], "1/2", ["02T08:00 02T10:00"]),
        (["05T08:00 05T09:00", "02T08:00 02T09:00"], "3/4", ["02T08:00 02T09:00", "05T08:00 05T08:30"]),
        (["02T08:00 02T09:00", "05T08:00 05T09:00"], "1/2", ["02T08:00 02T09:00"]),
        # A third of ten seconds is cut up to four.
        (["02T08:00:00 02T08:00:10"], "1/3", ["02T08:00:00 02T08:00:04"]),
        (["02T08:00:00 02T08:00:00.5"], "1/3", ["02T08:00:00 02T08:00:00.5"]),
        (["02T08:00 02T10:00", "02T09:00 02T12:00"], "1/2", ["02T08:00 02T10:00"]),
        ([], "1/2", []),
    ],
)
def test_intervals_stand_from_the_earliest_second_on(intervals: list[str], share: str, kept: list[str]) -> None:
    assert standing_intervals(map(interval, intervals), Fraction(share)) == tuple(map(interval, kept))


@given(interval_lists, st.fractions(0, 1))
def test_what_stands_is_a_beginning_of_what_was_counted(intervals: tuple[Interval, ...], share: Fraction) -> None:
    kept = standing_intervals(intervals, share)
    whole = joined(intervals)
    assert seconds_of(kept) == min(ceil(seconds_of(whole) * share), seconds_of(whole))
    assert [one.start for one in kept] == [one.start for one in whole[: len(kept)]]
    assert list(kept[:-1]) == whole[: len(kept)][:-1]


# --- days


@pytest.mark.parametrize(
    ("as_of", "counts", "zone", "start"),
    [
        ("2026-03-10", True, "UTC", "2026-03-11T00:00Z"),
        ("2026-03-10", False, "UTC", "2026-03-10T00:00Z"),
        ("2026-03-10", True, "Europe/Berlin", "2026-03-10T23:00Z"),
        ("2026-03-29", True, "Europe/Berlin", "2026-03-29T22:00Z"),
        ("2026-03-31", True, "UTC", ""),
        ("2030-01-01", False, "UTC", ""),
    ],
)
def test_days_not_provided_lie_between_local_midnights(as_of: str, *, counts: bool, zone: str, start: str) -> None:
    found = not_provided(
        date(2026, 3, 1), date(2026, 4, 1), date.fromisoformat(as_of), as_of_day_counts=counts, time_zone=zone
    )
    assert (found.start.strftime("%Y-%m-%dT%H:%MZ") if found else "") == start
    if found:
        assert found.end.isoformat() == ("2026-03-31T22:00:00+00:00" if zone != "UTC" else "2026-04-01T00:00:00+00:00")


def test_a_day_that_never_was_is_no_unused_day() -> None:
    skipped = date(2011, 12, 30)
    day_after = skipped + timedelta(days=1)
    assert not_provided(skipped, day_after, skipped, as_of_day_counts=False, time_zone="Pacific/Apia") is None


def test_only_a_usage_quote_has_unused_days() -> None:
    with pytest.raises(ValueError, match="only a usage quote"):
        unused_by(inputs(basis="full_month"), "UTC")


# --- whatever came before


outages = st.tuples(st.integers(0, 28 * 24), st.integers(4, 96)).map(
    lambda pair: (
        Interval(
            interval(LAST_FIVE_DAYS).start - timedelta(days=25) + timedelta(hours=pair[0]),
            interval(LAST_FIVE_DAYS).start - timedelta(days=25) + timedelta(hours=pair[0] + pair[1]),
        ),
    )
)
steps = st.one_of(
    st.tuples(st.just("usage"), st.fixed_dictionaries({"as_of": st.dates(date(2026, 4, 1), date(2026, 5, 2))})),
    st.tuples(st.just("interruption"), st.fixed_dictionaries({"interruptions": outages})),
    st.tuples(st.just("special"), st.fixed_dictionaries({"special_amount": st.just("7.00")})),
)
reductions = st.sampled_from(["0", "0.01", "5.00"])


@given(st.lists(st.tuples(steps, reductions), max_size=5), steps)
def test_nothing_is_given_back_twice_whatever_came_before(
    history: list[tuple[tuple[str, dict[str, Any]], str]], last: tuple[str, dict[str, Any]]
) -> None:
    earlier: list[EarlierRefund] = []
    for (basis, changes), reduction in history:
        made, quote = april(basis, earlier, reduction=reduction, **changes)
        if quote.total:
            earlier.append(EarlierRefund.of(made, quote, time_zone="UTC"))
    assert already_refunded(earlier) <= 60
    basis, changes = last
    made, quote = april(basis, earlier, **changes)
    assert already_refunded(earlier) + quote.total <= 60
    if quote.total and made.basis is not Basis.SPECIAL:
        again = [*earlier, EarlierRefund.of(made, quote, time_zone="UTC")]
        assert april(basis, again, **changes)[1].total == 0


@given(st.integers(0, 4000))
def test_a_reversal_frees_what_it_took_back_and_no_more(cents: int) -> None:
    back = Decimal(cents) / 100
    assert total("usage", refund(taken_back=f"{back}")) == f"{back:.2f}"
    # Of time, up to the whole second: never more than came back.
    down = outage("01T00:00 21T00:00")
    again = Decimal(total("interruption", refund("interruption", taken_back=f"{back}", **down), **down))
    assert back - Decimal("0.01") <= again <= back
