"""Customers merged keep everything, as staff see it: through the pages on which two people merge them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.customers.bank_details.rules import unconfirmed_obstacle
from accounts.customers.models import BankDetailsChange, Customer, CustomerMerge
from accounts.staff.models import User
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import NewMessage, queue_messages
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "admin:accounts_customer_changelist"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def merge_on_pages(duplicate: Customer, survivor: Customer) -> None:
    """A lead proposes on the page of duplicates, a manager approves on the page of the merge."""
    typed = {"duplicate": duplicate.number, "into": survivor.number, "reason": "Same tax number"}
    url = reverse("admin:accounts_customer_do", args=("merge",))
    assert signed_in(factories.lead()).post(url, typed, follow=True).status_code == 200
    merge = CustomerMerge.objects.latest("pk")
    url = f"{reverse('admin:accounts_customermerge_act', args=('approve',))}?ids={merge.pk}"
    assert signed_in(factories.manager()).post(url, {"reason": "Agreed"}, follow=True).status_code == 200
    merge.refresh_from_db()
    assert merge.state == "approved"


def page_of(customer: Customer) -> str:
    url = reverse("admin:accounts_customer_change", args=(customer.pk,))
    return signed_in(factories.agent()).get(url).content.decode()


def waiting(customer: Customer) -> OutgoingMessage:
    fields = {"code": "C-00001", "subject": "Noise"}
    one = NewMessage("question", f"question:{customer.pk}", fields, customer)
    return queue_messages([one], by=factories.agent())[0]


def going_to(message: OutgoingMessage) -> list[tuple[str, str]]:
    rows = OutgoingMessage.objects.filter(key__startswith=message.key).order_by("pk")
    return list(rows.values_list("recipient", "delivery__state"))


def test_what_the_survivor_lacks_is_on_its_page() -> None:
    known = {
        "email": "office@example.com",
        "phone": "+39 06 555 0199",
        "tax_number": "IT00743110157",
        "customer_since": factories.days_ago(900),
        **factories.address("Via Roma 1, 00100 Roma"),
    }
    duplicate = factories.CustomerFactory.create(number="K-2", name="Harbour Bakery", **known)
    survivor = factories.CustomerFactory.create(number="K-1", name="Harbour Bakery", email="", phone="", iban="")
    merge_on_pages(duplicate, survivor)
    page = page_of(survivor)
    for what in ("office@example.com", "+39 06 555 0199", "IT00743110157", "Via Roma 1", duplicate.iban):
        assert what in page, what
    survivor.refresh_from_db()
    assert survivor.customer_since == known["customer_since"]
    # An account that comes with a merge is a change, and is told to the address that has it.
    assert unconfirmed_obstacle(survivor) is not None
    assert OutgoingMessage.objects.get(kind="bank_details_changed").recipient == "office@example.com"


def test_what_differs_is_a_contact_and_a_note_on_its_page() -> None:
    account = {"iban": factories.own_iban(7), "account_holder": "Rossi"}
    other = {"email": "shop@example.com", "phone": "+39 02 555 0123", **factories.address("Via Roma 1, 00100 Roma")}
    duplicate = factories.CustomerFactory.create(number="K-2", name="Harbour Srl", **other, **account)
    own = {"email": "office@example.com", "phone": "+39 06 555 0199", **factories.address("Via Po 2, 10100 Torino")}
    survivor = factories.CustomerFactory.create(number="K-1", name="Harbour Bakery", **own, **account)
    merge_on_pages(duplicate, survivor)
    page = page_of(survivor)
    for what in ("office@example.com", "Via Po 2", "Harbour Srl", "Was customer K-2", "shop@example.com"):
        assert what in page, what
    assert "+39 02 555 0123" in page
    assert "postal address: Via Roma 1, 00100 Roma" in page
    assert not BankDetailsChange.objects.filter(customer=survivor).exists()


@pytest.mark.parametrize("old", ["K-2", "Harbour Srl", "shop@example.com"])
def test_the_search_by_the_old_data_leads_on(old: str) -> None:
    duplicate = factories.CustomerFactory.create(number="K-2", name="Harbour Srl", email="shop@example.com")
    survivor = factories.CustomerFactory.create(number="K-1", name="Rossi Bakery")
    merge_on_pages(duplicate, survivor)
    answer = signed_in(factories.agent()).get("/search/", {"q": old})
    page = reverse("admin:accounts_customer_change", args=[survivor.pk])
    where = answer.headers["Location"] if answer.status_code == 302 else answer.content.decode()
    assert page in where
    assert reverse("admin:accounts_customer_change", args=[duplicate.pk]) not in where


@pytest.mark.parametrize("old", ["K-2", "Harbour Srl", "shop@example.com", "+39 02 555 0123", "IT00743110157"])
def test_the_list_finds_the_old_data_and_names_the_survivor(old: str) -> None:
    known = {"email": "shop@example.com", "phone": "+39 02 555 0123", "tax_number": "IT00743110157"}
    duplicate = factories.CustomerFactory.create(number="K-2", name="Harbour Srl", **known)
    survivor = factories.CustomerFactory.create(number="K-1", name="Rossi Bakery")
    merge_on_pages(duplicate, survivor)
    assert "merged into K-1" in signed_in(factories.agent()).get(reverse(LIST), {"q": old}).content.decode()


def test_a_waiting_message_follows_an_address_that_is_corrected_on_the_page() -> None:
    customer = factories.CustomerFactory.create(email="old@example.com", phone="")
    message = waiting(customer)
    url = f"{reverse('admin:accounts_customer_act', args=('edit',))}?ids={customer.pk}"
    agent = signed_in(factories.agent())
    form = agent.get(url).context["form"]
    typed = {}
    for field in form:
        value = field.value()
        if hasattr(value, "lines"):
            continue
        typed[field.html_name] = "" if value is None else str(value)
    answer = agent.post(url, {**typed, "email": "new@example.com"}, follow=True)
    customer.refresh_from_db()
    assert customer.email == "new@example.com", answer.content.decode()
    assert going_to(message) == [("old@example.com", "cancelled"), ("new@example.com", "queued")]


@pytest.mark.parametrize("whose", ["duplicate", "survivor"])
def test_what_waited_for_any_address_goes_to_the_survivors(whose: str) -> None:
    emails = {"duplicate": "office@example.com", "survivor": "office@example.com", whose: ""}
    pair = {name: factories.CustomerFactory.create(name="Rossi", email=email) for name, email in emails.items()}
    message = waiting(pair[whose])
    assert going_to(message) == [("", "no_address")]
    merge_on_pages(pair["duplicate"], pair["survivor"])
    assert going_to(message) == [("", "cancelled"), ("office@example.com", "queued")]


def test_where_accounts_differ_both_addresses_are_told() -> None:
    """Or a victim merged into a thief's number would hear of nothing."""
    victim = factories.CustomerFactory.create(name="Rossi", email="victim@example.com")
    thief = factories.CustomerFactory.create(name="Rossi", email="thief@example.com")
    merge_on_pages(victim, thief)
    told = OutgoingMessage.objects.filter(kind="bank_details_changed").values_list("recipient", flat=True)
    assert set(told) == {"victim@example.com", "thief@example.com"}
