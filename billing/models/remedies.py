"""The other ways to give something back: minutes, a longer period, cash."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.fields import MoneyField
from accounts.models import Customer
from audit.models import TrackedModel
from billing.models.subscriptions import BillingPeriod, Subscription


class MinutesGrant(TrackedModel):
    """Minutes on top of a period's allowance; they end with the period."""

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="minutes_grants")
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="minutes_grants")
    minutes = models.PositiveIntegerField()
    granted_on = models.DateField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("granted_on", "pk")
        constraints = [models.CheckConstraint(condition=Q(minutes__gt=0), name="minutes_grant_positive")]

    def __str__(self) -> str:
        return f"{self.minutes} minutes"


class Extension(TrackedModel):
    """Days by which a period was made longer."""

    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="extensions")
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="extensions")
    days = models.PositiveIntegerField()
    closed_on_before = models.DateField()
    closes_on_after = models.DateField()
    granted_on = models.DateField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("granted_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(days__gt=0), name="extension_positive"),
            models.CheckConstraint(
                condition=Q(closes_on_after__gt=F("closed_on_before")), name="extension_moves_end_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.days} days"


class Payout(TrackedModel):
    """Cash on its way to a customer. It lives on by itself after the refund is settled."""

    class State(models.TextChoices):
        PENDING = "pending", "To be paid"
        PAID = "paid", "Paid"
        FAILED = "failed", "Failed"
        CREDITED = "credited", "Turned into a credit"

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="payouts")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="payouts")
    key = models.CharField(
        max_length=60, unique=True, help_text="Stays the same for every attempt, so that a bank pays once."
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
        return f"{self.amount:f} {self.currency} to {self.customer.name}"
