"""Service interruptions and whom they hit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from audit.tracked import AppendOnlyModel, TrackedModel, TrackedQuerySet
from billing.plans.models import Plan
from billing.subscriptions.models import BillingPeriod, Subscription
from core.text import join


class IncidentQuerySet(TrackedQuerySet["Incident"]):
    def hitting(self, scopes: models.QuerySet[IncidentScope]) -> Self:
        """Incidents that hit any of these scopes, or everybody."""
        return self.filter(Q(hits_everybody=True) | Q(pk__in=scopes.values("incident")))

    def overlapping(self, start: datetime, end: datetime) -> Self:
        """Incidents that touch ``[start, end)``; one that still runs has no end."""
        return self.filter(Q(ends_at__gt=start) | Q(ends_at__isnull=True), starts_at__lt=end)

    def touching(self, start: datetime, end: datetime) -> Self:
        """The same, and those that end where it starts or start where it ends."""
        return self.filter(Q(ends_at__gte=start) | Q(ends_at__isnull=True), starts_at__lte=end)


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

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """As ``IncidentQuerySet.overlapping``."""
        return self.starts_at < end and (self.ends_at is None or self.ends_at > start)

    def touches(self, start: datetime, end: datetime) -> bool:
        """As ``IncidentQuerySet.touching``."""
        return self.starts_at <= end and (self.ends_at is None or self.ends_at >= start)


class IncidentChange(AppendOnlyModel):
    """Somebody recorded the incident, ended it or changed it, and so does not approve a refund that counts it.

    The system leaves none: it approves nothing. Who runs an import does.
    """

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="changes", verbose_name=_("incident"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change of an incident")
        verbose_name_plural = _("changes of incidents")
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return str(join(", ", (self.incident.code, self.by)))


class IncidentScopeQuerySet(TrackedQuerySet["IncidentScope"]):
    def reaching(self, periods: Collection[BillingPeriod]) -> Self:
        """Scopes that name the subscription of any of the periods, or the plan that the period was billed with."""
        plans = {period.plan_id for period in periods}
        return self.filter(Q(subscription__in={period.subscription_id for period in periods}) | Q(plan__in=plans))


class IncidentScope(TrackedModel):
    """One plan or one subscription that an incident hits."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="scopes", verbose_name=_("incident"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("plan"))
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("subscription")
    )

    objects: ClassVar = IncidentScopeQuerySet.as_manager()

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
