"""Inputs of the actions on customers, staff and limits: what can be typed. The rules live in the actions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Customer
from accounts.customers.rules import merged_obstacle
from backoffice.actions import ActionForm
from backoffice.forms import AddressField, DateField, ReasonField, country_choices, currency_choices
from core.text import say
from core.validators import validate_iban


class CustomerNumberField(forms.CharField):
    """A customer, named by number: there are too many to choose from a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Customer number"), "max_length": 30, **kwargs})

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        if not number:
            return None
        customer = Customer.objects.select_related("merged_into").filter(number__iexact=number).first()
        if customer is None:
            raise ValidationError(say("There is no customer {number}.", number=number), code="unknown")
        if obstacle := merged_obstacle(customer):
            raise ValidationError(obstacle.sentence, code="merged")
        return customer


class CustomerForm(ActionForm):
    """What is known of a customer; also for a new one."""

    name = forms.CharField(label=_("Name"), max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), choices=Customer.Kind)
    email = forms.EmailField(label=_("E-mail"), required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    country = forms.ChoiceField(label=_("Country"), choices=country_choices)
    language = forms.ChoiceField(label=_("Language"), choices=Customer.Language)
    currency = forms.ChoiceField(label=_("Currency"), choices=currency_choices)
    postal = AddressField(
        label=_("Postal address"), required=False, help_text=_("Its country where it is another than the customer's.")
    )
    billing = AddressField(
        label=_("Billing address"), required=False, help_text=_("Where it differs from the postal address.")
    )
    tax_number = forms.CharField(
        label=_("Tax number"),
        max_length=30,
        required=False,
        help_text=_("A company's VAT number, where its country has one. Checked by its digits."),
    )
    iban = forms.CharField(label="IBAN", max_length=42, required=False, help_text=_("Needed to pay cash out."))
    account_holder = forms.CharField(
        label=_("Account holder"), max_length=140, required=False, help_text=_("If it is not the customer.")
    )
    customer_since = DateField(label=_("Customer since"), required=False)
    notes = forms.CharField(label=_("Notes"), widget=forms.Textarea(attrs={"rows": 3}), required=False)
    reason = ReasonField(
        required=False,
        help_text=_("Needed for a change of bank details: who asked, and how. It becomes part of the record."),
    )

    def clean_iban(self) -> str:
        number: str = self.cleaned_data["iban"].replace(" ", "").upper()
        if number:
            validate_iban(number)
        return number


class ContactForm(ActionForm):
    """Somebody to talk to at a customer."""

    name = forms.CharField(label=_("Name"), max_length=140)
    position = forms.CharField(
        label=_("Position"), max_length=80, required=False, help_text=_("What they do there: accounts, reception, IT.")
    )
    email = forms.EmailField(label=_("E-mail"), required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)


class NewCustomerForm(CustomerForm):
    """A customer who is not on file yet."""

    field_order = ("number", "name")

    number = forms.CharField(
        label=_("Number (optional)"),
        max_length=30,
        required=False,
        help_text=_("The next free one if left out: K-000001 and so on."),
    )
    reason = ReasonField(required=False)
