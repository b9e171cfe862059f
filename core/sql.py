"""Pieces of the product's own SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


def in_list(column: str, values: Iterable[int]) -> models.Lookup[Any]:
    """The condition that the column is one of many numbers: as ``column__in=values`` but bound as one value, which is
    many times faster from hundreds of values on. For ``filter()``.
    """
    return _InList(models.F(column), values)


class _InList(models.Lookup[Any]):
    """See ``in_list``."""

    lookup_name = "in_list"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        sql, params = self.process_lhs(compiler, connection)
        return f"{sql} {IN_LIST[connection.vendor]}", (*params, one_text(self.rhs, connection))


#: Compares with many numbers that are bound as one value, by the database.
IN_LIST = {"postgresql": "= ANY(%s::bigint[])", "sqlite": "IN (SELECT value FROM json_each(%s))"}


def one_text(values: Iterable[int], connection: BaseDatabaseWrapper) -> str:
    """Numbers as the one value that ``IN_LIST`` takes."""
    # As one text: drivers write a list number by number, which takes longer than the statement itself.
    listed = ",".join(map(str, values))
    return f"{{{listed}}}" if connection.vendor == "postgresql" else f"[{listed}]"


def quoted_table(model: type[models.Model], connection: BaseDatabaseWrapper) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def quoted_columns(fields: Iterable[models.Field[Any, Any]], connection: BaseDatabaseWrapper) -> list[str]:
    return [connection.ops.quote_name(str(field.column)) for field in fields]


def primary_key(model: type[models.Model]) -> models.Field[Any, Any]:
    pk = model._meta.pk
    assert pk is not None
    return pk
