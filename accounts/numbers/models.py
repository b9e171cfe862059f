"""Numbers without gaps."""

from __future__ import annotations

from datetime import date

from django.db import connections, models, router
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.sql import quoted_table


class NumberSeries(models.Model):
    """The last number given out in a series, for numbers without gaps: taken and used in one transaction. For the days
    of documents, the last day (as year, month and day, 20240131).
    """

    name = models.CharField(_("name"), max_length=40, primary_key=True)
    last = models.PositiveBigIntegerField(_("last"), default=0)

    class Meta:
        verbose_name = _("number series")
        verbose_name_plural = _("number seriess")
        constraints = [models.CheckConstraint(condition=Q(last__gte=0), name="series_not_negative")]

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


def next_number(series: str) -> int:
    """The next number of a series, from 1. The series stays locked until the caller's transaction ends, so a
    rollback leaves no gap.
    """
    return next_numbers(series, 1)[0]


def next_numbers(series: str, count: int) -> range:
    """As ``next_number``, for several numbers at once."""
    last = _stand(series, count, "{table}.last + excluded.last")
    return range(last - count + 1, last + 1)


def next_day(series: str, on: date) -> date:
    """The day of a document that is written ``on`` a day: never before the last one's of the series, whose numbers are
    so in the order of their days even where a clock was wrong, or a run caught up. The series stays locked until the
    caller's transaction ends.
    """
    later = "CASE WHEN excluded.last > {table}.last THEN excluded.last ELSE {table}.last END"
    return date.fromisoformat(str(_stand(f"day-of-{series}", int(f"{on:%Y%m%d}"), later)))


def _stand(series: str, first: int, then: str) -> int:
    """Where the series stands now: at ``first`` if it is new, otherwise at what the SQL ``then`` says. Locks it."""
    connection = connections[router.db_for_write(NumberSeries)]
    table = quoted_table(NumberSeries, connection)
    sql = (
        f"INSERT INTO {table} (name, last) VALUES (%s, %s)"  # noqa: S608 - the name of a table
        f" ON CONFLICT (name) DO UPDATE SET last = {then.format(table=table)} RETURNING last"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [series, first])
        last: int = cursor.fetchone()[0]
    return last
