"""What is typed of the figures of a signal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from backoffice.forms import DateField, ReasonField, WholeNumberField
from complaints.signals.kinds import FIGURES
from complaints.signals.models import Signal


class SignalWindowForm(ActionForm):
    """The figures of one signal from a date on."""

    signal = forms.ChoiceField(label=_("Signal"), choices=Signal)
    valid_from = DateField(label=_("Holds from"))
    days = WholeNumberField(label=_("Days back"), required=False, help_text=_("How far back it looks."))
    within = WholeNumberField(
        label=_("Days between"), required=False, help_text=_("How close what was changed is to the proposal.")
    )
    count = WholeNumberField(label=_("At least"), required=False, help_text=_("From how many on it is a pattern."))
    percent = WholeNumberField(label=_("Per cent"), required=False)
    reason = ReasonField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        figures = {name: cleaned.get(name) for name in FIGURES}
        return {**{name: cleaned.get(name) for name in ("signal", "valid_from", "reason")}, "figures": figures}
