"""Inputs of buying phones and paying for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.customers.forms import CustomerNumberField
from backoffice.actions import ActionForm
from backoffice.forms import AmountField, DateField, ReasonField, WholeNumberField
from core.amounts import money_text
from core.text import say
from hardware.phones.models import PhoneModel
from hardware.phones.validators import clean_mac, clean_serial
from hardware.purchases.models import Instalment, Purchase

MOST_INSTALMENTS = 60


class PurchaseForm(ActionForm):
    """A phone bought, outright or by monthly instalments."""

    customer = CustomerNumberField()
    phone_model = forms.ModelChoiceField(PhoneModel.objects.all(), label=_("Phone model"))
    serial = forms.CharField(label=_("Serial number"), max_length=40)
    mac = forms.CharField(label=_("MAC address"), max_length=20, help_text=_("In any usual spelling."))
    price = AmountField(label=_("Price"), help_text=_("Gross, in the customer's currency."))
    bought_on = DateField(label=_("Bought on"))
    parts = WholeNumberField(
        label=_("Instalments"),
        min_value=1,
        max_value=MOST_INSTALMENTS,
        initial=1,
        help_text=_("1: the whole price is due on the day it was bought. More: equal parts, one a month."),
    )
    first_due_on = DateField(
        label=_("First instalment due on"), required=False, help_text=_("The day it was bought, if left out.")
    )

    warranty_until = DateField(label=_("Warranty until (optional)"), required=False)
    warranty_note = forms.CharField(label=_("Warranty note (optional)"), max_length=1000, required=False)

    def clean_serial(self) -> str:
        return clean_serial(self.cleaned_data["serial"])

    def clean_mac(self) -> str:
        return clean_mac(self.cleaned_data["mac"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, bought = cleaned.get("first_due_on"), cleaned.get("bought_on")
        if first and bought and first < bought:
            raise ValidationError({"first_due_on": say("No instalment is due before the phone was bought.")})
        return cleaned


class ReturnForm(ActionForm):
    """When a phone came back, and why."""

    returned_on = DateField(label=_("Came back on"))
    reason = ReasonField()


class WarrantyForm(ActionForm):
    until = DateField(label=_("Warranty until"), required=False)
    note = forms.CharField(
        label=_("Note"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        required=False,
        help_text=_("What is covered, and what was claimed."),
    )


class PayInstalmentForm(ActionForm):
    """The day on which instalments were paid."""

    paid_on = DateField(label=_("Paid on"))


if TYPE_CHECKING:
    _InstalmentChoice = forms.ModelChoiceField[Instalment]
else:
    _InstalmentChoice = forms.ModelChoiceField


class InstalmentField(_InstalmentChoice):
    def label_from_instance(self, obj: Any) -> str:
        amount = money_text(obj.amount, obj.purchase.currency)
        return str(say("{number}: {amount}, due on {day}", number=obj.sequence, amount=amount, day=obj.due_on))


class PayOneForm(PayInstalmentForm):
    """Which instalment of a purchase was paid, and when."""

    field_order = ("instalment", "paid_on")

    instalment = InstalmentField(Instalment.objects.none(), label=_("Instalment"), empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["instalment"]
        purchases = [row for row in self.rows if isinstance(row, Purchase)]
        if isinstance(field, forms.ModelChoiceField) and purchases:
            field.queryset = purchases[0].instalments.filter(paid_on__isnull=True).select_related("purchase")
