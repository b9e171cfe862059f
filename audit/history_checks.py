"""Tracked rows checked against their own history, which every action writes with them.

Three things show that somebody changed a row behind the product's back: it differs from its newest version, a column
that no action changes differs from an older version, or row and history are not both there. Whoever forges the newest
version too is found by the older ones, or by the checks that ask where a row's values came from.

One statement compares a whole table, however many rows and versions there are. Every name in this SQL is that of a
table or a column of a model, nothing else goes into it.
"""

# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, cast

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, Min, OuterRef, Subquery

from audit.ledger_checks import CHUNK, Breach, Check
from audit.tracked import Tracked
from core.sql import primary_key, quoted_table

#: Compares two values of which either may be null.
DISTINCT = {"postgresql": "IS DISTINCT FROM", "sqlite": "IS NOT"}
#: The longest value that a sentence shows.
SHOWN = 60


def matches_history(model: type[Tracked], *, changing: Collection[str] | None = None) -> Check:
    """The check that the rows of a tracked model are what their history says.

    ``changing`` names the columns (``plan_id``, not ``plan``) that actions change in a row that is there: all others
    have to be what they were in every version. None: any may change, so only the newest version is compared.

    Raises:
        ValueError: there is no such column.
    """
    names = {field.attname for field in _compared(model)}
    if unknown := sorted(set(changing or ()) - names):
        raise ValueError(f"{model.__name__} has no {unknown}.")
    fixed = frozenset() if changing is None else frozenset(names - set(changing))

    def check() -> Iterator[Breach]:
        yield from _altered(model, fixed)
        yield from _gone(model)

    check.__name__ = f"{model._meta.model_name}_history"
    return check


def _history(model: type[Tracked]) -> type[models.Model]:
    history: type[models.Model] = cast("Any", model).history.model
    return history


def _compared(model: type[Tracked]) -> list[models.Field[Any, Any]]:
    """The columns that the history copies, without the key."""
    kept = {field.attname for field in _history(model)._meta.concrete_fields}
    return [field for field in model._meta.concrete_fields if field.attname in kept and not field.primary_key]


def name_of(model: type[models.Model], key: object) -> str:
    """What a breach calls a row: "invoice 2026-000001", or by its key where it has no number."""
    return f"{model._meta.verbose_name} {key}"


def _known_by(model: type[models.Model]) -> str:
    """The column by which people know a row."""
    names = {field.attname for field in model._meta.concrete_fields}
    return next((name for name in ("number", "code", "key", "username") if name in names), primary_key(model).attname)


# --- Changed ------------------------------------------------------------------------------------


def _altered(model: type[Tracked], fixed: Collection[str]) -> Iterator[Breach]:
    connection = connections[router.db_for_read(model)]
    fields = _compared(model)
    with connection.chunked_cursor() as cursor:
        cursor.execute(_comparison(model, fields, fixed, connection))
        for _, rows in groupby(_rows(cursor), key=lambda row: row[0]):
            yield _judged(model, fields, fixed, [*rows], connection)


def _rows(cursor: Any) -> Iterator[Sequence[Any]]:
    while rows := cursor.fetchmany(CHUNK):
        yield from rows


def _comparison(
    model: type[Tracked], fields: Sequence[models.Field[Any, Any]], fixed: Collection[str], on: BaseDatabaseWrapper
) -> str:
    """Every row without a history, and every version that differs where it may not: key, known by, which version, of
    what kind, by whom, when; then each column as it is and as the version says.
    """

    def q(name: str | None) -> str:
        return on.ops.quote_name(str(name))

    history = _history(model)
    row, version = quoted_table(model, on), quoted_table(history, on)
    pk = q(primary_key(model).column)
    pairs = ", ".join(f"r.{q(field.column)}, h.{q(field.column)}" for field in fields)

    def differ(some: Sequence[models.Field[Any, Any]]) -> str:
        # A table may have no such column.
        return " OR ".join(f"r.{q(each.column)} {DISTINCT[on.vendor]} h.{q(each.column)}" for each in some) or "1 = 0"

    return (
        f"SELECT r.{pk}, r.{q(_known_by(model))}, h.history_id = n.newest, h.history_type, h.history_actor_name,"
        f" h.history_date, {pairs}"
        f" FROM {row} r"
        f" LEFT JOIN (SELECT {pk} AS of_row, MAX(history_id) AS newest, MIN(history_id) AS oldest"
        f" FROM {version} GROUP BY {pk}) n ON n.of_row = r.{pk}"
        f" LEFT JOIN {version} h ON h.{pk} = r.{pk}"
        f" WHERE h.history_id IS NULL"
        f" OR (h.history_id = n.newest AND (h.history_type = '-' OR {differ(fields)}))"
        f" OR (h.history_id = n.oldest AND h.history_type <> '+')"
        f" OR {differ([field for field in fields if field.attname in fixed])}"
        f" ORDER BY r.{pk}, h.history_id"
    )


