"""Customers, their contacts and changes of their bank details."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.staff.models import User
from audit.tracked import TrackedModel
from core.text import say
from core.validators import validate_country, validate_currency, validate_iban


class Customer(TrackedModel):
    """A person or company that buys from us."""

    class Kind(models.TextChoices):
        PERSON = "person", gettext_lazy("Person")
        COMPANY = "company", gettext_lazy("Company")

    class Language(models.TextChoices):
        ENGLISH = "en", gettext_lazy("English")
        ITALIAN = "it", gettext_lazy("Italian")

    number = models.CharField(
        max_length=30,
        unique=True,
        validators=[
            RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", gettext_lazy("Letters, digits and . _ / - only."))
        ],
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.COMPANY)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, default="IT", validators=[validate_country])
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    currency = models.CharField(max_length=3, default="EUR", validators=[validate_currency])
    postal_address = models.TextField(blank=True)
    billing_address = models.TextField(blank=True, help_text=gettext_lazy("Where it differs from the postal address."))
    tax_number = models.CharField(max_length=30, blank=True)
    iban = models.CharField("IBAN", max_length=34, blank=True, validators=[validate_iban])
    account_holder = models.CharField(max_length=140, blank=True)
    customer_since = models.DateField(null=True, blank=True)
    notes = models.TextField(blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, related_name="merged_customers", null=True, blank=True)

    class Meta:
        ordering = ("number",)
        indexes = [
            models.Index(fields=("name",), name="customer_by_name"),
            models.Index(fields=("email",), name="customer_by_email"),
            models.Index(fields=("currency",), name="customer_by_currency"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(number=""), name="customer_has_number"),
            models.CheckConstraint(condition=~Q(name=""), name="customer_has_name"),
            models.CheckConstraint(condition=Q(kind__in=("person", "company")), name="customer_kind_known"),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")), name="customer_not_merged_into_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"


class Contact(TrackedModel):
    """Somebody to talk to at a customer."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=140)
    position = models.CharField(
        max_length=80, blank=True, help_text=gettext_lazy("What they do there: accounts, reception, IT.")
    )
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("customer", "name", "pk")
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="contact_has_name")]

    def __str__(self) -> str:
        return self.name


class BankDetailsChange(TrackedModel):
    """New bank details of a customer. Nothing is paid out to them until a second person has confirmed the change."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="bank_details_changes")
    iban_before = models.CharField(max_length=34, blank=True)
    iban_after = models.CharField(max_length=34, blank=True)
    holder_before = models.CharField(max_length=140, blank=True)
    holder_after = models.CharField(max_length=140, blank=True)
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-changed_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | (Q(confirmed_by__isnull=False, confirmed_at__isnull=False) & ~Q(confirmed_by=F("changed_by"))),
                name="bank_details_confirmed_by_another",
            ),
        ]

    def __str__(self) -> str:
        day = timezone.localdate(self.changed_at)
        return str(say("Bank details of {customer} of {day}", customer=self.customer.name, day=day))
