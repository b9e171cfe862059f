"""What it takes two people for: drafted by one and published by another, or proposed by one and approved by another."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from audit.tracked import TrackedModel, TrackedQuerySet


def published_by_another() -> models.CheckConstraint:
    """The database's own four eyes: what is published was published by somebody else than its drafter."""
    return models.CheckConstraint(
        condition=(~Q(state="published") & Q(published_by__isnull=True))
        | (Q(state="published", published_by__isnull=False) & ~Q(published_by=F("drafted_by"))),
        name="%(class)s_published_by_another",
    )


def approved_by_another() -> models.CheckConstraint:
    """As ``published_by_another``, for what is proposed and approved."""
    return models.CheckConstraint(
        condition=~Q(state="approved") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
        name="%(class)s_approved_by_another",
    )


class PublishedByAnother(TrackedModel):
    """Drafted by one person, and of no effect before another publishes it. ``accounts.four_eyes.rules`` has the rules.

    A model whose drafts can be discarded, or whose states are other words, has a ``State`` of its own.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")

    #: Why it is not to be published or changed: it is no draft any more; whoever asks drafted it; there is another.
    NO_DRAFT: ClassVar[str] = gettext_noop("This is published already.")
    OWN_DRAFT: ClassVar[str] = gettext_noop("You drafted this: somebody else has to publish it.")
    DAY_TAKEN: ClassVar[str] = gettext_noop("Other terms with this date are published already.")
    #: No two that are published are the same in all of these.
    ONCE: ClassVar[tuple[str, ...]] = ()
    #: Whether a draft can be edited: whoever ever did does not publish it.
    DRAFTS_ARE_EDITED: ClassVar[bool] = False

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("drafted by")
    )
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("published by"),
    )

    class Meta:
        abstract = True

    def comes_too_late(self, today: date) -> bool:
        """Whether it would change by today what was so before."""
        return False

    def rivals(self) -> models.QuerySet[Any]:
        """What is published and leaves no room for this."""
        rows = type(self)._base_manager.filter(state="published")
        same = {name: self.serializable_value(name) for name in self.ONCE}
        return rows.filter(**same) if same else rows.none()


class DatedTermsQuerySet[M: models.Model](TrackedQuerySet[M]):
    def in_force(self, day: date) -> Self:
        """Published terms that hold on the day, or for a period that begins on it, the newest first."""
        return self.filter(state="published", valid_from__lte=day).order_by("-valid_from", "-pk")


class DatedTerms(PublishedByAnother):
    """What holds from a date on, until something newer of the same kind does."""

    valid_from = models.DateField(_("valid from"))

    objects: ClassVar = DatedTermsQuerySet.as_manager()

    class Meta:
        abstract = True


class ApprovedByAnother(TrackedModel):
    """Proposed by one person with a reason, and of no effect before another approves it."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    #: Why it is not to be decided on: it has been; whoever asks proposed it.
    NOT_PROPOSED: ClassVar[str]
    OWN_PROPOSAL: ClassVar[str]

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PROPOSED)
    reason = models.TextField(_("reason"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        abstract = True
