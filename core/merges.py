"""Rows that turned out to be one and the same: followed through any number of merges, within one question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.db.models import BigAutoField, Func

if TYPE_CHECKING:
    from django.db.models import Model

_ALL = (
    "(WITH RECURSIVE merged_(id) AS (SELECT id FROM {table} WHERE id = %(expressions)s UNION {step})"
    " SELECT id FROM merged_)"
)
#: As it was at a moment: the row's key and the moment are the expressions, the steps are those of the history.
_ALL_THEN = (
    "(WITH RECURSIVE merged_(id, until_) AS (SELECT %(expressions)s UNION {step} AND row_.history_date < until_)"
    " SELECT id FROM merged_)"
)
_INTO = "SELECT row_.id{until} FROM {table} row_ JOIN merged_ ON row_.merged_into_id = merged_.id"
_EITHER_WAY = (
    "SELECT CASE WHEN row_.id = merged_.id THEN row_.merged_into_id ELSE row_.id END{until} FROM {table} row_"
    " JOIN merged_ ON (row_.merged_into_id = merged_.id OR (row_.id = merged_.id AND row_.merged_into_id IS NOT NULL))"
)


class WithMerged(Func):
    """The keys of a row and of all that were merged into it, also by way of a third: for a lookup with ``in``.

    The model calls the survivor ``merged_into``. ``either_way`` adds the survivors and what else was merged into them.
    ``until`` is a moment: what was merged later is left out, as the history of the (tracked) model has it.
    """

    output_field = BigAutoField()

    def __init__(self, key: Any, model: type[Model], *, either_way: bool = False, until: Any = None) -> None:
        then = until is not None
        super().__init__(*((key, until) if then else (key,)))
        table = (cast("Any", model).history.model if then else model)._meta.db_table
        step = (_EITHER_WAY if either_way else _INTO).format(table=table, until=", until_" if then else "")
        self.template = (_ALL_THEN if then else _ALL).format(table=table, step=step)
