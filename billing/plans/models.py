"""What is sold: plans, what they cost from a date on, and what operator operations cost from a date on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.tracked import TrackedModel, TrackedQuerySet
from core.fields import CostField, MoneyField, RateField, amount_text
from core.text import lower, say
from core.validators import validate_currency

code_validator = RegexValidator(r"^[A-Z0-9][A-Z0-9_-]*$", _("Capital letters, digits, _ and - only."))


class TermChoices(models.TextChoices):
    """How long a billing cycle lasts (F9); the values are those of ``billing.periods.Term``."""

    MONTHLY = "monthly", _("Monthly")
    ANNUAL = "annual", _("Annual")


class Plan(TrackedModel):
    """Something a customer can subscribe to."""

    class Kind(models.TextChoices):
        PHONE_SYSTEM = "phone_system", _("Phone system")
        SOFTWARE = "software", _("Software")

    code = models.CharField(_("code"), max_length=30, unique=True, validators=[code_validator])
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=("phone_system", "software")), name="plan_kind_known")
        ]

    def __str__(self) -> str:
        return self.name


class PublishedState(models.TextChoices):
    """Terms are drafted by one person and published by another."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")


def published_by_another(name: str) -> models.CheckConstraint:
    """The database's own four eyes: what is published was published by somebody else than its drafter."""
    return models.CheckConstraint(
        condition=Q(state="draft", published_by__isnull=True)
        | (Q(state="published", published_by__isnull=False) & ~Q(published_by=F("drafted_by"))),
        name=name,
    )


class DatedTermsQuerySet[M: models.Model](TrackedQuerySet[M]):
    def in_force(self, day: date) -> Self:
        """Published terms that hold for a period beginning on the day, the newest first."""
        return self.filter(state=PublishedState.PUBLISHED, valid_from__lte=day).order_by("-valid_from", "-pk")


class Price(TrackedModel):
    """A plan's terms for periods that begin on or after ``valid_from``; the fee is gross and for the whole term."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="prices", verbose_name=_("plan"))
    term = models.CharField(_("term"), max_length=10, choices=TermChoices)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    valid_from = models.DateField(_("valid from"))
    fee = MoneyField(_("fee"))
    tax_rate = RateField(_("tax rate"), default=Decimal(0))
    included_minutes = models.PositiveIntegerField(_("included minutes"), default=0)
    minute_cost = CostField(_("minute cost"), default=Decimal(0))
    state = models.CharField(_("state"), max_length=10, choices=PublishedState, default=PublishedState.DRAFT)
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

    objects: ClassVar = DatedTermsQuerySet.as_manager()

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ("plan", "term", "currency", "-valid_from")
        constraints = [
            models.CheckConstraint(
                condition=Q(fee__gte=0, minute_cost__gte=0, tax_rate__gte=0), name="price_not_negative"
            ),
            models.CheckConstraint(condition=Q(term__in=("monthly", "annual")), name="price_term_known"),
            models.UniqueConstraint(
                fields=("plan", "term", "currency", "valid_from"),
                condition=Q(state="published"),
                name="price_once_per_day",
            ),
            published_by_another("price_published_by_another"),
        ]

    def __str__(self) -> str:
        return str(
            say(
                "{plan}, {term}: {fee} from {day}",
                plan=self.plan.name,
                term=lower(self.get_term_display()),
                fee=amount_text(self.fee, self.currency),
                day=self.valid_from,
            )
        )


class Operation(TrackedModel):
    """Something an operator does for a customer: forwarding, hosting a trunk."""

    code = models.CharField(_("code"), max_length=30, unique=True, validators=[code_validator])
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class OperationCost(TrackedModel):
    """What one operation costs us in a currency, for periods that begin on or after ``valid_from``."""

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="costs", verbose_name=_("operation"))
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    valid_from = models.DateField(_("valid from"))
    unit_cost = CostField(_("unit cost"))
    state = models.CharField(_("state"), max_length=10, choices=PublishedState, default=PublishedState.DRAFT)
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

    objects: ClassVar = DatedTermsQuerySet.as_manager()

    class Meta:
        verbose_name = _("operation cost")
        verbose_name_plural = _("operation costs")
        ordering = ("operation", "currency", "-valid_from")
        constraints = [
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="operation_cost_not_negative"),
            models.UniqueConstraint(
                fields=("operation", "currency", "valid_from"),
                condition=Q(state="published"),
                name="operation_cost_once_per_day",
            ),
            published_by_another("operation_cost_by_another"),
        ]

    def __str__(self) -> str:
        return str(
            say(
                "{operation}: {cost} from {day}",
                operation=self.operation.name,
                cost=amount_text(self.unit_cost, self.currency),
                day=self.valid_from,
            )
        )
