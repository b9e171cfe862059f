"""The inputs of the actions. Forms only gather and tidy; every rule is the action's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.permissions import PERMISSIONS, May
from audit.backoffice import ActionForm, OptionalReasonForm, ReasonForm
from audit.backoffice.lookups import LookupField
from audit.backoffice.widgets import DateInput, DateTimeInput
from audit.words import say
from billing.models import BillingPeriod, Plan, Subscription
from complaints.models import Complaint, Decision, Refund
from complaints.policy_parameters import RemedyKind

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
        by="number",
        search=("customer__number", "customer__name"),
        help_text=gettext_lazy("Its number, such as S-000123, or the customer’s number or name."),
    )
    received_at = forms.DateTimeField(
        widget=DateTimeInput, help_text=gettext_lazy("When it reached us: the deadlines start here.")
    )
    channel = forms.ChoiceField(choices=Complaint.Channel)
    category = forms.ChoiceField(choices=Complaint.Category)
    sought = forms.ChoiceField(label=gettext_lazy("Remedy sought"), choices=Complaint.Sought)
    subject = forms.CharField(max_length=120)
    text = forms.CharField(widget=LONG, help_text=gettext_lazy("In the customer’s own words."))
    about_day = forms.DateField(
        label=gettext_lazy("Day it is about"),
        widget=DateInput,
        required=False,
        help_text=gettext_lazy("Any day of the period it concerns; the day of receipt if left out."),
    )
    attachments = MultipleFileField(
        required=False, help_text=gettext_lazy("PDF, pictures, sound or plain text, up to 10 MB each.")
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

    channel = forms.ChoiceField(choices=Complaint.Channel)
    received_at = forms.DateTimeField(widget=DateTimeInput)
    category = forms.ChoiceField(choices=Complaint.Category)
    sought = forms.ChoiceField(label=gettext_lazy("Remedy sought"), choices=Complaint.Sought)
    subject = forms.CharField(max_length=120)
    text = forms.CharField(widget=LONG)
    period_id = forms.TypedChoiceField(label=gettext_lazy("Period it concerns"), coerce=int)

    field_order = ["subject", "text", "category", "sought", "channel", "received_at", "period_id", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["period_id"].choices = period_choices(self.rows)  # type: ignore[attr-defined]


def period_choices(rows: Sequence[Any]) -> list[tuple[int, str]]:
    """The periods of the one complaint that a form is about, the newest first."""
    if len(rows) != 1:
        return []
    complaint = rows[0]
    periods = BillingPeriod.objects.filter(subscription=complaint.subscription_id).order_by("-sequence")[:36]
    return [(period.pk, str(period)) for period in periods]


class TextForm(ActionForm):
    """One text."""

    text = forms.CharField(widget=LONG)


class SayForm(ActionForm):
    """A text for the customer, as it is sent."""

    recipient = forms.CharField(
        max_length=200, required=False, help_text=gettext_lazy("Left out: the customer’s e-mail address.")
    )
    channel = forms.ChoiceField(choices=Complaint.Channel)
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 10}), help_text=gettext_lazy("Kept to the letter."))


class CustomerMessageForm(ActionForm):
    """What the customer said."""

    channel = forms.ChoiceField(choices=Complaint.Channel)
    received_at = forms.DateTimeField(label=gettext_lazy("When"), widget=DateTimeInput, initial=timezone.now)
    sender = forms.CharField(label=gettext_lazy("From"), max_length=200, required=False)
    text = forms.CharField(widget=LONG)


class AssignForm(ActionForm):
    """Whom to give cases to."""

    owner = forms.ModelChoiceField(queryset=User.objects.none())
    reason = forms.CharField(label=gettext_lazy("Reason (optional)"), widget=SHORT, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [role.value for role in PERMISSIONS[May.WORK_COMPLAINTS]]
        self.fields["owner"].queryset = User.objects.filter(  # type: ignore[attr-defined]
            is_active=True, role__name__in=roles
        ).order_by("first_name", "last_name")


class AssessForm(ActionForm):
    """What was found."""

    severity = forms.ChoiceField(choices=Complaint.Severity)
    findings = forms.CharField(
        widget=LONG, help_text=gettext_lazy("The evidence beside is copied with it, as it stands now.")
    )


class DecideForm(ActionForm):
    """Upheld or not, and why."""

    outcome = forms.ChoiceField(choices=Decision.Outcome, widget=forms.RadioSelect)
    reasons = forms.CharField(widget=LONG)


class ChannelReasonForm(ReasonForm):
    """The customer's word and how it came."""

    channel = forms.ChoiceField(choices=Complaint.Channel)
    field_order = ["channel", "reason"]


class MergeForm(ReasonForm):
    """Into which complaint."""

    into = forms.CharField(
        label=gettext_lazy("Into complaint"), max_length=12, help_text=gettext_lazy("Its code, such as C-00042.")
    )
    field_order = ["into", "reason"]

    def clean_into(self) -> Complaint:
        found = Complaint.objects.filter(code__iexact=self.cleaned_data["into"].strip()).first()
        if found is None:
            raise forms.ValidationError(say("There is no complaint with this code."))
        return found


