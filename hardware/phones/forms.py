"""What is typed of a phone model."""

from __future__ import annotations

from django import forms

from backoffice.actions import ActionForm


class PhoneModelForm(ActionForm):
    maker = forms.CharField(max_length=60)
    name = forms.CharField(max_length=80)
