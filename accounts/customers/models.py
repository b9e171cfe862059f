"""Customers, their contacts and changes of their bank details."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.four_eyes.models import ApprovedByAnother, approved_by_another
from accounts.staff.models import User
from audit.tracked import TrackedModel
from core.addresses import PARTS, Address
from core.text import say
from core.validators import validate_country, validate_currency, validate_iban, validate_visible


class Customer(TrackedModel):
    """A person or company that buys from us."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        COMPANY = "company", _("Company")

    class Language(models.TextChoices):
        ENGLISH = "en", _("English")
        ITALIAN = "it", _("Italian")

    number = models.CharField(
        _("number"),
        max_length=30,
        unique=True,
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", _("Letters, digits and . _ / - only."))],
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.COMPANY)
    name = models.CharField(_("name"), max_length=200, validators=[validate_visible])
    email = models.EmailField(_("email"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    country = models.CharField(_("country"), max_length=2, default="IT", validators=[validate_country])
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.ENGLISH)
    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[validate_currency])
    postal_street = models.CharField(_("postal address: street"), max_length=200, blank=True)
    postal_number = models.CharField(_("postal address: number"), max_length=20, blank=True)
    postal_postcode = models.CharField(_("postal address: postcode"), max_length=20, blank=True)
    postal_town = models.CharField(_("postal address: town"), max_length=100, blank=True)
    postal_country = models.CharField(
        _("postal address: country"), max_length=2, blank=True, validators=[validate_country]
    )
    #: Where it differs from the postal address.
    billing_street = models.CharField(_("billing address: street"), max_length=200, blank=True)
    billing_number = models.CharField(_("billing address: number"), max_length=20, blank=True)
    billing_postcode = models.CharField(_("billing address: postcode"), max_length=20, blank=True)
    billing_town = models.CharField(_("billing address: town"), max_length=100, blank=True)
    billing_country = models.CharField(
        _("billing address: country"), max_length=2, blank=True, validators=[validate_country]
    )
    address_to_check = models.BooleanField(
        _("address to check"),
        default=False,
        help_text=_("It came as a whole, and its parts could not be told apart for certain."),
    )
    tax_number = models.CharField(_("tax number"), max_length=30, blank=True)
    iban = models.CharField(_("IBAN"), max_length=34, blank=True, validators=[validate_iban])
    account_holder = models.CharField(_("account holder"), max_length=140, blank=True, validators=[validate_visible])
    customer_since = models.DateField(_("customer since"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, related_name="merged_customers", null=True, blank=True, verbose_name=_("merged into")
    )

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ("number",)
        indexes = [
            models.Index(fields=("name",), name="customer_by_name"),
            models.Index(fields=("email",), name="customer_by_email"),
            models.Index(fields=("currency",), name="customer_by_currency"),
            models.Index(fields=("iban",), name="customer_by_iban", condition=~Q(iban="")),
        ]
        constraints = [
            models.UniqueConstraint(Lower("number"), name="customer_number_once"),
            models.CheckConstraint(condition=~Q(number=""), name="customer_has_number"),
            models.CheckConstraint(condition=~Q(name=""), name="customer_has_name"),
            models.CheckConstraint(condition=Q(kind__in=("person", "company")), name="customer_kind_known"),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")), name="customer_not_merged_into_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"

    @property
    def postal(self) -> Address:
        """The postal address; in the customer's own country where it names none."""
        return self._address("postal")

    @property
    def billing(self) -> Address:
        """What invoices are addressed to where it differs from the postal address; nothing elsewhere."""
        return self._address("billing")

    def _address(self, prefix: str) -> Address:
        parts = {part: getattr(self, f"{prefix}_{part}") for part in PARTS}
        return Address(**{**parts, "country": parts["country"] or self.country})


class CustomerMerge(ApprovedByAnother):
    """Two entries of one customer, proposed to become one. ``differences`` are those that the proposer saw: ``{"field",
    "duplicate", "survivor"}``.
    """

    NOT_PROPOSED = gettext_noop("This merge is “{state}” already.")
    OWN_PROPOSAL = gettext_noop("You proposed this merge: somebody else has to decide on it.")

    duplicate = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("customer to merge"))
    survivor = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("into"))
    differences: Any = models.JSONField(_("differences"), default=list)

    class Meta:
        verbose_name = _("merge of customers")
        verbose_name_plural = _("merges of customers")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            approved_by_another(),
            models.CheckConstraint(condition=~Q(reason=""), name="customer_merge_has_reason"),
            models.CheckConstraint(condition=~Q(duplicate=F("survivor")), name="customer_merge_of_two"),
            models.UniqueConstraint(
                fields=("duplicate",),
                condition=Q(state__in=("proposed", "approved")),
                name="customer_merge_once",
            ),
        ]

    def __str__(self) -> str:
        return str(say("{duplicate} into {survivor}", duplicate=self.duplicate.number, survivor=self.survivor.number))


class Contact(TrackedModel):
    """Somebody to talk to at a customer."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="contacts", verbose_name=_("customer"))
    name = models.CharField(_("name"), max_length=140, validators=[validate_visible])
    position = models.CharField(
        _("position"), max_length=80, blank=True, help_text=_("What they do there: accounts, reception, IT.")
    )
    email = models.EmailField(_("email"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ("customer", "name", "pk")
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="contact_has_name")]

    def __str__(self) -> str:
        return self.name


class BankDetailsChange(TrackedModel):
    """New bank details of a customer. Nothing is paid out to them until a second person has confirmed the change."""

    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="bank_details_changes", verbose_name=_("customer")
    )
    iban_before = models.CharField(_("iban before"), max_length=34, blank=True)
    iban_after = models.CharField(_("iban after"), max_length=34, blank=True)
    holder_before = models.CharField(_("holder before"), max_length=140, blank=True)
    holder_after = models.CharField(_("holder after"), max_length=140, blank=True)
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("changed by"))
    changed_at = models.DateTimeField(_("changed at"))
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("confirmed by")
    )
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("bank details change")
        verbose_name_plural = _("bank details changes")
        ordering = ("-changed_at", "-pk")
        indexes = [
            models.Index(fields=("iban_before",), name="bank_details_by_iban_before", condition=~Q(iban_before="")),
            models.Index(fields=("iban_after",), name="bank_details_by_iban_after", condition=~Q(iban_after="")),
        ]
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
