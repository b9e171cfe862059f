"""Purchases of phones and their instalments."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from audit.tracked import TrackedModel, TrackedQuerySet
from core.fields import MoneyField
from core.text import say
from core.validators import validate_currency
from hardware.phones.models import Phone


class PurchaseQuerySet(TrackedQuerySet["Purchase"]):
    def kept(self) -> Self:
        """Purchases whose phone was not given back."""
        return self.filter(returned_on__isnull=True)


class Purchase(TrackedModel):
    """A customer buys a phone, outright or by instalments. It is theirs from the day its price is paid in full (F6).

    A phone that comes back (``returned_on``) goes to stock and may be sold again; what was paid stays paid (F8), what
    was not is owed no longer. ``owned_on`` stays as it was: until the return it was theirs.
    """

    number = models.CharField(_("number"), max_length=20, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="purchases", verbose_name=_("customer"))
    phone = models.ForeignKey(Phone, models.PROTECT, related_name="purchases", verbose_name=_("phone"))
    bought_on = models.DateField(_("bought on"))
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    price = MoneyField(_("price"))
    paid = MoneyField(_("paid"), default=Decimal(0))
    owned_on = models.DateField(_("owned on"), null=True, blank=True)
    returned_on = models.DateField(_("returned on"), null=True, blank=True)
    return_reason = models.TextField(_("return reason"), blank=True)
    warranty_until = models.DateField(_("warranty until"), null=True, blank=True)
    warranty_note = models.TextField(_("warranty note"), blank=True)

    objects: ClassVar = PurchaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ("-bought_on", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0, paid__gte=0) & Q(price__gte=F("paid")), name="purchase_not_overpaid"
            ),
            models.CheckConstraint(
                condition=Q(owned_on__isnull=True, price__gt=F("paid")) | Q(owned_on__isnull=False, price=F("paid")),
                name="purchase_owned_when_paid",
            ),
            models.UniqueConstraint(fields=("phone",), condition=Q(returned_on__isnull=True), name="phone_bought_once"),
            models.CheckConstraint(
                condition=Q(returned_on__isnull=True) | ~Q(return_reason=""), name="purchase_return_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.phone}"

    @property
    def owed(self) -> Decimal:
        """What is still to be paid before the phone is the customer's; nothing once it was given back."""
        owed: Decimal = Decimal(0) if self.is_returned else self.price - self.paid
        return owed

    @property
    def is_owned(self) -> bool:
        """Whether the phone is the customer's now."""
        return self.owned_on is not None and not self.is_returned

    @property
    def is_returned(self) -> bool:
        return self.returned_on is not None


class Instalment(TrackedModel):
    """A part of a purchase's price, due on a day. Bought outright means one instalment, due at once."""

    purchase = models.ForeignKey(Purchase, models.PROTECT, related_name="instalments", verbose_name=_("purchase"))
    sequence = models.PositiveSmallIntegerField(_("sequence"))
    due_on = models.DateField(_("due on"))
    amount = MoneyField(_("amount"))
    paid_on = models.DateField(_("paid on"), null=True, blank=True)

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        ordering = ("purchase", "sequence")
        constraints = [
            models.UniqueConstraint(fields=("purchase", "sequence"), name="instalment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="instalment_positive"),
        ]

    def __str__(self) -> str:
        return str(say("{purchase}, instalment {number}", purchase=self.purchase.number, number=self.sequence))
