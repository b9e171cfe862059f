"""What is typed of a phone model."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm


class PhoneModelForm(ActionForm):
    maker = forms.CharField(label=_("Maker"), max_length=60)
    name = forms.CharField(label=_("Name"), max_length=80)
