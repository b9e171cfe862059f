"""Numbers without gaps."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class NumberSeries(models.Model):
    """The last number given out in a series, for numbers without gaps: taken and used in one transaction."""

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
    NumberSeries.objects.get_or_create(name=series)
    row = NumberSeries.objects.select_for_update(no_key=True).get(name=series)
    row.last += 1
    row.save(update_fields=["last"])
    return row.last


def next_numbers(series: str, count: int) -> range:
    """As ``next_number``, for several numbers at once."""
    NumberSeries.objects.get_or_create(name=series)
    row = NumberSeries.objects.select_for_update(no_key=True).get(name=series)
    first = row.last + 1
    row.last += count
    row.save(update_fields=["last"])
    return range(first, first + count)
