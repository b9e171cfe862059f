"""Addresses, tax numbers and contacts of customers, and which customers may be one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.customers.actions import create_customer, edit_customer
from accounts.customers.contacts.actions import add_contact, edit_contact, retire_contact
from accounts.customers.duplicates import likely_duplicates, normalised_name, normalised_phone
from accounts.customers.models import Contact, Customer
from accounts.staff.models import User
from audit.models import Event
from core.addresses import Address
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    return factories.agent()


# --- Addresses and tax numbers ------------------------------------------------------------------


ROMA = Address("Via Roma", "1", "00100", "Roma")


def test_addresses_are_kept_in_parts(agent: User) -> None:
    customer = create_customer(by=agent, name="Northwind", postal=Address("  Via  Roma", "1 ", "00100", "Roma"))
    assert customer.postal == replace(ROMA, country="IT")
    assert not customer.billing
    edited = edit_customer(customer.pk, by=agent, billing=Address("Rue de Rivoli", "7", "75001", "Paris", "FR"))
    assert edited.billing.lines == ("7 Rue de Rivoli", "75001 Paris")
    assert_refused("nothing_changed", edit_customer, customer.pk, by=agent, postal=ROMA)


def test_a_postcode_of_elsewhere_is_refused_at_its_field(agent: User) -> None:
    customer = create_customer(by=agent, name="Northwind", postal=ROMA)
    wrong = replace(ROMA, postcode="ABC")
    refused = assert_refused("postcode", edit_customer, customer.pk, by=agent, postal=wrong)
    assert refused.data["field"] == "postal"
    assert_refused("postcode", create_customer, by=agent, name="Southwind", billing=replace(wrong, country="FR"))


def test_an_address_that_came_as_a_whole_is_checked_by_saving_its_parts(agent: User) -> None:
    customer = factories.CustomerFactory.create(postal_street="Via Roma 1 Roma", address_to_check=True)
    edited = edit_customer(customer.pk, by=agent, postal=ROMA)
    assert edited.postal == replace(ROMA, country="IT")
    assert not edited.address_to_check


@pytest.mark.parametrize(
    ("country", "kind", "typed", "kept"),
    [
        ("IT", "company", "00743110157", "IT00743110157"),
        ("IT", "company", "it 0074 311.0157", "IT00743110157"),
        ("GR", "company", "GR094259216", "EL094259216"),
        ("GR", "company", "EL 094259216", "EL094259216"),
        ("DE", "company", "136 695 976", "DE136695976"),
        ("US", "company", " 12-3456789 ", "12-3456789"),
        ("IT", "person", "RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("IT", "person", "00743110157", "IT00743110157"),
        ("IT", "company", " ", ""),
    ],
)
def test_a_tax_number_has_one_spelling(agent: User, country: str, kind: str, typed: str, kept: str) -> None:
    customer = create_customer(by=agent, name="Northwind", country=country, kind=kind, tax_number=typed)
    assert customer.tax_number == kept


@pytest.mark.parametrize("typed", ["00743110158", "IT0074311015", "DE136695976", "abc"])
def test_a_companys_wrong_vat_number_is_refused(agent: User, typed: str) -> None:
    refusal = assert_refused("tax_number", create_customer, by=agent, name="Northwind", tax_number=typed)
    assert refusal.data["field"] == "tax_number"
    customer = factories.CustomerFactory.create()
    assert_refused("tax_number", edit_customer, customer.pk, by=agent, tax_number=typed, saying="VAT number of Italy")


def test_a_tax_number_is_looked_at_again_when_the_country_changes(agent: User) -> None:
    customer = create_customer(by=agent, name="Northwind", tax_number="00743110157")
    assert_refused("tax_number", edit_customer, customer.pk, by=agent, country="DE")
    assert edit_customer(customer.pk, by=agent, name="Other").tax_number == "IT00743110157"
    moved = edit_customer(customer.pk, by=agent, country="DE", tax_number="136695976")
    assert moved.tax_number == "DE136695976"


# --- Contacts -----------------------------------------------------------------------------------


def test_a_contact_is_added_changed_and_retired(agent: User) -> None:
    customer = factories.CustomerFactory.create()
    contact = add_contact(customer.pk, by=agent, name=" Nora ", position="Accounts", email="nora@example.com")
    assert (contact.name, contact.active, contact.customer) == ("Nora", True, customer)
    edit_contact(contact.pk, by=agent, phone="+39 06 1234", name="Nora")
    retire_contact(contact.pk, by=agent, reason="Left in May")
    contact.refresh_from_db()
    assert (contact.phone, contact.active, contact.history.count()) == ("+39 06 1234", False, 3)
    events = list(Event.objects.order_by("pk").values_list("verb", "customer_id", "target_id"))
    assert events == [(verb, customer.pk, contact.pk) for verb in ("contact.add", "contact.edit", "contact.retire")]
    assert_refused("state", edit_contact, contact.pk, by=agent, name="Nora B")
    assert_refused("state", retire_contact, contact.pk, by=agent)


@pytest.mark.parametrize(("given", "code"), [({"name": " "}, "invalid"), ({"name": "Nora", "email": "x"}, "invalid")])
def test_contacts_that_are_refused(agent: User, given: dict[str, Any], code: str) -> None:
    customer = factories.CustomerFactory.create()
    assert_refused(code, add_contact, customer.pk, by=agent, **given)
    contact = add_contact(customer.pk, by=agent, name="Nora")
    assert_refused("nothing_changed", edit_contact, contact.pk, by=agent, name="Nora ")
    assert_refused("fixed", edit_contact, contact.pk, by=agent, active="no")
    assert_refused("missing", edit_contact, 12345, by=agent, name="Nora")


@pytest.mark.parametrize("who", ["auditor", "administrator"])
def test_who_may_not_touch_contacts(agent: User, who: str) -> None:
    person = getattr(factories, who)()
    customer = factories.CustomerFactory.create()
    contact = add_contact(customer.pk, by=agent, name="Nora")
    assert_refused("permission", add_contact, customer.pk, by=person, name="Nils")
    assert_refused("permission", edit_contact, contact.pk, by=person, name="Nils")
    assert_refused("permission", retire_contact, contact.pk, by=person)
    assert Contact.objects.get().active


# --- Likely duplicates --------------------------------------------------------------------------


def test_names_and_telephones_are_compared_in_one_spelling() -> None:
    assert normalised_name("Società  Àlba S.r.l.") == normalised_name("ALBA SOCIETA")
    assert normalised_name("Bakery Harbour") == normalised_name("harbour-bakery, Ltd")
    assert normalised_name("Harbour Bakery 2") != normalised_name("Harbour Bakery 3")
    assert normalised_name("SpA") == "spa"
    assert normalised_phone("+39 (06) 1234-5") == normalised_phone("0039 06 12345") == "390612345"
    assert normalised_phone("112") == ""


@pytest.mark.parametrize(
    ("shared", "sign"),
    [
        ({"email": "Office@Example.com"}, "e-mail"),
        ({"tax_number": "IT00743110157"}, "tax number"),
        ({"iban": "DE89370400440532013000"}, "IBAN"),
        ({"phone": "+39 06 777777"}, "telephone"),
        ({"name": "Alba Srl"}, "name and country"),
    ],
)
def test_customers_who_share_something_are_listed(shared: dict[str, str], sign: str) -> None:
    def enter(n: int, **given: Any) -> Customer:
        own = {"iban": "", "name": f"Somebody {n}", "email": f"own{n}@example.com", "phone": f"+39 06 00000{n}"}
        made: Customer = factories.CustomerFactory.create(**{**own, **given})
        return made

    first, _, second = enter(1, **shared), enter(2), enter(3, **shared)
    enter(4, **shared, country="CH", merged_into=first)
    (found,) = likely_duplicates()
    assert (found.first, found.second, found.shared) == (first, second, (sign,))


def test_those_who_share_most_come_first_and_empty_fields_are_no_sign() -> None:
    blank = {"iban": "", "email": "", "phone": ""}
    a = factories.CustomerFactory.create(name="Alba", **blank)
    b = factories.CustomerFactory.create(name="Bosco", **{**blank, "phone": "0612345678"})
    c = factories.CustomerFactory.create(name="alba srl", **blank)
    d = factories.CustomerFactory.create(name="BOSCO", **{**blank, "phone": "06 1234 5678"})
    factories.CustomerFactory.create(name="Alba", country="CH", **blank)
    assert [(each.first, each.second, each.shared) for each in likely_duplicates()] == [
        (b, d, ("telephone", "name and country")),
        (a, c, ("name and country",)),
    ]


# --- Numbers and names --------------------------------------------------------------------------


def test_a_number_is_one_whatever_its_case(agent: User) -> None:
    create_customer(by=agent, name="Northwind", number="D-70")
    assert_refused("duplicate", create_customer, by=agent, name="Southwind", number="d-70")
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.CustomerFactory.create(number="d-70")


@pytest.mark.parametrize("name", ["\u200b", "\u202eABC", "A\u200fB", "A\x00B", "A\nB", "\u00a0", "\u0301"])
def test_a_name_can_be_read(agent: User, name: str) -> None:
    assert_refused("invalid", create_customer, by=agent, name=name)
    customer = create_customer(by=agent, name="Łódź & Σία, 東京 (1)")
    assert_refused("invalid", edit_customer, customer.pk, by=agent, name=name)
    assert_refused("invalid", add_contact, customer.pk, by=agent, name=name)
