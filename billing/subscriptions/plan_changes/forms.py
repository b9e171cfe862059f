"""What is typed of a change of plan."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from backoffice.forms import AmountField, DateField, ReasonField
from billing.plans.models import Plan
from billing.subscriptions.models import Subscription


class PlanChangeForm(ActionForm):
    """The customer's word, how it came, and what they want."""

    plan = forms.ModelChoiceField(Plan.objects.filter(active=True), label=_("New plan"))
    effective_on = DateField(label=_("From"), help_text=_("The first period that begins on this day or later has it."))
    agreed_fee = AmountField(
        label=_("Agreed fee (optional)"),
        required=False,
        help_text=_("Gross, for a whole term, where it differs from the plan's price. Billing's to agree."),
    )
    channel = forms.ChoiceField(label=_("It came by"), choices=Subscription.Channel)
    asked_on = DateField(label=_("Asked for on"))
    reason = ReasonField(required=False)
