"""What every list has besides its rows: views under a name, and CSV."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import format_html

from accounts.customers.models import Customer
from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.actions import Refused
from audit.models import Event
from backoffice.display import number, sub, when
from backoffice.exports import delete_view, plain_text, save_view, view_query
from backoffice.models import SavedView
from core.sheets.formulas import safe_cell
from tests import factories

pytestmark = pytest.mark.django_db

CUSTOMERS = "accounts.customer"


def list_url() -> str:
    return reverse("admin:accounts_customer_changelist")


def signed_in(role: Role) -> tuple[Client, User]:
    user = factories.UserFactory.create(role=role)
    client = Client()
    client.force_login(user)
    return client, user


def rows_of(response: Any) -> list[list[str]]:
    assert response.status_code == 200
    return list(csv.reader(StringIO(b"".join(response.streaming_content).decode())))


# --- CSV ----------------------------------------------------------------------------------------


def test_a_list_leaves_as_it_is_shown() -> None:
    client, agent = signed_in(Role.AGENT)
    for n, name in enumerate(("Beta", "Alpha", "Gamma")):
        factories.CustomerFactory.create(number=f"K-{n}", name=name, country="IT" if n < 2 else "DE")
    response = client.post(f"{list_url()}csv/?country=IT&o=1&p=1")
    assert response["Content-Type"].startswith("text/csv")
    assert "attachment" in response["Content-Disposition"]
    header, *rows = rows_of(response)
    assert "Name" in header
    names = [row[header.index("Name")] for row in rows]
    assert [name.partition(" / ")[0] for name in names] == ["Alpha", "Beta"]
    event = Event.objects.get(verb="list.export")
    assert (event.actor, event.target_type, event.data) == (
        agent,
        CUSTOMERS,
        {"rows": 2, "query": "country=IT&o=1"},
    )


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1 555", "-2+3", "@SUM(A1)", "\tx"])
def test_no_cell_becomes_a_formula(name: str) -> None:
    client, _ = signed_in(Role.AGENT)
    factories.CustomerFactory.create(name=name)
    _, row = rows_of(client.post(f"{list_url()}csv/"))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    assert any(name.strip() in cell for cell in row)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("-2.50", "-2.50"),
        (Decimal(-1), "-1"),
        ("+39 02", "'+39 02"),
        ("x=1", "x=1"),
        ("", ""),
        (3, "3"),
        ("-2+3", "'-2+3"),
        ("--1", "'--1"),
    ],
)
def test_numbers_stay_numbers(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_cells_are_read_without_their_html() -> None:
    moment = datetime(2026, 11, 10, 8, 12, tzinfo=UTC)
    assert plain_text(when(moment)) == "2026-11-10T09:12:00+01:00"
    assert plain_text(number("\N{MINUS SIGN}6.18 EUR", "of 59.90")) == "-6.18 EUR / of 59.90"
    assert plain_text(format_html("{}{}", "R&D <x>", sub("K-1"))) == "R&D <x> / K-1"
    assert [plain_text(value) for value in (None, True, False, moment.date())] == ["", "yes", "no", "2026-11-10"]


def test_too_many_rows_are_refused_and_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.exports.MOST_CSV_ROWS", 1)
    client, _ = signed_in(Role.AGENT)
    factories.CustomerFactory.create_batch(2)
    response = client.post(f"{list_url()}csv/", follow=True)
    assert "filter first" in response.content.decode()
    assert Event.objects.get(verb="list.export").outcome == Event.Outcome.REFUSED


def test_whoever_does_not_see_the_list_gets_no_file() -> None:
    client, _ = signed_in(Role.ADMIN)
    assert client.post(f"{list_url()}csv/").status_code == 403
    assert client.post(f"{list_url()}views/", {"name": "x"}).status_code == 403
    assert not SavedView.objects.exists()
    assert Client().post(f"{list_url()}csv/").status_code == 302


def test_looking_takes_nothing_away() -> None:
    client, _ = signed_in(Role.AGENT)
    assert client.get(f"{list_url()}csv/").status_code == 405
    assert not Event.objects.exists()


def test_a_wrong_filter_leads_back_to_the_list() -> None:
    client, _ = signed_in(Role.AGENT)
    assert client.post(f"{list_url()}csv/?id__gte=x").status_code == 302


# --- Views --------------------------------------------------------------------------------------


def test_a_view_is_kept_shared_and_let_go() -> None:
    client, agent = signed_in(Role.AGENT)
    response = client.post(f"{list_url()}views/", {"name": "  From  Italy ", "query": "country=IT&p=3", "shared": "on"})
    assert response.headers["Location"] == "../?country=IT"
    view = SavedView.objects.get()
    assert (view.owner, view.page, view.name, view.query, view.shared) == (
        agent,
        CUSTOMERS,
        "From Italy",
        "country=IT",
        True,
    )
    other, _ = signed_in(Role.LEAD)
    page = other.get(list_url()).content.decode()
    assert "From Italy" in page
    assert f"shared by {agent}" in page
    refused = other.post(f"{list_url()}views/", {"delete": view.pk}, follow=True)
    assert "only they can let it go" in refused.content.decode()
    client.post(f"{list_url()}views/", {"delete": view.pk})
    assert not SavedView.objects.exists()


def test_ones_own_view_stays_ones_own() -> None:
    client, agent = signed_in(Role.AGENT)
    save_view(by=agent, page=CUSTOMERS, name="Mine", query="q=x", shared=False)
    save_view(by=agent, page="billing.invoice", name="Elsewhere", query="", shared=True)
    other, _ = signed_in(Role.LEAD)
    assert "Mine" in client.get(list_url()).content.decode()
    page = other.get(list_url()).content.decode()
    assert "Mine" not in page
    assert "Elsewhere" not in page


def test_the_same_name_is_replaced() -> None:
    agent = factories.agent()
    for query in ("q=a", "q=b"):
        save_view(by=agent, page=CUSTOMERS, name="View", query=query, shared=False)
    assert SavedView.objects.get().query == "q=b"


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_a_view_needs_a_name(name: str) -> None:
    agent = factories.agent()
    with pytest.raises(Refused):
        save_view(by=agent, page=CUSTOMERS, name=name, query="", shared=False)
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("key", ["", "0", "abc", "99999999999999999999"])
def test_a_view_that_is_not_there(key: str) -> None:
    with pytest.raises(Refused):
        delete_view(key, by=factories.agent())


def test_a_query_is_kept_without_its_page() -> None:
    assert view_query("?q=a b&p=4&e=1&state__exact=x") == "q=a+b&state__exact=x"
    assert view_query('q="><script>') == "q=%22%3E%3Cscript%3E"
    assert Customer.objects.count() == 0
