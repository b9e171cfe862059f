"""What is typed of a payout of leftover credit."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.actions import ReasonForm
from backoffice.forms import AmountField


class ResidualPayoutForm(ReasonForm):
    field_order = ("amount", "reason")
    amount = AmountField(label=_("Amount"), help_text=_("What is left of the credit, or less."))
