"""What is typed of a phone model."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from backoffice.actions import ActionForm


class PhoneModelForm(ActionForm):
    maker = forms.CharField(label=gettext_lazy("Maker"), max_length=60)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
