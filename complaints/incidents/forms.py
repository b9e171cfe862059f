"""What is typed of an incident."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from backoffice.forms import LocalTimeField
from billing.plans.models import Plan
from billing.subscriptions.models import Subscription
from complaints.cases.forms import SHORT
from core.text import say


class IncidentForm(ActionForm):
    """An interruption or maintenance."""

    title = forms.CharField(label=_("Title"), max_length=120)
    starts_at = LocalTimeField(label=_("Began"))
    ends_at = LocalTimeField(label=_("Ended"), required=False, help_text=_("Left out while it runs."))
    scheduled = forms.BooleanField(label=_("Scheduled maintenance"), required=False)
    hits_everybody = forms.BooleanField(label=_("Hits everybody"), required=False)
    plans = forms.ModelMultipleChoiceField(label=_("Plans"), queryset=Plan.objects.order_by("name"), required=False)
    subscriptions = forms.CharField(
        label=_("Subscriptions"),
        required=False,
        widget=SHORT,
        help_text=_("Numbers of single subscriptions, separated by blanks or commas."),
    )

    def clean_subscriptions(self) -> list[int]:
        numbers = set(self.cleaned_data["subscriptions"].replace(",", " ").upper().split())
        found = dict(Subscription.objects.filter(number__in=numbers).values_list("number", "pk"))
        unknown = sorted(numbers - set(found))
        if unknown:
            raise forms.ValidationError(say("Unknown: {names}.", names=", ".join(unknown[:10])))
        return sorted(found.values())

    def as_action(self) -> dict[str, Any]:
        cleaned = dict(self.cleaned_data)
        cleaned["plan_ids"] = [plan.pk for plan in cleaned.pop("plans")]
        cleaned["subscription_ids"] = cleaned.pop("subscriptions")
        return cleaned

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            cleaned["action"] = {key: value for key, value in self.as_action().items() if key != "reason"}
        return cleaned


class EditIncidentForm(IncidentForm):
    """A correction, with its reason."""

    reason = forms.CharField(label=_("Reason"), widget=SHORT, help_text=_("It becomes part of the record."))


class EndIncidentForm(ActionForm):
    """When it was over."""

    ends_at = LocalTimeField(label=_("Ended"))
