"""What is typed of plans, prices and operations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from backoffice.forms import AmountField, DateField, NumberField, WholeNumberField, currency_choices
from billing.plans.models import Operation, Plan, TermChoices
from core.fields import CostField


class CostInput(NumberField):
    """A cost of one unit, which may be finer than the currency."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_digits": 14, "decimal_places": CostField().places, **kwargs})


# --- Plans and dated terms ----------------------------------------------------------------------


class PlanForm(ActionForm):
    code = forms.CharField(
        label=_("Code"), max_length=30, help_text=_("Capital letters, digits, _ and -. It never changes.")
    )
    name = forms.CharField(label=_("Name"), max_length=100)
    kind = forms.ChoiceField(label=_("Kind"), choices=Plan.Kind)


class PriceForm(ActionForm):
    """A plan's terms from a date on."""

    plan = forms.ModelChoiceField(Plan.objects.filter(active=True), label=_("Plan"))
    term = forms.ChoiceField(label=_("Term"), choices=TermChoices)
    currency = forms.ChoiceField(label=_("Currency"), choices=currency_choices)
    valid_from = DateField(label=_("Holds from"), help_text=_("For periods that begin on this day or later."))
    fee = AmountField(label=_("Fee"), help_text=_("Gross, for the whole term."))
    tax_rate = NumberField(label=_("Tax rate, %"), min_value=0, max_value=100, decimal_places=6, initial=Decimal(22))
    included_minutes = WholeNumberField(label=_("Included minutes"), min_value=0, max_value=2_000_000, initial=0)
    minute_cost = CostInput(
        label=_("Cost of a minute"), initial=0, help_text=_("What a used minute takes off a refund.")
    )


class OperationForm(ActionForm):
    code = forms.CharField(
        label=_("Code"), max_length=30, help_text=_("Capital letters, digits, _ and -. It never changes.")
    )
    name = forms.CharField(label=_("Name"), max_length=100)


class OperationCostForm(ActionForm):
    """What one use of an operation costs from a date on."""

    operation = forms.ModelChoiceField(Operation.objects.all(), label=_("Operation"))
    currency = forms.ChoiceField(label=_("Currency"), choices=currency_choices)
    valid_from = DateField(label=_("Holds from"), help_text=_("For periods that begin on this day or later."))
    unit_cost = CostInput(label=_("Cost of one use"))
