"""Invoices, their lines, charges and credit notes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from accounts.customers.models import Customer
from accounts.four_eyes.models import ApprovedByAnother, approved_by_another
from audit.tracked import AppendOnlyModel, TrackedModel, TrackedQuerySet
from billing.subscriptions.models import BillingPeriod, Subscription
from core.fields import MoneyField, RateField, amount_text
from core.text import say

#: What of an invoice nobody is asked for any more, for the database; ``Invoice.due`` is the rest.
BORNE = F("credited") + F("paid") + F("set_off") + F("written_off") + F("voided")


class InvoiceQuerySet(TrackedQuerySet["Invoice"]):
    def unpaid(self) -> Self:
        """Invoices with something left to pay."""
        return self.filter(state__in=(Invoice.State.ISSUED, Invoice.State.OVERDUE))

    def due_before(self, day: date) -> Self:
        """Unpaid invoices that are not marked overdue yet though their due date has passed."""
        return self.filter(state=Invoice.State.ISSUED, due_on__lt=day, disputed_on__isnull=True)


class Invoice(TrackedModel):
    """What one period costs, and charges that wait for the subscription's next invoice; or, without a period, the
    charges alone that still waited when a subscription (``charges_of``) had no next invoice.

    ``gross = net + tax``; amounts in ``currency``. An invoice in dispute is not chased. ``charged_back`` is what banks
    have taken back; it is not in ``paid`` any more. ``set_off`` is what refunds have taken off an unpaid fee: nobody
    paid it and nobody owes it. ``written_off`` is what nobody asks for any more; it is not paid, and what comes in
    after all, or is set off, takes it back first. ``voided`` is what was to pay of an invoice that should never have
    been: one that is void (``voided_on``) settles nothing, and what credits had borne of it is a credit again.
    """

    class State(models.TextChoices):
        ISSUED = "issued", _("To pay")
        PAID = "paid", pgettext_lazy("state of an invoice", "Paid")
        OVERDUE = "overdue", pgettext_lazy("state of an invoice", "Overdue")
        WRITTEN_OFF = "written_off", pgettext_lazy("state of an invoice", "Written off")
        VOID = "void", pgettext_lazy("state of an invoice", "Void")

    number = models.CharField(_("number"), max_length=20, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="invoices", verbose_name=_("customer"))
    period = models.OneToOneField(
        BillingPeriod, models.PROTECT, related_name="invoice", null=True, blank=True, verbose_name=_("period")
    )
    # Few invoices have it: the index below has only those.
    charges_of = models.ForeignKey(
        Subscription,
        models.PROTECT,
        related_name="charge_invoices",
        null=True,
        blank=True,
        db_index=False,
        verbose_name=_("charges of"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    issued_on = models.DateField(_("issued on"))
    due_on = models.DateField(_("due on"))
    net = MoneyField(_("net"))
    tax = MoneyField(_("tax"))
    gross = MoneyField(_("gross"))
    credited = MoneyField(_("credited"), default=Decimal(0))
    paid = MoneyField(_("paid"), default=Decimal(0))
    charged_back = MoneyField(_("charged back"), default=Decimal(0))
    set_off = MoneyField(_("set off"), default=Decimal(0))
    written_off = MoneyField(_("written off"), default=Decimal(0))
    voided = MoneyField(_("voided"), default=Decimal(0))
    voided_on = models.DateField(_("voided on"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.ISSUED)
    disputed_on = models.DateField(_("disputed on"), null=True, blank=True)
    dispute_reason = models.TextField(_("dispute reason"), blank=True)

    objects: ClassVar = InvoiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
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
                condition=Q(net__gte=0, tax__gte=0, credited__gte=0, paid__gte=0)
                & Q(charged_back__gte=0, set_off__gte=0, written_off__gte=0, voided__gte=0),
                name="invoice_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(disputed_on__isnull=True) | ~Q(dispute_reason=""), name="invoice_dispute_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(gross__gte=BORNE),
                name="invoice_not_overpaid",
            ),
            models.CheckConstraint(
                condition=Q(state="void", voided_on__isnull=False)
                | Q(voided_on__isnull=True, voided=0) & ~Q(state="void"),
                name="invoice_void_has_a_day",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("issued", "overdue"), gross__gt=BORNE)
                | Q(gross=BORNE)
                & (
                    Q(state="paid", written_off=0)
                    | Q(state="written_off", written_off__gt=0)
                    | Q(state="void", paid=0, written_off=0, disputed_on__isnull=True)
                ),
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
        """Paid by the customer's money and by credits they had; nothing of one that is void, which gave them back."""
        settled: Decimal = Decimal(0) if self.voided_on else self.credited + self.paid
        return settled

    @property
    def due(self) -> Decimal:
        """What is still to be paid."""
        due: Decimal = self.payable - self.written_off
        return due

    @property
    def payable(self) -> Decimal:
        """What is due, and what was written off: a customer may pay both."""
        payable: Decimal = self.gross - self.credited - self.paid - self.set_off - self.voided
        return payable


