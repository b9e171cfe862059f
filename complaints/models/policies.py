"""The two policies and their versions (F10)."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from audit.models import TrackedModel, TrackedQuerySet
from complaints.policy_parameters import FulfilmentParameters, RefundParameters


class Policy(TrackedModel):
    """A document with a chain of versions."""

    class Kind(models.TextChoices):
        FULFILMENT = "fulfilment", "Fulfilment policy"
        REFUND = "refund", "Refund policy"

    kind = models.CharField(max_length=12, choices=Kind, unique=True)

    class Meta:
        verbose_name_plural = "policies"
        ordering = ("kind",)

    def __str__(self) -> str:
        return self.get_kind_display()


class PolicyVersionQuerySet(TrackedQuerySet["PolicyVersion"]):
    def governing(self, kind: str, day: date) -> PolicyVersion:
        """The version that judges a period which began on the day: the one in force then, or the first ever for
        periods older than it (F10).
        """
        published = self.filter(policy__kind=kind, state=PolicyVersion.State.PUBLISHED).select_related("policy")
        return (
            published.filter(effective_from__lte=day).order_by("-effective_from", "-number").first()
            or published.order_by("number").first()
            or self.none().get()
        )


class PolicyVersion(TrackedModel):
    """One text of a policy with its parameters, from a date on. Published by somebody else, then never edited.

    The first version comes with the product and was published by nobody.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    effective_from = models.DateField()
    text = models.TextField(help_text="Markdown")
    parameters: Any = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ("policy", "-number")
        constraints = [
            models.UniqueConstraint(fields=("policy", "number"), name="policy_version_number_once"),
            models.UniqueConstraint(
                fields=("policy", "effective_from"),
                condition=Q(state="published"),
                name="policy_version_day_once",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_by__isnull=True, published_at__isnull=True)
                | Q(state="published", number=1, published_by__isnull=True)
                | (
                    Q(state="published", drafted_by__isnull=False, published_by__isnull=False)
                    & ~Q(published_by=F("drafted_by"))
                ),
                name="policy_version_published_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}, version {self.number} of {self.effective_from}"

    @property
    def refund_parameters(self) -> RefundParameters:
        """The figures of a refund policy's version."""
        return RefundParameters.from_json(self.parameters)

    @property
    def fulfilment_parameters(self) -> FulfilmentParameters:
        """The figures of a fulfilment policy's version."""
        return FulfilmentParameters.from_json(self.parameters)
