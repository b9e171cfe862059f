"""The other ways to give something back: minutes, a longer period, cash."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from accounts.fields import MoneyField, amount_text
from accounts.models import Customer
from audit.models import TrackedModel
from audit.words import say, say_count
from billing.models.invoices import Credit
from billing.models.subscriptions import BillingPeriod, Subscription


class MinutesGrant(TrackedModel):
    """Minutes on top of a period's allowance; they end with the period."""

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="minutes_grants")
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="minutes_grants")
    minutes = models.PositiveIntegerField()
    reversed_minutes = models.PositiveIntegerField(default=0)
    granted_on = models.DateField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("granted_on", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(minutes__gt=0, minutes__gte=F("reversed_minutes")), name="minutes_grant_positive"
            )
        ]

    def __str__(self) -> str:
        return say_count("{count} minute", "{count} minutes", self.minutes)


class Extension(TrackedModel):
    """Days by which a period was made longer."""

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="extensions")
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="extensions")
    days = models.PositiveIntegerField()
    reversed_days = models.PositiveIntegerField(default=0)
    closed_on_before = models.DateField()
    closes_on_after = models.DateField()
    granted_on = models.DateField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("granted_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(days__gt=0, days__gte=F("reversed_days")), name="extension_positive"),
            models.CheckConstraint(
                condition=Q(closes_on_after__gt=F("closed_on_before")), name="extension_moves_end_later"
            ),
        ]

    def __str__(self) -> str:
        return say_count("{count} day", "{count} days", self.days)


class Payout(TrackedModel):
    """Cash on its way to a customer. It lives on by itself after the refund is settled."""

    class State(models.TextChoices):
        PENDING = "pending", gettext_lazy("To be paid")
        PAID = "paid", gettext_lazy("Paid")
        FAILED = "failed", gettext_lazy("Failed")
        CREDITED = "credited", gettext_lazy("Turned into a credit")
        CANCELLED = "cancelled", gettext_lazy("Cancelled by a reversal")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="payouts")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="payouts")
    key = models.CharField(
        max_length=60,
        unique=True,
        help_text=gettext_lazy("Stays the same for every attempt, so that a bank pays once."),
    )
    currency = models.CharField(max_length=3)
    amount = MoneyField()
    iban = models.CharField("IBAN", max_length=34)
    account_holder = models.CharField(max_length=140, blank=True)
    reason = models.CharField(max_length=200)
    requested_on = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=1)
    reference = models.CharField(max_length=140, blank=True)
    paid_on = models.DateField(null=True, blank=True)
    failure = models.CharField(max_length=200, blank=True)
    credit = models.OneToOneField(
        Credit,
        models.PROTECT,
        related_name="payout",
        null=True,
        blank=True,
        help_text=gettext_lazy("What it was turned into."),
    )

    class Meta:
        ordering = ("requested_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payout_positive"),
            models.CheckConstraint(
                condition=(Q(state="paid", paid_on__isnull=False) & ~Q(reference=""))
                | (~Q(state="paid") & Q(paid_on__isnull=True)),
                name="payout_paid_has_proof",
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(failure=""), name="payout_failed_has_reason"),
        ]

    def __str__(self) -> str:
        return say(
            "{amount} to {customer}", amount=amount_text(self.amount, self.currency), customer=self.customer.name
        )


class LeftoverPayout(TrackedModel):
    """Credit that a subscription left when it ended, to be paid out: proposed by one person, approved by another."""

    class State(models.TextChoices):
        PROPOSED = "proposed", gettext_lazy("Proposed")
        APPROVED = "approved", gettext_lazy("Approved")
        REJECTED = "rejected", gettext_lazy("Rejected")
        WITHDRAWN = "withdrawn", gettext_lazy("Withdrawn")

    credit = models.ForeignKey(Credit, models.PROTECT, related_name="leftover_payouts")
    amount = MoneyField()
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    payout = models.OneToOneField(Payout, models.PROTECT, related_name="leftover", null=True, blank=True)

    class Meta:
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
        return say(
            "{amount} left to {customer}",
            amount=amount_text(self.amount, credit.currency),
            customer=credit.customer.name,
        )
