"""Rows that are written once checked against the events of their writing: whoever forges a row forges nothing of the
audit trail with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from heapq import merge
from itertools import groupby
from typing import Any

from django.db import models

from audit.ledger_checks import CHUNK, Breach, Check
from audit.models import Event

#: What a row says, or an event of one: as many values, of the same kinds, in the same order.
type Facts = tuple[Any, ...]
#: What one event says of rows, if anything: by its columns of ``COLUMNS``.
type Says = Callable[[Any], Iterable[Facts]]

COLUMNS = ("target_id", "target_label", "verb", "actor_id", "actor__username", "actor_role", "data")
#: As many rows as a sentence lists.
LISTED = 3


def as_recorded(rule: str, of: type[models.Model], rows: Callable[[], Any], says: Mapping[str, Says]) -> Check:
    """The check that there are exactly the rows that the events say, with what those say of them.

    ``rows`` are a ``values_list`` of what they belong to, the key of an ``of``, and their facts; ``says`` tells by verb
    what a done event about that ``of`` says. Two streams in the same order, side by side: neither is ever in the memory
    as a whole.
    """

    def check() -> Iterator[Breach]:
        events = Event.objects.filter(
            target_type=of._meta.label_lower, verb__in=list(says), outcome=Event.Outcome.DONE, target_id__isnull=False
        ).order_by("target_id", "pk")
        found = rows()
        there = ((row[0], 0, "", row[1:]) for row in found.order_by(found._fields[0]).iterator(chunk_size=CHUNK))
        said = (
            (event.target_id, 1, event.target_label, facts)
            for event in events.values_list(*COLUMNS, named=True).iterator(chunk_size=CHUNK)
            for facts in says[event.verb](event)
        )
        for pk, both in groupby(merge(there, said, key=lambda one: one[0]), key=lambda one: one[0]):
            counts: tuple[Counter[Facts], Counter[Facts]] = (Counter(), Counter())
            name = f"{of._meta.verbose_name} {pk}"
            for _, side, label, facts in both:
                counts[side][facts] += 1
                name = label or name
            if counts[0] != counts[1]:
                there_alone, said_alone = counts[0] - counts[1], counts[1] - counts[0]
                yield Breach(
                    rule,
                    name,
                    f"has {_listed(there_alone)} unknown to the audit trail, which has {_listed(said_alone)}",
                )

    check.__name__ = rule.replace("-", "_")
    return check


def _listed(facts: Counter[Facts]) -> str:
    every = ["(" + ", ".join(map(_shown, each)) + ")" for each in facts.elements()]
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return (", ".join(every[:LISTED]) + more) or "nothing"


def _shown(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else "–" if value is None else str(value)


# --- What events keep of a row ------------------------------------------------------------------


def amount_in(data: Mapping[str, Any], name: str) -> Decimal | None:
    """An amount as an event keeps it, or None."""
    value = data.get(name)
    return None if value is None else Decimal(value)


def day_in(data: Mapping[str, Any], name: str) -> date | None:
    value = data.get(name)
    return None if value is None else date.fromisoformat(value)
