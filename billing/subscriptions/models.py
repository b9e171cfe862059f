"""Subscriptions and their billing periods."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.customers.models import Customer
from audit.tracked import TrackedModel, TrackedQuerySet
from billing.money import left_to_refund
from billing.plans.models import Plan, TermChoices
from core.fields import CostField, MoneyField, RateField
from core.text import say
from core.validators import validate_currency


class SubscriptionQuerySet(TrackedQuerySet["Subscription"]):
    def running(self) -> Self:
        """Subscriptions whose service has not ended."""
        return self.exclude(state=Subscription.State.ENDED)

    def due_for_billing(self, today: date) -> Self:
        """Running subscriptions whose current period is over on the day."""
        return self.running().filter(periods__state=BillingPeriod.State.OPEN, periods__closes_on__lte=today)


class Subscription(TrackedModel):
    """A customer's contract for a plan.

    Period *n* is computed from ``anchor_on``: the activation date, or where an extension has moved it to. The period
    that begins on the anchor has the number ``anchor_sequence``.
    """

    #: Of rows that are read with them.
    open_periods: list[BillingPeriod]
    scheduled_changes: list[PlanChange]
    granted: int | None

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        CANCELLED = "cancelled", _("Cancelled, runs to the period's end")
        ENDED = "ended", _("Ended")

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        PHONE = "phone", _("Phone")
        LETTER = "letter", _("Letter")
        WEB = "web", _("Web form")
        IN_PERSON = "in_person", _("In person")

    number = models.CharField(_("number"), max_length=20, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="subscriptions", verbose_name=_("customer"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="subscriptions", verbose_name=_("plan"))
    term = models.CharField(_("term"), max_length=10, choices=TermChoices)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    agreed_fee = MoneyField(
        _("agreed fee"),
        null=True,
        blank=True,
        help_text=_("Gross fee of a whole term, where it differs from the price."),
    )
    activated_on = models.DateField(_("activated on"))
    anchor_on = models.DateField(_("anchor on"))
    anchor_sequence = models.PositiveIntegerField(_("anchor sequence"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    cancelled_on = models.DateField(_("cancelled on"), null=True, blank=True)
    cancellation_channel = models.CharField(_("cancellation channel"), max_length=10, choices=Channel, blank=True)
    ended_on = models.DateField(_("ended on"), null=True, blank=True)

    objects: ClassVar = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering = ("number",)
        constraints = [
            models.CheckConstraint(condition=Q(term__in=("monthly", "annual")), name="subscription_term_known"),
            models.CheckConstraint(
                condition=Q(agreed_fee__isnull=True) | Q(agreed_fee__gte=0), name="agreed_fee_not_negative"
            ),
            models.CheckConstraint(condition=Q(anchor_on__gte=F("activated_on")), name="anchor_not_before_activation"),
            models.CheckConstraint(
                condition=Q(state="active", cancelled_on__isnull=True, ended_on__isnull=True)
                | Q(state="cancelled", cancelled_on__isnull=False, ended_on__isnull=True)
                | Q(state="ended", ended_on__isnull=False),
                name="subscription_state_dates",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def current_period(self) -> BillingPeriod | None:
        """The open period, if the service still runs. Not asked for where a page has read it (``current_periods``)."""
        known: list[BillingPeriod] | None = getattr(self, "open_periods", None)
        if known is not None:
            return known[0] if known else None
        return self.periods.filter(state=BillingPeriod.State.OPEN).first()


class PeriodQuerySet(TrackedQuerySet["BillingPeriod"]):
    def containing(self, day: date) -> Self:
        """Periods whose service, extensions included, covers the day."""
        return self.filter(starts_on__lte=day, closes_on__gt=day)


class BillingPeriod(TrackedModel):
    """One cycle of a subscription: half-open, ``[starts_on, ends_on)``, with everything it costs copied in.

    ``extension_days`` were given as a remedy and lie between ``ends_on`` and ``closes_on``; a quote never counts them.
    ``pending`` and ``refunded`` are what proposals hold and what was settled;
    the database keeps their sum within the fee. A period is voided where the customer had cancelled before it began:
    it gave no service, and nothing of it is paid back but by its own credit note.
    ``operation_costs`` is a list of ``{"code", "name", "unit_cost"}``, costs as strings.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Current")
        ENDED = "ended", _("Ended")
        VOIDED = "voided", pgettext_lazy("state of a period", "Voided")

    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="periods", verbose_name=_("subscription")
    )
    sequence = models.PositiveIntegerField(_("sequence"))
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"))
    extension_days = models.PositiveIntegerField(_("extension days"), default=0)
    closes_on = models.DateField(_("closes on"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+", verbose_name=_("plan"))
    term = models.CharField(_("term"), max_length=10, choices=TermChoices)
    currency = models.CharField(_("currency"), max_length=3)
    fee = MoneyField(_("fee"))
    tax_rate = RateField(_("tax rate"))
    included_minutes = models.PositiveIntegerField(_("included minutes"), default=0)
    minute_cost = CostField(_("minute cost"), default=Decimal(0))
    operation_costs: Any = models.JSONField(_("operation costs"), default=list)
    pending = MoneyField(_("pending"), default=Decimal(0))
    refunded = MoneyField(_("refunded"), default=Decimal(0))

    objects: ClassVar = PeriodQuerySet.as_manager()

    class Meta:
        verbose_name = _("billing period")
        verbose_name_plural = _("billing periods")
        ordering = ("subscription", "sequence")
        indexes = [
            # The billing run's way from day to day and, within one, from subscription to subscription.
            models.Index(fields=("closes_on", "subscription"), condition=Q(state="open"), name="period_open_by_close"),
        ]
        constraints = [
            models.UniqueConstraint(fields=("subscription", "sequence"), name="period_sequence_once"),
            models.UniqueConstraint(fields=("subscription", "starts_on"), name="period_start_once"),
            models.UniqueConstraint(fields=("subscription",), condition=Q(state="open"), name="period_one_open"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="period_ends_after_start"),
            models.CheckConstraint(condition=Q(closes_on__gte=F("ends_on")), name="period_closes_after_end"),
            models.CheckConstraint(
                condition=Q(extension_days=0, closes_on=F("ends_on"))
                | Q(extension_days__gt=0, closes_on__gt=F("ends_on")),
                name="period_extension_fits",
            ),
            models.CheckConstraint(
                condition=Q(fee__gte=0, minute_cost__gte=0, tax_rate__gte=0), name="period_terms_not_negative"
            ),
            models.CheckConstraint(condition=Q(pending__gte=0, refunded__gte=0), name="period_refunds_not_negative"),
            models.CheckConstraint(
                condition=Q(fee__gte=F("pending") + F("refunded")), name="period_refunds_within_fee"
            ),
            models.CheckConstraint(condition=~Q(state="voided") | Q(pending=0), name="period_voided_holds_nothing"),
        ]

    def __str__(self) -> str:
        return str(say("{first} to {last}", first=self.starts_on, last=self.last_day))

    @property
    def in_figures(self) -> str:
        """As what is kept says it, in every language: "2024-01-01 to 2024-01-31"."""
        return f"{self.starts_on} to {self.last_day}"

    @property
    def last_day(self) -> date:
        """The last of the period's own days: people read periods with both ends counted."""
        return self.ends_on - timedelta(days=1)

    @property
    def days(self) -> int:
        """The period's own days, without those granted as an extension."""
        return (self.ends_on - self.starts_on).days

    @property
    def fee_paid(self) -> Decimal:
        """What was paid for the period: payments and applied credits of its invoice, 0 without one. What is paid goes
        to what is left of the fee first, then to the charges that stand on the same invoice.
        """
        paid: Decimal = min(self._settled, self.fee - self.set_off)
        return paid

    @property
    def set_off(self) -> Decimal:
        """What settled refunds took off the unpaid fee, as it stands on the invoice."""
        invoice: Any = getattr(self, "invoice", None)
        return invoice.set_off if invoice is not None else Decimal(0)

    @property
    def unpaid(self) -> Decimal:
        """What of the fee is neither paid nor set off, whether due, disputed or charged back."""
        unpaid: Decimal = self.fee - self.set_off - self.fee_paid
        return Decimal(0) if self.invoice_is_void else unpaid

    @property
    def refundable(self) -> Decimal:
        """What of the fee can still be given back: a quote's cap."""
        if self.fee_is_void:
            return Decimal(0)
        return left_to_refund(self.fee, self.refunded + self.pending)

    @property
    def fee_is_void(self) -> bool:
        """Whether nobody owes the fee: the period is voided, or its invoice is."""
        return self.state == self.State.VOIDED or self.invoice_is_void

    @property
    def invoice_is_void(self) -> bool:
        """Whether its invoice should never have been: nobody owes the fee, and nothing was paid of it."""
        invoice: Any = getattr(self, "invoice", None)
        return invoice is not None and invoice.voided_on is not None

    @property
    def _settled(self) -> Decimal:
        invoice: Any = getattr(self, "invoice", None)
        return invoice.settled if invoice is not None else Decimal(0)


def current_periods(through: str = "", *, rows: Any = None) -> models.Prefetch[Any]:
    """To prefetch what ``Subscription.current_period`` asks for; ``through`` leads to the subscriptions, ``rows`` are
    periods with more at hand.
    """
    rows = BillingPeriod.objects.all() if rows is None else rows
    return models.Prefetch(f"{through}periods", rows.filter(state=BillingPeriod.State.OPEN), to_attr="open_periods")


class PlanChange(TrackedModel):
    """A subscription's move to another plan, for periods that begin on or after its day."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        APPLIED = "applied", _("Applied")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="plan_changes", verbose_name=_("subscription")
    )
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+", verbose_name=_("plan"))
    previous_plan = models.ForeignKey(Plan, models.PROTECT, related_name="+", verbose_name=_("previous plan"))
    agreed_fee = MoneyField(
        _("agreed fee"),
        null=True,
        blank=True,
        help_text=_("Gross fee of a whole term, where it differs from the new plan's price."),
    )
    effective_on = models.DateField(_("effective on"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.SCHEDULED)
    asked_on = models.DateField(_("asked on"))
    channel = models.CharField(_("channel"), max_length=10, choices=Subscription.Channel)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    applied_period = models.OneToOneField(
        BillingPeriod,
        models.PROTECT,
        related_name="plan_change",
        null=True,
        blank=True,
        verbose_name=_("applied period"),
    )

    class Meta:
        verbose_name = _("plan change")
        verbose_name_plural = _("plan changes")
        ordering = ("-effective_on", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=("subscription",), condition=Q(state="scheduled"), name="plan_change_one_scheduled"
            ),
            models.CheckConstraint(condition=~Q(plan=F("previous_plan")), name="plan_change_to_another"),
            models.CheckConstraint(
                condition=Q(agreed_fee__isnull=True) | Q(agreed_fee__gte=0), name="plan_change_fee_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(state="applied", applied_period__isnull=False)
                | (~Q(state="applied") & Q(applied_period__isnull=True)),
                name="plan_change_applied_has_period",
            ),
        ]

    def __str__(self) -> str:
        return str(
            say(
                "{subscription} to {plan} from {day}",
                subscription=self.subscription,
                plan=self.plan,
                day=self.effective_on,
            )
        )
