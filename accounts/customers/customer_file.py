"""Whom one talks to at a customer, what was sent to them, and who was merged into them: in one query."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from accounts.customers.models import Contact, Customer
from backoffice.united import Part, read_united
from messaging.outbox.models import OutgoingMessage

#: So many of the newest e-mails are shown.
EMAILS = 20

_PERSON = ("name", "email", "phone")
_EMAIL = ("subject", "recipient", "queued_at", "delivery__state", "delivery__tries")


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """What the cards of a customer's page show of small tables."""

    contacts: list[Contact]
    merged: list[Customer]
    emails: list[OutgoingMessage]


def file_of(customer: Customer) -> CustomerFile:
    """Read once for a row, whichever card asks first."""
    known: CustomerFile | None = customer.__dict__.get("_file")
    if known is None:
        known = customer.__dict__["_file"] = _read(customer)
    return known


def _read(customer: Customer) -> CustomerFile:
    # As a list of keys: a condition across the join would have all messages read.
    of_whom = Customer.objects.filter(Q(pk=customer.pk) | Q(merged_into=customer)).order_by().values("pk")
    newest = OutgoingMessage.objects.filter(customer__in=of_whom).order_by("-queued_at", "-pk").values("pk")[:EMAILS]
    found = read_united(
        {
            "contacts": Part(
                Contact.objects.filter(customer=customer, active=True), (*_PERSON, "position"), ("name", "pk")
            ),
            "merged": Part(Customer.objects.filter(merged_into=customer), (*_PERSON, "number"), ("number",)),
            "emails": Part(OutgoingMessage.objects.filter(pk__in=newest), _EMAIL, ("-queued_at", "-pk")),
        }
    )
    return CustomerFile(**found)
