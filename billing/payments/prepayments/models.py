"""Money that came before the invoice that it is for."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import ExpressionWrapper, F, Q
from django.utils.translation import gettext_lazy as _

from audit.tracked import AppendOnlyModel, TrackedModel, TrackedQuerySet
from billing.credits.models import Credit
from billing.invoices.models import Charge
from billing.subscriptions.models import Subscription
from core.fields import MoneyField, amount_text
from core.text import say


class PrepaymentQuerySet(TrackedQuerySet["Prepayment"]):
    def with_something_left(self) -> Self:
        """Prepayments of which something waits, annotated with how much (``left``)."""
        remaining = F("amount") - F("applied") - F("taken_off") - F("credited")
        left = self.annotate(left=ExpressionWrapper(remaining, output_field=MoneyField()))
        return left.filter(left__gt=Decimal(0))

    def left_by_ended_subscriptions(self) -> Self:
        """Prepayments with something left that no invoice will use any more."""
        return self.filter(subscription__state=Subscription.State.ENDED).with_something_left()

    def standing(self) -> Self:
        """Those that were not taken off altogether."""
        return self.exclude(taken_off=F("amount"))


class Prepayment(TrackedModel):
    """Money received for a subscription before the invoice that it is for: amount = applied + remaining + taken off +
    credited.

    ``applied`` stands as payments on invoices. ``taken_off`` was booked where it does not belong, before or after an
    invoice used it, or after it was a credit. ``credited`` is what a subscription that ended had left: it is the
    ``credit``.
    """

    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="prepayments", verbose_name=_("subscription")
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = MoneyField(_("amount"))
    applied = MoneyField(_("applied"), default=Decimal(0))
    taken_off = MoneyField(_("taken off"), default=Decimal(0))
    credited = MoneyField(_("credited"), default=Decimal(0))
    credit = models.OneToOneField(
        Credit, models.PROTECT, related_name="prepayment", null=True, blank=True, verbose_name=_("credit")
    )
    credited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("made a credit by"),
    )
    received_on = models.DateField(_("received on"))
    reference = models.CharField(_("reference"), max_length=140, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    objects: ClassVar = PrepaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("prepayment")
        verbose_name_plural = _("prepayments")
        ordering = ("received_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="prepayment_positive"),
            models.CheckConstraint(
                condition=Q(applied__gte=0, taken_off__gte=0, credited__gte=0), name="prepayment_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=F("applied") + F("taken_off") + F("credited")), name="prepayment_not_overdrawn"
            ),
            models.CheckConstraint(
                condition=Q(credited=0, credit__isnull=True, credited_by__isnull=True)
                | Q(credit__isnull=False, credited_by__isnull=False),
                name="prepayment_credited_is_a_credit",
            ),
        ]

    def __str__(self) -> str:
        return str(say("{amount} of {day}", amount=amount_text(self.amount, self.currency), day=self.received_on))

    @property
    def remaining(self) -> Decimal:
        """What the next invoices can still use."""
        remaining: Decimal = self.amount - self.applied - self.taken_off - self.credited
        return remaining

    @property
    def is_proved(self) -> bool:
        """Whether a line of a bank's statement stands for it."""
        return hasattr(self, "bank_line")


class PrepaymentTakenOff(AppendOnlyModel):
    """The counter-entry of what waited of a prepayment that was booked where it does not belong, or had become a credit
    (``from_credit``): what is left of that is taken back, what was used of it is the ``charge``. What an invoice had
    used is taken off by the counter-entry of its payment.
    """

    prepayment = models.OneToOneField(
        Prepayment, models.PROTECT, related_name="unbooking", verbose_name=_("prepayment")
    )
    amount = MoneyField(_("amount"))
    from_credit = MoneyField(_("from the credit"), default=Decimal(0))
    charge = models.OneToOneField(
        Charge,
        models.PROTECT,
        related_name="prepayment_taken_off",
        null=True,
        blank=True,
        verbose_name=_("charge"),
    )
    taken_off_on = models.DateField(_("taken off on"))
    reason = models.CharField(_("reason"), max_length=200)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        verbose_name = _("prepayment taken off")
        verbose_name_plural = _("prepayments taken off")
        ordering = ("taken_off_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="prepayment_taken_off_positive"),
            models.CheckConstraint(
                condition=Q(from_credit__gte=0, amount__gte=F("from_credit")), name="prepayment_taken_off_is_a_part"
            ),
        ]

    def __str__(self) -> str:
        amount = amount_text(self.amount, self.prepayment.currency)
        return str(say("{amount} taken off on {day}", amount=amount, day=self.taken_off_on))
