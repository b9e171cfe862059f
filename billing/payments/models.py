"""Payments, what banks took back, and lines of bank statements."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.four_eyes.models import ApprovedByAnother, approved_by_another
from audit.tracked import AppendOnlyModel, TrackedModel
from billing.invoices.models import Charge, Invoice
from billing.payments.prepayments.models import Prepayment
from core.fields import MoneyField, amount_text
from core.text import number_text, say

#: The ways back from a payment to what took it off; a payment has one of them at most.
COUNTER_ENTRIES = ("chargeback", "unbooking")


class Payment(AppendOnlyModel):
    """Money received for an invoice. ``surplus`` is the part of ``amount`` that was more than was due: it became the
    ``credit``. What was received before the invoice was written is part of a ``prepayment``.
    """

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="payments", verbose_name=_("invoice"))
    amount = MoneyField(_("amount"))
    surplus = MoneyField(_("surplus"), default=Decimal(0))
    credit = models.OneToOneField(
        "Credit", models.PROTECT, related_name="payment", null=True, blank=True, verbose_name=_("credit")
    )
    # Few payments have it: the index below has only those.
    prepayment = models.ForeignKey(
        Prepayment,
        models.PROTECT,
        related_name="payments",
        null=True,
        blank=True,
        db_index=False,
        verbose_name=_("prepayment"),
    )
    received_on = models.DateField(_("received on"))
    reference = models.CharField(_("reference"), max_length=140, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ("received_on", "pk")
        indexes = [
            models.Index(fields=("prepayment",), name="payment_of_prepayment", condition=Q(prepayment__isnull=False))
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_positive"),
            models.CheckConstraint(
                condition=Q(prepayment__isnull=True) | Q(surplus=0), name="payment_of_prepayment_without_surplus"
            ),
            models.CheckConstraint(
                condition=Q(surplus=0, credit__isnull=True)
                | Q(surplus__gt=0, surplus__lte=F("amount"), credit__isnull=False),
                name="payment_surplus_is_a_credit",
            ),
        ]

    def __str__(self) -> str:
        return str(say("{amount} on {day}", amount=number_text(self.amount), day=self.received_on))

    @property
    def counter_entry(self) -> Chargeback | Unbooking | None:
        """What took it back, if anything did. ``select_related(*COUNTER_ENTRIES)`` serves."""
        entries = (getattr(self, name, None) for name in COUNTER_ENTRIES)
        return next((entry for entry in entries if entry is not None), None)

    @property
    def kept(self) -> Decimal:
        """The part that the invoice was paid with."""
        kept: Decimal = self.amount - self.surplus
        return kept


class CounterEntry(AppendOnlyModel):
    """What takes a payment, or a part of it, off its invoice again; refunds given already stay, new ones see what is
    paid.

    ``from_surplus`` is the part of ``amount`` that had been more than was due: what is left of its credit is taken
    back, what was used of it is the ``charge``. The rest is due on the invoice again.
    """

    payment = models.OneToOneField(Payment, models.PROTECT, related_name="%(class)s", verbose_name=_("payment"))
    amount = MoneyField(_("amount"))
    from_surplus = MoneyField(_("from surplus"), default=Decimal(0))
    charge = models.OneToOneField(
        Charge, models.PROTECT, related_name="%(class)s", null=True, blank=True, verbose_name=_("charge")
    )
    reason = models.CharField(_("reason"), max_length=200)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="%(class)s_positive"),
            models.CheckConstraint(
                condition=Q(from_surplus__gte=0, amount__gte=F("from_surplus")), name="%(class)s_surplus_is_a_part"
            ),
        ]

    @property
    def due_again(self) -> Decimal:
        """The part that is due on the invoice again."""
        part: Decimal = self.amount - self.from_surplus
        return part


class Chargeback(CounterEntry):
    """A payment that the customer's bank took back, wholly or in part."""

    taken_back_on = models.DateField(_("taken back on"))

    class Meta(CounterEntry.Meta):
        verbose_name = _("chargeback")
        verbose_name_plural = _("chargebacks")
        ordering = ("taken_back_on", "pk")

    def __str__(self) -> str:
        return str(say("{amount} taken back on {day}", amount=number_text(self.amount), day=self.taken_back_on))


