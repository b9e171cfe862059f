"""Signals: patterns that the rules allow and that are worth a look; their dated windows, and the daily reports."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.four_eyes.models import DatedTerms, published_by_another
from audit.tracked import AppendOnlyModel
from core.text import say


class Signal(models.TextChoices):
    NEAR_LIMIT = "near_limit", _("Just under a limit, again and again")
    SHARED_ACCOUNT = "shared_account", _("One account of several customers")
    SHARED_ADDRESS = "shared_address", _("One address of several customers")
    UNPROVEN_SURPLUS = "unproven_surplus", _("Surplus without a bank line")
    RECEIVED_MOVED = "received_moved", _("Day of receipt corrected")
    REGISTERED_LATE = "registered_late", _("Registered long after its receipt")
    INCIDENT_MOVED = "incident_moved", _("Incident corrected")
    TEAM_INCIDENT = "team_incident", _("Incident of the proposer’s team")
    MUTUAL_PAIR = "mutual_pair", _("Two who approve each other")
    NEW_ACCOUNT = "new_account", _("Cash to an account changed lately")
    PLAN_CHANGE = "plan_change", _("Just after a change of plan")


class SignalWindow(DatedTerms):
    """What counts as a signal from a date on: how far back it looks (``days``), how close two acts are (``within``, in
    days), how many there are at least (``count``), and the per cent. What is left blank keeps its built-in figure.
    """

    NO_DRAFT = gettext_noop("These figures are published already.")
    OWN_DRAFT = gettext_noop("You drafted these figures: somebody else has to publish them.")
    DAY_TAKEN = gettext_noop("Other figures with this date are published already.")
    ONCE = ("signal", "valid_from")

    signal = models.CharField(_("signal"), max_length=20, choices=Signal)
    days = models.PositiveSmallIntegerField(_("days back"), null=True, blank=True)
    within = models.PositiveSmallIntegerField(_("days between"), null=True, blank=True)
    count = models.PositiveSmallIntegerField(_("at least"), null=True, blank=True)
    percent = models.PositiveSmallIntegerField(_("per cent"), null=True, blank=True)

    class Meta:
        verbose_name = _("figures of a signal")
        verbose_name_plural = _("figures of signals")
        ordering = ("signal", "-valid_from")
        constraints = [
            published_by_another(),
            models.UniqueConstraint(
                fields=("signal", "valid_from"), condition=Q(state="published"), name="signal_window_once_per_day"
            ),
            models.CheckConstraint(
                condition=(Q(days__isnull=True) | Q(days__range=(1, 366)))
                & (Q(within__isnull=True) | Q(within__range=(1, 366)))
                & (Q(count__isnull=True) | Q(count__gte=1))
                & (Q(percent__isnull=True) | Q(percent__range=(1, 100))),
                name="signal_window_within_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(say("{signal} from {day}", signal=self.get_signal_display(), day=self.valid_from))


class SignalReport(AppendOnlyModel):
    """What was found at one time, by the figures of that day. ``findings`` is a list of ``{"signal", "values",
    "rows", "refunds"}``, a row being its name, model and key, ``refunds`` the keys of those it is told beside; it holds
    names of staff and no customer's data. ``windows`` are the figures, by signal.
    """

    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"))
    windows: Any = models.JSONField(_("figures"))
    findings: Any = models.JSONField(_("findings"))

    class Meta:
        verbose_name = _("report of signals")
        verbose_name_plural = _("reports of signals")
        ordering = ("-made_at", "-pk")

    def __str__(self) -> str:
        return str(say("Signals of {day}", day=timezone.localdate(self.made_at)))
