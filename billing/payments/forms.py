"""What is typed of payments, disputes, chargebacks and bank statements."""

from __future__ import annotations

import io
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm, ReasonForm
from backoffice.forms import AmountField, DateField, ReasonField
from billing.imports.bank import read_statement
from billing.imports.bank_map import LARGEST_MAP, load_bank_map, parse_bank_map, shipped_bank_maps
from core.sheets.maps import MapProblem
from core.sheets.problems import FileProblem
from core.text import say

# --- Money --------------------------------------------------------------------------------------

#: More than this is no statement for a page: the command reads it.
LARGEST_STATEMENT = 5 * 1024 * 1024


class SurplusField(forms.BooleanField):
    """Whether what is more than due is meant, and no slip."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("What is more than due becomes a credit"))
        super().__init__(**{"required": False, "help_text": _("The subscription's next invoice uses it."), **kwargs})


class AnotherField(forms.BooleanField):
    """Whether a payment that looks like one on record is another one."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("It is another payment"))
        words = _("Only where one of the same day, amount and reference is recorded already.")
        super().__init__(**{"required": False, "help_text": words, **kwargs})


class _ReceivedForm(ActionForm):
    """Money that came in."""

    amount = AmountField(label=_("Amount"))
    received_on = DateField(label=_("Received on"))
    reference = forms.CharField(
        label=_("Reference"), max_length=140, required=False, help_text=_("As the bank shows it.")
    )


class SurplusForm(_ReceivedForm):
    """A payment of an invoice that is paid."""

    reason = ReasonField(label=_("How is it known that it came in?"))
    another = AnotherField()


class PaymentForm(_ReceivedForm):
    surplus_to_credit = SurplusField(
        label=_("Propose that what is more than due becomes a credit"),
        help_text=_("A manager approves it first. A matched line of the bank needs no approval."),
    )
    reason = ReasonField(
        required=False, label=_("How is it known that it came in?"), help_text=_("Only for what is more than due.")
    )
    another = AnotherField()


class PrepaymentForm(_ReceivedForm):
    """Money that came before the invoice that it is for."""

    another = AnotherField()


class PaidInFullForm(ActionForm):
    received_on = DateField(label=_("Received on"))
    reference = forms.CharField(
        label=_("Reference"), max_length=140, help_text=_("As the bank shows it; it stands on each payment.")
    )


class DisputeForm(ReasonForm):
    field_order = ("disputed_on", "reason")
    disputed_on = DateField(label=_("In dispute since"))


class TakeOffForm(ReasonForm):
    reason = ReasonField(label=_("Where it belongs, or why it does not belong here"), max_length=200)


class ChargebackForm(ReasonForm):
    field_order = ("taken_back_on", "reason")
    taken_back_on = DateField(label=_("Taken back on"))
    reason = ReasonField(label=_("The bank's reason"), max_length=200)


class MatchForm(ActionForm):
    invoice_number = forms.CharField(
        label=_("Invoice number"), max_length=20, help_text=_("Which invoice this payment is for.")
    )
    surplus_to_credit = SurplusField()
    another = AnotherField(help_text=_("Only where a payment of the same day and amount was recorded by hand already."))
    reason = ReasonField(required=False)


class MatchSubscriptionForm(ActionForm):
    subscription_number = forms.CharField(
        label=_("Subscription number"), max_length=20, help_text=_("Whose next invoice this payment is for.")
    )
    another = AnotherField(help_text=_("Only where a payment of the same day and amount was recorded by hand already."))
    reason = ReasonField(required=False)


class StatementForm(ActionForm):
    """A bank's statement and what its columns mean; the file is read here, so that a bad one is told at its field."""

    file = forms.FileField(label=_("Statement"), help_text=_("A CSV file in UTF-8, with a header; at most 5 MiB."))
    columns = forms.ChoiceField(
        label=_("What the columns mean"), choices=lambda: [(name, name) for name in shipped_bank_maps()], initial="own"
    )
    own_map = forms.FileField(
        label=_("Or a map of your own (optional)"),
        required=False,
        help_text=_("A TOML file; it goes before the choice above."),
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
