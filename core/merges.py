"""Rows that turned out to be one and the same: followed through any number of merges, within one question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BigAutoField, Func

if TYPE_CHECKING:
    from django.db.models import Model

_ALL = (
    "(WITH RECURSIVE merged_(id) AS (SELECT id FROM {table} WHERE id = %(expressions)s UNION {step})"
    " SELECT id FROM merged_)"
)
_INTO = "SELECT row_.id FROM {table} row_ JOIN merged_ ON row_.merged_into_id = merged_.id"
_EITHER_WAY = (
    "SELECT CASE WHEN row_.id = merged_.id THEN row_.merged_into_id ELSE row_.id END FROM {table} row_ JOIN merged_"
    " ON row_.merged_into_id = merged_.id OR (row_.id = merged_.id AND row_.merged_into_id IS NOT NULL)"
)


class WithMerged(Func):
    """The keys of a row and of all that were merged into it, also by way of a third: for a lookup with ``in``.

    The model calls the survivor ``merged_into``. ``either_way`` adds the survivors and what else was merged into them.
    """

    output_field = BigAutoField()

    def __init__(self, key: Any, model: type[Model], *, either_way: bool = False) -> None:
        super().__init__(key)
        table = model._meta.db_table
        self.template = _ALL.format(table=table, step=(_EITHER_WAY if either_way else _INTO).format(table=table))
