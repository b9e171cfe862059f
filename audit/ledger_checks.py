"""What a check of the books found: a rule, the row that breaks it, and the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from core.fields import MoneyField

#: Rows read at a time: the books may be larger than the memory.
CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Breach:
    """One row that breaks a rule. ``figures`` is a sentence with what was expected and what is there."""

    rule: str
    row: str
    figures: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.row}: {self.figures}"


type Check = Callable[[], Iterable[Breach]]


def run_checks(checks: Iterable[Check]) -> Iterator[Breach]:
    """Everything that the checks find, one check after another. Only reads.

    A check that cannot go on is a breach itself, and the others do: one impossible value must not blind them all.
    """
    for check in checks:
        yield from _as_far_as_it_goes(check)


def _as_far_as_it_goes(check: Check) -> Iterator[Breach]:
    # A statement that fails would end the whole transaction on PostgreSQL: it ends at a savepoint.
    savepoint = transaction.savepoint_create() if transaction.get_connection().in_atomic_block else None
    try:
        yield from check()
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is told
        if savepoint is not None:
            transaction.savepoint_rollback(savepoint)
        name = f"{getattr(check, '__module__', '')}.{getattr(check, '__name__', check)}"
        said = f"{type(problem).__name__}: {problem}"
        yield Breach("check-failed", f"check {name}", f"could not be finished, look at the rows it reads: {said}")
    else:
        if savepoint is not None:
            transaction.savepoint_commit(savepoint)


NOTHING = Value(Decimal(0), output_field=MoneyField())


def sum_of(rows: QuerySet[Any], by: str, amount: str = "amount") -> Any:
    """The sum of ``amount`` over the rows whose ``by`` is the outer row; 0 without any."""
    found = rows.filter(**{by: OuterRef("pk")}).order_by().values(by).annotate(sum=Sum(amount)).values("sum")
    return Coalesce(Subquery(found, output_field=MoneyField()), NOTHING)


def each(rows: QuerySet[Any]) -> Iterator[Any]:
    """The rows by key, read in chunks; with whatever was annotated."""
    return rows.order_by("pk").iterator(chunk_size=CHUNK)
