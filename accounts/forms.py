"""Inputs of the actions on customers, staff and limits: what can be typed. The rules live in the actions."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext_lazy
from iso4217 import Currency

from accounts.fields import MoneyField
from accounts.guards import merged_obstacle
from accounts.models import ApprovalLimit, Customer, Team
from accounts.permissions import APPROVAL_OF, PERMISSIONS, Role, role_words
from accounts.validators import countries, names_in, validate_iban
from audit.backoffice import ActionForm
from audit.backoffice.widgets import DateInput
from audit.words import Text, say


def country_choices() -> list[tuple[str, str]]:
    """Countries by name."""
    return sorted(countries().items(), key=lambda entry: entry[1])


def currency_choices() -> list[tuple[str, str]]:
    """Currencies with a minor unit, the most used ones first."""
    return _currencies(get_language())


@cache
def _currencies(language: str | None) -> list[tuple[str, str]]:
    names = names_in(language).currencies
    codes = [currency.code for currency in Currency if currency.exponent is not None]
    first = ["EUR", "USD", "GBP", "CHF"]
    ordered = [*first, *sorted(set(codes) - set(first))]
    return [(code, f"{code} {names.get(code, '')}".strip()) for code in ordered]


class DateField(forms.DateField):
    widget = DateInput


class ReasonField(forms.CharField):
    """A reason that becomes part of the record."""

    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "label", gettext_lazy("Reason") if kwargs.get("required", True) else gettext_lazy("Reason (optional)")
        )
        super().__init__(**{"help_text": gettext_lazy("It becomes part of the record."), "max_length": 4000, **kwargs})


class AmountField(forms.DecimalField):
    """An amount that is stored as it was typed, so no finer than the column."""

    def __init__(self, **kwargs: Any) -> None:
        places = MoneyField().places
        super().__init__(**{"min_value": 0, "max_digits": 14, "decimal_places": places, **kwargs})


class CustomerNumberField(forms.CharField):
    """A customer, named by number: there are too many to choose from a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": gettext_lazy("Customer number"), "max_length": 30, **kwargs})

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        if not number:
            return None
        customer = Customer.objects.select_related("merged_into").filter(number=number).first()
        if customer is None:
            raise ValidationError(say("There is no customer {number}.", number=number), code="unknown")
        if obstacle := merged_obstacle(customer):
            raise ValidationError(obstacle, code="merged")
        return customer


class CustomerForm(ActionForm):
    """What is known of a customer; also for a new one."""

    name = forms.CharField(max_length=200)
    kind = forms.ChoiceField(choices=Customer.Kind)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    phone = forms.CharField(max_length=40, required=False)
    country = forms.ChoiceField(choices=country_choices)
    language = forms.ChoiceField(choices=Customer.Language)
    currency = forms.ChoiceField(choices=currency_choices)
    postal_address = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=500, required=False)
    billing_address = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Where it differs from the postal address."),
    )
    tax_number = forms.CharField(
        max_length=30,
        required=False,
        help_text=gettext_lazy("A company's VAT number, where its country has one. Checked by its digits."),
    )
    iban = forms.CharField(
        label="IBAN", max_length=42, required=False, help_text=gettext_lazy("Needed to pay cash out.")
    )
    account_holder = forms.CharField(
        max_length=140, required=False, help_text=gettext_lazy("If it is not the customer.")
    )
    customer_since = DateField(required=False)
    notes = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    reason = ReasonField(
        required=False,
        help_text=gettext_lazy(
            "Needed for a change of bank details: who asked, and how. It becomes part of the record."
        ),
    )

    def clean_iban(self) -> str:
        number: str = self.cleaned_data["iban"].replace(" ", "").upper()
        if number:
            validate_iban(number)
        return number


class ContactForm(ActionForm):
    """Somebody to talk to at a customer."""

    name = forms.CharField(max_length=140)
    position = forms.CharField(
        max_length=80, required=False, help_text=gettext_lazy("What they do there: accounts, reception, IT.")
    )
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    phone = forms.CharField(max_length=40, required=False)


class NewCustomerForm(CustomerForm):
    """A customer who is not on file yet."""

    field_order = ("number", "name")

    number = forms.CharField(
        label=gettext_lazy("Number (optional)"),
        max_length=30,
        required=False,
        help_text=gettext_lazy("The next free one if left out: K-000001 and so on."),
    )
    reason = ReasonField(required=False)


def role_choices() -> list[tuple[str, Text]]:
    return [(role.value, role_words(role)) for role in Role]


class StaffChangeForm(ActionForm):
    """What a person shall be, all of it."""

    role = forms.ChoiceField(choices=lambda: [("", gettext_lazy("No role")), *role_choices()], required=False)
    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label=gettext_lazy("No team"))
    leads_team = forms.BooleanField(label=gettext_lazy("Leads this team"), required=False)
    customer = CustomerNumberField(
        label=gettext_lazy("Own customer number (optional)"),
        required=False,
        help_text=gettext_lazy("Of somebody who is a customer too: they never decide on their own money."),
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"), required=False, help_text=gettext_lazy("Without it they can't sign in.")
    )
    reason = ReasonField()


class NewPersonForm(ActionForm):
    """Somebody who joins."""

    username = forms.CharField(
        label=gettext_lazy("User name"), max_length=150, help_text=gettext_lazy("What they sign in with.")
    )
    first_name = forms.CharField(max_length=150)
    last_name = forms.CharField(max_length=150)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    password = forms.CharField(
        label=gettext_lazy("First password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least 12 characters. Tell them to change it when they sign in first."),
    )
    role = forms.ChoiceField(choices=role_choices)
    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label=gettext_lazy("No team"))
    leads_team = forms.BooleanField(label=gettext_lazy("Leads this team"), required=False)
    customer = CustomerNumberField(
        label=gettext_lazy("Own customer number (optional)"),
        required=False,
        help_text=gettext_lazy("Of somebody who is a customer too: they never decide on their own money."),
    )
    reason = ReasonField()


class NewTeamForm(ActionForm):
    name = forms.CharField(max_length=80, help_text=gettext_lazy("People join it by staff changes, its lead too."))


def _approving_roles() -> list[tuple[str, Text]]:
    approving = {role for may in APPROVAL_OF.values() for role in PERMISSIONS[may]}
    return [(role.value, role_words(role)) for role in Role if role in approving]


class LimitForm(ActionForm):
    """An approval limit from a date on."""

    role = forms.ChoiceField(choices=_approving_roles)
    subject = forms.ChoiceField(label=gettext_lazy("What is approved"), choices=ApprovalLimit.Subject)
    currency = forms.ChoiceField(choices=currency_choices)
    valid_from = DateField(label=gettext_lazy("Holds from"))
    amount = AmountField(
        label=gettext_lazy("Up to"),
        help_text=gettext_lazy("The refund together with what the customer was granted lately."),
    )
    batch_amount = AmountField(
        label=gettext_lazy("Up to, for a batch"), initial=0, help_text=gettext_lazy("The sum of one batch; 0: none.")
    )
    reason = ReasonField(required=False)
