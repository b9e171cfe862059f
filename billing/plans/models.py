"""What is sold: plans, what they cost from a date on, and what operator operations cost from a date on."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.models import DatedTerms, published_by_another
from audit.tracked import TrackedModel
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


class Price(DatedTerms):
    """A plan's terms for periods that begin on or after ``valid_from``; the fee is gross and for the whole term."""

    ONCE = ("plan", "term", "currency", "valid_from")

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="prices", verbose_name=_("plan"))
    term = models.CharField(_("term"), max_length=10, choices=TermChoices)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    fee = MoneyField(_("fee"))
    tax_rate = RateField(_("tax rate"), default=Decimal(0))
    included_minutes = models.PositiveIntegerField(_("included minutes"), default=0)
    minute_cost = CostField(_("minute cost"), default=Decimal(0))

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
            published_by_another(),
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


class OperationCost(DatedTerms):
    """What one operation costs us in a currency, for periods that begin on or after ``valid_from``."""

    ONCE = ("operation", "currency", "valid_from")

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="costs", verbose_name=_("operation"))
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    unit_cost = CostField(_("unit cost"))

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
            published_by_another(),
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
