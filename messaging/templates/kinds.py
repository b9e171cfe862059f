"""The fields that the templates of each kind of message may use, with an example of each.

A field is a plain text, already in the reader's language, or a list of such texts (for ``{% for %}``). An optional
field may be empty, so a template has to read well without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from core.text import Text
from messaging.templates.models import MessageKind

type Value = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class TemplateField:
    """One field: what it holds, an example, and whether it may be empty."""

    name: str
    meaning: Text
    example: Value
    optional: bool = False

    @property
    def is_list(self) -> bool:
        return not isinstance(self.example, str)

    @property
    def nothing(self) -> Value:
        """Its value when there is none."""
        return () if self.is_list else ""


def _field(name: str, meaning: Text, example: Value) -> TemplateField:
    return TemplateField(name, meaning, example)


def _maybe(name: str, meaning: Text, example: Value) -> TemplateField:
    return TemplateField(name, meaning, example, optional=True)


_FROM_US = (
    _field("company", _("our name"), "Redress Telephony"),
    _maybe("contact", _("how to reach us"), "support@example.com"),
    _maybe("company_address", _("our address"), "1 Quay Street, 16100 Genova, Italy"),
    _maybe("registration_number", _("our registration number"), "GE-123456"),
    _maybe("tax_number", _("our tax number"), "IT12345670017"),
)
_CUSTOMER = (_field("name", _("the customer's name"), "Harbour Bakery"), *_FROM_US)
_CASE = (
    *_CUSTOMER,
    _field("code", _("the complaint's code"), "C-00042"),
    _field("subject", _("the complaint's subject"), "Calls break off"),
)
_REFUND = (
    *_CASE,
    _field("refund", _("the refund's code"), "R-00017"),
    _field("amount", _("what the refund comes to in all"), "40.00 EUR"),
)
_PERIOD = _field("about", _("the period it is about"), "About the period from 1 April 2024 to 30 April 2024:")
_STAFF = (_field("name", _("the person's name"), "Ada Example"), *_FROM_US)

FIELDS: Mapping[str, tuple[TemplateField, ...]] = MappingProxyType(
    {
        MessageKind.ACKNOWLEDGEMENT: (
            *_CASE,
            _field("received_on", _("the day on which the complaint reached us"), "10 April 2024"),
            _field("decide_by", _("the last day for our decision"), "24 April 2024"),
        ),
        MessageKind.QUESTION: (
            *_CASE,
            _maybe("question", _("what is asked; staff write it before they send"), "Since when do calls break off?"),
        ),
        MessageKind.DECISION_UPHELD: (
            *_CASE,
            _field("reasons", _("the reasons of the decision"), "The log shows that calls broke off on eleven days."),
            _maybe("partly", _("“yes” if it is upheld in part only"), "yes"),
            _maybe("refund_total", _("what we give back in all"), "40.00 EUR"),
            _maybe(
                "calculation",
                _("list: the lines of the calculation, in plain words"),
                (
                    "Fee for 1 April 2024 to 30 April 2024: 60.00 EUR",
                    "Service already provided, 10 of 30 days: −20.00 EUR",
                ),
            ),
            _maybe("remedies", _("list: how we give it back"), ("40.00 EUR as a credit on your next invoice",)),
            _maybe("appeal_route", _("the way to take it further"), "the arbitration board for telephony"),
        ),
        MessageKind.DECISION_REJECTED: (
            *_CASE,
            _field("reasons", _("the reasons of the decision"), "The line was in order on all days that you named."),
            _field("appeal_route", _("the way to take it further"), "the arbitration board for telephony"),
        ),
        MessageKind.MESSAGE: (
            *_CASE,
            _maybe("message", _("what is said; staff write it before they send"), "We are still looking into it."),
        ),
        MessageKind.REFUND_SETTLED: (
            *_REFUND,
            _PERIOD,
            _field("day", _("the day on which it was settled"), "12 April 2024"),
            _maybe(
                "calculation",
                _("list: the lines of the calculation, in plain words"),
                ("Fee for 1 April 2024 to 30 April 2024: 60.00 EUR",),
            ),
            _maybe("remedies", _("list: how we give it back"), ("40.00 EUR as a credit on your next invoice",)),
        ),
        MessageKind.REFUND_REVERSED: (
            *_REFUND,
            _PERIOD,
            _field("day", _("the day on which it was taken back"), "20 April 2024"),
            _field("taken_back", _("how much was taken back"), "30.00 EUR"),
            _maybe("lines", _("list: how it was taken back"), ("30.00 EUR that you had not used yet",)),
        ),
        MessageKind.REFUND_ENDED: _REFUND,
        MessageKind.BANK_DETAILS_CHANGED: (
            *_CUSTOMER,
            _field("changed_on", _("the day of the change"), "12 April 2024"),
            _maybe("account", _("the new account, all but its last four characters hidden"), "…3456"),
        ),
        MessageKind.CREDIT_APPLIED: (
            *_CUSTOMER,
            _field("invoice", _("the invoice's number"), "2024-000123"),
            _field("subscription", _("the subscription's number"), "S-000042"),
            _field("amount", _("how much of the credit the invoice used"), "40.00 EUR"),
            _field("due", _("what is left to pay of the invoice"), "20.00 EUR"),
            _maybe("nothing_due", _("“yes” if nothing is left to pay"), "yes"),
            _field("due_on", _("the day by which it is to be paid"), "15 May 2024"),
            _maybe("remaining", _("what is left of the credit for later invoices"), "5.00 EUR"),
        ),
        MessageKind.INVOICE_VOID: (
            *_CUSTOMER,
            _field("invoice", _("the invoice's number"), "2024-000123"),
            _field("subscription", _("the subscription's number"), "S-000042"),
            _field("credit_note", _("the credit note's number"), "CN-2024-000017"),
            _field("amount", _("what the credit note is over"), "72.20 EUR"),
            _maybe("given_back", _("what credits had borne of it, and is a credit again"), "5.00 EUR"),
        ),
        MessageKind.PAYOUT_MADE: (
            *_CUSTOMER,
            _field("amount", _("how much was paid"), "40.00 EUR"),
            _field("paid_on", _("the day of the payment"), "2 May 2024"),
            _field("reference", _("the bank's reference"), "SEPA-4711"),
            _maybe("account", _("the account, all but its last four characters hidden"), "…3456"),
        ),
        MessageKind.CANCELLATION_CONFIRMED: (
            *_CUSTOMER,
            _field("subscription", _("the subscription's number"), "S-000042"),
            _field("plan", _("the plan's name"), "Office phone system"),
            _field("requested_on", _("the day on which you asked for it"), "3 April 2024"),
            _maybe("last_day", _("the last day of service; empty where it never begins"), "30 April 2024"),
            _maybe("voided", _("the numbers of invoices that are voided; empty where none is"), "2024-000117"),
        ),
        MessageKind.END_MOVED: (
            *_CUSTOMER,
            _field("subscription", _("the subscription's number"), "S-000042"),
            _field("plan", _("the plan's name"), "Office phone system"),
            _maybe("last_day", _("the new last day of service; empty where it goes on"), "14 May 2024"),
        ),
        MessageKind.STAFF_DIGEST: (
            *_STAFF,
            _field("day", _("the day of the digest"), "12 April 2024"),
            _maybe("proposals", _("list: proposals that wait for the person"), ("R-00017: 40.00 EUR, Harbour Bakery",)),
            _maybe("deadlines", _("list: cases about to miss a deadline"), ("C-00042: decide by 24 April 2024",)),
            _maybe("returned", _("list: the person's proposals that came back"), ("R-00015: “the wrong period”",)),
            _maybe("others", _("list: whatever else waits"), ("C-00040 was escalated to level 2",)),
            _maybe("link", _("the address of the home page"), "https://redress.example.com/"),
        ),
        MessageKind.STAFF_ESCALATION: (
            *_STAFF,
            _field("code", _("the complaint's code"), "C-00042"),
            _field("subject", _("the complaint's subject"), "Calls break off"),
            _field("customer", _("the customer's name"), "Harbour Bakery"),
            _field("level", _("the level it is on now"), "2"),
            _maybe("reason", _("why"), "The deadline to decide was missed."),
            _maybe("decide_by", _("the last day for the decision"), "24 April 2024"),
            _maybe("link", _("the address of the case"), "https://redress.example.com/complaints/complaint/42/change/"),
        ),
        MessageKind.STAFF_INCIDENT: (
            *_STAFF,
            _field("incident", _("the incident's code"), "I-0042"),
            _field("title", _("the incident's title"), "Exchange down"),
            _field("person", _("who changed it"), "Lena Example"),
            _maybe("reason", _("why"), "The log's clock was wrong"),
            _field(
                "refunds", _("list: the settled refunds that counted it and that the person approved"), ("R-00017",)
            ),
            _maybe(
                "link", _("the address of the incident"), "https://redress.example.com/complaints/incident/42/change/"
            ),
        ),
    }
)

#: Kinds that go to staff members; all others go to customers.
FOR_STAFF = frozenset({MessageKind.STAFF_DIGEST, MessageKind.STAFF_ESCALATION, MessageKind.STAFF_INCIDENT})


def examples_of(kind: str, *, required_only: bool = False) -> dict[str, Value]:
    """An example of the kind's fields, for previews and test sends: all of them, or the required ones alone."""
    return {field.name: field.example for field in FIELDS[kind] if not (required_only and field.optional)}


def complete(kind: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values with nothing for each optional field that was left out.

    Raises:
        ValueError: a field that the kind does not have, or a required one without a value: a mistake in the program.
    """
    known = {field.name: field for field in FIELDS[kind]}
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"{kind} has no fields {unknown}")
    whole: dict[str, Value] = {name: values.get(name) or field.nothing for name, field in known.items()}
    if missing := [name for name, field in known.items() if not field.optional and not whole[name]]:
        raise ValueError(f"{kind} needs {missing}")
    return whole
