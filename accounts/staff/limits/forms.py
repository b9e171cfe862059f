"""What is typed of an approval limit."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

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

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=_approving_roles)
    subject = forms.ChoiceField(label=gettext_lazy("What is approved"), choices=ApprovalLimit.Subject)
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), choices=currency_choices)
    valid_from = DateField(label=gettext_lazy("Holds from"))
    amount = AmountField(
        label=gettext_lazy("Up to"),
        help_text=gettext_lazy("The refund together with what the customer was granted lately."),
    )
    batch_amount = AmountField(
        label=gettext_lazy("Up to, for a batch"), initial=0, help_text=gettext_lazy("The sum of one batch; 0: none.")
    )
    reason = ReasonField(required=False)
