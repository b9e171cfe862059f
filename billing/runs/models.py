"""The billing run's record: what each run did, and whether it came to its end."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from audit.tracked import TrackedModel
from core.text import say


class BillingRun(TrackedModel):
    """One call of the billing run for a local day. It is resumed simply by running again."""

    class State(models.TextChoices):
        RUNNING = "running", gettext_lazy("Running")
        FINISHED = "finished", gettext_lazy("Finished")
        INTERRUPTED = "interrupted", gettext_lazy("Interrupted")

    today = models.DateField()
    state = models.CharField(max_length=12, choices=State, default=State.RUNNING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    batches = models.PositiveIntegerField(default=0)
    opened = models.PositiveIntegerField(default=0)
    ended = models.PositiveIntegerField(default=0)
    invoiced = models.PositiveIntegerField(default=0)
    overdue = models.PositiveIntegerField(default=0)
    amounts: Any = models.JSONField(default=dict)
    problems: Any = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ("-started_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True) | ~Q(state="running"),
                name="billing_run_running_has_no_end",
            ),
            models.CheckConstraint(
                condition=~Q(state="finished") | Q(finished_at__isnull=False), name="billing_run_finished_has_end"
            ),
        ]

    def __str__(self) -> str:
        return str(say("Billing run of {day}", day=self.today))
