"""Invoices, what was paid on them, and credits with where they went."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import ExpressionWrapper, F, Q, QuerySet
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.fields import MoneyField, RateField, amount_text
from accounts.models import Customer
from audit.models import AppendOnlyModel, TrackedModel, TrackedQuerySet
from audit.words import number_text, say
from billing.models.subscriptions import BillingPeriod, Subscription


class InvoiceQuerySet(TrackedQuerySet["Invoice"]):
    def unpaid(self) -> Self:
        """Invoices with something left to pay."""
        return self.exclude(state=Invoice.State.PAID)

    def due_before(self, day: date) -> Self:
        """Unpaid invoices that are not marked overdue yet though their due date has passed."""
        return self.filter(state=Invoice.State.ISSUED, due_on__lt=day, disputed_on__isnull=True)


class Invoice(TrackedModel):
    """What one period costs, and charges that wait for the subscription's next invoice; or, without a period, the
    charges alone that still waited when a subscription (``charges_of``) had no next invoice.

    ``gross = net + tax``; due is gross less credits applied; amounts in ``currency``. An invoice in dispute is not
    chased. ``charged_back`` is what banks have taken back; it is not in ``paid`` any more.
    """

    class State(models.TextChoices):
        ISSUED = "issued", gettext_lazy("To pay")
        PAID = "paid", pgettext_lazy("state of an invoice", "Paid")
        OVERDUE = "overdue", pgettext_lazy("state of an invoice", "Overdue")

    number = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="invoices")
    period = models.OneToOneField(BillingPeriod, models.PROTECT, related_name="invoice", null=True, blank=True)
    # Few invoices have it: the index below has only those.
    charges_of = models.ForeignKey(
        Subscription, models.PROTECT, related_name="charge_invoices", null=True, blank=True, db_index=False
    )
    currency = models.CharField(max_length=3)
    issued_on = models.DateField()
    due_on = models.DateField()
    net = MoneyField()
    tax = MoneyField()
    gross = MoneyField()
    credited = MoneyField(default=Decimal(0))
    paid = MoneyField(default=Decimal(0))
    charged_back = MoneyField(default=Decimal(0))
    state = models.CharField(max_length=10, choices=State, default=State.ISSUED)
    disputed_on = models.DateField(null=True, blank=True)
    dispute_reason = models.TextField(blank=True)

    objects: ClassVar = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ("-issued_on", "-number")
        indexes = [
            models.Index(fields=("customer", "-issued_on"), name="invoice_by_customer"),
            models.Index(fields=("due_on",), name="invoice_unpaid", condition=Q(state="issued")),
            models.Index(fields=("charges_of",), name="invoice_of_charges", condition=Q(charges_of__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(period__isnull=False, charges_of__isnull=True)
                | Q(period__isnull=True, charges_of__isnull=False),
                name="invoice_of_period_or_charges",
            ),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="invoice_adds_up"),
            models.CheckConstraint(
                condition=Q(net__gte=0, tax__gte=0, credited__gte=0, paid__gte=0, charged_back__gte=0),
                name="invoice_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(disputed_on__isnull=True) | ~Q(dispute_reason=""), name="invoice_dispute_has_reason"
            ),
            models.CheckConstraint(condition=Q(gross__gte=F("credited") + F("paid")), name="invoice_not_overpaid"),
            models.CheckConstraint(
                condition=Q(state="paid", gross=F("credited") + F("paid"))
                | Q(state__in=("issued", "overdue"), gross__gt=F("credited") + F("paid")),
                name="invoice_state_fits",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subscription(self) -> Subscription:
        """Whose period, or whose charges, it asks for."""
        subscription = self.period.subscription if self.period is not None else self.charges_of
        assert subscription is not None
        return subscription

    @property
    def settled(self) -> Decimal:
        """Paid by the customer's money and by credits they had."""
        settled: Decimal = self.credited + self.paid
        return settled

    @property
    def due(self) -> Decimal:
        """What is still to be paid."""
        due: Decimal = self.gross - self.credited - self.paid
        return due


