"""Inputs of the actions on plans, subscriptions and money: what can be typed; the actions have the rules."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.csvfiles.problems import FileProblem
from accounts.fields import CostField
from accounts.forms import AmountField, CustomerNumberField, DateField, ReasonField, currency_choices
from audit.backoffice import ActionForm, ReasonForm
from audit.words import say
from billing.imports.bank import read_statement
from billing.imports.bank_map import LARGEST_MAP, load_bank_map, parse_bank_map, shipped_bank_maps
from billing.imports.column_map import MapProblem
from billing.models import Operation, Plan, Subscription
from billing.models.plans import TermChoices


class CostInput(forms.DecimalField):
    """A cost of one unit, which may be finer than the currency."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_digits": 14, "decimal_places": CostField().places, **kwargs})


# --- Plans and dated terms ----------------------------------------------------------------------


class PlanForm(ActionForm):
    code = forms.CharField(max_length=30, help_text=gettext_lazy("Capital letters, digits, _ and -. It never changes."))
    name = forms.CharField(max_length=100)
    kind = forms.ChoiceField(choices=Plan.Kind)


class PriceForm(ActionForm):
    """A plan's terms from a date on."""

    plan = forms.ModelChoiceField(Plan.objects.filter(active=True))
    term = forms.ChoiceField(choices=TermChoices)
    currency = forms.ChoiceField(choices=currency_choices)
    valid_from = DateField(
        label=gettext_lazy("Holds from"), help_text=gettext_lazy("For periods that begin on this day or later.")
    )
    fee = AmountField(help_text=gettext_lazy("Gross, for the whole term."))
    tax_rate = forms.DecimalField(
        label=gettext_lazy("Tax rate, %"), min_value=0, max_value=100, decimal_places=6, initial=Decimal(22)
    )
    included_minutes = forms.IntegerField(min_value=0, max_value=2_000_000, initial=0)
    minute_cost = CostInput(
        label=gettext_lazy("Cost of a minute"),
        initial=0,
        help_text=gettext_lazy("What a used minute takes off a refund."),
    )


class OperationForm(ActionForm):
    code = forms.CharField(max_length=30, help_text=gettext_lazy("Capital letters, digits, _ and -. It never changes."))
    name = forms.CharField(max_length=100)


class OperationCostForm(ActionForm):
    """What one use of an operation costs from a date on."""

    operation = forms.ModelChoiceField(Operation.objects.all())
    currency = forms.ChoiceField(choices=currency_choices)
    valid_from = DateField(
        label=gettext_lazy("Holds from"), help_text=gettext_lazy("For periods that begin on this day or later.")
    )
    unit_cost = CostInput(label=gettext_lazy("Cost of one use"))


# --- Subscriptions ------------------------------------------------------------------------------


class OpenSubscriptionForm(ActionForm):
    customer = CustomerNumberField()
    plan = forms.ModelChoiceField(Plan.objects.filter(active=True))
    term = forms.ChoiceField(choices=TermChoices)
    activated_on = DateField(
        label=gettext_lazy("Activated on"), help_text=gettext_lazy("Its billing cycle is counted from this day (F9).")
    )
    agreed_fee = AmountField(
        label=gettext_lazy("Agreed fee (optional)"),
        required=False,
        help_text=gettext_lazy("Gross, for a whole term, where it differs from the plan's price."),
    )
    taken_over_on = DateField(
        label=gettext_lazy("Taken over on (optional)"),
        required=False,
        help_text=gettext_lazy(
            "For a customer who comes from another system: the first period opened has this day in it."
        ),
    )


class PlanChangeForm(ActionForm):
    """The customer's word, how it came, and what they want."""

    plan = forms.ModelChoiceField(Plan.objects.filter(active=True), label=gettext_lazy("New plan"))
    effective_on = DateField(
        label=gettext_lazy("From"), help_text=gettext_lazy("The first period that begins on this day or later has it.")
    )
    agreed_fee = AmountField(
        label=gettext_lazy("Agreed fee (optional)"),
        required=False,
        help_text=gettext_lazy("Gross, for a whole term, where it differs from the plan's price. Billing's to agree."),
    )
    channel = forms.ChoiceField(label=gettext_lazy("It came by"), choices=Subscription.Channel)
    asked_on = DateField(label=gettext_lazy("Asked for on"))
    reason = ReasonField(required=False)


