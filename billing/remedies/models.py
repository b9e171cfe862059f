"""Minutes and days that were given."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.tracked import TrackedModel, TrackedQuerySet
from billing.subscriptions.models import BillingPeriod, Subscription
from core.text import say_count


class MinutesGrant(TrackedModel):
    """Minutes on top of a subscription's allowance, from ``granted_on`` on. They end with the receiving ``period``, or
    with one of those after it, by so many as ``further_periods`` says.
    """

    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="minutes_grants", verbose_name=_("subscription")
    )
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="minutes_grants", verbose_name=_("period"))
    minutes = models.PositiveIntegerField(_("minutes"))
    further_periods = models.PositiveSmallIntegerField(_("further periods"), default=1)
    reversed_minutes = models.PositiveIntegerField(_("reversed minutes"), default=0)
    granted_on = models.DateField(_("granted on"))
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("minutes grant")
        verbose_name_plural = _("minutes grants")
        ordering = ("granted_on", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(minutes__gt=0, minutes__gte=F("reversed_minutes")), name="minutes_grant_positive"
            )
        ]

    def __str__(self) -> str:
        return str(say_count("{count} minute", "{count} minutes", self.minutes))


class ExtensionQuerySet(TrackedQuerySet["Extension"]):
    def waiting(self) -> Self:
        """Days that a voided period had received, on which nobody has decided yet."""
        return self.filter(
            period__state=BillingPeriod.State.VOIDED, days__gt=F("reversed_days"), decided_on_void_at__isnull=True
        )


class Extension(TrackedModel):
    """Days by which a period was made longer. Where the period was voided afterwards, somebody decides what becomes of
    them (``decided_on_void_by``), since they were given as a refund and never came.
    """

    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="extensions", verbose_name=_("subscription")
    )
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="extensions", verbose_name=_("period"))
    days = models.PositiveIntegerField(_("days"))
    reversed_days = models.PositiveIntegerField(_("reversed days"), default=0)
    closed_on_before = models.DateField(_("closed on before"))
    closes_on_after = models.DateField(_("closes on after"))
    granted_on = models.DateField(_("granted on"))
    reason = models.CharField(_("reason"), max_length=200)
    decided_on_void_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("decided on by, once voided"),
    )
    decided_on_void_at = models.DateTimeField(_("decided on at, once voided"), null=True, blank=True)

    objects: ClassVar = ExtensionQuerySet.as_manager()

    class Meta:
        verbose_name = _("extension")
        verbose_name_plural = _("extensions")
        ordering = ("granted_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(days__gt=0, days__gte=F("reversed_days")), name="extension_positive"),
            models.CheckConstraint(
                condition=Q(closes_on_after__gt=F("closed_on_before")), name="extension_moves_end_later"
            ),
            models.CheckConstraint(
                condition=Q(decided_on_void_by__isnull=True, decided_on_void_at__isnull=True)
                | Q(decided_on_void_by__isnull=False, decided_on_void_at__isnull=False),
                name="extension_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return str(say_count("{count} day", "{count} days", self.days))
