"""A draft policy tried on past cases: what would have come out under it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from audit.tracked import AppendOnlyModel
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from core.fields import MoneyField
from core.text import say
from jobs.models import Job
from policies.versions.models import PolicyVersion


class BackTest(AppendOnlyModel):
    """One back-test: the draft's figures as they stood, over complaints decided in ``[since, until)``. Its numbers are
    the job's ``result``.
    """

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="back_tests")
    parameters: Any = models.JSONField(default=dict)
    since = models.DateField()
    until = models.DateField()
    job = models.OneToOneField(Job, models.PROTECT, related_name="back_test")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name = gettext_lazy("back-test")
        ordering = ("-asked_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=models.F("since")), name="back_test_ends_after_start"),
        ]

    def __str__(self) -> str:
        return str(say("Back-test of {version}", version=self.version))


class BackTestCase(AppendOnlyModel):
    """One past case under the draft: what was given then, what could have been given."""

    back_test = models.ForeignKey(BackTest, models.PROTECT, related_name="cases")
    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="+")
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="+", null=True, blank=True)
    basis = models.CharField(max_length=12, blank=True)
    currency = models.CharField(max_length=3)
    then = MoneyField(default=Decimal(0))
    under_draft = MoneyField(default=Decimal(0))
    differs = models.BooleanField(default=False)
    why = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("pk",)
        indexes = [
            models.Index(fields=("back_test", "id"), name="back_test_differing", condition=Q(differs=True)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(then__gte=0, under_draft__gte=0), name="back_test_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.complaint_id}: {self.then:f}, {self.under_draft:f}"