class WriteOff(ApprovedByAnother):
    """What is due on an invoice and is not to be asked for any more, of which a manager has to approve."""

    NOT_PROPOSED = gettext_noop("This write-off is “{state}”: it waits for nobody any more.")
    OWN_PROPOSAL = gettext_noop("This is your own proposal: somebody else has to decide on it.")

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="write_offs", verbose_name=_("invoice"))
    amount = MoneyField(_("amount"))

    class Meta:
        verbose_name = _("write-off")
        verbose_name_plural = _("write-offs")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="write_off_positive"),
            approved_by_another(),
            models.UniqueConstraint(fields=("invoice",), condition=Q(state="proposed"), name="write_off_one_proposed"),
        ]

    def __str__(self) -> str:
        invoice = self.invoice
        return str(
            say("{amount} of {invoice}", amount=amount_text(self.amount, invoice.currency), invoice=invoice.number)
        )


class InvoiceVoid(ApprovedByAnother):
    """That an invoice should never have been, of which a manager has to approve; the credit note then says so.
    ``amount`` is what no refund has given back of it yet.
    """

    NOT_PROPOSED = gettext_noop("This voiding is “{state}”: it waits for nobody any more.")
    OWN_PROPOSAL = gettext_noop("This is your own proposal: somebody else has to decide on it.")

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="voids", verbose_name=_("invoice"))
    amount = MoneyField(_("amount"))
    credit_note = models.OneToOneField(
        "CreditNote", models.PROTECT, related_name="void", null=True, blank=True, verbose_name=_("credit note")
    )

    class Meta:
        verbose_name = _("voided invoice")
        verbose_name_plural = _("voided invoices")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="invoice_void_positive"),
            approved_by_another(),
            models.CheckConstraint(
                condition=Q(state="approved", credit_note__isnull=False)
                | ~Q(state="approved") & Q(credit_note__isnull=True),
                name="invoice_void_approved_has_its_note",
            ),
            models.UniqueConstraint(
                fields=("invoice",), condition=Q(state__in=("proposed", "approved")), name="invoice_void_once"
            ),
        ]

    def __str__(self) -> str:
        invoice = self.invoice
        return str(
            say("{amount} of {invoice}", amount=amount_text(self.amount, invoice.currency), invoice=invoice.number)
        )


