"""Credits and what they were used for: granted = applied + remaining + reversed + paid out."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import ExpressionWrapper, F, Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from audit.tracked import AppendOnlyModel, TrackedModel, TrackedQuerySet
from billing.invoices.models import Invoice
from billing.subscriptions.models import BillingPeriod, Subscription
from core.fields import MoneyField, amount_text
from core.text import number_text, say


class CreditQuerySet(TrackedQuerySet["Credit"]):
    def with_something_left(self) -> Self:
        """Credits of which something is left, annotated with how much (``left``)."""
        remaining = F("granted") - F("applied") - F("reversed") - F("paid_out")
        left = self.annotate(left=ExpressionWrapper(remaining, output_field=MoneyField()))
        return left.filter(left__gt=Decimal(0))

    def left_by_ended_subscriptions(self) -> Self:
        """Credits with something left that no invoice can use any more: their payout needs an approval."""
        return self.filter(subscription__state=Subscription.State.ENDED).with_something_left()


class Credit(TrackedModel):
    """An amount given back on a subscription's coming fees: granted = applied + remaining + reversed + paid out."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="credits", verbose_name=_("customer"))
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="credits", verbose_name=_("subscription")
    )
    voided_period = models.OneToOneField(
        BillingPeriod,
        models.PROTECT,
        related_name="void_credit",
        null=True,
        blank=True,
        help_text=_("Of which it is what was paid and not given back."),
        verbose_name=_("voided period"),
    )
    void_invoice = models.OneToOneField(
        Invoice,
        models.PROTECT,
        related_name="void_credit",
        null=True,
        blank=True,
        help_text=_("Of which it is what credits had borne."),
        verbose_name=_("void invoice"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    granted_on = models.DateField(_("granted on"))
    reason = models.CharField(_("reason"), max_length=200)
    granted = MoneyField(_("granted"))
    applied = MoneyField(_("applied"), default=Decimal(0))
    reversed = MoneyField(_("reversed"), default=Decimal(0))
    paid_out = MoneyField(_("paid out"), default=Decimal(0))

    objects: ClassVar = CreditQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit")
        verbose_name_plural = _("credits")
        ordering = ("granted_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(granted__gt=0), name="credit_granted_positive"),
            models.CheckConstraint(
                condition=Q(applied__gte=0, reversed__gte=0, paid_out__gte=0), name="credit_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(granted__gte=F("applied") + F("reversed") + F("paid_out")),
                name="credit_not_overdrawn",
            ),
        ]

    def __str__(self) -> str:
        return str(say("{amount} of {day}", amount=amount_text(self.granted, self.currency), day=self.granted_on))

    @property
    def remaining(self) -> Decimal:
        """What the next invoices can still use."""
        remaining: Decimal = self.granted - self.applied - self.reversed - self.paid_out
        return remaining


class CreditApplication(AppendOnlyModel):
    """The part of a credit that an invoice used."""

    credit = models.ForeignKey(Credit, models.PROTECT, related_name="applications", verbose_name=_("credit"))
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="credit_applications", verbose_name=_("invoice"))
    amount = MoneyField(_("amount"))
    applied_on = models.DateField(_("applied on"))
    set_off_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text=_("Who set it off against an invoice that was written already."),
        verbose_name=_("set off by"),
    )

    class Meta:
        verbose_name = _("credit application")
        verbose_name_plural = _("credit applications")
        ordering = ("applied_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_application_positive"),
            # What a set-off bore may be due again, and is set off again.
            models.UniqueConstraint(
                fields=("credit", "invoice"), condition=Q(set_off_by__isnull=True), name="credit_once_as_it_is_written"
            ),
        ]

    def __str__(self) -> str:
        return str(say("{amount} on {invoice}", amount=number_text(self.amount), invoice=self.invoice))
