"""What differs between two versions of a policy: its text word by word, its figures in plain words (F10).

Pure: texts and figures in, a comparison out. Nothing is looked up, nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, Literal

from core.text import say
from policies.parameters.text import figure, figures

#: Two paragraphs are versions of one another when at least so much of them is the same.
ALIKE = 0.4
#: Beyond so many pairs of words (or of paragraphs, squared) nobody reads a diff, and making it takes seconds.
MOST_WORD_PAIRS = 2_000_000
MOST_BLOCK_PAIRS = 1_600

type Change = Literal["same", "removed", "added"]

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
#: A number, a word or a sign by itself, with the space before it: a comma that came does not change the word before it.
_WORD = re.compile(r" ?(?:\d[\d.,:]*\d|\w+(?:['’-]\w+)*|[^\w\s])")
_ENTRY = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words that stayed, went or came; ``spaced``: with a space before them."""

    change: Change
    text: str
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph or entry of a list: one that is in both versions, or in one of them alone.

    ``level`` is a heading's, 0 for anything else.
    """

    pieces: tuple[Piece, ...]
    level: int = 0
    entry: bool = False

    @property
    def is_same(self) -> bool:
        return all(piece.change == "same" for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure before and after, in words; "not fixed" where a version does not have it."""

    name: str
    label: str
    before: str
    after: str
    public: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions side by side."""

    blocks: tuple[Block, ...]
    figures: tuple[FigureChange, ...]

    @property
    def is_text_same(self) -> bool:
        return all(block.is_same for block in self.blocks)

    @property
    def public_figures(self) -> tuple[FigureChange, ...]:
        """Those that concern customers."""
        return tuple(change for change in self.figures if change.public)


def compare(
    text_before: str, text_after: str, figures_before: Mapping[str, Any], figures_after: Mapping[str, Any]
) -> Comparison:
    """Compare two versions: Markdown texts, and figures by their stored names."""
    return Comparison(tuple(compare_texts(text_before, text_after)), compare_figures(figures_before, figures_after))


def compare_figures(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FigureChange, ...]:
    """The figures that differ, in the order in which pages show them."""
    changes = []
    for shown in figures({**before, **after}):
        name = shown.name
        if name in before and name in after and before[name] == after[name]:
            continue
        was, now = (
            figure(name, values[name]).value if name in values else str(say("not fixed")) for values in (before, after)
        )
        changes.append(FigureChange(name, shown.label, was, now, shown.public))
    return tuple(changes)


def compare_texts(before: str, after: str) -> Iterator[Block]:
    """Both texts, block by block in reading order. How lines are broken makes no difference."""
    old, new = list(_blocks(before)), list(_blocks(after))
    for tag, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (_whole(block, "same") for block in old[first:last])
        else:
            yield from _replaced(old[first:last], new[start:end])


@dataclass(frozen=True, slots=True)
class _Source:
    """A block as one version has it."""

    words: tuple[str, ...]
    level: int = 0
    entry: bool = False

    @property
    def kind(self) -> tuple[bool, bool]:
        return self.level > 0, self.entry


def _blocks(text: str) -> Iterator[_Source]:
    """Headings, paragraphs and entries of lists; a blank line ends a block, a broken line does not."""
    words: list[str] = []
    entry = False
    for line in [*text.splitlines(), ""]:
        heading = _HEADING.match(line)
        begins_entry = _ENTRY.match(line) is not None
        if words and (heading or begins_entry or not line.strip()):
            yield _Source(_words(words), entry=entry)
            words = []
        if heading:
            yield _Source(_words(heading[2].split()), level=len(heading[1]))
            continue
        if not words:
            entry = begins_entry
        words += line.split()


def _words(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(_WORD.findall(" ".join(parts)))


def _replaced(old: Sequence[_Source], new: Sequence[_Source]) -> Iterator[Block]:
    """Blocks between two that stayed: those that are alike are shown as one with its changes.

    The most similar pair divides the rest in what is before and what is after it.
    """
    pair = _most_alike(old, new)
    if pair is None:
        yield from (_whole(block, "removed") for block in old)
        yield from (_whole(block, "added") for block in new)
        return
    here, there = pair
    yield from _replaced(old[:here], new[:there])
    yield Block(tuple(_word_by_word(old[here].words, new[there].words)), new[there].level, new[there].entry)
    yield from _replaced(old[here + 1 :], new[there + 1 :])


def _most_alike(old: Sequence[_Source], new: Sequence[_Source]) -> tuple[int, int] | None:
    if len(old) * len(new) > MOST_BLOCK_PAIRS:
        return None
    best, found = ALIKE, None
    for there, after in enumerate(new):
        for here, before in enumerate(old):
            likeness = _likeness(before.words, after.words) if before.kind == after.kind else 0
            if likeness > best:
                best, found = likeness, (here, there)
    return found


@lru_cache(maxsize=4 * MOST_BLOCK_PAIRS)
def _likeness(old: tuple[str, ...], new: tuple[str, ...]) -> float:
    """How much is the same, from 0 to 1; 0 also for what is too long to tell."""
    if len(old) * len(new) > MOST_WORD_PAIRS:
        return 0
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    # A quick upper bound first.
    return matcher.ratio() if matcher.quick_ratio() > ALIKE else 0


def _word_by_word(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    for tag, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield _piece("same", old[first:last])
            continue
        if last > first:
            yield _piece("removed", old[first:last])
        if end > start:
            yield _piece("added", new[start:end])


def _whole(block: _Source, change: Change) -> Block:
    return Block((_piece(change, block.words),), block.level, block.entry)


def _piece(change: Change, words: Sequence[str]) -> Piece:
    text = "".join(words)
    return Piece(change, text.lstrip(), text.startswith(" "))