class CancelForm(ActionForm):
    """The customer's word, and how it came."""

    channel = forms.ChoiceField(label=gettext_lazy("It came by"), choices=Subscription.Channel)
    requested_on = DateField(label=gettext_lazy("Asked for on"))
    reason = ReasonField(required=False)


# --- Money --------------------------------------------------------------------------------------

#: More than this is no statement for a page: the command reads it.
LARGEST_STATEMENT = 5 * 1024 * 1024


class SurplusField(forms.BooleanField):
    """Whether what is more than due is meant, and no slip."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("What is more than due becomes a credit"))
        super().__init__(
            **{"required": False, "help_text": gettext_lazy("The subscription's next invoice uses it."), **kwargs}
        )


class SurplusForm(ActionForm):
    """A payment of an invoice that is paid."""

    amount = AmountField()
    received_on = DateField(label=gettext_lazy("Received on"))
    reference = forms.CharField(max_length=140, required=False, help_text=gettext_lazy("As the bank shows it."))


class PaymentForm(SurplusForm):
    surplus_to_credit = SurplusField()


class PaidInFullForm(ActionForm):
    received_on = DateField(label=gettext_lazy("Received on"))
    reference = forms.CharField(
        max_length=140, help_text=gettext_lazy("As the bank shows it; it stands on each payment.")
    )


class DisputeForm(ReasonForm):
    field_order = ("disputed_on", "reason")
    disputed_on = DateField(label=gettext_lazy("In dispute since"))


class ChargebackForm(ReasonForm):
    field_order = ("taken_back_on", "reason")
    taken_back_on = DateField(label=gettext_lazy("Taken back on"))
    reason = ReasonField(label=gettext_lazy("The bank's reason"), max_length=200)


class PayoutPaidForm(ActionForm):
    reference = forms.CharField(label=gettext_lazy("The bank's reference"), max_length=140)
    paid_on = DateField(label=gettext_lazy("Paid on"))


class LeftoverForm(ReasonForm):
    field_order = ("amount", "reason")
    amount = AmountField(help_text=gettext_lazy("What is left of the credit, or less."))


class MatchForm(ActionForm):
    invoice_number = forms.CharField(max_length=20, help_text=gettext_lazy("Which invoice this payment is for."))
    surplus_to_credit = SurplusField()
    reason = ReasonField(required=False)


class StatementForm(ActionForm):
    """A bank's statement and what its columns mean; the file is read here, so that a bad one is told at its field."""

    file = forms.FileField(
        label=gettext_lazy("Statement"), help_text=gettext_lazy("A CSV file in UTF-8, with a header; at most 5 MiB.")
    )
    columns = forms.ChoiceField(
        label=gettext_lazy("What the columns mean"),
        choices=lambda: [(name, name) for name in shipped_bank_maps()],
        initial="own",
    )
    own_map = forms.FileField(
        label=gettext_lazy("Or a map of your own (optional)"),
        required=False,
        help_text=gettext_lazy("A TOML file; it goes before the choice above."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        upload, own = cleaned.get("file"), cleaned.get("own_map")
        if upload is None:
            return cleaned
        if upload.size > LARGEST_STATEMENT:
            raise ValidationError({"file": say("This is larger than 5 MiB: the command import_bank reads it.")})
        try:
            chosen = (
                parse_bank_map(own.read(LARGEST_MAP + 1), name=own.name)
                if own is not None
                else load_bank_map(cleaned.get("columns", "own"))
            )
        except MapProblem as problem:
            raise ValidationError({"own_map" if own is not None else "columns": str(problem)}) from None
        try:
            cleaned["statement"] = read_statement(
                io.BytesIO(upload.read()), chosen, file_name=upload.name, today=timezone.localdate()
            )
        except FileProblem as problem:
            raise ValidationError({"file": str(problem)}) from None
        except MapProblem as problem:
            raise ValidationError({"own_map" if own is not None else "columns": str(problem)}) from None
        return cleaned
