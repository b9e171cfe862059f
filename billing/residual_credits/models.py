"""Leftover credit on its way to the customer, under four eyes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.four_eyes.models import ApprovedByAnother, approved_by_another
from billing.credits.models import Credit
from billing.payouts.models import Payout
from core.fields import MoneyField, amount_text
from core.text import say


class ResidualCreditPayout(ApprovedByAnother):
    """Credit that a subscription left when it ended, to be paid out."""

    NOT_PROPOSED = gettext_noop("This payout is “{state}”: it waits for nobody any more.")
    OWN_PROPOSAL = gettext_noop("This is your own proposal: somebody else has to decide on it.")

    credit = models.ForeignKey(Credit, models.PROTECT, related_name="leftover_payouts", verbose_name=_("credit"))
    amount = MoneyField(_("amount"))
    payout = models.OneToOneField(
        Payout, models.PROTECT, related_name="leftover", null=True, blank=True, verbose_name=_("payout")
    )

    class Meta:
        verbose_name = _("leftover payout")
        verbose_name_plural = _("leftover payouts")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="leftover_payout_positive"),
            approved_by_another(),
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(payout__isnull=False), name="leftover_payout_approved_is_paid"
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
