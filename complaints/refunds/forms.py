"""What is typed of a refund."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from complaints.cases.forms import SHORT, period_choices
from complaints.refunds.models import Refund
from policies.choices import RemedyKind

REMEDY_FIELDS = {kind: f"{kind.value}_amount" for kind in RemedyKind}


REST_CHOICES = [
    ("credit", _("a credit on the next cycle")),
    ("minutes", _("minutes")),
    ("extension", _("a longer period")),
    ("cash", _("cash")),
]


class RefundForm(ActionForm):
    """What staff choose in a refund; the rest comes from the rows."""

    basis = forms.ChoiceField(label=_("Basis"), choices=Refund.Basis)
    special_amount = forms.DecimalField(
        label=_("Amount of a special case"), required=False, max_digits=18, decimal_places=4
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
    rest = forms.ChoiceField(label=_("Give it as"), choices=REST_CHOICES, initial="credit")
    credit_amount = forms.DecimalField(label=_("of which as credit"), required=False, max_digits=18, decimal_places=4)
    minutes_amount = forms.DecimalField(label=_("of which as minutes"), required=False, max_digits=18, decimal_places=4)
    extension_amount = forms.DecimalField(
        label=_("of which as a longer period"), required=False, max_digits=18, decimal_places=4
    )
    cash_amount = forms.DecimalField(label=_("of which in cash"), required=False, max_digits=18, decimal_places=4)
    reduction = forms.DecimalField(
        label=_("Give less by"),
        required=False,
        max_digits=18,
        decimal_places=4,
        help_text=_("For a complaint partly upheld, say."),
    )
    reduction_reason = forms.CharField(label=_("Why less"), required=False, max_length=400)
    unusual_reason = forms.CharField(
        label=_("Why so far from similar cases"),
        required=False,
        max_length=400,
        help_text=_("Only where the quote is far from what similar cases were given."),
    )

    def terms(self) -> dict[str, Any]:
        """The valid inputs as ``draft_refund`` and ``edit_refund`` take them."""
        cleaned = self.cleaned_data
        remedies: list[dict[str, Any]] = [
            {"kind": kind.value, "amount": cleaned[field]}
            for kind, field in REMEDY_FIELDS.items()
            if cleaned.get(field) and kind.value != cleaned["rest"]
        ]
        remedies.append({"kind": cleaned["rest"]})
        return {
            "basis": cleaned["basis"],
            "special_amount": cleaned.get("special_amount"),
            "reduction": cleaned.get("reduction") or Decimal(0),
            "reduction_reason": cleaned.get("reduction_reason", ""),
            "justification": cleaned.get("justification", ""),
            "evidence": cleaned.get("evidence", ""),
            "unusual_reason": cleaned.get("unusual_reason", ""),
            "remedies": remedies,
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

    field_order = ["basis", "period_id", "special_amount", "rest", "reason", "justification", "evidence"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["period_id"].choices = period_choices(self.rows)  # type: ignore[attr-defined]
