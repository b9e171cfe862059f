"""What is typed of a refund."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm, offer
from backoffice.forms import AmountField
from complaints.cases.forms import SHORT
from complaints.incidents.models import Incident
from complaints.quotes.facts import QuoteFacts
from complaints.quotes.receipts import PERIODS, periods_to_refund, receipt_for
from complaints.refunds.models import Refund
from complaints.refunds.remedies.kinds import REMEDIES, REMEDY_CHOICES
from core.text import say
from policies.choices import RemedyKind

REMEDY_FIELDS = {kind: f"{kind.value}_amount" for kind in REMEDIES}


class RemedyMixForm(forms.Form):
    """How something is given: ``rest`` takes what the amounts beside it leave."""

    short_labels = False
    rest = forms.ChoiceField(label=_("Give it as"), choices=REMEDY_CHOICES, initial="credit")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, name in REMEDY_FIELDS.items():
            label = REMEDIES[kind].short_part if self.short_labels else REMEDIES[kind].part
            self.fields[name] = AmountField(label=label, required=False)
        self.order_fields(self.field_order)

    @property
    def remedies(self) -> list[dict[str, Any]]:
        """The valid inputs as a plan, the one that takes the rest at its end."""
        rest = self.cleaned_data["rest"] or RemedyKind.CREDIT.value
        parts: list[dict[str, Any]] = [
            {"kind": kind.value, "amount": self.cleaned_data[name]}
            for kind, name in REMEDY_FIELDS.items()
            if self.cleaned_data.get(name) and kind.value != rest
        ]
        return [*parts, {"kind": rest}]


class RefundForm(RemedyMixForm, ActionForm):
    """What staff choose in a refund; the rest comes from the rows."""

    basis = forms.ChoiceField(label=_("Basis"), choices=Refund.Basis)
    special_amount = AmountField(label=_("Amount of a special case"), required=False)
    incident_id = forms.TypedChoiceField(
        label=_("Interruption that it makes good"),
        coerce=int,
        required=False,
        empty_value=None,
        help_text=_("For a special case: time that it makes good is not refunded again as an interruption."),
    )
    justification = forms.CharField(
        label=_("Justification"),
        widget=SHORT,
        required=False,
        help_text=_("Needed for a full month and for a special case."),
    )
    evidence = forms.CharField(
        label=_("Evidence"), widget=SHORT, required=False, help_text=_("Needed for a special case.")
    )
    reduction = AmountField(
        label=_("Give less by"),
        required=False,
        help_text=_("For a complaint partly upheld, say."),
    )
    reduction_reason = forms.CharField(label=_("Why less"), required=False, max_length=400)
    unusual_reason = forms.CharField(
        label=_("Why so far from similar cases"),
        required=False,
        max_length=400,
        help_text=_("Only where the quote is far from what similar cases were given."),
    )

    field_order = [
        "basis",
        "special_amount",
        "incident_id",
        "justification",
        "evidence",
        "rest",
        *REMEDY_FIELDS.values(),
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Those that hit the one period that the form is about.
        self.incidents = self._incidents()
        none = ("", say("none"))
        offer(self, "incident_id", choices=[none, *((incident.pk, str(incident)) for incident in self.incidents)])

    def _incidents(self) -> list[Incident]:
        if len(self.rows) != 1:
            return []
        row: Any = self.rows[0]
        period, complaint = row.period, row.complaint if isinstance(row, Refund) else row
        receipt = receipt_for(complaint, period, Refund.Basis.SPECIAL)
        return QuoteFacts.load([period]).nameable(period, receipt.until) if receipt is not None else []

    def terms(self) -> dict[str, Any]:
        """The valid inputs as ``draft_refund`` and ``edit_refund`` take them."""
        cleaned = self.cleaned_data
        return {
            "basis": cleaned["basis"],
            "special_amount": cleaned.get("special_amount"),
            "incident_id": cleaned.get("incident_id"),
            "reduction": cleaned.get("reduction") or Decimal(0),
            "reduction_reason": cleaned.get("reduction_reason", ""),
            "justification": cleaned.get("justification", ""),
            "evidence": cleaned.get("evidence", ""),
            "unusual_reason": cleaned.get("unusual_reason", ""),
            "remedies": self.remedies,
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            cleaned["terms"] = self.terms()
        return cleaned


class ProposeForm(RefundForm):
    """A refund drafted and proposed in one step."""

    period_id = forms.TypedChoiceField(label=_("For period"), coerce=int)
    reason = forms.CharField(
        label=_("Reason of the proposal"), widget=SHORT, help_text=_("It becomes part of the record.")
    )

    field_order = [
        "basis",
        "period_id",
        "special_amount",
        "incident_id",
        "rest",
        "reason",
        "justification",
        "evidence",
        *REMEDY_FIELDS.values(),
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        case: Any = self.rows[0] if len(self.rows) == 1 else None
        periods = periods_to_refund(case)[:PERIODS] if case is not None else ()
        offer(self, "period_id", choices=[(period.pk, str(period)) for period in periods])
