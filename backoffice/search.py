"""Finding anything from anywhere: what each app can find, asked together by the box in the top bar.

An app registers what it can find from its own ``admin``; who may not see something is not asked for it::

    register_source(Source("Refunds", "undo-2", May.SEE_CASES, find_refunds, model=Refund, order=30))

A source asks the database at most twice, reads at most ``LIMIT`` rows, and looks for beginnings of indexed
columns first, so that an answer costs about the same among a hundred rows and among a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from backoffice.actions import Permission, allowed
from backoffice.requests import Person
from core.text import Text

#: So many of a kind are suggested.
LIMIT = 6
#: Fewer characters fit too much to be worth asking for.
SHORTEST = 2
#: Nobody types more; what is longer was pasted by mistake.
LONGEST = 120
# Sorts after every character that a column holds, byte by byte.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody looks for, with blanks in one spelling."""

    text: str

    @classmethod
    def of(cls, raw: str) -> Typed:
        return cls(" ".join(raw.replace("\0", "").split())[:LONGEST])

    @property
    def code(self) -> str:
        """In capitals, as codes and serial numbers are stored."""
        return self.text.upper()

    @property
    def enough(self) -> bool:
        return len(self.text) >= SHORTEST

    @property
    def is_wordy(self) -> bool:
        """Long enough, and not a code, to be looked for in the middle of a text too."""
        return len(self.text) >= 3 and not any(character.isdigit() or character == "@" for character in self.text)

    def names(self, *known: str) -> bool:
        """Whether it is exactly one of these names, whatever the case."""
        return self.text.casefold() in {name.casefold() for name in known if name}


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found; ``exact`` when what was typed is its whole code, number or address."""

    title: str
    url: str
    note: Text = ""
    exact: bool = False


type Find = Callable[[Typed, Person], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class SearchSource:
    """A kind of thing that can be found. ``model`` is the list where the rest is, if it has a search."""

    label: Text
    icon: str
    may: Permission
    find: Find
    model: type[models.Model] | None = None
    order: int = 50


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """What was found of one kind; ``more_url`` leads to the list, searched for the same."""

    label: Text
    icon: str
    found: Sequence[Found]
    more_url: str = ""

    @property
    def has_exact(self) -> bool:
        return any(one.exact for one in self.found)


_sources: list[SearchSource] = []


def register_source(source: SearchSource) -> SearchSource:
    """Let the search find something; call it from the app's ``admin``, which is loaded once."""
    if source.label not in [known.label for known in _sources]:
        _sources.append(source)
        _sources.sort(key=lambda known: known.order)
    return source


def search(user: Person, typed: Typed) -> list[FoundGroup]:
    """What this person may see of what was typed, by kind; a kind with an exact hit comes first."""
    if not typed.enough:
        return []
    groups = [_ask(source, typed, user) for source in _sources if allowed(user, source.may)]
    found = [group for group in groups if group.found]
    # The sort is stable: otherwise the kinds keep their order.
    return sorted(found, key=lambda group: not group.has_exact)


def only_exact(groups: Iterable[FoundGroup]) -> Found | None:
    """The one thing whose whole name was typed, if there is exactly one."""
    exact = {one.url: one for group in groups for one in group.found if one.exact}
    return next(iter(exact.values())) if len(exact) == 1 else None


def _ask(source: SearchSource, typed: Typed, user: Person) -> FoundGroup:
    found = sorted(source.find(typed, user), key=lambda one: not one.exact)
    more = _list_url(source.model, typed) if len(found) > LIMIT else ""
    return FoundGroup(source.label, source.icon, found[:LIMIT], more)


def _list_url(model: type[models.Model] | None, typed: Typed) -> str:
    if model is None:
        return ""
    try:
        base = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    except NoReverseMatch:
        return ""
    return f"{base}?{urlencode({'q': typed.text})}"


# --- For sources --------------------------------------------------------------------------------


def begins(field: str, text: str) -> Q:
    """The column begins with the text, exact in case: the index of a unique column serves it.

    SQLite uses an index for a range and not for a ``LIKE`` that knows capitals; PostgreSQL's index for
    patterns is of use to ``LIKE`` alone.
    """
    if connection.vendor == "sqlite":
        return Q(**{f"{field}__gte": text, f"{field}__lt": text + _LAST})
    return Q(**{f"{field}__startswith": text})


def first_of[M: models.Model](*queries: models.QuerySet[M], limit: int = LIMIT) -> list[M]:
    """One row more than ``limit`` at most, without doubles; a later query is asked only while there are too few."""
    rows: dict[Any, M] = {}
    for query in queries:
        for row in query[: limit + 1]:
            rows.setdefault(row.pk, row)
        if len(rows) > limit:
            break
    return list(rows.values())[: limit + 1]