class InvoiceLine(AppendOnlyModel):
    """One line of an invoice, in words; written with it and never changed."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines", verbose_name=_("invoice"))
    position = models.PositiveSmallIntegerField(_("position"))
    charge = models.OneToOneField(
        "Charge", models.PROTECT, related_name="line", null=True, blank=True, verbose_name=_("charge")
    )
    text = models.CharField(_("text"), max_length=300)
    tax_rate = RateField(_("tax rate"))
    net = MoneyField(_("net"))
    tax = MoneyField(_("tax"))
    gross = MoneyField(_("gross"))

    class Meta:
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")
        ordering = ("invoice", "position")
        constraints = [
            models.UniqueConstraint(fields=("invoice", "position"), name="invoice_line_once"),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="invoice_line_adds_up"),
        ]

    def __str__(self) -> str:
        return self.text


class Charge(TrackedModel):
    """An amount that the subscription's next invoice asks for, such as a reversed credit that was used already."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="charges", verbose_name=_("customer"))
    subscription = models.ForeignKey(
        Subscription, models.PROTECT, related_name="charges", verbose_name=_("subscription")
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = MoneyField(_("amount"))
    tax_rate = RateField(_("tax rate"))
    reason = models.CharField(_("reason"), max_length=200)
    charged_on = models.DateField(_("charged on"))
    invoiced_on = models.DateField(_("invoiced on"), null=True, blank=True)

    class Meta:
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        ordering = ("charged_on", "pk")
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="charge_positive")]

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}: {self.reason}"


class CreditNote(AppendOnlyModel):
    """The document of a settled refund, of its reversal, of a voided period, or of a void invoice (``kind``), numbered
    without gaps within the year.

    ``set_off`` is the part of its gross that changed what is due on the period's invoice, or on the void ``invoice``;
    the rest was given, or came back. A void invoice's lines may differ in their rates: its note has none of its own.
    """

    class Kind(models.TextChoices):
        REFUND = "refund", _("Credit note")
        REVERSAL = "reversal", _("Reversal of a credit note")
        VOID = "void", _("Credit note for a voided period")
        INVOICE = "invoice", _("Credit note for a void invoice")

    number = models.CharField(_("number"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="credit_notes", verbose_name=_("customer"))
    period = models.ForeignKey(
        BillingPeriod, models.PROTECT, related_name="credit_notes", null=True, blank=True, verbose_name=_("period")
    )
    invoice = models.OneToOneField(
        Invoice, models.PROTECT, related_name="void_note", null=True, blank=True, verbose_name=_("void invoice")
    )
    currency = models.CharField(_("currency"), max_length=3)
    issued_on = models.DateField(_("issued on"))
    tax_rate = RateField(_("tax rate"), null=True, blank=True)
    net = MoneyField(_("net"))
    tax = MoneyField(_("tax"))
    gross = MoneyField(_("gross"))
    set_off = MoneyField(_("of which set off"), default=Decimal(0))
    reverses = models.OneToOneField(
        "self", models.PROTECT, related_name="reversed_by", null=True, blank=True, verbose_name=_("reverses")
    )

    class Meta:
        verbose_name = _("credit note")
        verbose_name_plural = _("credit notes")
        ordering = ("-issued_on", "-number")
        constraints = [
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="credit_note_adds_up"),
            models.CheckConstraint(condition=Q(gross__gt=0, net__gte=0, tax__gte=0), name="credit_note_positive"),
            models.CheckConstraint(
                condition=Q(set_off__gte=0, gross__gte=F("set_off")), name="credit_note_set_off_is_a_part"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("refund", "void", "invoice"), reverses__isnull=True)
                | Q(kind="reversal", reverses__isnull=False),
                name="credit_note_reversal_names_its_note",
            ),
            models.UniqueConstraint(fields=("period",), condition=Q(kind="void"), name="credit_note_one_void"),
            models.CheckConstraint(
                condition=Q(kind="invoice", invoice__isnull=False, period__isnull=True, tax_rate__isnull=True)
                | ~Q(kind="invoice") & Q(invoice__isnull=True, period__isnull=False, tax_rate__isnull=False),
                name="credit_note_of_period_or_void_invoice",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def subscription(self) -> Subscription:
        """Whose period, or whose void invoice, it is about."""
        of = self.period if self.period is not None else self.invoice
        assert of is not None
        return of.subscription

    @property
    def of_invoice(self) -> Invoice | None:
        """The invoice that it changes: the void one, or the period's."""
        return self.invoice if self.period is None else getattr(self.period, "invoice", None)
