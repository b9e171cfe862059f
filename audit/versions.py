"""How a row's past is written: a copy of the row as it stands, by one statement.

Every name in this SQL is that of a table or a column of a model, every value is bound.
"""

# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from django.db import connections, models, router
from django.utils import timezone

from audit import context
from core.sql import IN_LIST, one_text, primary_key, quoted_columns, quoted_table


def record_versions(model: type[models.Model], pks: Sequence[int], kind: str, reason: str) -> None:
    """One history row for each of the rows, as they stand now, in the caller's transaction."""
    if not pks:
        return
    connection = connections[router.db_for_write(model)]
    now = context.current()
    shared = {
        "history_date": timezone.now(),
        "history_type": kind,
        "history_change_reason": reason or now.reason,
        "history_user_id": now.user.pk if now.user else None,
        "history_actor_name": context.actor_name(),
        "history_request_id": now.request_id,
        "history_source": now.source,
    }
    sql, fields = _versioning(model, connection.alias, tuple(shared))
    params = [field.get_db_prep_save(shared[field.attname], connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, one_text(pks, connection)])


@cache
def _versioning(
    model: type[models.Model], alias: str, shared: tuple[str, ...]
) -> tuple[str, list[models.Field[Any, Any]]]:
    """The statement that copies rows into their history, and the fields that it is given, which the rows lack."""
    history: type[models.Model] = cast("Any", model).history.model
    connection = connections[alias]
    fields = {field.attname: field for field in history._meta.concrete_fields if not field.primary_key}
    given = [fields[name] for name in shared]
    own = quoted_columns([field for name, field in fields.items() if name not in shared], connection)
    columns = ", ".join((*own, *quoted_columns(given, connection)))
    values = ", ".join((*own, *(["%s"] * len(given))))
    (pk,) = quoted_columns([primary_key(model)], connection)
    return (
        f"INSERT INTO {quoted_table(history, connection)} ({columns})"
        f" SELECT {values} FROM {quoted_table(model, connection)} WHERE {pk} {IN_LIST[connection.vendor]} ORDER BY {pk}"
    ), given
