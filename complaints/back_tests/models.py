"""A draft policy tried on past cases: what would have come out under it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

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

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="back_tests", verbose_name=_("version"))
    parameters: Any = models.JSONField(_("parameters"), default=dict)
    since = models.DateField(_("since"))
    until = models.DateField(_("until"))
    job = models.OneToOneField(Job, models.PROTECT, related_name="back_test", verbose_name=_("job"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked at"))

    class Meta:
        verbose_name = _("back-test")
        verbose_name_plural = _("back-tests")
        ordering = ("-asked_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=models.F("since")), name="back_test_ends_after_start"),
        ]

    def __str__(self) -> str:
        return str(say("Back-test of {version}", version=self.version))


class BackTestCase(AppendOnlyModel):
    """One past case under the draft: what was given then, what could have been given."""

    back_test = models.ForeignKey(BackTest, models.PROTECT, related_name="cases", verbose_name=_("back test"))
    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="+", verbose_name=_("complaint"))
    refund = models.ForeignKey(
        Refund, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("refund")
    )
    basis = models.CharField(_("basis"), max_length=12, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    then = MoneyField(_("then"), default=Decimal(0))
    under_draft = MoneyField(_("under draft"), default=Decimal(0))
    differs = models.BooleanField(_("differs"), default=False)
    why = models.CharField(_("why"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("back test case")
        verbose_name_plural = _("back test cases")
        ordering = ("pk",)
        indexes = [
            models.Index(fields=("back_test", "id"), name="back_test_differing", condition=Q(differs=True)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(then__gte=0, under_draft__gte=0), name="back_test_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.complaint_id}: {self.then:f}, {self.under_draft:f}"
