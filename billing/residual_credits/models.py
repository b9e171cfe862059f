"""Leftover credit on its way to the customer, under four eyes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.tracked import TrackedModel
from billing.credits.models import Credit
from billing.payouts.models import Payout
from core.fields import MoneyField, amount_text
from core.text import say


class LeftoverPayout(TrackedModel):
    """Credit that a subscription left when it ended, to be paid out: proposed by one person, approved by another."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    credit = models.ForeignKey(Credit, models.PROTECT, related_name="leftover_payouts", verbose_name=_("credit"))
    amount = MoneyField(_("amount"))
    reason = models.TextField(_("reason"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    payout = models.OneToOneField(
        Payout, models.PROTECT, related_name="leftover", null=True, blank=True, verbose_name=_("payout")
    )

    class Meta:
        verbose_name = _("leftover payout")
        verbose_name_plural = _("leftover payouts")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="leftover_payout_positive"),
            models.CheckConstraint(
                condition=~Q(state="approved")
                | (Q(decided_by__isnull=False, payout__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="leftover_payout_approved_by_another",
            ),
            models.UniqueConstraint(
                fields=("credit",), condition=Q(state="proposed"), name="leftover_payout_one_proposed"
            ),
        ]

    def __str__(self) -> str:
        credit = self.credit
        return str(
            say(
                "{amount} left to {customer}",
                amount=amount_text(self.amount, credit.currency),
                customer=credit.customer.name,
            )
        )
