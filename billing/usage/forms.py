"""What is typed of usage."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.actions import ActionForm, ReasonForm
from backoffice.forms import DateField, NumberField
from billing.subscriptions.models import BillingPeriod
from billing.usage.imports.actions import read_usage
from billing.usage.imports.rows import MOST_SECONDS
from billing.usage.models import UsageKind, UsageRecord
from core.fields import FixedPointField
from core.sheets.problems import FileProblem
from core.sheets.reading import DELIMITERS
from core.text import say

#: More than this is no file for a page: the command reads it.
LARGEST_FILE = 5 * 1024 * 1024

_MINUTES = re.compile(r"([0-9]{1,7})(?::([0-5][0-9]))?")


class MinutesField(forms.CharField):
    """Minutes, with seconds if need be, as phones show them: 12 or 12:30. Gives seconds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 12, "help_text": _("Such as 90, or 90:30 with seconds."), **kwargs})

    def clean(self, value: Any) -> int:
        text = super().clean(value)
        if not text:
            return 0
        match = _MINUTES.fullmatch(text)
        seconds = int(match[1]) * 60 + int(match[2] or 0) if match else MOST_SECONDS + 1
        if seconds > MOST_SECONDS:
            raise ValidationError(say("“{text}” is no time such as 90 or 90:30.", text=text))
        return seconds


class QuantityField(NumberField):
    """How often an operation was used."""

    def __init__(self, **kwargs: Any) -> None:
        places = FixedPointField(places=4).places
        super().__init__(**{"min_value": 0, "max_digits": 13, "decimal_places": places, **kwargs})


class EnterUsageForm(ActionForm):
    """What was used on one day of a period; each operation that had a cost in it has a field of its own."""

    day = DateField(label=_("Day"), help_text=_("What was used up to the day of the complaint comes off a refund."))
    minutes = MinutesField(label=_("Minutes of calls"), required=False)
    reference = forms.CharField(
        label=_("Read from"),
        max_length=80,
        help_text=_("The document or list. What was entered from the same one already is not added again."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        periods = [row for row in self.rows if isinstance(row, BillingPeriod)]
        costs = periods[0].operation_costs if len(periods) == 1 else []
        self._codes = {f"operation_{n}": cost["code"] for n, cost in enumerate(costs)}
        for cost, name in zip(costs, self._codes, strict=True):
            self.fields[name] = QuantityField(label=cost["name"], required=False)
        self.order_fields(("day", "minutes", *self._codes, "reference"))

    @property
    def operations(self) -> dict[str, Decimal]:
        """How often each operation was used, by its code."""
        return {code: self.cleaned_data[name] for name, code in self._codes.items() if self.cleaned_data.get(name)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        return {
            "day": cleaned.get("day"),
            "reference": cleaned.get("reference", ""),
            "seconds": cleaned.get("minutes", 0),
            "operations": self.operations,
        }


class CorrectUsageForm(ReasonForm):
    """What a record should have said."""

    field_order = ("minutes", "quantity", "reason")
    minutes = MinutesField(label=_("Minutes that it should have been"), help_text=_("0 takes the record back."))
    quantity = QuantityField(label=_("Quantity that it should have been"), help_text=_("0 takes the record back."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        record = self.rows[0] if self.rows else None
        is_call = isinstance(record, UsageRecord) and record.kind == UsageKind.CALL
        del self.fields["quantity" if is_call else "minutes"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        return {
            "reason": cleaned.get("reason", ""),
            "seconds": cleaned.get("minutes", 0),
            "quantity": cleaned.get("quantity") or Decimal(0),
        }


class UsageFileForm(ActionForm):
    """A file of usage; it is read here, so that one that cannot be read is told at its field."""

    file = forms.FileField(label=_("File"), help_text=_("A CSV file in UTF-8, with a header; at most 5 MiB."))
    delimiter = forms.ChoiceField(
        label=_("Between cells"),
        choices=[(",", _("Comma")), (";", _("Semicolon")), ("\t", _("Tab")), ("|", _("Vertical bar"))],
        initial=DELIMITERS[0],
    )
    partial = forms.BooleanField(
        label=_("Take in the good rows though others are refused"),
        required=False,
        help_text=_("Otherwise one refused row and nothing is taken in."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        upload = cleaned.get("file")
        if upload is None:
            return cleaned
        if upload.size > LARGEST_FILE:
            raise ValidationError({"file": say("This is larger than 5 MiB: the command import_usage reads it.")})
        try:
            cleaned["usage"] = read_usage(
                io.BytesIO(upload.read()),
                file_name=upload.name[:150],
                today=timezone.localdate(),
                delimiter=cleaned.get("delimiter") or DELIMITERS[0],
            )
        except FileProblem as problem:
            raise ValidationError({"file": str(problem)}) from None
        return cleaned
