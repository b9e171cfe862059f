"""What is typed of an approval limit."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import ApprovalLimit
from accounts.staff.permissions import APPROVAL_OF, PERMISSIONS, Role, role_words
from backoffice.actions import ActionForm
from backoffice.forms import AmountField, DateField, ReasonField, currency_choices
from core.text import Text


def _approving_roles() -> list[tuple[str, Text]]:
    approving = {role for may in APPROVAL_OF.values() for role in PERMISSIONS[may]}
    return [(role.value, role_words(role)) for role in Role if role in approving]


class LimitForm(ActionForm):
    """An approval limit from a date on."""

    role = forms.ChoiceField(label=_("Role"), choices=_approving_roles)
    subject = forms.ChoiceField(label=_("What is approved"), choices=ApprovalLimit.Subject)
    currency = forms.ChoiceField(label=_("Currency"), choices=currency_choices)
    valid_from = DateField(label=_("Holds from"))
    amount = AmountField(
        label=_("Up to"),
        required=False,
        help_text=_("The refund together with what the customer was granted lately. Left empty: no limit."),
    )
    batch_amount = AmountField(label=_("Up to, for a batch"), initial=0, help_text=_("The sum of one batch; 0: none."))
    reason = ReasonField(required=False)
