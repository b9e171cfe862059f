"""The interruption basis (R7), on a fee of 720.00 for 720 hours: 1.00 an hour."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import local_midnight
from complaints.quotes.inputs import Interval, QuoteInputs, zone_of
from complaints.refund_calculation import calculate
from policies.choices import Basis
from tests.complaints.quote_cases import all_inputs, inputs, interval, lines, outage, quoted


@pytest.mark.parametrize(
    ("interruptions", "maintenance", "compensated", "amount"),
    [
        ([], [], [], "0.00"),
        (["02T08:00 02T12:00"], [], [], "4.00"),
        (["02T08:00 02T11:59:59.999999"], [], [], "0.00"),
        # Touching and overlapping outages are one; repeated ones count once.
        (["02T08:00 02T10:00", "02T10:00 02T12:00"], [], [], "4.00"),
        (["02T10:00 02T12:00", "02T08:00 02T10:00:00.000001"], [], [], "4.00"),
        (["02T08:00 02T10:00", "02T10:00:01 02T12:00:01"], [], [], "0.00"),
        (["02T08:00 02T12:00", "02T08:00 02T12:00", "02T09:00 02T10:00"], [], [], "4.00"),
        (["02T08:00 02T12:00", "03T08:00 03T11:00"], [], [], "4.00"),
        (["02T08:00 02T12:00", "03T08:00 03T13:00"], [], [], "9.00"),
        # Maintenance is taken off before the minimum is judged; outside of the outage it plays no part.
        (["02T08:00 02T13:00"], ["02T09:00 02T10:00"], [], "4.00"),
        (["02T08:00 02T13:00"], ["02T09:00 02T10:00:01"], [], "0.00"),
        (["02T08:00 02T13:00"], ["02T06:00 02T08:00", "02T13:00 02T20:00"], [], "5.00"),
        (["02T08:00 02T13:00"], ["02T06:00 02T09:00"], [], "4.00"),
        (["02T08:00 02T13:00"], ["02T09:00 02T09:30", "02T09:15 02T10:00"], [], "4.00"),
        (["02T08:00 02T13:00"], ["01T00:00 05T00:00"], [], "0.00"),
        # An outage split by maintenance is judged as a whole: two and three hours are five.
        (["02T08:00 02T14:00"], ["02T10:00 02T11:00"], [], "5.00"),
        # One maintenance may touch two outages.
        (["02T08:00 02T13:00", "02T14:00 02T19:00"], ["02T12:00 02T15:00"], [], "8.00"),
        # What was compensated before is left out after the minimum was judged.
        (["02T08:00 02T14:00"], [], ["02T08:00 02T13:00"], "1.00"),
        (["02T08:00 02T14:00"], [], ["02T09:00 02T10:00", "02T12:00 02T20:00"], "3.00"),
        (["02T08:00 02T14:00"], [], ["02T08:00 02T14:00"], "0.00"),
        (["02T08:00 02T11:00"], [], ["01T00:00 01T02:00"], "0.00"),
        (["02T08:00 02T14:00"], ["02T08:00 02T10:00"], ["02T09:00 02T11:00"], "3.00"),
        # The whole period and nothing but the period.
        (["01T00:00 30T23:59:59.999999"], [], [], "720.00"),
        # 4 h 0 m 18 s are 4.005 hours.
        (["02T08:00 02T12:00:18"], [], [], "4.01"),
    ],
)
def test_interruptions_count_without_maintenance_and_without_what_was_compensated(
    interruptions: list[str], maintenance: list[str], compensated: list[str], amount: str
) -> None:
    assert quoted(
        basis=Basis.INTERRUPTION,
        fee="720.00",
        interruptions=tuple(map(interval, interruptions)),
        maintenance=tuple(map(interval, maintenance)),
        compensated=tuple(map(interval, compensated)),
    ) == [f"interruption {amount}"]


@pytest.mark.parametrize(
    ("start", "end", "amount"),
    [
        # Cut at the period's edges only after the minimum was judged on the whole outage.
        ("2026-03-31T22:00Z", "2026-04-01T02:00Z", "2.00"),
        ("2026-04-30T23:00Z", "2026-05-01T03:00Z", "1.00"),
        ("2026-03-01T00:00Z", "2026-06-01T00:00Z", "720.00"),
        ("2026-03-01T00:00Z", "2026-04-01T00:00Z", "0.00"),
        ("2026-05-01T00:00Z", "2026-05-09T00:00Z", "0.00"),
        ("2026-04-02T10:00+02:00", "2026-04-02T14:00+02:00", "4.00"),
    ],
)
def test_what_lies_outside_the_period_does_not_count(start: str, end: str, amount: str) -> None:
    quote = quoted(basis=Basis.INTERRUPTION, fee="720.00", interruptions=outage(start, end))
    assert quote == [f"interruption {amount}"]


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "fee", "start", "end", "amount"),
    [
        # March has 743 hours in Berlin and its 29th 23, October 745 and its 25th 25.
        ("2026-03-01", "2026-04-01", "743.00", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00", "23.00"),
        ("2026-03-01", "2026-04-01", "743.00", "2026-02-28T23:00Z", "2026-03-31T22:00Z", "743.00"),
        ("2026-10-01", "2026-11-01", "745.00", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00", "25.00"),
        # The local month, not that of UTC.
        ("2026-04-01", "2026-05-01", "720.00", "2026-03-31T20:00Z", "2026-04-01T00:00Z", "2.00"),
    ],
)
def test_seconds_run_between_local_midnights(
    starts_on: str, ends_on: str, fee: str, start: str, end: str, amount: str
) -> None:
    assert quoted(
        basis=Basis.INTERRUPTION,
        fee=fee,
        starts_on=starts_on,
        ends_on=ends_on,
        time_zone="Europe/Berlin",
        interruptions=outage(start, end),
    ) == [f"interruption {amount}"]


def test_a_local_day_that_never_was_has_nothing_to_interrupt() -> None:
    assert quoted(
        basis=Basis.INTERRUPTION,
        starts_on="2011-12-30",
        ends_on="2011-12-31",
        time_zone="Pacific/Apia",
        interruptions=outage("2011-12-29T00:00Z", "2012-01-02T00:00Z"),
    ) == ["interruption 0.00"]


@pytest.mark.parametrize(
    ("seconds", "amount"), [(14_400, "4.00"), (14_401, "0.00"), (0, "4.00"), (1, "4.00"), (3600, "4.00")]
)
def test_the_policys_minimum_is_inclusive(seconds: int, amount: str) -> None:
    assert quoted(
        basis=Basis.INTERRUPTION,
        fee="720.00",
        interruptions=(interval("02T08:00 02T12:00"),),
        minimum_interruption_seconds=seconds,
    ) == [f"interruption {amount}"]


def test_what_was_counted_is_told_whatever_the_cap_made_of_it_and_not_counted_again() -> None:
    first = inputs(
        basis=Basis.INTERRUPTION,
        fee="720.00",
        already_refunded="718.00",
        interruptions=(interval("02T08:00 02T14:00"), interval("30T20:00 30T23:59")),
        maintenance=(interval("02T10:00 02T11:00"),),
        compensated=(interval("02T13:00 02T13:30"),),
        minimum_interruption_seconds=3600,
    )
    quote = calculate(first)
    assert quote.total == 2
    assert quote.counted == (
        interval("02T08:00 02T10:00"),
        interval("02T11:00 02T13:00"),
        interval("02T13:30 02T14:00"),
        interval("30T20:00 30T23:59"),
    )
    again = inputs(
        basis=Basis.INTERRUPTION,
        fee="720.00",
        interruptions=first.interruptions,
        maintenance=first.maintenance,
        compensated=first.compensated + quote.counted,
        minimum_interruption_seconds=3600,
    )
    assert lines(calculate(again)) == ["interruption 0.00"]


hours = st.integers(-30, 60)
hour_spans = st.lists(st.tuples(hours, st.integers(1, 20)), max_size=5)


@given(hour_spans, hour_spans, hour_spans, st.integers(0, 12))
def test_interruptions_agree_with_counting_hours_one_by_one(
    interruptions: list[tuple[int, int]],
    maintenance: list[tuple[int, int]],
    compensated: list[tuple[int, int]],
    minimum: int,
) -> None:
    # A period of two days, hours 0 to 47 of it, at 1.00 an hour.
    midnight = datetime(2026, 4, 1, tzinfo=UTC)

    def spans(pairs: list[tuple[int, int]]) -> tuple[Interval, ...]:
        return tuple(
            Interval(midnight + timedelta(hours=start), midnight + timedelta(hours=start + length))
            for start, length in pairs
        )

    def cells(pairs: list[tuple[int, int]]) -> set[int]:
        return {hour for start, length in pairs for hour in range(start, start + length)}

    down, planned, given_back = cells(interruptions), cells(maintenance), cells(compensated)
    counted: set[int] = set()
    for hour in sorted(down):
        if hour - 1 not in down:
            joined = set()
            while hour in down:
                joined.add(hour)
                hour += 1  # noqa: PLW2901
            if len(joined - planned) >= minimum:
                counted |= joined - planned - given_back
    counted &= set(range(48))

    quote = calculate(
        inputs(
            basis=Basis.INTERRUPTION,
            fee="48.00",
            ends_on="2026-04-03",
            interruptions=spans(interruptions),
            maintenance=spans(maintenance),
            compensated=spans(compensated),
            minimum_interruption_seconds=minimum * 3600,
        )
    )
    assert quote.total == len(counted)
    assert {
        hour
        for hour in range(48)
        for span in quote.counted
        if span.start <= midnight + timedelta(hours=hour) < span.end
    } == counted


def test_many_intervals_take_linear_time() -> None:
    start = datetime(2026, 4, 1, tzinfo=UTC)
    many = tuple(
        Interval(start + timedelta(seconds=20 * n), start + timedelta(seconds=20 * n + 10)) for n in range(20_000)
    )
    # Every second one of the period's first 400,000 tens of seconds; a quadratic cut would take many minutes.
    quote = calculate(
        inputs(
            basis=Basis.INTERRUPTION,
            fee="25920.00",
            interruptions=many,
            maintenance=tuple(Interval(span.start, span.start + timedelta(seconds=5)) for span in many),
            minimum_interruption_seconds=1,
        )
    )
    assert quote.total == 1000


@given(all_inputs(bases=[Basis.INTERRUPTION]))
def test_what_an_interruption_counts_is_in_order_apart_and_allowed(given_inputs: QuoteInputs) -> None:
    quote = calculate(given_inputs)
    zone = zone_of(given_inputs.time_zone)
    for earlier, later in zip(quote.counted, quote.counted[1:], strict=False):
        assert earlier.end < later.start
    for piece in quote.counted:
        assert local_midnight(given_inputs.starts_on, zone) <= piece.start
        assert piece.end <= local_midnight(given_inputs.ends_on, zone)
        assert not any(
            cut.start < piece.end and piece.start < cut.end
            for cut in given_inputs.maintenance + given_inputs.compensated
        )
