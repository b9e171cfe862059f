"""Whom one talks to at a customer, and who was merged into them: in one query."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.customers.models import Contact, Customer
from backoffice.united import Part, read_united

_PERSON = ("name", "email", "phone")


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """What the cards of a customer's page show of small tables."""

    contacts: list[Contact]
    merged: list[Customer]


def file_of(customer: Customer) -> CustomerFile:
    """Read once for a row, whichever card asks first."""
    known: CustomerFile | None = customer.__dict__.get("_file")
    if known is None:
        known = customer.__dict__["_file"] = _read(customer)
    return known


def _read(customer: Customer) -> CustomerFile:
    found = read_united(
        {
            "contacts": Part(
                Contact.objects.filter(customer=customer, active=True), (*_PERSON, "position"), ("name", "pk")
            ),
            "merged": Part(Customer.objects.filter(merged_into=customer), (*_PERSON, "number"), ("number",)),
        }
    )
    return CustomerFile(**found)
