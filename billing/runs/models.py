"""The billing run's record: what each run did, and whether it came to its end."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.tracked import TrackedModel
from core.text import say


class BillingRun(TrackedModel):
    """One call of the billing run for a local day. It is resumed simply by running again."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        INTERRUPTED = "interrupted", _("Interrupted")

    today = models.DateField(_("today"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.RUNNING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    batches = models.PositiveIntegerField(_("batches"), default=0)
    opened = models.PositiveIntegerField(_("opened"), default=0)
    ended = models.PositiveIntegerField(_("ended"), default=0)
    invoiced = models.PositiveIntegerField(_("invoiced"), default=0)
    overdue = models.PositiveIntegerField(_("overdue"), default=0)
    amounts: Any = models.JSONField(_("amounts"), default=dict)
    problems: Any = models.JSONField(_("problems"), default=list, blank=True)

    class Meta:
        verbose_name = _("billing run")
        verbose_name_plural = _("billing runs")
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
