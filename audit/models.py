"""The base of every row that matters, and the record of what people did.

``TrackedModel`` gives a model its history; ``Event`` is one line a person's act leaves: done or refused.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from audit import context
from audit.history import TrackedRecords


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


class EventQuerySet(AppendOnlyQuerySet["Event"]):
    def about(self, target: models.Model) -> Self:
        """What was done to one row, newest first."""
        return self.filter(target_type=target._meta.label_lower, target_id=target.pk)

    def of_complaint(self, complaint_id: int) -> Self:
        """Everything done on one case: the complaint, its refunds, their remedies."""
        return self.filter(complaint_id=complaint_id)

    def of_customer(self, customer_id: int) -> Self:
        """Everything done for one customer."""
        return self.filter(customer_id=customer_id)


class Event(AppendOnlyModel):
    """One act of one person: what, on what, why, and whether it was done or refused.

    ``complaint_id`` and ``customer_id`` are plain numbers without a foreign key, because this app knows no other;
    they let a case's or a customer's whole story be read by one index.
    """

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    at = models.DateTimeField(db_index=False)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    actor_name = models.CharField(max_length=200)
    actor_role = models.CharField(max_length=40, blank=True)
    verb = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.DONE)
    target_type = models.CharField(max_length=60)
    target_id = models.BigIntegerField(null=True)
    target_label = models.CharField(max_length=200, blank=True)
    complaint_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    reason = models.TextField(blank=True)
    message = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    request_id = models.CharField(max_length=32, default=context.request_id)
    source = models.CharField(max_length=10, default=context.source)

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = [
            models.Index(fields=("-at", "-id"), name="event_by_time"),
            models.Index(fields=("actor", "-at"), name="event_by_actor"),
            models.Index(fields=("target_type", "target_id", "-at"), name="event_by_target"),
            models.Index(
                fields=("complaint_id", "-at"),
                name="event_by_complaint",
                condition=Q(complaint_id__isnull=False),
            ),
            models.Index(
                fields=("customer_id", "-at"),
                name="event_by_customer",
                condition=Q(customer_id__isnull=False),
            ),
            models.Index(fields=("request_id",), name="event_by_request"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(verb=""), name="event_has_verb"),
            models.CheckConstraint(condition=Q(outcome__in=("done", "refused")), name="event_outcome_known"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.verb} {self.target_label}".strip()
