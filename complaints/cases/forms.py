"""The inputs of the actions. Forms only gather and tidy; every rule is the action's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import PERMISSIONS, May
from backoffice.actions import ActionForm, ReasonForm, offer
from backoffice.forms import LocalTimeField
from backoffice.lookups import LookupField
from backoffice.widgets import DateInput
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.models import Complaint, Decision
from core.text import say

LONG = forms.Textarea(attrs={"rows": 6})


SHORT = forms.Textarea(attrs={"rows": 3})


class MultipleFileInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class MultipleFileField(forms.FileField):
    """Several files at once; clean gives a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=MultipleFileInput(), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> Any:
        single = super().clean
        files = data if isinstance(data, list | tuple) else [data] if data else []
        return [single(file, initial) for file in files]


class RegisterForm(ActionForm):
    """A new complaint."""

    subscription = LookupField(
        Subscription.objects.all,
        label=_("Subscription"),
        by="number",
        search=("customer__number", "customer__name"),
        help_text=_("Its number, such as S-000123, or the customer’s number or name."),
    )
    received_at = LocalTimeField(label=_("Received at"), help_text=_("When it reached us: the deadlines start here."))
    channel = forms.ChoiceField(label=_("Channel"), choices=Complaint.Channel)
    category = forms.ChoiceField(label=_("Category"), choices=Complaint.Category)
    sought = forms.ChoiceField(label=_("Remedy sought"), choices=Complaint.Sought)
    subject = forms.CharField(label=_("Subject"), max_length=120)
    text = forms.CharField(label=_("Text"), widget=LONG, help_text=_("In the customer’s own words."))
    about_day = forms.DateField(
        label=_("Day it is about"),
        widget=DateInput,
        required=False,
        help_text=_("Any day of the period it concerns; the day of receipt if left out."),
    )
    attachments = MultipleFileField(
        label=_("Attachments"), required=False, help_text=_("PDF, pictures, sound or plain text, up to 10 MB each.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        subscription: Subscription | None = cleaned.get("subscription")
        if subscription is not None:
            cleaned["subscription_id"] = subscription.pk
            day = cleaned.get("about_day") or (
                timezone.localdate(cleaned["received_at"]) if cleaned.get("received_at") else None
            )
            if day is not None:
                cleaned["period_id"] = self._period(subscription, day)
        return cleaned

    def _period(self, subscription: Subscription, day: date) -> int | None:
        period = BillingPeriod.objects.filter(subscription=subscription).containing(day).first()
        if period is None:
            self.add_error(
                "about_day",
                say(
                    "{subscription} has no billing period that covers {day}.", subscription=subscription.number, day=day
                ),
            )
            return None
        return period.pk


class CorrectForm(ReasonForm):
    """What may be corrected of a registration."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Complaint.Channel)
    received_at = LocalTimeField(label=_("Received at"))
    category = forms.ChoiceField(label=_("Category"), choices=Complaint.Category)
    sought = forms.ChoiceField(label=_("Remedy sought"), choices=Complaint.Sought)
    subject = forms.CharField(label=_("Subject"), max_length=120)
    text = forms.CharField(label=_("Text"), widget=LONG)
    period_id = forms.TypedChoiceField(label=_("Period it concerns"), coerce=int)

    field_order = ["subject", "text", "category", "sought", "channel", "received_at", "period_id", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "period_id", choices=period_choices(self.rows))


def period_choices(rows: Sequence[Any]) -> list[tuple[int, str]]:
    """The periods of the one complaint that a form is about, the newest first."""
    if len(rows) != 1:
        return []
    complaint = rows[0]
    periods = BillingPeriod.objects.filter(subscription=complaint.subscription_id).order_by("-sequence")[:36]
    return [(period.pk, str(period)) for period in periods]


class TextForm(ActionForm):
    """One text."""

    text = forms.CharField(label=_("Text"), widget=LONG)


class SayForm(ActionForm):
    """A text for the customer, as it is sent."""

    recipient = forms.CharField(
        label=_("Recipient"), max_length=200, required=False, help_text=_("Left out: the customer’s e-mail address.")
    )
    channel = forms.ChoiceField(label=_("Channel"), choices=Complaint.Channel)
    text = forms.CharField(
        label=_("Text"), widget=forms.Textarea(attrs={"rows": 10}), help_text=_("Kept to the letter.")
    )


class CustomerMessageForm(ActionForm):
    """What the customer said."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Complaint.Channel)
    received_at = LocalTimeField(label=_("When"), initial=timezone.now)
    sender = forms.CharField(label=_("From"), max_length=200, required=False)
    text = forms.CharField(label=_("Text"), widget=LONG)


class AssignForm(ActionForm):
    """Whom to give cases to."""

    owner = forms.ModelChoiceField(label=_("Owner"), queryset=User.objects.none())
    reason = forms.CharField(label=_("Reason (optional)"), widget=SHORT, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [role.value for role in PERMISSIONS[May.WORK_COMPLAINTS]]
        people = User.objects.filter(is_active=True, role__name__in=roles)
        offer(self, "owner", queryset=people.order_by("first_name", "last_name"))


class AssessForm(ActionForm):
    """What was found."""

    severity = forms.ChoiceField(label=_("Severity"), choices=Complaint.Severity)
    findings = forms.CharField(
        label=_("Findings"), widget=LONG, help_text=_("The evidence beside is copied with it, as it stands now.")
    )


class DecideForm(ActionForm):
    """Upheld or not, and why."""

    outcome = forms.ChoiceField(label=_("Outcome"), choices=Decision.Outcome, widget=forms.RadioSelect)
    reasons = forms.CharField(label=_("Reasons"), widget=LONG)


class ChannelReasonForm(ReasonForm):
    """The customer's word and how it came."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Complaint.Channel)
    field_order = ["channel", "reason"]


class MergeComplaintsForm(ReasonForm):
    """Into which complaint."""

    into = forms.CharField(label=_("Into complaint"), max_length=12, help_text=_("Its code, such as C-00042."))
    field_order = ["into", "reason"]

    def clean_into(self) -> Complaint:
        found = Complaint.objects.filter(code__iexact=self.cleaned_data["into"].strip()).first()
        if found is None:
            raise forms.ValidationError(say("There is no complaint with this code."))
        return found


class ReferForm(ActionForm):
    """Dispute resolution."""

    scheme = forms.CharField(label=_("Scheme"), max_length=120)
    reference = forms.CharField(label=_("Reference"), max_length=60, required=False)
    referred_on = forms.DateField(label=_("Referred on"), widget=DateInput, initial=timezone.localdate)
    ended_on = forms.DateField(
        label=_("Ended on"), widget=DateInput, required=False, help_text=_("Left out while it runs.")
    )
    outcome = forms.CharField(
        label=_("Outcome"), widget=SHORT, required=False, help_text=_("How it ended, together with the day.")
    )


class AttachForm(ActionForm):
    """One file."""

    file = forms.FileField(label=_("File"), help_text=_("PDF, pictures, sound or plain text, up to 10 MB."))
