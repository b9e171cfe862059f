"""Inputs of the actions on plans, subscriptions and money: what can be typed; the actions have the rules."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.customers.forms import CustomerNumberField
from backoffice.actions import ActionForm
from backoffice.forms import AmountField, DateField, ReasonField
from billing.plans.models import Plan, TermChoices
from billing.subscriptions.models import Subscription

# --- Subscriptions ------------------------------------------------------------------------------


class OpenSubscriptionForm(ActionForm):
    customer = CustomerNumberField()
    plan = forms.ModelChoiceField(Plan.objects.filter(active=True), label=_("Plan"))
    term = forms.ChoiceField(label=_("Term"), choices=TermChoices)
    activated_on = DateField(label=_("Activated on"), help_text=_("Its billing cycle is counted from this day (F9)."))
    agreed_fee = AmountField(
        label=_("Agreed fee (optional)"),
        required=False,
        help_text=_("Gross, for a whole term, where it differs from the plan's price."),
    )
    taken_over_on = DateField(
        label=_("Taken over on (optional)"),
        required=False,
        help_text=_("For a customer who comes from another system: the first period opened has this day in it."),
    )


class CancelForm(ActionForm):
    """The customer's word, and how it came."""

    channel = forms.ChoiceField(label=_("It came by"), choices=Subscription.Channel)
    requested_on = DateField(label=_("Asked for on"))
    reason = ReasonField(required=False)
