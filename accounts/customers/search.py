"""What the search finds of customers, the people to talk to there, and staff."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.customers.models import Contact, Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.links import page_url
from backoffice.search import Found, SearchSource, Typed, begins, first_of, register_source
from core.text import join, say


def find_customers(typed: Typed, user: User) -> Iterator[Found]:
    """By number, name, or e-mail address; by a later word of the name when few begin so."""
    first = begins("number", typed.text) | begins("number", typed.code) | Q(name__istartswith=typed.text)
    if "@" in typed.text:
        first = Q(email__istartswith=typed.text)
    elif len(typed.text) >= 3:
        first |= Q(email__istartswith=typed.text)
    rows = Customer.objects.order_by("name", "pk").select_related("merged_into")
    queries = [rows.filter(first)]
    if typed.is_wordy:
        queries.append(rows.filter(name__icontains=f" {typed.text}"))
    for customer in first_of(*queries):
        survivor = customer.merged_into
        merged = say("merged into {customer}", customer=survivor.number) if survivor is not None else ""
        parts = (customer.number, customer.email, merged)
        yield Found(
            customer.name,
            # By their old data, too, people come to where everything of them stands now.
            page_url(survivor or customer),
            join(", ", filter(None, parts)),
            exact=typed.names(customer.number, customer.email),
        )


def find_contacts(typed: Typed, user: User) -> Iterator[Found]:
    """By name or e-mail address; leads to the customer."""
    wanted = Q(email__istartswith=typed.text)
    if "@" not in typed.text:
        wanted |= Q(name__istartswith=typed.text)
    rows = Contact.objects.filter(wanted).select_related("customer").order_by("name", "pk")
    for contact in first_of(rows):
        parts = (contact.position, contact.customer.name, contact.email, "" if contact.active else say("retired"))
        yield Found(contact.name, page_url(contact.customer), join(", ", filter(None, parts)))


register_source(SearchSource(_("Customers"), "users", May.SEE_CASES, find_customers, model=Customer, order=10))


register_source(SearchSource(_("Contacts"), "contact-round", May.SEE_CASES, find_contacts, model=Contact, order=60))
