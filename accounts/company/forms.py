"""What is typed of the company."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from backoffice.forms import AddressField, DateField, ReasonField

_CONTACTS = forms.Textarea(attrs={"rows": 3})


class CompanyForm(ActionForm):
    """Who the company is, from a date on."""

    valid_from = DateField(label=_("Holds from"), help_text=_("For documents written on this day or later."))
    name = forms.CharField(label=_("Name"), max_length=200)
    address = AddressField(label=_("Address"))
    registration_number = forms.CharField(
        label=_("Registration number"), max_length=60, help_text=_("With the register: REA GE-123456.")
    )
    tax_number = forms.CharField(label=_("Tax number"), max_length=30)
    bank_account = forms.CharField(
        label=_("Bank account"), max_length=80, required=False, help_text=_("Where customers pay to: the IBAN.")
    )
    questions = forms.CharField(
        label=_("Contacts for questions"),
        widget=_CONTACTS,
        max_length=500,
        help_text=_("One a line: an e-mail address, a web address, a telephone number."),
    )
    cancellations = forms.CharField(
        label=_("Contacts for cancellations"), widget=_CONTACTS, max_length=500, help_text=_("One a line, as above.")
    )
    logo = forms.FileField(
        label=_("Logo"), required=False, help_text=_("PNG or JPEG. The one in use is kept if none is given.")
    )
    no_logo = forms.BooleanField(label=_("Without a logo"), required=False)
    reason = ReasonField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["keep_logo"] = not cleaned.pop("no_logo", False)
        upload = cleaned.get("logo")
        cleaned["logo"] = upload.read() if upload else None
        return cleaned
