"""Service interruptions and whom they hit."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.tracked import TrackedModel, TrackedQuerySet
from billing.plans.models import Plan
from billing.subscriptions.models import Subscription


class IncidentQuerySet(TrackedQuerySet["Incident"]):
    def hitting(self, subscription: Subscription) -> Self:
        """Incidents that hit the subscription: by name, by its plan, or because they hit everybody."""
        return self.filter(
            Q(hits_everybody=True)
            | Q(pk__in=IncidentScope.objects.filter(subscription=subscription).values("incident"))
            | Q(pk__in=IncidentScope.objects.filter(plan=subscription.plan_id).values("incident"))
        )

    def overlapping(self, start: datetime, end: datetime) -> Self:
        """Incidents that touch ``[start, end)``; one that still runs has no end."""
        return self.filter(Q(ends_at__gt=start) | Q(ends_at__isnull=True), starts_at__lt=end)


class Incident(TrackedModel):
    """A time in which the service, or a part of it, was down; ``scheduled`` ones are maintenance."""

    code = models.CharField(_("code"), max_length=12, unique=True)
    title = models.CharField(_("title"), max_length=120)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    scheduled = models.BooleanField(_("scheduled maintenance"), default=False)
    hits_everybody = models.BooleanField(_("hits everybody"), default=False)

    objects: ClassVar = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-starts_at",)
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="incident_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class IncidentScope(TrackedModel):
    """One plan or one subscription that an incident hits."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="scopes", verbose_name=_("incident"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("plan"))
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("subscription")
    )

    class Meta:
        verbose_name = _("incident scope")
        verbose_name_plural = _("incident scopes")
        ordering = ("incident", "pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__isnull=False, subscription__isnull=True)
                | Q(plan__isnull=True, subscription__isnull=False),
                name="incident_scope_plan_or_subscription",
            ),
            models.UniqueConstraint(fields=("incident", "plan"), name="incident_plan_once"),
            models.UniqueConstraint(fields=("incident", "subscription"), name="incident_subscription_once"),
        ]

    def __str__(self) -> str:
        return str(self.plan or self.subscription)
