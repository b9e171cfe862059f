"""Set-based writes: one statement for the rows, and for tracked ones one ``INSERT .. SELECT`` for their history.

Everything happens in the caller's transaction and works on both databases; what fails undoes it, there is no savepoint
of our own. These functions are the only way to change many tracked rows at once.

Rows that are nearly alike are written as copies of a few prototypes (``create_tracked_from``): a prototype is built by
the same function that would build each row, so no rule is written a second time in SQL, and neither Python nor the
connection handles a row's forty columns when only two of them are its own.
"""

# Every name in this SQL is that of a table or a column of a model, every value is bound.
# ruff: noqa: S608

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.tracked import AppendOnlyModel, Tracked
from audit.versions import record_versions
from core.sql import in_list, primary_key, quoted_columns, quoted_table

CHUNK = 2000


def update_tracked[M: Tracked](rows: models.QuerySet[M], *, reason: str = "", **changes: Any) -> int:
    """Set the columns on every row of the queryset and record one history row each. Returns how many changed.

    The rows are locked first, by key; values may be expressions.
    """
    with transaction.atomic(savepoint=False):
        pks = list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
        return update_held(rows.model, pks, reason=reason, **changes)


def update_held[M: Tracked](model: type[M], pks: Sequence[int], *, reason: str = "", **changes: Any) -> int:
    """As ``update_tracked``, for rows that the caller's transaction has locked already."""
    with transaction.atomic(savepoint=False):
        for part in _parts(len(pks)):
            models.QuerySet.update(model._base_manager.filter(in_list("pk", pks[part])), **changes)
            record_versions(model, pks[part], "~", reason)
        return len(pks)


def create_tracked[M: Tracked](model: type[M], rows: Sequence[M], *, reason: str = "") -> list[M]:
    """Insert the rows and record one history row each. Returns them with their keys."""
    made: list[M] = []
    with transaction.atomic(savepoint=False):
        for part in _parts(len(rows)):
            batch = models.QuerySet.bulk_create(model._base_manager.all(), rows[part])
            made.extend(batch)
            record_versions(model, [row.pk for row in batch], "+", reason)
    return made


def create_tracked_from[M: Tracked](
    model: type[M], like: Sequence[M], *, known_by: str, reason: str = "", **own: Sequence[Any]
) -> list[int]:
    """Insert one row for each place of ``like``, a copy of the prototype (an unsaved row) that stands there, and record
    one history row each. Returns the rows' keys, in the rows' order; they rise in it.

    The same prototype may stand at many places: what it says is prepared and sent once. ``own`` has, by column
    (``customer_id``, not ``customer``), one value for each row; what the prototypes say there does not matter.
    ``known_by`` is one of these columns, of numbers or texts all different: by it the rows' keys are told apart.

    Raises:
        ValueError: a column has not one value for each row, or ``known_by`` has one twice.
    """
    _require_even(like, own)
    if len(set(own[known_by])) != len(like):
        raise ValueError(f"The rows' keys cannot be told apart by {known_by}: a value is there twice.")
    pks: list[int] = []
    with transaction.atomic(savepoint=False):
        for part in _parts(len(like)):
            mine = {name: values[part] for name, values in own.items()}
            known = dict(_insert(model, like[part], mine, returning=known_by))
            made = [known[value] for value in mine[known_by]]
            record_versions(model, made, "+", reason)
            pks.extend(made)
    return pks


def create_one(row: AppendOnlyModel) -> None:
    """Insert a row that is written once and whose key nobody asks for; the statement is composed once for its model."""
    model = type(row)
    connection = connections[router.db_for_write(model)]
    sql, fields = _inserting(model, connection.alias)
    with connection.cursor() as cursor:
        cursor.execute(sql, [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields])


