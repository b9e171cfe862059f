"""The two policies and their versions (F10)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from accounts.four_eyes.models import PublishedByAnother
from audit.tracked import TrackedModel, TrackedQuerySet
from core.text import say
from policies.agreements.models import Agreement
from policies.parameters.parameters import CONTROLS, FulfilmentParameters, RefundParameters

#: The one figure of the fulfilment policy, which an agreement may set, too.
FULL_MONTH = "full_month_allowed"


class Policy(TrackedModel):
    """A document with a chain of versions."""

    class Kind(models.TextChoices):
        FULFILMENT = "fulfilment", _("Fulfilment policy")
        REFUND = "refund", _("Refund policy")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind, unique=True)

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        ordering = ("kind",)

    def __str__(self) -> str:
        return str(self.get_kind_display())

    @property
    def parameters(self) -> type[RefundParameters | FulfilmentParameters]:
        """The class of the figures that its versions fix."""
        return RefundParameters if self.kind == self.Kind.REFUND else FulfilmentParameters


class PolicyVersionQuerySet(TrackedQuerySet["PolicyVersion"]):
    def governing(self, kind: str, day: date) -> PolicyVersion:
        """The version that judges a period which began on the day (``in_force``)."""
        return in_force(self.filter(policy__kind=kind).published_by_day().select_related("policy"), day)

    def with_successor(self) -> Self:
        """Each version with ``superseded_on``, the day from which another holds in its place (None: no such day yet).

        ``PolicyVersion.standing`` reads it.
        """
        later = PolicyVersion.objects.filter(
            policy=OuterRef("policy"),
            state=PolicyVersion.State.PUBLISHED,
            effective_from__gt=OuterRef("effective_from"),
        )
        return self.annotate(
            superseded_on=Subquery(later.order_by("effective_from").values("effective_from")[:1]),
        )

    def published_by_day(self) -> Self:
        """What was published, of each policy, from the first version on."""
        return self.filter(state=PolicyVersion.State.PUBLISHED).order_by("policy__kind", "effective_from", "number")


class PolicyVersion(PublishedByAnother):
    """One text of a policy with its parameters, from a date on. Published by somebody else, then never edited.

    The first version comes with the product and was published by nobody.
    """

    #: Of rows read ``with_successor``.
    superseded_on: date | None

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", pgettext_lazy("state of a policy version", "Published")
        DISCARDED = "discarded", pgettext_lazy("state of a policy version", "Discarded")

    NO_DRAFT = gettext_noop("This version is {state}: it is never edited.")
    OWN_DRAFT = gettext_noop("You drafted this version: somebody else has to publish it.")
    DAY_TAKEN = gettext_noop("A version that holds from that day or later is published already.")
    DRAFTS_ARE_EDITED = True

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions", verbose_name=_("policy"))
    number = models.PositiveIntegerField(_("number"))
    effective_from = models.DateField(_("effective from"))
    text = models.TextField(_("text"), help_text=_("Markdown"))
    parameters: Any = models.JSONField(_("parameters"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    # The first version was drafted by nobody.
    drafted_by = models.ForeignKey(  # type: ignore[assignment]
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, verbose_name=_("drafted by")
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)

    objects: ClassVar = PolicyVersionQuerySet.as_manager()

    class Standing(models.TextChoices):
        """Where a version stands on a day: its state, and for what is published what the days make of it."""

        DRAFT = "draft", _("Draft")
        DISCARDED = "discarded", pgettext_lazy("state of a policy version", "Discarded")
        TO_COME = "to_come", _("To come")
        IN_FORCE = "in_force", _("In force")
        SUPERSEDED = "superseded", _("Superseded")

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        ordering = ("policy", "-number")
        constraints = [
            models.UniqueConstraint(fields=("policy", "number"), name="policy_version_number_once"),
            models.UniqueConstraint(
                fields=("policy", "effective_from"),
                condition=Q(state="published"),
                name="policy_version_day_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "discarded"), published_by__isnull=True, published_at__isnull=True)
                | Q(state="published", number=1, published_by__isnull=True)
                | (
                    Q(state="published", drafted_by__isnull=False, published_by__isnull=False)
                    & ~Q(published_by=F("drafted_by"))
                ),
                name="policy_version_published_by_another",
            ),
        ]

    def __str__(self) -> str:
        return str(
            say("{policy}, version {number} of {day}", policy=self.policy, number=self.number, day=self.effective_from)
        )

    def rivals(self) -> models.QuerySet[Any]:
        """Versions of the policy that hold from its day on or later."""
        later = {"state": self.State.PUBLISHED, "effective_from__gte": self.effective_from}
        return self.policy.versions.filter(**later)

    def standing(self, day: date) -> PolicyVersion.Standing:
        """Where the version stands on the day. For rows read ``with_successor``."""
        if self.state != self.State.PUBLISHED:
            return self.Standing(self.state)
        if self.effective_from > day:
            return self.Standing.TO_COME
        superseded_on: date | None = self.superseded_on
        return self.Standing.SUPERSEDED if superseded_on and superseded_on <= day else self.Standing.IN_FORCE

    def predecessor(self) -> PolicyVersion | None:
        """The published version whose place this one takes, or would take; None for the first."""
        before = PolicyVersion.objects.filter(
            policy=self.policy_id, state=self.State.PUBLISHED, effective_from__lte=self.effective_from
        ).exclude(pk=self.pk)
        return before.select_related("policy").order_by("-effective_from", "-number").first()

    @property
    def figures(self) -> dict[str, Any]:
        """Every figure of the version by its stored name, also those that were left to their usual value."""
        return self.policy.parameters.from_json(self.parameters).to_json()

    @property
    def refund_parameters(self) -> RefundParameters:
        """The figures of a refund policy's version."""
        return RefundParameters.from_json(self.parameters)

    @property
    def fulfilment_parameters(self) -> FulfilmentParameters:
        """The figures of a fulfilment policy's version."""
        return FulfilmentParameters.from_json(self.parameters)


