"""Long work that people can watch: who asked for it, how far it is, how it ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

#: A running job that has not been heard of for so long has lost its worker. Jobs report at most about every second.
SILENT_FOR = timedelta(minutes=2)


class JobQuerySet(models.QuerySet["Job"]):
    def open(self) -> Self:
        """Jobs that have not ended: waiting or running, also when their worker was lost."""
        return self.filter(state__in=Job.OPEN_STATES)


class Job(models.Model):
    """One piece of long work, done by the background worker.

    ``done`` of ``total`` moves while it runs, so the row has no history; asking, cancelling and the end are Events.
    ``result`` holds what an unfinished run needs to go on, then what came out.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", pgettext_lazy("state of a job", "Failed")
        CANCELLED = "cancelled", pgettext_lazy("state of a job", "Cancelled")

    OPEN_STATES = (State.QUEUED, State.RUNNING)

    kind = models.CharField(_("kind"), max_length=40)
    title = models.CharField(_("title"), max_length=200)
    parameters: Any = models.JSONField(_("parameters"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked at"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("heartbeat at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    total = models.PositiveIntegerField(_("total"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    failure = models.TextField(_("failure"), blank=True)
    result: Any = models.JSONField(_("result"), default=dict, blank=True)

    objects: ClassVar = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-asked_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(done__lte=F("total")), name="job_done_within_total"),
            models.CheckConstraint(
                condition=Q(state__in=("queued", "running"), finished_at__isnull=True)
                | (~Q(state__in=("queued", "running")) & Q(finished_at__isnull=False)),
                name="job_ended_has_date",
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(failure=""), name="job_failed_has_reason"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in self.OPEN_STATES

    def is_interrupted(self, now: datetime | None = None) -> bool:
        """Whether it counts as running but its worker has not been heard of for ``SILENT_FOR``."""
        if self.state != self.State.RUNNING or self.heartbeat_at is None:
            return False
        return self.heartbeat_at <= (now or timezone.now()) - SILENT_FOR
