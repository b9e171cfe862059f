"""Rows of several small tables in one query: what a page shows of one row from many sides.

Each table gives its few columns as one JSON object, the objects come by one ``UNION ALL``, and model instances are made
of them again; a column that was not asked for is deferred as ever. For words, numbers of things and moments: a decimal
would pass through a float on its way, so amounts are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import models
from django.db.models import Value, Window
from django.db.models.functions import JSONObject, RowNumber

_PLAIN = (models.CharField, models.TextField, models.DateTimeField, models.IntegerField, models.FileField)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one table and their columns; ``by__username`` is a column of the row that ``by`` refers to.

    They come as ``order`` says it ("-at"), whatever order the queryset has: the database sorts, by its own rules.
    """

    rows: models.QuerySet[Any]
    columns: Sequence[str]
    order: Sequence[str]


def read_united(parts: Mapping[str, Part]) -> dict[str, list[Any]]:
    """The rows of each part, by its name. One query.

    Raises:
        TypeError: a column holds something that JSON does not carry to the letter, such as an amount.
    """
    selects = [_select(name, part) for name, part in parts.items()]
    found: dict[str, list[tuple[int, Any]]] = {name: [] for name in parts}
    for name, place, values in selects[0].union(*selects[1:], all=True).order_by():
        found[name].append((place, _instance(parts[name].rows, values)))
    return {name: [row for _, row in sorted(rows, key=itemgetter(0))] for name, rows in found.items()}


def put_at_hand(row: models.Model, relation: str, rows: Sequence[models.Model]) -> None:
    """Let ``row.relation.all()`` give rows that were read already, as ``prefetch_related`` does; each knows the row."""
    manager = getattr(row, relation)
    back = manager.field.name
    for each in rows:
        setattr(each, back, row)
    known = manager.all()
    known._result_cache = list(rows)
    row.__dict__.setdefault("_prefetched_objects_cache", {})[relation] = known


def _select(name: str, part: Part) -> models.QuerySet[Any, Any]:
    relations = {column.partition("__")[0] for column in part.columns if "__" in column}
    columns = {column: column for column in ("pk", *(f"{name}__pk" for name in relations), *part.columns)}
    for column in columns:
        field = _field(part.rows.model, column)
        if not isinstance(field, _PLAIN) or hasattr(field, "from_db_value"):
            raise TypeError(f"{column} is nothing that JSON carries to the letter.")
    place = Window(RowNumber(), order_by=part.order)
    return part.rows.order_by().values_list(Value(name), place, JSONObject(**columns))


def _field(model: Any, column: str) -> models.Field[Any, Any]:
    relation, _, rest = column.rpartition("__")
    if relation:
        return _field(model._meta.get_field(relation).related_model, rest)
    found: models.Field[Any, Any] = model._meta.pk if column == "pk" else model._meta.get_field(column)
    return found


def _instance(rows: models.QuerySet[Any], values: Mapping[str, Any]) -> Any:
    own = {column: value for column, value in values.items() if "__" not in column}
    row = _loaded(rows.model, rows.db, own)
    related = sorted((tuple(column.split("__")), value) for column, value in values.items() if "__" in column)
    for relation, found in groupby(related, key=lambda each: each[0][0]):
        theirs = {column: value for (_, column), value in found}
        missing = all(value is None for value in theirs.values())
        model = rows.model._meta.get_field(relation).related_model
        setattr(row, relation, None if missing else _loaded(model, rows.db, theirs))
    return row


def _loaded(model: Any, alias: str, values: Mapping[str, Any]) -> Any:
    found = {_field(model, column).attname: _value(_field(model, column), value) for column, value in values.items()}
    # ``from_db`` takes the values in the order of the model's fields.
    names = [field.attname for field in model._meta.concrete_fields if field.attname in found]
    return model.from_db(alias, names, [found[name] for name in names])


def _value(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(field, models.DateTimeField) and value is not None:
        moment = datetime.fromisoformat(value)
        # SQLite keeps moments in UTC and does not say so.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return value
