"""Small charts, drawn on the server as SVG: columns over time and bars, each with its numbers as a table.

No style attribute and no script: the colours are classes of the style sheet, so they follow light and dark. The
drawing is for a glance only, and hidden from screen readers, which get the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.text import Text, say

type Tone = Literal["one", "two", "three", "four", "good", "warn", "bad", "soft"]
type Value = int | Decimal

WIDTH, HEIGHT = 360, 124
_TOP, _LEFT, _FLOOR = 10, 26, 106


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers over the same places; ``None`` where there is none to show."""

    label: Text
    tone: Tone
    values: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Rect:
    x: int
    y: int
    width: int
    height: int
    tone: str


@dataclass(frozen=True, slots=True)
class Label:
    x: int
    y: int
    text: Text
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws. ``headings`` and ``rows`` are the same as a table; ``lead`` says it in a few words."""

    title: Text
    lead: Text
    rects: Sequence[Rect]
    texts: Sequence[Label]
    lines: Sequence[int]
    legend: Sequence[tuple[Text, str]]
    headings: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    height: int = HEIGHT
    width: int = WIDTH

    @property
    def is_empty(self) -> bool:
        return not self.rects


def columns(
    title: Text, lead: Text, labels: Sequence[str], series: Sequence[Series], *, stacked: bool = True, unit: str = ""
) -> Chart:
    """A column a place: the series on top of each other, or (not ``stacked``) in front of each other, given from the
    back to the front.
    """
    heights = [
        sum(one.values[at] or 0 for one in series)
        if stacked
        else max((one.values[at] or 0 for one in series), default=0)
        for at in range(len(labels))
    ]
    top = _round_top(max(heights, default=0))
    step = (WIDTH - _LEFT) // max(len(labels), 1)
    thick = max(step * 3 // 4, 2)
    rects = []
    for at in range(len(labels)):
        below = 0
        for one in series:
            value = one.values[at] or 0
            # Measured from the floor, so that what is rounded off does not add up.
            low, high = (_FLOOR - (_FLOOR - _TOP) * stands // top for stands in (below, below + value))
            if value:
                rects.append(Rect(_LEFT + at * step + (step - thick) // 2, high, thick, max(low - high, 1), one.tone))
            if stacked:
                below += value
    return Chart(
        title=title,
        lead=lead,
        rects=rects,
        texts=[
            Label(_LEFT - 5, _TOP + 4, f"{top}{unit}", "end"),
            Label(_LEFT - 5, _FLOOR, "0", "end"),
            *_places(labels, step),
        ],
        lines=(_TOP, _FLOOR),
        legend=[(one.label, one.tone) for one in series],
        headings=[say("Week of"), *(one.label for one in series)],
        rows=[
            [label, *("–" if one.values[at] is None else f"{one.values[at]}{unit}" for one in series)]
            for at, label in enumerate(labels)
        ],
    )


def bars(title: Text, lead: Text, headings: Sequence[Text], rows: Sequence[tuple[Text, Value, Text, Value]]) -> Chart:
    """A bar a row: its label, its value, the value in words, and the value that a whole bar stands for."""
    each = 30
    rects, texts = [], []
    for at, (label, value, words, whole) in enumerate(rows):
        y = 4 + at * each
        texts += [Label(0, y + 10, label), Label(WIDTH, y + 10, words, "end")]
        length = max(int(value * WIDTH / whole), 1) if whole and value else 0
        rects += [Rect(0, y + 15, WIDTH, 8, "track")]
        if length:
            rects.append(Rect(0, y + 15, length, 8, "one"))
    return Chart(
        title=title,
        lead=lead,
        rects=rects,
        texts=texts,
        lines=(),
        legend=(),
        headings=headings,
        rows=[[label, words] for label, _, words, _ in rows],
        height=max(8 + len(rows) * each, 30),
    )


def _places(labels: Sequence[str], step: int) -> list[Label]:
    """The first, the middle and the last place by name: more would run into each other."""
    if not labels:
        return []
    y, last = _FLOOR + 14, len(labels) - 1
    texts = [Label(_LEFT, y, labels[0])]
    if last >= 6:
        middle = last // 2
        texts.append(Label(_LEFT + middle * step + step // 2, y, labels[middle], "middle"))
    if last:
        texts.append(Label(_LEFT + (last + 1) * step, y, labels[last], "end"))
    return texts


def _round_top(highest: int) -> int:
    """The next of 1, 2, 5, 10, 20 and so on: what the axis goes up to."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if highest <= step * size:
                return step * size
        size *= 10
