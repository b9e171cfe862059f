"""Arithmetic of intervals: united, cut, and counted in seconds. Pure; results are in order and apart."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from complaints.quotes.inputs import Interval


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """The union; intervals that overlap or touch become one."""
    union: list[Interval] = []
    for interval in sorted(intervals):
        if union and interval.start <= union[-1].end:
            if interval.end > union[-1].end:
                union[-1] = Interval(union[-1].start, interval.end)
        else:
            union.append(interval)
    return union


def cut_each(intervals: Sequence[Interval], cuts: Sequence[Interval]) -> list[list[Interval]]:
    """For each interval the pieces that the cuts leave of it; both in order and disjoint. Linear."""
    result: list[list[Interval]] = []
    first = 0
    for interval in intervals:
        while first < len(cuts) and cuts[first].end <= interval.start:
            first += 1
        pieces: list[Interval] = []
        start, position = interval.start, first
        while position < len(cuts) and cuts[position].start < interval.end:
            if start < cuts[position].start:
                pieces.append(Interval(start, cuts[position].start))
            start = cuts[position].end
            position += 1
        if start < interval.end:
            pieces.append(Interval(start, interval.end))
        result.append(pieces)
    return result


def within(intervals: Iterable[Interval], bounds: Interval) -> list[Interval]:
    """The parts of the intervals that lie within the bounds, one by one."""
    return [
        Interval(max(interval.start, bounds.start), min(interval.end, bounds.end))
        for interval in intervals
        if max(interval.start, bounds.start) < min(interval.end, bounds.end)
    ]


def seconds_of(intervals: Iterable[Interval]) -> Fraction:
    return sum((interval.seconds for interval in intervals), Fraction(0))
