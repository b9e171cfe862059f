"""What a page says, told from what is data: in the tests' Italian, whatever was looked up stands in brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
from babel import Locale
from django.apps import apps
from django.db import models
from django.utils import translation
from django.utils.translation import get_language, trans_real

from accounts.staff.models import User

OPEN, CLOSE = "⟦", "⟧"

# --- Pages in a language that shows what was looked up ------------------------------------------

_PLACES = re.compile(r"(\{[^{}]*\}|%\(\w+\)[sd]|%[sd])")


@cache
def marked(message: str) -> str:
    """The message in brackets, what stands in for values outside of them."""
    if not message.strip():
        return message
    pieces = _PLACES.split(message)
    return "".join(piece if at % 2 or not piece else f"{OPEN}{piece}{CLOSE}" for at, piece in enumerate(pieces))


@contextmanager
def bracketed() -> Iterator[None]:
    """Italian puts in brackets whatever is looked up, instead of translating it."""

    def once(real: Callable[..., str], chosen: Callable[..., str]) -> Callable[..., str]:
        def found(*given: Any) -> str:
            return marked(str(chosen(*given))) if get_language() == "it" else real(*given)

        return found

    ways: dict[str, Callable[..., str]] = {
        "gettext": lambda message: message,
        "pgettext": lambda context, message: message,
        "ngettext": lambda one, many, count: one if count == 1 else many,
        "npgettext": lambda context, one, many, count: one if count == 1 else many,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, chosen in ways.items():
            wrapped = once(getattr(trans_real, name), chosen)
            # First the front, which keeps what it once took from the real ones.
            patch.setattr(vars(translation)["_trans"], name, wrapped)
            patch.setattr(trans_real, name, wrapped)
        yield


class Seen(HTMLParser):
    """What a page shows or says aloud: its text, and the attributes that are read out."""

    SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-some", "data-none")
    #: Names of keys, codes, and what people wrote.
    SILENT_TAGS = frozenset({"script", "style", "kbd", "code", "q", "textarea"})
    SILENT_CLASSES = frozenset({"mono", "letter", "document", "changes", "zone"})
    #: A sentence may go on inside of these.
    WITHIN = frozenset({"a", "b", "kbd"})
    VOID = frozenset({"input", "meta", "link", "br", "hr", "img", "rect", "line", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        """Each text as it is, and what of it stands outside of all brackets."""
        self._open: list[tuple[str, bool]] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in self.SPOKEN:
            if given.get(name):
                self._add(given[name] or "", 0)
        if tag not in self.WITHIN:
            self._depth = 0
        if tag not in self.VOID:
            silent = tag in self.SILENT_TAGS or not self.SILENT_CLASSES.isdisjoint((given.get("class") or "").split())
            self._open.append((tag, silent))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag not in self.WITHIN:
            self._depth = 0

    def handle_data(self, data: str) -> None:
        if not any(silent for _, silent in self._open):
            self._depth = self._add(data, self._depth)

    def _add(self, text: str, depth: int) -> int:
        kept = []
        for character in text:
            if character == OPEN:
                depth += 1
            elif character == CLOSE:
                depth -= 1
                kept.append("·")
            elif depth == 0:
                kept.append(character)
        self.texts.append((" ".join(text.split()), " ".join("".join(kept).split())))
        return max(depth, 0)


def written_down() -> set[str]:
    """Everything that people or the record wrote into a column, in one line each."""
    found: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField) and not field.choices:
                values = model._default_manager.values_list(field.name, flat=True).distinct()
                found.update(" ".join(str(value).split()) for value in values if value)
                # A letter's lines of several words are shown one by one.
                found.update(line.strip() for value in values for line in str(value).splitlines() if " " in line)
    return {text for text in found if LETTERS.search(text)}


LETTERS = re.compile(r"[^\W\d_]{2,}")
#: Names, units and codes: the same in every language.
MAY_STAY = re.compile(
    r"\b(Redress|PDF|CSV|IBAN|MAC|IVA|Italiano|English|SMS|min|[A-Z]{3}|[A-Z]{1,3}-?\d[\w-]*|\d[\w./-]*)\b"
    # what a script puts a number in for; layouts of bank files; functions of templates
    r"|\{count\}|\b(own|sepa_it|capfirst|default|first|join|last|length|lower|upper)\b"
    # what only a program reads, shown as it is
    r"|^\[?\{ ?\".*\}\]?$"
)
#: So much of a longer text is not there by chance.
_QUOTED = 25


class Data:
    """What is written in rows, to be told from what the product says."""

    def __init__(self) -> None:
        self.whole = written_down() | _territories_and_currencies()
        self.all = "\n".join(self.whole)
        # A single small word may be a word of the product as well.
        names = {text for text in self.whole if 3 <= len(text) <= 120 and re.search(r"[A-Z\d\u00c0-\u00dd@._ ]", text)}
        names |= {*User.objects.values_list("username", flat=True), *_territories_and_currencies()}
        ordered = sorted(names, key=len, reverse=True)
        self._names = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(name) for name in ordered) + r")(?!\w)")

    def without(self, text: str) -> str:
        """The text without names that stand in rows; nothing of what is quoted from one."""
        if text in self.whole or (len(text) >= _QUOTED and text.rstrip("…") in self.all):
            return ""
        return self._names.sub("", text)


def _territories_and_currencies() -> set[str]:
    names = [Locale(language) for language in ("en", "it")]
    return {name for one in names for name in (*one.territories.values(), *one.currencies.values())}


def leftovers(html: str, data: Data, typed: str) -> Iterator[str]:
    """The texts of a page with words that were not looked up, are no data and were not typed into its search."""
    page = Seen()
    page.feed(html)
    for text, left in page.texts:
        # Cheap before dear: most of a page is in brackets.
        if not LETTERS.search(MAY_STAY.sub("", left)):
            continue
        unknown = data.without(left)
        if typed:
            unknown = re.sub(rf"(?<!\w){re.escape(typed)}(?!\w)", "", unknown)
        if LETTERS.search(MAY_STAY.sub("", unknown)):
            yield text
