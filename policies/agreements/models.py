"""Special terms of one customer (R1): an agreement wins over the policy."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.tracked import TrackedModel, TrackedQuerySet
from core.text import say


class AgreementQuerySet(TrackedQuerySet["Agreement"]):
    def published_with(self, customers: Collection[int]) -> Self:
        """What was published for any of these customers, the newest first."""
        published = self.filter(customer__in=customers, state=Agreement.State.PUBLISHED)
        return published.order_by("-valid_from", "-pk")


class Agreement(TrackedModel):
    """Special terms of one customer, from a day to a day (both counted). They go before the policy (R1).

    ``terms`` are those figures of the refund policy that differ, by the policy's own names. Drafted by one person,
    published by another, then never edited; a later one replaces it from its day on.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        DISCARDED = "discarded", _("Discarded")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="agreements", verbose_name=_("customer"))
    title = models.CharField(_("title"), max_length=120)
    text = models.TextField(_("text"), blank=True)
    terms: Any = models.JSONField(_("terms"), default=dict)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    drafted_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("drafted by"))
    published_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("published by")
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)

    objects: ClassVar = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        ordering = ("customer", "-valid_from", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="agreement_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "discarded"), published_by__isnull=True)
                | (Q(state="published", published_by__isnull=False) & ~Q(published_by=F("drafted_by"))),
                name="agreement_published_by_another",
            ),
            models.UniqueConstraint(
                fields=("customer", "valid_from"), condition=Q(state="published"), name="agreement_once_per_day"
            ),
        ]

    def __str__(self) -> str:
        return str(say("{title} with {customer}", title=self.title, customer=self.customer.name))

    def holds_on(self, day: date) -> bool:
        """Whether the day lies within the agreement's, both ends counted."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)
