"""What is typed of an agreement."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.customers.forms import CustomerNumberField
from backoffice.widgets import DateInput
from policies.parameters.forms import GROUP_OF, FigureForm
from policies.parameters.parameters import CONTROLS, RefundParameters
from policies.versions.models import FULL_MONTH, Policy, PolicyVersion


class AgreementForm(FigureForm):
    """Special terms of a customer."""

    json_field = "terms"
    optional = True
    title = forms.CharField(label=_("Title"), max_length=120)
    valid_from = forms.DateField(
        label=_("Valid from"), widget=DateInput, help_text=_("It judges periods that begin on this day or later.")
    )
    valid_until = forms.DateField(
        label=_("Valid until"), widget=DateInput, required=False, help_text=_("The last day on which it holds.")
    )
    text = forms.CharField(
        label=_("Text"), widget=forms.Textarea(attrs={"rows": 6}), required=False, help_text=_("Markdown.")
    )
    field_order = ("title", "valid_from", "valid_until", *GROUP_OF, "text")

    def figure_names(self) -> tuple[str, ...]:
        return tuple(name for name in super().figure_names() if name not in CONTROLS)

    def check(self, figures: dict[str, Any], cleaned: dict[str, Any]) -> None:
        # As the action does: what the agreement leaves out is the policy's, and both have to fit together.
        day = cleaned.get("valid_from") or timezone.localdate()
        policy = PolicyVersion.objects.governing(Policy.Kind.REFUND, day).parameters
        own = {name: value for name, value in figures.items() if name != FULL_MONTH}
        RefundParameters.from_json({**policy, **own})


class NewAgreementForm(AgreementForm):
    """The same for a customer to be named."""

    customer = CustomerNumberField(help_text=_("The customer’s number."))
    field_order = ("customer", *AgreementForm.field_order)