class InvoiceLine(AppendOnlyModel):
    """One line of an invoice, in words; written with it and never changed."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    charge = models.OneToOneField("Charge", models.PROTECT, related_name="line", null=True, blank=True)
    text = models.CharField(max_length=300)
    tax_rate = RateField()
    net = MoneyField()
    tax = MoneyField()
    gross = MoneyField()

    class Meta:
        ordering = ("invoice", "position")
        constraints = [
            models.UniqueConstraint(fields=("invoice", "position"), name="invoice_line_once"),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="invoice_line_adds_up"),
        ]

    def __str__(self) -> str:
        return self.text


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
        return say("{amount} on {day}", amount=number_text(self.amount), day=self.received_on)

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
        return say("{amount} taken back on {day}", amount=number_text(self.amount), day=self.taken_back_on)

    @property
    def due_again(self) -> Decimal:
        """The part that is due on the invoice again."""
        part: Decimal = self.amount - self.from_surplus
        return part


class Charge(TrackedModel):
    """An amount that the subscription's next invoice asks for, such as a reversed credit that was used already."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="charges")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="charges")
    currency = models.CharField(max_length=3)
    amount = MoneyField()
    tax_rate = RateField()
    reason = models.CharField(max_length=200)
    charged_on = models.DateField()
    invoiced_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("charged_on", "pk")
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="charge_positive")]

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}: {self.reason}"


class CreditNote(AppendOnlyModel):
    """The document of a settled refund, or of its reversal (``kind``), numbered without gaps within the year."""

    class Kind(models.TextChoices):
        REFUND = "refund", gettext_lazy("Credit note")
        REVERSAL = "reversal", gettext_lazy("Reversal of a credit note")

    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="credit_notes")
    period = models.ForeignKey(BillingPeriod, models.PROTECT, related_name="credit_notes")
    currency = models.CharField(max_length=3)
    issued_on = models.DateField()
    tax_rate = RateField()
    net = MoneyField()
    tax = MoneyField()
    gross = MoneyField()
    reverses = models.OneToOneField("self", models.PROTECT, related_name="reversed_by", null=True, blank=True)

    class Meta:
        ordering = ("-issued_on", "-number")
        constraints = [
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="credit_note_adds_up"),
            models.CheckConstraint(condition=Q(gross__gt=0, net__gte=0, tax__gte=0), name="credit_note_positive"),
            models.CheckConstraint(
                condition=Q(kind="refund", reverses__isnull=True) | Q(kind="reversal", reverses__isnull=False),
                name="credit_note_reversal_names_its_note",
            ),
        ]

    def __str__(self) -> str:
        return self.number


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


class CreditQuerySet(TrackedQuerySet["Credit"]):
    def with_remaining(self) -> Self:
        """Credits annotated with what is left of them (``left``)."""
        left = F("granted") - F("applied") - F("reversed") - F("paid_out")
        return self.annotate(left=ExpressionWrapper(left, output_field=MoneyField()))

    def left_by_ended_subscriptions(self) -> Self:
        """Credits with something left that no invoice can use any more: their payout needs an approval."""
        ended = self.filter(subscription__state=Subscription.State.ENDED)
        return ended.with_remaining().filter(left__gt=Decimal(0))

    def usable_for(self, subscription: Subscription) -> QuerySet[Credit]:
        """Credits of the subscription with something left, oldest first (R6)."""
        mine = self.filter(subscription=subscription)
        return mine.with_remaining().filter(left__gt=Decimal(0)).order_by("granted_on", "pk")  # type: ignore[misc]


class Credit(TrackedModel):
    """An amount given back on a subscription's coming fees: granted = applied + remaining + reversed + paid out."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="credits")
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="credits")
    currency = models.CharField(max_length=3)
    granted_on = models.DateField()
    reason = models.CharField(max_length=200)
    granted = MoneyField()
    applied = MoneyField(default=Decimal(0))
    reversed = MoneyField(default=Decimal(0))
    paid_out = MoneyField(default=Decimal(0))

    objects: ClassVar = CreditQuerySet.as_manager()

    class Meta:
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
        return say("{amount} of {day}", amount=amount_text(self.granted, self.currency), day=self.granted_on)

    @property
    def remaining(self) -> Decimal:
        """What the next invoices can still use."""
        remaining: Decimal = self.granted - self.applied - self.reversed - self.paid_out
        return remaining


class CreditApplication(AppendOnlyModel):
    """The part of a credit that an invoice used."""

    credit = models.ForeignKey(Credit, models.PROTECT, related_name="applications")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="credit_applications")
    amount = MoneyField()
    applied_on = models.DateField()

    class Meta:
        ordering = ("applied_on", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_application_positive"),
            models.UniqueConstraint(fields=("credit", "invoice"), name="credit_once_per_invoice"),
        ]

    def __str__(self) -> str:
        return say("{amount} on {invoice}", amount=number_text(self.amount), invoice=self.invoice)
