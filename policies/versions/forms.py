"""What is typed of a policy's version."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.widgets import DateInput
from policies.parameters.forms import GROUP_OF, FigureForm
from policies.parameters.parameters import FulfilmentParameters, RefundParameters
from policies.versions.models import FULL_MONTH, Policy, PolicyVersion


class PolicyVersionForm(FigureForm):
    """Text and figures of a version."""

    json_field = "parameters"
    optional = False
    effective_from = forms.DateField(
        label=_("Holds from"), widget=DateInput, help_text=_("It judges periods that begin on this day or later.")
    )
    text = forms.CharField(
        label=_("Text"), widget=forms.Textarea(attrs={"rows": 20}), help_text=_("Markdown. What customers read.")
    )

    @property
    def kind(self) -> str:
        """The policy's kind, "" without a row."""
        row = self.rows[0] if self.rows else None
        if isinstance(row, PolicyVersion):
            return row.policy.kind
        return row.kind if isinstance(row, Policy) else ""

    def figure_names(self) -> tuple[str, ...]:
        of_fulfilment = (FULL_MONTH,)
        if self.kind == Policy.Kind.FULFILMENT:
            return of_fulfilment
        return tuple(name for name in GROUP_OF if name not in of_fulfilment) if self.kind else ()

    def check(self, figures: dict[str, Any], cleaned: dict[str, Any]) -> None:
        if self.kind == Policy.Kind.FULFILMENT:
            FulfilmentParameters.from_json(figures)
        else:
            RefundParameters.from_json(figures)
