"""The bases of every row that matters: tracked with its history, or written once.

What would slip past the history is refused here, at run time.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db import models

from audit.history import TrackedRecords
from core.text import Text


class UntrackedWrite(TypeError):
    """Raised when tracked rows would change without a history row; ``audit.bulk`` is the set-based way."""


class TrackedQuerySet[M: models.Model](models.QuerySet[M]):
    """A queryset that refuses the writes which would slip past the history."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise UntrackedWrite(f"{self.model.__name__}: use audit.bulk.update_tracked, update() leaves no history.")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UntrackedWrite(f"{self.model.__name__}: use audit.bulk.create_tracked, bulk_create() leaves no history.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UntrackedWrite(f"{self.model.__name__}: use audit.bulk.update_tracked, bulk_update() leaves no history.")

    def delete(self) -> NoReturn:
        raise UntrackedWrite(f"{self.model.__name__}: tracked rows are never deleted.")


class Tracked(models.Model):
    """What tracked models share besides the history itself (see ``TrackedModel``)."""

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UntrackedWrite(f"{type(self).__name__}: tracked rows are never deleted.")

    def _get_FIELD_display(self, field: models.Field[Any, Any]) -> Text:  # noqa: N802
        """The label of a choice as it is, so that a page and the record each find their language for it."""
        value = getattr(self, field.attname)
        label: Text = dict(field.flatchoices).get(value, value)
        return label


class TrackedModel(Tracked):
    """A row whose every version is kept: who changed it, when, why, in which request."""

    history = TrackedRecords(inherit=True)
    objects: ClassVar = TrackedQuerySet.as_manager()

    class Meta:
        abstract = True


class AppendOnlyQuerySet[M: models.Model](models.QuerySet[M]):
    """Rows that are added and read, nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise UntrackedWrite(f"{self.model.__name__} rows are never changed.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UntrackedWrite(f"{self.model.__name__} rows are never changed.")

    def delete(self) -> NoReturn:
        raise UntrackedWrite(f"{self.model.__name__} rows are never deleted.")


class AppendOnlyModel(models.Model):
    """A row that is written once: it is its own proof and needs no history."""

    objects: ClassVar = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise UntrackedWrite(f"{type(self).__name__} rows are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UntrackedWrite(f"{type(self).__name__} rows are never deleted.")
