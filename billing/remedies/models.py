"""Minutes and days that were given."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from audit.tracked import TrackedModel
from billing.subscriptions.models import BillingPeriod, Subscription
from core.text import say_count


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
        return str(say_count("{count} minute", "{count} minutes", self.minutes))


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
        return str(say_count("{count} day", "{count} days", self.days))
