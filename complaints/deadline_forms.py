"""The figures about deadlines as fields with sentences, in the forms of policy drafts and of agreements.

They are stored among the other figures, in one JSON object, by the names of ``RefundParameters``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django import forms

from accounts.forms import country_choices
from billing.money import UnknownCurrency, format_amount, is_whole_minor
from complaints.deadlines import DayCount, known_countries
from complaints.models import Policy, PolicyVersion
from complaints.policy_parameters import MOST_DAYS_OF_WARNING, RefundParameters

#: What stands for the customer's own country in the choice, where "nothing chosen" means "as the policy says".
OWN_COUNTRY = "customer"
_ENTRY = re.compile(r"(?P<amount>[0-9]+(?:\.[0-9]+)?)\s*(?P<currency>[A-Za-z]{3})")


class AmountsField(forms.CharField):
    """Amounts by currency, typed as "1.50 EUR, 2 USD"; cleaned to ``{"EUR": "1.50", "USD": "2.00"}``.

    Left empty it is None; the word "none" is no amount at all.
    """

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value) or "").strip()
        if not text:
            return None
        if text.casefold() == "none":
            return {}
        amounts: dict[str, str] = {}
        for entry in re.split(r"[,;\n]+", text):
            currency, amount = self._read(entry.strip())
            if currency in amounts:
                raise forms.ValidationError(f"{currency} stands there twice.", code="twice")
            amounts[currency] = amount
        return amounts

    @staticmethod
    def _read(entry: str) -> tuple[str, str]:
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise forms.ValidationError(f"Write an amount and its currency: 1.50 EUR, not “{entry}”.", code="amount")
        amount, currency = Decimal(found["amount"]), found["currency"].upper()
        try:
            if is_whole_minor(amount, currency):
                return currency, format_amount(amount, currency)
        except (UnknownCurrency, InvalidOperation):
            raise forms.ValidationError(f"{currency} is no currency.", code="currency") from None
        raise forms.ValidationError(f"{entry}: {currency} has fewer decimals.", code="amount")

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return ", ".join(f"{amount} {currency}" for currency, amount in sorted(value.items()))
        return value


def _whole(label: str, help_text: str, most: int = 10_000) -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=help_text, required=False, min_value=0, max_value=most)


class DeadlineFields(forms.Form):
    """Mixed into a form whose ``json_field`` holds the other figures; cleaning puts them together again.

    A field that is left empty leaves its figure out: a policy then has the usual value, an agreement the policy's.
    """

    json_field: ClassVar[str]
    left_empty: ClassVar[str]

    acknowledge_within_days = _whole("Acknowledge within (days)", "After the day on which a complaint reached us.")
    decide_within_days = _whole("Decide within (days)", "After the day on which a complaint reached us.")
    deadline_days = forms.ChoiceField(
        label="These days are",
        required=False,
        help_text="Working days leave out the weekends and public holidays of a country, by its own calendar of each"
        " year.",
    )
    holidays_of = forms.ChoiceField(label="Whose holidays", required=False, help_text="For working days alone.")
    warn_before_days = _whole(
        "Warn before (days)",
        "From so many calendar days before a deadline's last day on, pages and digests show it as near.",
        MOST_DAYS_OF_WARNING,
    )
    escalate_after_days = _whole(
        "Escalate every (days)",
        "An undecided case rises by a level so many calendar days after its deadline, and every so many further days;"
        " its lead is told. 0: never by itself.",
    )
    indemnity_per_day = AmountsField(
        label="Indemnity for a day of delay",
        required=False,
        help_text="By currency: 1.50 EUR, 2.00 USD. It can be proposed when an answer came late; “none” for none.",
    )
    indemnity_maximum = AmountsField(
        label="Indemnity at most",
        required=False,
        help_text="For one late answer, by currency; never more than the period's fee.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        initial = dict(kwargs.get("initial") or {})
        stored = dict(initial.get(self.json_field) or {})
        for name in DEADLINE_FIGURES:
            if name in stored:
                initial.setdefault(name, self._typed(name, stored.pop(name)))
        if self.json_field in initial:
            initial[self.json_field] = stored
        super().__init__(*args, **{**kwargs, "initial": initial})
        countries = [(code, name) for code, name in country_choices() if code in known_countries()]
        self._choices("holidays_of", [(OWN_COUNTRY, "the customer's own country"), *countries])
        self._choices("deadline_days", [(each.value, f"{each.value} days") for each in DayCount])
        for name in DEADLINE_FIGURES:
            if not getattr(self.fields[name], "choices", None):
                self.fields[name].help_text = f"{self.fields[name].help_text} Left empty: {self.left_empty}."

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = [("", self.left_empty), *choices]  # type: ignore[attr-defined]

    @staticmethod
    def _typed(name: str, stored: Any) -> Any:
        """A stored figure as somebody would type it."""
        if name == "holidays_of":
            return stored or OWN_COUNTRY
        if name == "escalate_after_days" and stored is None:
            return 0
        if name in AMOUNTS and stored == {}:
            return "none"
        return stored

    @staticmethod
    def _stored(name: str, typed: Any) -> Any:
        if name == "holidays_of":
            return "" if typed == OWN_COUNTRY else typed
        if name == "escalate_after_days":
            return typed or None
        return typed

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        figures = dict(cleaned.get(self.json_field) or {})
        for name in DEADLINE_FIGURES:
            typed = cleaned.pop(name, None)
            if typed is None or typed == "":
                continue
            value = self._stored(name, typed)
            if name in figures and figures[name] != value:
                self.add_error(self.json_field, f"{name} has a field of its own above, which says something else.")
            figures[name] = value
        if self.json_field in cleaned:
            cleaned[self.json_field] = figures
        return cleaned


DEADLINE_FIGURES = tuple(DeadlineFields.base_fields)
AMOUNTS = ("indemnity_per_day", "indemnity_maximum")


class PolicyDeadlineFields(DeadlineFields):
    """For a version of the refund policy; the fulfilment policy has no deadlines."""

    json_field = "parameters"
    left_empty = "as usual"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refund = any(_kind(row) == Policy.Kind.REFUND for row in kwargs.get("rows", ()))
        if refund and "parameters" in (kwargs.get("initial") or {}):
            usual = {name: RefundParameters().to_json()[name] for name in DEADLINE_FIGURES}
            parameters = {**usual, **kwargs["initial"]["parameters"]}
            kwargs["initial"] = {**kwargs["initial"], "parameters": parameters}
        super().__init__(*args, **kwargs)
        if not refund:
            for name in DEADLINE_FIGURES:
                del self.fields[name]


class AgreementDeadlineFields(DeadlineFields):
    """For an agreement, which goes before the policy."""

    json_field = "terms"
    left_empty = "as the policy says"


def _kind(row: Any) -> str:
    if isinstance(row, PolicyVersion):
        return row.policy.kind
    return row.kind if isinstance(row, Policy) else ""