class Unbooking(CounterEntry):
    """A payment that was booked where it does not belong: all of it is off the invoice, and a bank's line is free to be
    matched again.
    """

    taken_off_on = models.DateField(_("taken off on"))

    class Meta(CounterEntry.Meta):
        verbose_name = _("payment taken off")
        verbose_name_plural = _("payments taken off")
        ordering = ("taken_off_on", "pk")

    def __str__(self) -> str:
        return str(say("{amount} taken off on {day}", amount=number_text(self.amount), day=self.taken_off_on))


class SurplusCredit(ApprovedByAnother):
    """Money that somebody says came in beyond what is due on an invoice: it is recorded, and becomes a credit, once a
    manager has approved. What a matched line of a bank proves needs no approval.
    """

    NOT_PROPOSED = gettext_noop("This surplus is “{state}”: it waits for nobody any more.")
    OWN_PROPOSAL = gettext_noop("This is your own proposal: somebody else has to decide on it.")

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="surplus_credits", verbose_name=_("invoice"))
    amount = MoneyField(_("amount"))
    received_on = models.DateField(_("received on"))
    reference = models.CharField(_("reference"), max_length=140, blank=True)
    payment = models.OneToOneField(
        Payment, models.PROTECT, related_name="approved_surplus", null=True, blank=True, verbose_name=_("payment")
    )

    class Meta:
        verbose_name = _("surplus to credit")
        verbose_name_plural = _("surpluses to credit")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="surplus_credit_positive"),
            approved_by_another(),
            models.CheckConstraint(
                condition=Q(state="approved", payment__isnull=False) | (~Q(state="approved") & Q(payment__isnull=True)),
                name="surplus_credit_approved_is_recorded",
            ),
        ]

    def __str__(self) -> str:
        invoice = self.invoice
        amount = amount_text(self.amount, invoice.currency)
        return str(say("{amount} beyond {invoice}", amount=amount, invoice=invoice.number))


class BankLine(TrackedModel):
    """One line of a bank's statement: matched to an invoice by its number and amount, or left for a person, who may
    match it to a subscription as a prepayment.

    ``key`` is made from the line's contents, so that a statement read twice adds nothing.
    """

    class State(models.TextChoices):
        MATCHED = "matched", _("Matched")
        UNMATCHED = "unmatched", _("Not matched")
        SET_ASIDE = "set_aside", _("Set aside")

    key = models.CharField(_("key"), max_length=64, unique=True)
    file_name = models.CharField(_("file name"), max_length=150)
    row = models.PositiveIntegerField(_("row"))
    booked_on = models.DateField(_("booked on"))
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    payer = models.CharField(_("payer"), max_length=140, blank=True)
    text = models.CharField(_("text"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State)
    why = models.CharField(_("why"), max_length=200, blank=True)
    payment = models.OneToOneField(
        Payment, models.PROTECT, related_name="bank_line", null=True, blank=True, verbose_name=_("payment")
    )
    prepayment = models.OneToOneField(
        Prepayment, models.PROTECT, related_name="bank_line", null=True, blank=True, verbose_name=_("prepayment")
    )

    class Meta:
        verbose_name = _("bank line")
        verbose_name_plural = _("bank lines")
        ordering = ("-booked_on", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="matched", payment__isnull=False, prepayment__isnull=True)
                | Q(state="matched", payment__isnull=True, prepayment__isnull=False)
                | (~Q(state="matched") & Q(payment__isnull=True, prepayment__isnull=True)),
                name="bank_line_matched_has_payment",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="bank_line_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on}: {self.amount:f} {self.currency} {self.payer}".strip()
