"""What is typed of an indemnity."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm
from complaints.refunds.remedies.kinds import REMEDY_CHOICES


class IndemnityForm(ActionForm):
    """How an indemnity is given; the rest is computed."""

    remedy = forms.ChoiceField(label=_("Give it as"), choices=REMEDY_CHOICES)