class ReferForm(ActionForm):
    """Dispute resolution."""

    scheme = forms.CharField(max_length=120)
    reference = forms.CharField(max_length=60, required=False)
    referred_on = forms.DateField(widget=DateInput, initial=timezone.localdate)
    ended_on = forms.DateField(widget=DateInput, required=False, help_text=gettext_lazy("Left out while it runs."))
    outcome = forms.CharField(
        widget=SHORT, required=False, help_text=gettext_lazy("How it ended, together with the day.")
    )


class AttachForm(ActionForm):
    """One file."""

    file = forms.FileField(help_text=gettext_lazy("PDF, pictures, sound or plain text, up to 10 MB."))


REMEDY_FIELDS = {kind: f"{kind.value}_amount" for kind in RemedyKind}
REST_CHOICES = [
    ("credit", gettext_lazy("a credit on the next cycle")),
    ("minutes", gettext_lazy("minutes")),
    ("extension", gettext_lazy("a longer period")),
    ("cash", gettext_lazy("cash")),
]


class RefundForm(ActionForm):
    """What staff choose in a refund; the rest comes from the rows."""

    basis = forms.ChoiceField(choices=Refund.Basis)
    special_amount = forms.DecimalField(
        label=gettext_lazy("Amount of a special case"), required=False, max_digits=18, decimal_places=4
    )
    justification = forms.CharField(
        widget=SHORT, required=False, help_text=gettext_lazy("Needed for a full month and for a special case.")
    )
    evidence = forms.CharField(widget=SHORT, required=False, help_text=gettext_lazy("Needed for a special case."))
    rest = forms.ChoiceField(label=gettext_lazy("Give it as"), choices=REST_CHOICES, initial="credit")
    credit_amount = forms.DecimalField(
        label=gettext_lazy("of which as credit"), required=False, max_digits=18, decimal_places=4
    )
    minutes_amount = forms.DecimalField(
        label=gettext_lazy("of which as minutes"), required=False, max_digits=18, decimal_places=4
    )
    extension_amount = forms.DecimalField(
        label=gettext_lazy("of which as a longer period"), required=False, max_digits=18, decimal_places=4
    )
    cash_amount = forms.DecimalField(
        label=gettext_lazy("of which in cash"), required=False, max_digits=18, decimal_places=4
    )
    reduction = forms.DecimalField(
        label=gettext_lazy("Give less by"),
        required=False,
        max_digits=18,
        decimal_places=4,
        help_text=gettext_lazy("For a complaint partly upheld, say."),
    )
    reduction_reason = forms.CharField(label=gettext_lazy("Why less"), required=False, max_length=400)
    unusual_reason = forms.CharField(
        label=gettext_lazy("Why so far from similar cases"),
        required=False,
        max_length=400,
        help_text=gettext_lazy("Only where the quote is far from what similar cases were given."),
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


class IndemnityForm(ActionForm):
    """How an indemnity is given; the rest is computed."""

    remedy = forms.ChoiceField(label=gettext_lazy("Give it as"), choices=REST_CHOICES)


class ProposeForm(RefundForm):
    """A refund drafted and proposed in one step."""

    period_id = forms.TypedChoiceField(label=gettext_lazy("For period"), coerce=int)
    reason = forms.CharField(
        label=gettext_lazy("Reason of the proposal"),
        widget=SHORT,
        help_text=gettext_lazy("It becomes part of the record."),
    )

    field_order = ["basis", "period_id", "special_amount", "rest", "reason", "justification", "evidence"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["period_id"].choices = period_choices(self.rows)  # type: ignore[attr-defined]


class IncidentForm(ActionForm):
    """An interruption or maintenance."""

    title = forms.CharField(max_length=120)
    starts_at = forms.DateTimeField(label=gettext_lazy("Began"), widget=DateTimeInput)
    ends_at = forms.DateTimeField(
        label=gettext_lazy("Ended"),
        widget=DateTimeInput,
        required=False,
        help_text=gettext_lazy("Left out while it runs."),
    )
    scheduled = forms.BooleanField(label=gettext_lazy("Scheduled maintenance"), required=False)
    hits_everybody = forms.BooleanField(label=gettext_lazy("Hits everybody"), required=False)
    plans = forms.ModelMultipleChoiceField(queryset=Plan.objects.order_by("name"), required=False)
    subscriptions = forms.CharField(
        required=False,
        widget=SHORT,
        help_text=gettext_lazy("Numbers of single subscriptions, separated by blanks or commas."),
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

    reason = forms.CharField(widget=SHORT, help_text=gettext_lazy("It becomes part of the record."))


class EndIncidentForm(ActionForm):
    """When it was over."""

    ends_at = forms.DateTimeField(label=gettext_lazy("Ended"), widget=DateTimeInput)


class ReversalForm(ReasonForm):
    """Taking a refund back."""

    charge_used = forms.BooleanField(
        label=gettext_lazy("Charge what was used on the next invoice"),
        required=False,
        help_text=gettext_lazy("Whoever approves has the last word."),
    )
    field_order = ["charge_used", "reason"]


class ApproveReversalForm(OptionalReasonForm):
    """The last word on the charge."""

    charge_used = forms.BooleanField(label=gettext_lazy("Charge what was used on the next invoice"), required=False)
    field_order = ["charge_used", "reason"]