def _judged(
    model: type[Tracked],
    fields: Sequence[models.Field[Any, Any]],
    fixed: Collection[str],
    versions: Sequence[Sequence[Any]],
    on: BaseDatabaseWrapper,
) -> Breach:
    """What is wrong with one row: told once, by the newest version if that one differs."""
    name = name_of(model, versions[0][1])
    newest = next((version for version in versions if version[2]), None)
    if newest is not None and (said := _differing(fields, newest, on)):
        when = _written(newest)
        return Breach("row-altered", name, f"{said} in its newest version, {when}: no action of the product wrote it")
    if versions[0][3] is None:
        return Breach("row-unknown", name, "has no history: no action of the product wrote it")
    for version in versions:
        if said := _differing([field for field in fields if field.attname in fixed], version, on, fields):
            return Breach("row-rewritten", name, f"{said} in its version {_written(version)}: no action changes that")
    return Breach("row-history-cut", name, "its history does not begin with its beginning, or says that it was deleted")


def _written(version: Sequence[Any]) -> str:
    who, when = version[4], version[5]
    day = str(when)[:16]
    return f"of {day} by {who}" if who else f"of {day}"


def _differing(
    fields: Sequence[models.Field[Any, Any]],
    version: Sequence[Any],
    on: BaseDatabaseWrapper,
    selected: Sequence[models.Field[Any, Any]] | None = None,
) -> str:
    """The columns that differ, in words: "fee is 65.00 and was 60.00". ``selected`` are all that were read."""
    said = []
    for at, field in enumerate(selected or fields):
        is_, was = version[6 + 2 * at], version[7 + 2 * at]
        if is_ != was and field in fields:
            said.append(f"{field.attname} is {_shown(field, is_, on)} and was {_shown(field, was, on)}")
    return ", ".join(said)


def _shown(field: models.Field[Any, Any], value: Any, on: BaseDatabaseWrapper) -> str:
    """A stored value as people write it."""
    column = field.cached_col
    for convert in (*on.ops.get_db_converters(column), *column.get_db_converters(on)):
        value = convert(value, column, on)
    if value is None or value == "":
        return "empty"
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


# --- Published ----------------------------------------------------------------------------------


def published(model: type[Tracked]) -> Any:
    """The published rows of dated terms, the newest first, with the moment ``since`` when they are."""
    since = _history(model)._base_manager.filter(id=OuterRef("pk"), state="published").order_by().values("id")
    rows: Any = model._base_manager
    return (
        rows.filter(state="published")
        .annotate(since=Subquery(since.annotate(first=Min("history_date")).values("first")))
        .order_by("-valid_from", "-pk")
    )


# --- Gone ---------------------------------------------------------------------------------------


def _gone(model: type[Tracked]) -> Iterator[Breach]:
    """Rows that their history knows and the table does not: nothing tracked is ever deleted."""
    history = _history(model)
    key = primary_key(model).attname
    versions = history._base_manager.filter(~Exists(model._base_manager.filter(pk=OuterRef(key)))).order_by(key)
    named = versions.values_list(key, _known_by(model)).distinct()
    for _, names in groupby(named.iterator(chunk_size=CHUNK), key=lambda row: row[0]):
        yield Breach("row-deleted", name_of(model, next(names)[1]), "is in the history and not in the books any more")
