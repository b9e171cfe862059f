"""What is typed of a policy's version."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.widgets import DateInput
from policies.parameters.forms import GROUP_OF, FigureForm
from policies.versions.models import Policy, PolicyVersion


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
    def policy(self) -> Policy | None:
        """The policy whose version it is, None without a row."""
        row: Any = self.rows[0] if self.rows else None
        policy: Policy | None = row.policy if isinstance(row, PolicyVersion) else row
        return policy

    def figure_names(self) -> tuple[str, ...]:
        if self.policy is None:
            return ()
        own = {entry.name for entry in fields(self.policy.parameters)}
        return tuple(name for name in GROUP_OF if name in own)

    def check(self, figures: dict[str, Any], cleaned: dict[str, Any]) -> None:
        if self.policy is not None:
            self.policy.parameters.from_json(figures)
