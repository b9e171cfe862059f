"""Set-based writes to tracked rows: one statement for the rows, one ``INSERT .. SELECT`` for their history.

Everything happens in the caller's transaction and works on both databases. These two functions are the only way to
change many tracked rows at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import Value
from django.utils import timezone

from audit import context
from audit.models import Tracked

CHUNK = 2000


def update_tracked[M: Tracked](rows: models.QuerySet[M], *, reason: str = "", **changes: Any) -> int:
    """Set the columns on every row of the queryset and record one history row each. Returns how many changed.

    The rows are locked first, by key; values may be expressions.
    """
    model = rows.model
    with transaction.atomic():
        pks = list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
        for chunk in _chunks(pks):
            models.QuerySet.update(model._base_manager.filter(pk__in=chunk), **changes)
            _record(model, chunk, "~", reason)
        return len(pks)


def create_tracked[M: Tracked](model: type[M], rows: Sequence[M], *, reason: str = "") -> list[M]:
    """Insert the rows and record one history row each. Returns them with their keys."""
    made: list[M] = []
    with transaction.atomic():
        for start in range(0, len(rows), CHUNK):
            batch = models.QuerySet.bulk_create(model._base_manager.all(), rows[start : start + CHUNK])
            made.extend(batch)
            _record(model, [row.pk for row in batch], "+", reason)
    return made


def _chunks(pks: list[Any]) -> list[list[Any]]:
    return [pks[start : start + CHUNK] for start in range(0, len(pks), CHUNK)]


def _record(model: type[models.Model], pks: list[Any], kind: str, reason: str) -> None:
    if not pks:
        return
    history: type[models.Model] = model.history.model  # type: ignore[attr-defined]
    now = context.current()
    shared = {
        "history_date": Value(timezone.now(), output_field=models.DateTimeField()),
        "history_type": Value(kind, output_field=models.CharField()),
        "history_change_reason": Value(reason or now.reason, output_field=models.TextField()),
        "history_user_id": Value(now.user.pk if now.user else None, output_field=models.BigIntegerField()),
        "history_actor_name": Value(context.actor_name(), output_field=models.CharField()),
        "history_request_id": Value(now.request_id, output_field=models.CharField()),
        "history_source": Value(now.source, output_field=models.CharField()),
    }
    own = [
        field.attname
        for field in history._meta.concrete_fields
        if field.attname not in shared and field.attname != "history_id"
    ]
    select = (
        model._base_manager.filter(pk__in=pks)
        .annotate(**{f"_{name}": value for name, value in shared.items()})
        .values_list(*own, *(f"_{name}" for name in shared))
    )
    database = router.db_for_write(history)
    connection = connections[database]
    sql, params = select.query.get_compiler(using=database).as_sql()
    by_attname = {field.attname: field.column for field in history._meta.concrete_fields}
    columns = [by_attname[name] or name for name in (*own, *shared)]
    quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {connection.ops.quote_name(history._meta.db_table)} ({quoted}) {sql}", params)
