"""What is typed of a payout of leftover credit."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from backoffice.actions import ReasonForm
from backoffice.forms import AmountField


class LeftoverForm(ReasonForm):
    field_order = ("amount", "reason")
    amount = AmountField(label=gettext_lazy("Amount"), help_text=gettext_lazy("What is left of the credit, or less."))
