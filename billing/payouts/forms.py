"""What is typed of a payout."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from backoffice.forms import DateField


class PayoutPaidForm(ActionForm):
    reference = forms.CharField(
        label=_("The bank's reference"),
        # With a payout's key behind it, it still fits.
        max_length=75,
        help_text=_("Of a collective transfer, each payout keeps it with its own key behind."),
    )
    paid_on = DateField(label=_("Paid on"))

    def clean(self) -> dict[str, Any]:
        return {**(super().clean() or {}), "collective": len(self.rows) > 1}
