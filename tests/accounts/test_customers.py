"""Customers: entered and corrected by actions, valid in every field, under numbers that never change."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.customers.actions import create_customer, edit_customer
from accounts.customers.models import Customer
from accounts.numbers.models import next_number
from accounts.staff.models import User
from audit.models import Event
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> User:
    return factories.agent()


def test_a_customer_is_entered_with_history_and_event(agent: User) -> None:
    customer = create_customer(
        by=agent,
        name=" Northwind Dental ",
        kind="company",
        email="office@example.com",
        phone="+39 06 1234",
        country="IT",
        language="it",
        currency="CHF",
        iban="it60 x054 2811 1010 0000 0123 456",
        account_holder="Northwind Srl",
        customer_since=date(2023, 4, 1),
        notes="Pays by transfer",
        reason="Signed today",
    )
    stored = Customer.objects.get()
    assert stored == customer
    assert (stored.number, stored.name, stored.language) == ("K-000001", "Northwind Dental", "it")
    assert (stored.currency, stored.iban) == ("CHF", "IT60X0542811101000000123456")
    event = Event.objects.get()
    assert (event.verb, event.target_id, event.customer_id) == ("customer.create", stored.pk, stored.pk)
    assert (event.actor_id, event.reason) == (agent.pk, "Signed today")
    row = stored.history.get()
    assert (row.history_user_id, row.history_change_reason, row.history_type) == (agent.pk, "Signed today", "+")


def test_numbers_follow_each_other_and_pass_over_taken_ones(agent: User) -> None:
    create_customer(by=agent, name="Typed", number="K-000002")
    numbers = [create_customer(by=agent, name="Next").number for _ in range(3)]
    assert numbers == ["K-000001", "K-000003", "K-000004"]


def test_a_refused_customer_leaves_no_gap_in_the_numbers(agent: User) -> None:
    assert_refused("invalid", create_customer, by=agent, name="Nobody", country="XX")
    assert create_customer(by=agent, name="Somebody").number == "K-000001"


@pytest.mark.parametrize(
    ("given", "code", "saying"),
    [
        ({"country": "XX"}, "invalid", "country: “XX” is no country"),
        ({"currency": "XAU"}, "invalid", "currency: “XAU” is no currency"),
        ({"currency": "EURO"}, "invalid", "currency"),
        ({"iban": "IT60X0542811101000000123457"}, "invalid", "no valid IBAN"),
        ({"email": "office"}, "invalid", "email"),
        ({"name": "  "}, "invalid", "name"),
        ({"number": "K 1"}, "invalid", "Letters, digits"),
        ({"kind": "club"}, "invalid", "kind"),
        ({"language": "xx"}, "invalid", "language"),
        ({"number": "TAKEN"}, "duplicate", "There is a customer TAKEN already"),
    ],
)
def test_what_is_no_customer_is_refused(agent: User, given: dict[str, Any], code: str, saying: str) -> None:
    factories.CustomerFactory.create(number="TAKEN")
    assert_refused(code, create_customer, by=agent, saying=saying, **{"name": "Northwind", **given})


@pytest.mark.parametrize("who", ["auditor", "administrator"])
def test_who_may_not_edit_customers(who: str) -> None:
    person = getattr(factories, who)()
    customer = factories.CustomerFactory.create()
    assert_refused("permission", create_customer, by=person, name="Northwind")
    assert_refused("permission", edit_customer, customer.pk, by=person, name="Northwind")


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "billing_clerk", "system_user"])
def test_who_may_edit_customers(who: str) -> None:
    person = getattr(factories, who)()
    customer = factories.CustomerFactory.create()
    assert edit_customer(customer.pk, by=person, name="Northwind").name == "Northwind"


def test_somebody_who_left_may_do_nothing() -> None:
    assert_refused("permission", create_customer, by=factories.agent(is_active=False), name="Northwind")


def test_an_edit_keeps_the_old_values_in_the_history(agent: User) -> None:
    customer = factories.CustomerFactory.create(name="Northwind", phone="1")
    edit_customer(customer.pk, by=agent, reason="Their letter", name="Northwind Dental", phone="1")
    customer.refresh_from_db()
    assert customer.name == "Northwind Dental"
    newest, oldest = customer.history.all()
    assert (newest.name, oldest.name, newest.history_change_reason) == ("Northwind Dental", "Northwind", "Their letter")
    event = Event.objects.get()
    assert (event.verb, event.data, event.reason) == ("customer.edit", {"changed": ["name"]}, "Their letter")
    assert event.target_label == f"Northwind Dental ({customer.number})"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": "K-9"}, "fixed"),
        ({"pk": 9}, "fixed"),
        ({"name": "Northwind"}, "nothing_changed"),
        ({}, "nothing_changed"),
        ({"country": "XX"}, "invalid"),
        ({"currency": "XXX"}, "invalid"),
        ({"iban": "IT00"}, "reason_missing"),
        ({"account_holder": "Somebody else"}, "reason_missing"),
    ],
)
def test_edits_that_are_refused(agent: User, changes: dict[str, Any], code: str) -> None:
    customer = factories.CustomerFactory.create(name="Northwind")
    assert_refused(code, edit_customer, customer.pk, by=agent, **changes)


def test_bank_details_change_with_a_reason(agent: User) -> None:
    customer = factories.CustomerFactory.create()
    edit_customer(customer.pk, by=agent, reason="Signed letter of today", iban="DE89 3704 0044 0532 0130 00")
    assert Customer.objects.get().iban == "DE89370400440532013000"
    assert_refused("invalid", edit_customer, customer.pk, by=agent, reason="A call", iban="DE00370400440532013000")


def test_the_currency_stays_once_there_is_a_subscription(agent: User) -> None:
    customer = factories.CustomerFactory.create(currency="EUR")
    edit_customer(customer.pk, by=agent, currency="CHF")
    factories.open_subscription(customer=Customer.objects.get())
    refusal = assert_refused("currency_in_use", edit_customer, customer.pk, by=agent, currency="EUR")
    assert "CHF" in refusal.message
    assert edit_customer(customer.pk, by=agent, name="Still editable").currency == "CHF"


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("customer_has_name", {"name": ""}),
        ("customer_has_number", {"number": ""}),
        ("customer_kind_known", {"kind": "club"}),
    ],
)
def test_the_database_refuses_too(constraint: str, given: dict[str, str]) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        factories.CustomerFactory.create(**given)


def test_two_customers_never_share_a_number() -> None:
    factories.CustomerFactory.create(number="K-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.CustomerFactory.create(number="K-1")


def test_a_rollback_gives_its_numbers_back() -> None:
    assert next_number("test") == 1

    def take_one_and_fail() -> None:
        with transaction.atomic():
            assert next_number("test") == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        take_one_and_fail()
    assert next_number("test") == 2
