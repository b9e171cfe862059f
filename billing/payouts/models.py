"""Payouts: cash on its way."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from audit.tracked import TrackedModel
from billing.credits.models import Credit
from billing.subscriptions.models import BillingPeriod, Subscription
from core.fields import MoneyField, amount_text
from core.text import say


class Payout(TrackedModel):
    """Cash on its way to a customer. It lives on by itself after the refund is settled."""

    #: Since when money went to ``iban`` (``accounts.customers.bank_details.rules:used_accounts``).
    ACCOUNT_USED_ON = "requested_on"

    class State(models.TextChoices):
        PENDING = "pending", _("To be paid")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Failed")
        CREDITED = "credited", _("Turned into a credit")
        CANCELLED = "cancelled", _("Stopped before it was made")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="payouts", verbose_name=_("customer"))
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="payouts", verbose_name=_("subscription")
    )
    # Only cash of a refund has it: the fee that it gives back.
    period = models.ForeignKey(
        BillingPeriod, models.PROTECT, related_name="payouts", null=True, blank=True, verbose_name=_("period")
    )
    key = models.CharField(
        _("key"),
        max_length=60,
        unique=True,
        help_text=_("Stays the same for every attempt, so that a bank pays once."),
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = MoneyField(_("amount"))
    iban = models.CharField(_("IBAN"), max_length=34)
    account_holder = models.CharField(_("account holder"), max_length=140, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    requested_on = models.DateField(_("requested on"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=1)
    reference = models.CharField(_("reference"), max_length=140, blank=True)
    paid_on = models.DateField(_("paid on"), null=True, blank=True)
    failure = models.CharField(_("failure"), max_length=200, blank=True)
    credit = models.OneToOneField(
        Credit,
        models.PROTECT,
        related_name="payout",
        null=True,
        blank=True,
        help_text=_("What it was turned into."),
        verbose_name=_("credit"),
    )

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        ordering = ("requested_on", "pk")
        indexes = [models.Index(fields=("iban",), name="payout_by_iban", condition=~Q(iban=""))]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=(Q(state="paid", paid_on__isnull=False) & ~Q(reference=""))
                | (~Q(state="paid") & Q(paid_on__isnull=True)),
                name="payout_paid_has_proof",
            ),
            models.UniqueConstraint(
                fields=("reference",), condition=Q(state="paid"), name="payout_reference_settles_one"
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(failure=""), name="payout_failed_has_reason"),
        ]

    def __str__(self) -> str:
        return str(
            say("{amount} to {customer}", amount=amount_text(self.amount, self.currency), customer=self.customer.name)
        )