def in_force(published: Iterable[PolicyVersion], day: date) -> PolicyVersion:
    """Which of a policy's published versions judges a period that began on the day: the one in force then, or the
    first ever for periods older than it (F10). They come by the day from which they hold (``published_by_day``).
    """
    chain = list(published)
    in_time = [version for version in chain if version.effective_from <= day]
    return in_time[-1] if in_time else min(chain, key=lambda version: version.number)


@lru_cache(maxsize=256)
def _figures(stored: str) -> RefundParameters:
    """Read and checked once: few documents judge many cases, and a list asks for each of its rows."""
    return RefundParameters.from_json(json.loads(stored))


@dataclass(frozen=True)
class GoverningTerms:
    """What judges a case: the version of both policies, and the agreement with the customer, which goes first (R1)."""

    refund: PolicyVersion
    fulfilment: PolicyVersion
    agreement: Agreement | None = None

    @property
    def parameters(self) -> RefundParameters:
        """The refund policy's figures with those of the agreement in their place. Internal controls are not its to
        change, whatever it says of them.
        """
        special = self.agreement.terms if self.agreement is not None else {}
        special = {name: value for name, value in special.items() if name != FULL_MONTH and name not in CONTROLS}
        return _figures(json.dumps({**self.refund.parameters, **special}, sort_keys=True))

    @property
    def full_month_allowed(self) -> bool:
        """Whether a full month may be given at discretion (F5)."""
        if self.agreement is not None and FULL_MONTH in self.agreement.terms:
            return bool(self.agreement.terms[FULL_MONTH])
        return self.fulfilment.fulfilment_parameters.full_month_allowed

    def source_of(self, parameter: str) -> Agreement | PolicyVersion:
        """Which document fixes a figure, for people to read."""
        if self.agreement is not None and parameter in self.agreement.terms and parameter not in CONTROLS:
            return self.agreement
        return self.fulfilment if parameter == FULL_MONTH else self.refund


class JudgedByTerms:
    """For rows that keep what judged them: ``refund_policy``, ``fulfilment_policy`` and ``agreement``."""

    refund_policy: Any
    fulfilment_policy: Any
    agreement: Any

    @property
    def governing(self) -> GoverningTerms:
        """What judged this row."""
        return GoverningTerms(self.refund_policy, self.fulfilment_policy, self.agreement)

    @property
    def terms(self) -> RefundParameters:
        """The figures that judged this row."""
        return self.governing.parameters

    def judge_by(self, terms: GoverningTerms) -> None:
        """Keep what judges this row from now on."""
        self.refund_policy, self.fulfilment_policy, self.agreement = terms.refund, terms.fulfilment, terms.agreement
