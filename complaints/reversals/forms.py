"""What is typed of a reversal."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import OptionalReasonForm, ReasonForm


class ReversalForm(ReasonForm):
    """Taking a refund back."""

    charge_used = forms.BooleanField(
        label=_("Charge what was used on the next invoice"),
        required=False,
        help_text=_("Whoever approves has the last word."),
    )
    field_order = ["charge_used", "reason"]


class ApproveReversalForm(OptionalReasonForm):
    """The last word on the charge."""

    charge_used = forms.BooleanField(label=_("Charge what was used on the next invoice"), required=False)
    field_order = ["charge_used", "reason"]
