"""Payments, what banks took back, and lines of bank statements."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from audit.tracked import AppendOnlyModel, TrackedModel
from billing.invoices.models import Invoice
from core.fields import MoneyField
from core.text import number_text, say


class Payment(AppendOnlyModel):
    """Money received for an invoice. ``surplus`` is the part of ``amount`` that was more than was due: it became the
    ``credit``.
    """

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="payments")
    amount = MoneyField()
    surplus = MoneyField(default=Decimal(0))
    credit = models.OneToOneField("Credit", models.PROTECT, related_name="payment", null=True, blank=True)
    received_on = models.DateField()
    reference = models.CharField(max_length=140, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("received_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_positive"),
            models.CheckConstraint(
                condition=Q(surplus=0, credit__isnull=True)
                | Q(surplus__gt=0, surplus__lte=F("amount"), credit__isnull=False),
                name="payment_surplus_is_a_credit",
            ),
        ]

    def __str__(self) -> str:
        return str(say("{amount} on {day}", amount=number_text(self.amount), day=self.received_on))

    @property
    def kept(self) -> Decimal:
        """The part that the invoice was paid with."""
        kept: Decimal = self.amount - self.surplus
        return kept


class Chargeback(AppendOnlyModel):
    """A payment that the customer's bank took back. Refunds given already stay; new ones see what is paid.

    ``from_surplus`` is the part of ``amount`` that had been more than was due: what is left of its credit is taken
    back, what was used of it is the ``charge``. The rest is due on the invoice again.
    """

    payment = models.OneToOneField(Payment, models.PROTECT, related_name="chargeback")
    amount = MoneyField()
    from_surplus = MoneyField(default=Decimal(0))
    charge = models.OneToOneField("Charge", models.PROTECT, related_name="chargeback", null=True, blank=True)
    taken_back_on = models.DateField()
    reason = models.CharField(max_length=200)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("taken_back_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="chargeback_positive"),
            models.CheckConstraint(
                condition=Q(from_surplus__gte=0, amount__gte=F("from_surplus")), name="chargeback_surplus_is_a_part"
            ),
        ]

    def __str__(self) -> str:
        return str(say("{amount} taken back on {day}", amount=number_text(self.amount), day=self.taken_back_on))

    @property
    def due_again(self) -> Decimal:
        """The part that is due on the invoice again."""
        part: Decimal = self.amount - self.from_surplus
        return part


class BankLine(TrackedModel):
    """One line of a bank's statement: matched to an invoice by its number and amount, or left for a person.

    ``key`` is made from the line's contents, so that a statement read twice adds nothing.
    """

    class State(models.TextChoices):
        MATCHED = "matched", gettext_lazy("Matched")
        UNMATCHED = "unmatched", gettext_lazy("Not matched")
        SET_ASIDE = "set_aside", gettext_lazy("Set aside")

    key = models.CharField(max_length=64, unique=True)
    file_name = models.CharField(max_length=150)
    row = models.PositiveIntegerField()
    booked_on = models.DateField()
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    payer = models.CharField(max_length=140, blank=True)
    text = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State)
    why = models.CharField(max_length=200, blank=True)
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="bank_line", null=True, blank=True)

    class Meta:
        ordering = ("-booked_on", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="matched", payment__isnull=False) | (~Q(state="matched") & Q(payment__isnull=True)),
                name="bank_line_matched_has_payment",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="bank_line_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on}: {self.amount:f} {self.currency} {self.payer}".strip()
