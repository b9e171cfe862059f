"""Reversals: taking back a settled refund, under four eyes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.four_eyes.models import ApprovedByAnother, approved_by_another
from billing.invoices.models import Charge, CreditNote
from complaints.refunds.models import Refund
from core.fields import MoneyField
from core.text import say


class Reversal(ApprovedByAnother):
    """Taking back a settled refund: counter-entries, originals untouched.

    ``recovered`` is what came back by itself (unused credit, a payout not yet made, undone minutes and days at their
    worth); ``used`` is the rest of what was given, which becomes a charge on the next invoice only if ``charge_used``
    says so. ``due_again`` is what had been set off: the customer owes it again.
    """

    NOT_PROPOSED = gettext_noop("This reversal is “{state}” already.")
    OWN_PROPOSAL = gettext_noop("You proposed this reversal: somebody else has to decide on it.")

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="reversals", verbose_name=_("refund"))
    charge_used = models.BooleanField(_("charge what was used"), default=False)
    recovered = MoneyField(_("recovered"), default=Decimal(0))
    used = MoneyField(_("used"), default=Decimal(0))
    due_again = MoneyField(_("due again"), default=Decimal(0))
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
            models.CheckConstraint(
                condition=Q(recovered__gte=0, used__gte=0, due_again__gte=0), name="reversal_not_negative"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="reversal_has_reason"),
            approved_by_another(),
            models.UniqueConstraint(
                fields=("refund",), condition=Q(state__in=("proposed", "approved")), name="reversal_once_per_refund"
            ),
        ]

    @property
    def taken_back(self) -> Decimal:
        """What the refund does not give any more: recovered, charged, or due again."""
        charged = self.used if self.charge_used else Decimal(0)
        taken: Decimal = self.recovered + charged + self.due_again
        return taken

    def __str__(self) -> str:
        return str(say("Reversal of {refund}", refund=self.refund.code))
