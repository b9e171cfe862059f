"""What administrators type of staff, teams and roles."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.customers.forms import CustomerNumberField
from accounts.staff.models import Team
from accounts.staff.permissions import Role, role_words
from backoffice.actions import ActionForm
from backoffice.forms import ReasonField
from core.text import Text


def role_choices() -> list[tuple[str, Text]]:
    return [(role.value, role_words(role)) for role in Role]


class StaffChangeForm(ActionForm):
    """What a person shall be, all of it."""

    role = forms.ChoiceField(label=_("Role"), choices=lambda: [("", _("No role")), *role_choices()], required=False)
    team = forms.ModelChoiceField(Team.objects.all(), label=_("Team"), required=False, empty_label=_("No team"))
    leads_team = forms.BooleanField(label=_("Leads this team"), required=False)
    customer = CustomerNumberField(
        label=_("Own customer number (optional)"),
        required=False,
        help_text=_("Of somebody who is a customer too: they never decide on their own money."),
    )
    active = forms.BooleanField(label=_("Active"), required=False, help_text=_("Without it they can't sign in."))
    reason = ReasonField()


class NewPersonForm(ActionForm):
    """Somebody who joins."""

    username = forms.CharField(label=_("User name"), max_length=150, help_text=_("What they sign in with."))
    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Last name"), max_length=150)
    email = forms.EmailField(label=_("E-mail"), required=False)
    password = forms.CharField(
        label=_("First password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Tell them to change it when they sign in first."),
    )
    role = forms.ChoiceField(label=_("Role"), choices=role_choices)
    team = forms.ModelChoiceField(Team.objects.all(), label=_("Team"), required=False, empty_label=_("No team"))
    leads_team = forms.BooleanField(label=_("Leads this team"), required=False)
    customer = CustomerNumberField(
        label=_("Own customer number (optional)"),
        required=False,
        help_text=_("Of somebody who is a customer too: they never decide on their own money."),
    )
    reason = ReasonField()


class NewTeamForm(ActionForm):
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("People join it by staff changes, its lead too.")
    )
