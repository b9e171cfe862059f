"""Pages of long lists, and filters of long tables: what a stock list counts and sorts to the end is cut short here."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connections, models
from django.http import HttpRequest
from django.utils.functional import cached_property

#: Beyond so many rows nobody asks how many exactly.
MOST_COUNTED = 10_000
#: Pages beyond are not looked for: a number of twenty digits is a slip.
_LAST_PAGE = 1_000_000


class ShortCount(Paginator[Any]):
    """Counts to ``most`` rows, or to a page beyond the one that is asked for, whichever is more.

    Every page can so be reached from the one before it, and what is said of the number is true: where there are
    ``more``, ``count`` is only how far it was counted.
    """

    most: ClassVar[int] = MOST_COUNTED

    def __init__(self, rows: models.QuerySet[Any], per_page: int, *, asked: int = 1, **options: Any) -> None:
        super().__init__(rows, per_page, **options)
        self._asked = min(max(asked, 1), _LAST_PAGE)

    @cached_property
    def count(self) -> int:
        return min(self._counted, self._limit)

    @property
    def more(self) -> bool:
        """Whether there are more rows than ``count``."""
        return self._counted > self._limit

    @property
    def _limit(self) -> int:
        return max(self.most, (self._asked + 1) * self.per_page)

    @cached_property
    def _counted(self) -> int:
        rows: models.QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[: self._limit + 1].count()


class FewValues(admin.AllValuesFieldListFilter):
    """A filter by each of the few values that a column has, in a table of any length.

    Django asks for them with ``DISTINCT``, which reads every row. Here each value is found behind the one before it, by
    the index that begins with the column. Unlike Django's it names values that only rows have which the person does
    not see; so it is for tables that are seen wholly or not at all.
    """

    def __init__(self, field: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(field, request, *args, **kwargs)
        self.lookup_choices = _few_values(field)  # type: ignore[assignment]


def is_for_few_values(model: type[models.Model], name: Any) -> bool:
    """Whether the field is text without choices that an index begins with."""
    if not isinstance(name, str) or name not in {field.name for field in model._meta.fields}:
        return False
    field = model._meta.get_field(name)
    is_text = isinstance(field, models.CharField) and not field.choices and not field.null
    return is_text and any(index.fields[:1] == [name] and index.condition is None for index in model._meta.indexes)


def _few_values(field: models.Field[Any, Any]) -> list[Any]:
    alias = field.model._default_manager.db
    quote = connections[alias].ops.quote_name
    table, column = quote(field.model._meta.db_table), quote(str(field.column))
    sql = (
        f"WITH RECURSIVE few(value) AS (SELECT MIN({column}) FROM {table}"  # noqa: S608
        f" UNION ALL SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > few.value)"
        " FROM few WHERE few.value IS NOT NULL)"
        " SELECT value FROM few WHERE value IS NOT NULL"
    )
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return [value for (value,) in cursor.fetchall()]
