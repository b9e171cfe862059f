"""Inputs of the actions on plans, subscriptions and money: what can be typed; the actions have the rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from accounts.fields import CostField
from accounts.forms import AmountField, CustomerNumberField, DateField, ReasonField, currency_choices
from audit.backoffice import ActionForm
from billing.models import Operation, Plan, Subscription
from billing.models.plans import TermChoices


class CostInput(forms.DecimalField):
    """A cost of one unit, which may be finer than the currency."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_digits": 14, "decimal_places": CostField().places, **kwargs})


# --- Plans and dated terms ----------------------------------------------------------------------


class PlanForm(ActionForm):
    code = forms.CharField(max_length=30, help_text="Capital letters, digits, _ and -. It never changes.")
    name = forms.CharField(max_length=100)
    kind = forms.ChoiceField(choices=Plan.Kind)


class PriceForm(ActionForm):
    """A plan's terms from a date on."""

    plan = forms.ModelChoiceField(Plan.objects.filter(active=True))
    term = forms.ChoiceField(choices=TermChoices)
    currency = forms.ChoiceField(choices=currency_choices)
    valid_from = DateField(label="Holds from", help_text="For periods that begin on this day or later.")
    fee = AmountField(help_text="Gross, for the whole term.")
    tax_rate = forms.DecimalField(
        label="Tax rate, %", min_value=0, max_value=100, decimal_places=6, initial=Decimal(22)
    )
    included_minutes = forms.IntegerField(min_value=0, max_value=2_000_000, initial=0)
    minute_cost = CostInput(label="Cost of a minute", initial=0, help_text="What a used minute takes off a refund.")


class OperationForm(ActionForm):
    code = forms.CharField(max_length=30, help_text="Capital letters, digits, _ and -. It never changes.")
    name = forms.CharField(max_length=100)


class OperationCostForm(ActionForm):
    """What one use of an operation costs from a date on."""

    operation = forms.ModelChoiceField(Operation.objects.all())
    currency = forms.ChoiceField(choices=currency_choices)
    valid_from = DateField(label="Holds from", help_text="For periods that begin on this day or later.")
    unit_cost = CostInput(label="Cost of one use")


# --- Subscriptions ------------------------------------------------------------------------------


class OpenSubscriptionForm(ActionForm):
    customer = CustomerNumberField()
    plan = forms.ModelChoiceField(Plan.objects.filter(active=True))
    term = forms.ChoiceField(choices=TermChoices)
    activated_on = DateField(label="Activated on", help_text="Its billing cycle is counted from this day (F9).")
    agreed_fee = AmountField(
        label="Agreed fee (optional)",
        required=False,
        help_text="Gross, for a whole term, where it differs from the plan's price.",
    )
    taken_over_on = DateField(
        label="Taken over on (optional)",
        required=False,
        help_text="For a customer who comes from another system: the first period opened has this day in it.",
    )


class CancelForm(ActionForm):
    """The customer's word, and how it came."""

    channel = forms.ChoiceField(label="It came by", choices=Subscription.Channel)
    requested_on = DateField(label="Asked for on")
    reason = ReasonField(required=False)


# --- Money --------------------------------------------------------------------------------------


class PaymentForm(ActionForm):
    amount = AmountField()
    received_on = DateField(label="Received on")
    reference = forms.CharField(max_length=140, required=False, help_text="As the bank shows it.")


class PayoutPaidForm(ActionForm):
    reference = forms.CharField(label="The bank's reference", max_length=140)
    paid_on = DateField(label="Paid on")
