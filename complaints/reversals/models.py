"""Reversals: taking back a settled refund, under four eyes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.tracked import TrackedModel
from billing.invoices.models import Charge, CreditNote
from complaints.refunds.models import Refund
from core.fields import MoneyField
from core.text import say


class Reversal(TrackedModel):
    """Taking back a settled refund, proposed by one person and approved by another: counter-entries, originals
    untouched.

    ``recovered`` is what came back by itself (unused credit, a payout not yet made, undone minutes and days at their
    worth); ``used`` is the rest, which becomes a charge on the next invoice only if ``charge_used`` says so.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="reversals", verbose_name=_("refund"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PROPOSED)
    reason = models.TextField(_("reason"))
    charge_used = models.BooleanField(_("charge what was used"), default=False)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    recovered = MoneyField(_("recovered"), default=Decimal(0))
    used = MoneyField(_("used"), default=Decimal(0))
    entries: Any = models.JSONField(_("entries"), default=list)
    charge = models.OneToOneField(
        Charge, models.PROTECT, related_name="reversal", null=True, blank=True, verbose_name=_("charge")
    )
    credit_note = models.OneToOneField(
        CreditNote, models.PROTECT, related_name="reversal", null=True, blank=True, verbose_name=_("credit note")
    )

    class Meta:
        verbose_name = _("reversal")
        verbose_name_plural = _("reversals")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(recovered__gte=0, used__gte=0), name="reversal_not_negative"),
            models.CheckConstraint(condition=~Q(reason=""), name="reversal_has_reason"),
            models.CheckConstraint(
                condition=~Q(state="approved") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="reversal_approved_by_another",
            ),
            models.UniqueConstraint(
                fields=("refund",), condition=Q(state__in=("proposed", "approved")), name="reversal_once_per_refund"
            ),
        ]

    def __str__(self) -> str:
        return str(say("Reversal of {refund}", refund=self.refund.code))
