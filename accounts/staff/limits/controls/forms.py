"""What is typed of a control limit."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import ControlLimit
from backoffice.actions import ActionForm
from backoffice.forms import AmountField, DateField, ReasonField, WholeNumberField, currency_choices


class ControlLimitForm(ActionForm):
    """The highest threshold, or the shortest window, from a date on."""

    kind = forms.ChoiceField(label=_("What is limited"), choices=ControlLimit.Kind)
    valid_from = DateField(label=_("Holds from"))
    currency = forms.ChoiceField(
        label=_("Currency"), choices=currency_choices, required=False, help_text=_("For a threshold.")
    )
    amount = AmountField(
        label=_("Two people approve above"), required=False, help_text=_("For a threshold: at the highest.")
    )
    days = WholeNumberField(
        label=_("Days"), required=False, min_value=1, max_value=3660, help_text=_("For the window: at the least.")
    )
    reason = ReasonField(required=False)
