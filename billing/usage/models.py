"""What a customer used: every call and operation once, corrections beside it, and their sums by day."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.tracked import AppendOnlyModel
from billing.subscriptions.models import BillingPeriod, Subscription
from core.fields import FixedPointField


class UsageKind(models.TextChoices):
    CALL = "call", _("Call")
    OPERATION = "operation", _("Operator operation")


class UsageRecord(AppendOnlyModel):
    """One call (in seconds) or one use of an operator operation (a quantity), known by the source's own id.

    A record that was wrong stays; a further one that ``corrects`` it, under the same id, holds the difference, which
    may be below zero. Both count, so the sum of an id is what is right now.
    """

    external_id = models.CharField(_("external id"), max_length=120)
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="usage", db_index=False, verbose_name=_("subscription")
    )
    period = models.ForeignKey(
        BillingPeriod, models.PROTECT, related_name="usage", db_index=False, verbose_name=_("period")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=UsageKind)
    operation = models.CharField(_("operation"), max_length=30, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))
    local_day = models.DateField(_("local day"))
    seconds = models.IntegerField(_("seconds"), default=0)
    quantity = FixedPointField(_("quantity"), places=4, default=Decimal(0))
    corrects = models.ForeignKey(
        "self", models.PROTECT, related_name="corrections", null=True, blank=True, verbose_name=_("corrects")
    )
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        verbose_name = _("usage record")
        verbose_name_plural = _("usage records")
        ordering = ("occurred_at", "pk")
        indexes = [models.Index(fields=("period", "occurred_at"), name="usage_by_period")]
        constraints = [
            models.UniqueConstraint(
                fields=("external_id",), condition=Q(corrects__isnull=True), name="usage_external_id_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="call", operation="", quantity=0)
                | (Q(kind="operation", seconds=0) & ~Q(operation="")),
                name="usage_is_call_or_operation",
            ),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True, kind="call", seconds__gte=0)
                | Q(corrects__isnull=True, kind="operation", quantity__gt=0)
                | (Q(corrects__isnull=False) & ~Q(seconds=0, quantity=0)),
                name="usage_below_zero_only_corrects",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class UsageDay(models.Model):
    """The sum of a period's usage of one kind on one local day, kept in the transaction that adds the records.

    Derived from ``UsageRecord`` alone, so it has no history of its own.
    """

    period = models.ForeignKey(
        BillingPeriod, models.PROTECT, related_name="usage_days", db_index=False, verbose_name=_("period")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=UsageKind)
    operation = models.CharField(_("operation"), max_length=30, blank=True)
    local_day = models.DateField(_("local day"))
    seconds = models.PositiveBigIntegerField(_("seconds"), default=0)
    quantity = FixedPointField(_("quantity"), places=4, default=Decimal(0))
    records = models.PositiveIntegerField(_("records"), default=0)

    class Meta:
        verbose_name = _("usage day")
        verbose_name_plural = _("usage days")
        ordering = ("period", "local_day", "kind", "operation")
        constraints = [
            models.UniqueConstraint(fields=("period", "kind", "operation", "local_day"), name="usage_day_once"),
            models.CheckConstraint(condition=Q(seconds__gte=0, quantity__gte=0), name="usage_day_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.local_day}: {self.operation or self.kind}"