@cache
def _inserting(model: type[models.Model], alias: str) -> tuple[str, list[models.Field[Any, Any]]]:
    """The statement that inserts one row, and the fields that it is given."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = quoted_columns(fields, connections[alias])
    values = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quoted_table(model, connections[alias])} ({', '.join(columns)}) VALUES ({values})", fields


def create_from[M: AppendOnlyModel](model: type[M], like: Sequence[M], **own: Sequence[Any]) -> None:
    """As ``create_tracked_from``, for rows that are written once and so have no history."""
    _require_even(like, own)
    with transaction.atomic(savepoint=False):
        for part in _parts(len(like)):
            _insert(model, like[part], {name: values[part] for name, values in own.items()})


def create_new_from[M: AppendOnlyModel](
    model: type[M], like: Sequence[M], *, known_by: str, **own: Sequence[Any]
) -> dict[Any, int]:
    """As ``create_from``, but a row whose ``known_by`` is there already is left as it stands, even if somebody else
    writes it at this moment. Returns the keys of the rows that were written, by ``known_by``.

    ``known_by`` is a column of ``own`` that the table holds unique.
    """
    _require_even(like, own)
    written: dict[Any, int] = {}
    with transaction.atomic(savepoint=False):
        for part in _parts(len(like)):
            mine = {name: values[part] for name, values in own.items()}
            written.update(_insert(model, like[part], mine, returning=known_by, unless_there=True))
    return written


def _require_even(like: Sequence[Any], own: Mapping[str, Sequence[Any]]) -> None:
    if uneven := [name for name, values in own.items() if len(values) != len(like)]:
        raise ValueError(f"{', '.join(uneven)}: one value for each of the {len(like)} rows is due.")


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


# --- SQL ----------------------------------------------------------------------------------------


def _insert(
    model: type[models.Model],
    like: Sequence[models.Model],
    own: Mapping[str, Sequence[Any]],
    *,
    returning: str = "",
    unless_there: bool = False,
) -> list[tuple[Any, int]]:
    """Insert a copy of each of ``like``, in one statement. Returns each row's column ``returning`` and its key.

    ``unless_there`` passes over a row whose ``returning``, a unique column, another row has.
    """
    connection = connections[router.db_for_write(model)]
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.primary_key}
    own_fields = [fields[name] for name in own]
    alike = [field for field in fields.values() if field not in own_fields]
    distinct = {id(prototype): prototype for prototype in like}
    places = {prototype_id: place for place, prototype_id in enumerate(distinct)}
    prototypes = _Table(connection, "alike", alike)
    # The last column of the rows is the place of their prototype.
    rows = _Table(connection, "own", [*own_fields, models.IntegerField()])
    *own_values, prototype_place = rows.columns
    columns = ", ".join(quoted_columns([*alike, *own_fields], connection))
    sql = (
        f"WITH {prototypes.sql}, {rows.sql} INSERT INTO {quoted_table(model, connection)} ({columns})"
        f" SELECT {', '.join((*prototypes.columns, *own_values))}"
        f" FROM own JOIN alike ON alike.place = {prototype_place} ORDER BY own.place"
    )
    if returning:
        known_by, pk = quoted_columns([fields[returning], primary_key(model)], connection)
        if unless_there:
            sql += f" ON CONFLICT ({known_by}) DO NOTHING"
        sql += f" RETURNING {known_by}, {pk}"
    params = [
        prototypes.param(*([field.pre_save(row, add=True) for row in distinct.values()] for field in alike)),
        rows.param(*own.values(), [places[id(prototype)] for prototype in like]),
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if returning else []


class _Table:
    """Rows that a statement brings along, as a table expression over one parameter: a list in JSON.

    A whole table in one parameter has no limit of its length, and one text is bound faster than thousands of values.
    """

    def __init__(self, connection: BaseDatabaseWrapper, name: str, fields: Sequence[models.Field[Any, Any]]) -> None:
        self._connection = connection
        self._fields = fields
        self._keys = [f"c{n}" for n in range(len(fields))]
        self.columns = [f"{name}.{key}" for key in self._keys]
        if connection.vendor == "postgresql":
            # Without lengths: a text that is too long is an error, it is not cut.
            kinds = [str(field.db_type(connection)).partition("(")[0] for field in fields]
            listed = ", ".join(f"{key} {kind}" for key, kind in zip(self._keys, kinds, strict=True))
            self.sql = f"{name} AS (SELECT * FROM json_to_recordset(%s::json) AS t(place integer, {listed}))"
        else:
            listed = ", ".join(f"json_extract(value, '$.{key}') AS {key}" for key in self._keys)
            self.sql = f"{name} AS MATERIALIZED (SELECT key AS place, {listed} FROM json_each(%s))"

    def param(self, *columns: Sequence[Any]) -> str:
        """The rows' values, column by column, each as its field writes it."""
        written = [self._written(field, values) for field, values in zip(self._fields, columns, strict=True)]
        keys = ("place", *self._keys)
        rows = zip(*written, strict=True)
        listed = [dict(zip(keys, (place, *row), strict=True)) for place, row in enumerate(rows)]
        return json.dumps(listed, default=_as_text)

    def _written(self, field: models.Field[Any, Any], values: Sequence[Any]) -> Sequence[Any]:
        if isinstance(field, models.JSONField):
            if self._connection.vendor == "sqlite":
                return [None if value is None else json.dumps(value, cls=field.encoder) for value in values]
            # PostgreSQL takes what stands in the list's own JSON.
            return values if field.encoder is None else json.loads(json.dumps(list(values), cls=field.encoder))
        target: models.Field[Any, Any] = field.target_field if isinstance(field, models.ForeignKey) else field
        if type(target) in _PLAIN and {*map(type, values)} <= {_PLAIN[type(target)]}:
            return values
        return [field.get_db_prep_save(value, self._connection) for value in values]


#: Fields that write a value of the type as it is.
_PLAIN: dict[type[models.Field[Any, Any]], type] = {
    **dict.fromkeys(
        (models.BigAutoField, models.BigIntegerField, models.IntegerField, models.PositiveIntegerField), int
    ),
    **dict.fromkeys((models.CharField, models.TextField), str),
}


def _as_text(value: object) -> str:
    if isinstance(value, date):  # a datetime, too
        return value.isoformat()
    raise TypeError(f"{value!r} cannot be written as one of many.")
