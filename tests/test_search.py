"""The search in the top bar: what it finds, for whom, and what it costs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import Role
from backoffice.search import LIMIT, Typed, search
from billing.invoices.models import Invoice
from complaints.cases.models import Complaint
from hardware.purchases.models import Purchase
from tests import factories
from tests.complaints.cases import Desk, register

pytestmark = pytest.mark.django_db


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def titles(person: User, text: str) -> dict[str, list[str]]:
    return {str(group.label): [one.title for one in group.found] for group in search(person, Typed.of(text))}


@pytest.fixture
def northwind() -> Customer:
    return factories.CustomerFactory.create(name="Northwind Dental", email="hello@northwind.example", number="NW-77")


@pytest.fixture
def complaint(northwind: Customer) -> Complaint:
    subscription = factories.paid_subscription(customer=northwind, activated_on=factories.days_ago(20))
    return register(Desk(), subscription, received_on=factories.days_ago(5), subject="Calls dropped for two days")


@pytest.fixture
def purchase(northwind: Customer) -> Purchase:
    return factories.phone_purchase(northwind, serial="SN-XYZ-1", mac="00:1a:2b:3c:4d:5e", instalments=3)


@pytest.mark.parametrize(
    "text",
    [
        "Northwind Dental",
        "northw",
        "NORTH",
        "dental",
        "nw-77",
        "NW-7",
        "hello@northwind.example",
        "hello@n",
        "  north  wind",
    ],
)
def test_a_customer_is_found_by_name_number_and_address(northwind: Customer, text: str) -> None:
    factories.CustomerFactory.create(name="Harbour Bakery", email="", number="H-1")
    found = titles(factories.agent(), text)
    assert found == ({} if text == "  north  wind" else {"Customers": ["Northwind Dental"]})


@pytest.mark.parametrize(
    "text",
    ["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e", "001A2B3C4D5E", "00:1A:2B:3c", "sn-xyz-1", "SN-X"],
)
def test_a_phone_is_found_by_serial_and_mac_in_any_spelling(purchase: Purchase, text: str) -> None:
    factories.phone_purchase(serial="SN-OTHER", mac="00:1a:2b:00:00:01")
    (group,) = search(factories.agent(), Typed.of(text))
    (one,) = group.found
    assert "SN-XYZ-1" in one.title
    assert one.url == f"/hardware/purchase/{purchase.pk}/change/"
    # What is owed stands there already.
    assert one.note.startswith("00:1a:2b:3c:4d:5e, Northwind Dental, ")
    assert one.note.endswith("EUR owed")


def test_codes_and_numbers_are_found(complaint: Complaint, purchase: Purchase) -> None:
    agent = factories.agent()
    invoice = Invoice.objects.get()
    subscription = complaint.subscription
    for text, kind in (
        (complaint.code.lower(), "Complaints"),
        (invoice.number, "Invoices"),
        (subscription.number, "Subscriptions"),
        (purchase.number.lower(), "Purchases"),
    ):
        assert kind in titles(agent, text), text
    assert titles(agent, "dropped FOR two") == {"Complaints": [str(complaint)]}


def test_a_whole_code_and_enter_lead_there(complaint: Complaint) -> None:
    client = signed_in(factories.agent())
    answer = client.get("/search/", {"q": f" {complaint.code.lower()} "})
    assert answer.headers["Location"] == f"/complaints/complaint/{complaint.pk}/change/"
    page = client.get("/search/", {"q": complaint.code[:-1]})
    assert page.status_code == 200
    assert str(complaint) in page.content.decode()


def test_two_of_the_same_address_are_both_shown(northwind: Customer) -> None:
    other = factories.CustomerFactory.create(name="Northwind Labs", email=northwind.email)
    page = signed_in(factories.agent()).get("/search/", {"q": northwind.email})
    assert page.status_code == 200
    assert other.name in page.content.decode()


def test_what_is_exact_comes_first(northwind: Customer) -> None:
    factories.CustomerFactory.create(name="A", number="NW-771")
    factories.CustomerFactory.create(name="B", number="NW-770")
    (group,) = search(factories.agent(), Typed.of("nw-77"))
    assert [one.title for one in group.found if one.exact] == ["Northwind Dental"]
    assert group.found[0].exact


@pytest.mark.parametrize(
    "text", ["north", "NW-77", "hello@northwind.example", "SN-XYZ-1", "001a2b3c4d5e", "Calls dropped"]
)
def test_an_administrator_finds_no_customer_in_any_way(complaint: Complaint, purchase: Purchase, text: str) -> None:
    administrator = factories.administrator()
    assert titles(administrator, text) == {}
    client = signed_in(administrator)
    for asked in ({"q": text}, {"q": text, "part": "options"}):
        page = client.get("/search/", asked)
        assert page.status_code == 200
        assert "Northwind" not in page.content.decode()
    assert titles(administrator, administrator.username) == {"Staff": [str(administrator)]}


def test_only_those_who_see_staff_find_staff() -> None:
    agent = factories.agent(username="bola")
    assert titles(factories.manager(), "bola") == {"Staff": [str(agent)]}
    assert titles(agent, "bola") == {}


def test_nobody_without_a_role_searches() -> None:
    assert Client().get("/search/", {"q": "north"}).status_code == 302
    assert signed_in(factories.UserFactory.create(role=None)).get("/search/?q=north").status_code == 302


def test_short_long_and_odd_texts_are_answered(northwind: Customer) -> None:
    client = signed_in(factories.agent())
    for text in (
        "",
        " ",
        "n",
        "%",
        "__",
        "\\",
        "\x00\x00north",
        "'; --",
        "x" * 5000,
        "é" * 30,
        "<script>alert(1)</script>",
    ):
        for part in ({}, {"part": "options"}):
            page = client.get("/search/", {"q": text, **part})
            assert page.status_code == 200
            assert "<script>alert" not in page.content.decode()
    assert titles(factories.agent(), "%") == {}
    assert titles(factories.agent(), "__") == {}


def test_more_than_are_shown_lead_to_the_list() -> None:
    for number in range(LIMIT + 2):
        factories.CustomerFactory.create(name=f"Harbour {number}", email="")
    (group,) = search(factories.agent(), Typed.of("harb"))
    assert len(group.found) == LIMIT
    assert group.more_url == "/accounts/customer/?q=harb"
    few = search(factories.agent(), Typed.of("harbour 1"))
    assert few[0].more_url == ""


@pytest.mark.parametrize("text", ["north", "NW", "C-0", "calls", "00:1a:2b"])
def test_an_answer_asks_as_often_for_many_rows_as_for_few(complaint: Complaint, purchase: Purchase, text: str) -> None:
    client = signed_in(factories.UserFactory.create(role=Role.MANAGER))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/search/", {"q": text, "part": "options"})
        return len(captured)

    few = queries()
    desk = Desk()
    for number in range(LIMIT + 4):
        customer = factories.CustomerFactory.create(name=f"Northwind {number}", number=f"NW-1{number}")
        subscription = factories.paid_subscription(customer=customer, activated_on=factories.days_ago(20))
        register(desk, subscription, received_on=factories.days_ago(5), subject="Calls dropped")
        factories.phone_purchase(customer, mac=f"00:1a:2b:00:00:{number:02x}")
    assert queries() <= few
    assert few <= 18


def test_what_names_begin_with_is_found_through_an_index() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        else:
            cursor.execute("SELECT indexname FROM pg_indexes")
        names = {row[0] for row in cursor.fetchall()}
    assert {"customer_name_begins", "customer_email_begins", "contact_name_begins", "phone_serial_begins"} <= names
    plan = Customer.objects.filter(name__istartswith="north").order_by().explain()
    if connection.vendor == "sqlite":  # PostgreSQL reads a small table as a whole
        assert "customer_name_begins" in plan
