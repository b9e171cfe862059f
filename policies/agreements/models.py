"""Special terms of one customer (R1): an agreement wins over the policy."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.customers.models import Customer
from accounts.four_eyes.models import PublishedByAnother, published_by_another
from audit.tracked import TrackedQuerySet
from core.text import say


class AgreementQuerySet(TrackedQuerySet["Agreement"]):
    def published_with(self, customers: Collection[int]) -> Self:
        """What was published for any of these customers, the newest first."""
        published = self.filter(customer__in=customers, state=Agreement.State.PUBLISHED)
        return published.order_by("-valid_from", "-pk")


class Agreement(PublishedByAnother):
    """Special terms of one customer, from a day to a day (both counted). They go before the policy (R1).

    ``terms`` are those figures of the refund policy that differ, by the policy's own names. Once published it is never
    edited; a later one replaces it from its day on.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        DISCARDED = "discarded", _("Discarded")

    NO_DRAFT = gettext_noop("This agreement is “{state}”: it is never edited.")
    OWN_DRAFT = gettext_noop("You drafted this agreement: somebody else has to publish it.")
    DAY_TAKEN = gettext_noop("Another agreement with this customer holds from the same day.")
    ONCE = ("customer", "valid_from")
    DRAFTS_ARE_EDITED = True

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="agreements", verbose_name=_("customer"))
    title = models.CharField(_("title"), max_length=120)
    text = models.TextField(_("text"), blank=True)
    terms: Any = models.JSONField(_("terms"), default=dict)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
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
            published_by_another(),
            models.UniqueConstraint(
                fields=("customer", "valid_from"), condition=Q(state="published"), name="agreement_once_per_day"
            ),
        ]

    def __str__(self) -> str:
        return str(say("{title} with {customer}", title=self.title, customer=self.customer.name))

    def holds_on(self, day: date) -> bool:
        """Whether the day lies within the agreement's, both ends counted."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)
