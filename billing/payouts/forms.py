"""What is typed of a payout."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from backoffice.forms import DateField


class PayoutPaidForm(ActionForm):
    reference = forms.CharField(label=_("The bank's reference"), max_length=140)
    paid_on = DateField(label=_("Paid on"))
