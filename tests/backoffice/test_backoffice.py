"""The frame of the pages: who gets in, the confirmation page, what a refusal leaves, history, navigation."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from accounts.customers.models import Customer
from accounts.staff.models import Team, User
from audit import context
from audit.models import Event
from audit.vocabulary import verb_in_words
from backoffice import selection
from backoffice.actions import StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import pill, when
from backoffice.panels import Panel
from backoffice.selection import IDS_IN_ADDRESS
from config.navigation import NAVIGATION
from core.icons import icon
from tests import factories
from tests.backoffice import site

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.backoffice.site")]

LIST = "/accounts/customer/"
TEMPLATES = Path(__file__).parents[2] / "templates"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.staff.auth.StaffBackend")
    return client


def customers(count: int, **fields: Any) -> list[Customer]:
    return [Customer.objects.create(number=f"K{n}", name=f"Name {n}", **fields) for n in range(count)]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The cards of the home page: none of the apps', whose pages this small site has not."""
    cards: list[Any] = []
    monkeypatch.setattr("backoffice.panels._home_panels", cards)
    return cards


@pytest.fixture
def agent() -> Client:
    return signed_in(factories.agent(username="agent", first_name="Bola", last_name="Okafor"))


@pytest.fixture
def customer() -> Customer:
    return Customer.objects.create(number="K-1", name="Northwind")


def act_url(*rows: Customer, name: str = "rename") -> str:
    return f"{LIST}act/{name}/?ids={','.join(str(row.pk) for row in rows)}"


def page_url(customer: Customer, page: str = "change") -> str:
    return f"{LIST}{customer.pk}/{page}/"


def outcomes() -> list[tuple[str, str]]:
    return list(Event.objects.order_by("pk").values_list("verb", "outcome"))


# --- Who gets in --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", ["", "add/", "1/change/", "1/history/", "1/history/1/", "act/rename/?ids=1", "lookup/"]
)
def test_pages_are_closed_to_a_role_that_may_not_see_them(customer: Customer, page: str) -> None:
    path = page.replace("1/change", f"{customer.pk}/change").replace("1/history/", f"{customer.pk}/history/", 1)
    assert signed_in(factories.administrator()).get(LIST + path).status_code == 403


@pytest.mark.parametrize("page", ["", "act/rename/?ids=1", "do/register/"])
def test_strangers_are_sent_to_sign_in(page: str) -> None:
    answer = Client().get(LIST + page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_an_action_of_another_role_is_denied_and_does_nothing(customer: Customer) -> None:
    auditor = signed_in(factories.auditor())
    for answer in (
        auditor.get(act_url(customer)),
        auditor.post(act_url(customer), {"name": "Other", "reason": "because"}),
        auditor.get(f"{LIST}act/rename/results/abc/"),
        auditor.get(f"{LIST}do/register/"),
        auditor.post(f"{LIST}do/register/", {"customer": "K-1", "reason": "because"}),
        auditor.post(page_url(customer), {"name": "Other"}),
    ):
        assert answer.status_code == 403
    customer.refresh_from_db()
    assert customer.name == "Northwind"
    assert not Event.objects.exists()


def test_any_one_of_several_permissions_opens_an_action(customer: Customer, agent: Client) -> None:
    url = act_url(customer, name="praise")
    assert agent.get(url).status_code == 403
    assert signed_in(factories.lead()).get(url).status_code == 200
    assert signed_in(factories.manager()).get(url).status_code == 200


def test_signing_in_takes_a_role(client: Client) -> None:
    nobody = factories.UserFactory.create(role=None)
    answer = client.post("/login/", {"username": nobody.username, "password": factories.PASSWORD})
    assert "You have no role here" in answer.content.decode()
    assert signed_in(nobody).get("/").status_code == 302


def test_signing_out_takes_a_post(agent: Client) -> None:
    assert agent.get("/logout/").status_code == 405
    assert "signed out" in agent.post("/logout/").content.decode()
    assert agent.get(LIST).status_code == 302


def test_the_password_page_changes_the_password(agent: Client) -> None:
    new = "another horse entirely"
    wrong = {"old_password": "guess", "new_password1": new, "new_password2": new}
    assert "please correct what is marked" in agent.post("/password_change/", wrong).content.decode()
    answer = agent.post("/password_change/", wrong | {"old_password": factories.PASSWORD}, follow=True)
    assert "Your password was changed" in answer.content.decode()
    assert User.objects.get(username="agent").check_password(new)


# --- Nothing is deleted -------------------------------------------------------------------------


def test_no_page_deletes(customer: Customer, agent: Client) -> None:
    assert agent.get(page_url(customer, "delete")).status_code == 404
    assert agent.post(page_url(customer, "delete"), {"post": "yes"}).status_code == 404
    agent.post(LIST, {"action": "delete_selected", "_selected_action": [customer.pk], "index": 0, "post": "yes"})
    assert Customer.objects.filter(pk=customer.pk).exists()


@pytest.mark.urls("config.urls")
def test_every_model_of_the_product_has_pages_of_this_kind() -> None:
    for model, pages in admin.site._registry.items():
        assert isinstance(pages, TrackedAdmin), model
        assert not [pattern for pattern in pages.get_urls() if "delete" in str(pattern.name)], model
    names = [str(name) for name in get_resolver().namespace_dict["admin"][1].reverse_dict if isinstance(name, str)]
    assert len(names) > 20
    assert not [name for name in names if "delete" in name]


# --- One row ------------------------------------------------------------------------------------


def test_asking_shows_the_consequence_and_writes_nothing(customer: Customer, agent: Client) -> None:
    page = agent.get(act_url(customer)).content.decode()
    assert "Northwind will be called otherwise." in page
    assert 'name="reason"' in page
    assert "Not typed yet" in page
    assert not Event.objects.exists()


def test_doing_says_what_was_done_on_the_rows_page(customer: Customer, agent: Client) -> None:
    answer = agent.post(act_url(customer), {"name": "Other", "reason": "asked by phone"})
    assert answer["Location"] == page_url(customer)
    assert "K-1 is now Other." in agent.get(answer["Location"]).content.decode()
    event = Event.objects.get()
    assert (event.verb, event.outcome, event.reason, event.source) == (
        "customer.rename",
        "done",
        "asked by phone",
        "page",
    )
    assert event.actor_name == "Bola Okafor"


def test_the_result_may_be_seen_elsewhere(customer: Customer) -> None:
    answer = signed_in(factories.lead()).post(act_url(customer, name="praise"), {"reason": ""})
    assert answer["Location"] == "/accounts/team/"


def test_a_missing_reason_keeps_what_was_typed(customer: Customer, agent: Client) -> None:
    page = agent.post(act_url(customer), {"name": "Other & Co", "reason": ""}).content.decode()
    assert "This field is required." in page
    assert 'value="Other &amp; Co"' in page
    assert not Event.objects.exists()


def test_a_preview_does_nothing(customer: Customer, agent: Client) -> None:
    page = agent.post(act_url(customer), {"name": "Other", "reason": "why", "_preview": "1"}).content.decode()
    assert "Reads: Other" in page
    assert not Event.objects.exists()


def test_a_refusal_keeps_what_was_typed_and_leaves_only_its_event(customer: Customer, agent: Client) -> None:
    before = Customer.history.count()
    answer = agent.post(act_url(customer), {"name": "Nobody", "reason": "they insisted"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Nothing was done." in page
    assert "Nobody is called that." in page
    assert 'value="Nobody"' in page
    assert "they insisted" in page
    assert outcomes() == [("customer.rename", "refused")]
    assert Event.objects.get().message == "Nobody is called that."
    customer.refresh_from_db()
    assert customer.name == "Northwind"
    assert Customer.history.count() == before


def test_a_refusal_may_name_its_field(customer: Customer, agent: Client) -> None:
    page = agent.post(act_url(customer), {"name": "Northwind", "reason": "why"}).content.decode()
    assert re.search(r'id="id_name_error"><li>It is called Northwind already\.</li>', page)


def test_the_second_click_is_refused_by_the_action(customer: Customer, agent: Client) -> None:
    typed = {"name": "Other", "reason": "why"}
    assert agent.post(act_url(customer), typed).status_code == 302
    assert "It is called Other already." in agent.post(act_url(customer), typed).content.decode()
    assert outcomes() == [("customer.rename", "done"), ("customer.rename", "refused")]


def test_an_obstacle_is_told_before_anything_is_typed(agent: Client) -> None:
    german = Customer.objects.create(number="D-1", name="Halden", country="DE")
    page = agent.get(act_url(german)).content.decode()
    assert "Germans keep their name." in page
    assert 'name="reason"' not in page


def test_an_action_runs_outside_any_transaction_of_the_page(customer: Customer, agent: Client) -> None:
    site.depths.clear()
    here = len(connection.savepoint_ids)
    agent.post(act_url(customer), {"name": "Other", "reason": "why"})
    agent.post(f"{LIST}do/register/", {"customer": "K-1", "reason": "why"})
    assert site.depths == [here, here]


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?ids=", 400), ("?ids=x", 400), ("?batch=no", 400), ("?ids=999999", 404), ("?ids=1e9", 400)],
)
def test_rows_that_are_none(agent: Client, query: str, status: int) -> None:
    assert agent.get(f"{LIST}act/rename/{query}").status_code == status


def test_an_unknown_action_is_not_found(customer: Customer, agent: Client) -> None:
    assert agent.get(act_url(customer, name="explode")).status_code == 404
    assert agent.get(f"{LIST}do/explode/").status_code == 404
    assert agent.get(f"{LIST}act/explode/results/abc/").status_code == 404


# --- Several rows -------------------------------------------------------------------------------


def choose(client: Client, rows: list[Customer], query: str = "", **more: Any) -> Any:
    keys = [row.pk for row in rows]
    return client.post(LIST + query, {"action": "rename", "_selected_action": keys, "index": 0, **more})


def test_a_list_leads_to_the_confirmation_page_and_back(agent: Client) -> None:
    rows = customers(3)
    answer = choose(agent, rows, "?country=IT")
    keys = ",".join(sorted(str(row.pk) for row in rows))
    assert answer["Location"] == f"{LIST}act/rename/?ids={keys}&_changelist_filters=country%3DIT"
    page = agent.get(answer["Location"]).content.decode()
    assert f'href="{LIST}?country=IT"' in page
    assert "3 of 3 · 3 names" in page


def test_the_list_offers_only_what_the_person_may(agent: Client) -> None:
    rows = customers(1)
    assert 'value="rename"' in agent.get(LIST).content.decode()
    auditor = signed_in(factories.auditor())
    assert 'value="rename"' not in auditor.get(LIST).content.decode()
    assert "/act/" not in choose(auditor, rows).headers.get("Location", "")


def test_several_rows_give_a_result_each(agent: Client) -> None:
    german = Customer.objects.create(number="D-1", name="Halden", country="DE")
    free, same = (
        Customer.objects.create(number="K-1", name="A"),
        Customer.objects.create(number="K-2", name="New"),
    )
    url = act_url(german, free, same)
    page = agent.get(url).content.decode()
    assert "Germans keep their name." in page
    assert "Rename customers (2)" in page
    skipped = re.search(r'name="skipped" value="([^"]*)"', page)
    assert skipped is not None
    answer = agent.post(url, {"name": "New", "reason": "why", "skipped": skipped[1]})
    results = agent.get(answer["Location"]).content.decode()
    assert [pill_text in results for pill_text in ("1 done", "1 refused", "1 skipped")] == [True, True, True]
    assert "K-1 is now New." in results
    assert "It is called New already." in results
    assert list(Customer.objects.order_by("pk").values_list("name", flat=True)) == ["Halden", "New", "New"]
    assert outcomes() == [("customer.rename", "done"), ("customer.rename", "refused")]


def test_a_row_that_became_impossible_is_refused_by_the_action(agent: Client) -> None:
    rows = customers(2)
    agent.post(act_url(*rows), {"name": "Name 1", "reason": "why", "skipped": ""})
    assert outcomes() == [("customer.rename", "done"), ("customer.rename", "refused")]


def test_looking_at_results_again_repeats_nothing(agent: Client) -> None:
    answer = agent.post(act_url(*customers(2)), {"name": "New", "reason": "why"})
    for _ in range(2):
        assert "2 done" in agent.get(answer["Location"]).content.decode()
    assert Event.objects.count() == 2


def test_results_are_seen_by_nobody_else(agent: Client) -> None:
    answer = agent.post(act_url(*customers(2)), {"name": "New", "reason": "why"})
    assert signed_in(factories.agent()).get(answer["Location"]).status_code == 404


def test_results_as_csv_hold_no_formula(agent: Client) -> None:
    rows = [*customers(1), Customer.objects.create(number="K-9", name="=1+1")]
    answer = agent.post(act_url(*rows), {"name": "=HYPERLINK(0)", "reason": "why"})
    lines = agent.get(answer["Location"] + "?format=csv").content.decode().splitlines()
    assert lines[0] == "id,row,outcome,result"
    assert lines[2] == f"{rows[1].pk},'=1+1 (K-9),done,K-9 is now =HYPERLINK(0)."


def test_an_error_in_one_row_does_not_hide_the_others(agent: Client, caplog: pytest.LogCaptureFixture) -> None:
    rows = customers(2)
    answer = agent.post(act_url(*rows), {"name": "Crash", "reason": "why"})
    page = agent.get(answer["Location"]).content.decode()
    assert "2 failed" in page
    assert "Nothing was done: an error of the system, logged under request" in page
    assert "the printer is on fire" in caplog.text
    assert not Customer.objects.filter(name="Crash").exists()


def test_many_keys_travel_in_the_session(agent: Client) -> None:
    rows = customers(IDS_IN_ADDRESS + 1)
    answer = choose(agent, rows[:1], select_across=1)
    assert re.fullmatch(rf"{LIST}act/rename/\?batch=[0-9a-f]{{16}}", answer["Location"])
    assert f"{len(rows)} of {len(rows)}" in agent.get(answer["Location"]).content.decode()
    assert signed_in(factories.agent()).get(answer["Location"]).status_code == 400


def test_too_many_rows_are_sent_back(agent: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MAX_ROWS", 2)
    answer = choose(agent, customers(3))
    assert answer["Location"] == LIST
    assert "More than 2 rows are chosen" in agent.get(LIST).content.decode()
    assert agent.get(act_url(*Customer.objects.all())).status_code == 400


# --- Without a row ------------------------------------------------------------------------------


def test_a_page_action_starts_from_what_the_address_says(customer: Customer, agent: Client) -> None:
    page = agent.get(f"{LIST}do/register/?customer=K-1").content.decode()
    assert 'value="K-1"' in page
    assert f'data-lookup="{LIST}lookup/"' in page
    assert f'href="{LIST}do/register/"' in agent.get(LIST).content.decode()


def test_a_page_action_is_done_or_refused(customer: Customer, agent: Client) -> None:
    answer = agent.post(f"{LIST}do/register/", {"customer": "k-1", "reason": "why"})
    assert answer["Location"] == page_url(customer)
    page = agent.post(f"{LIST}do/register/", {"customer": "K-1", "reason": "again"}).content.decode()
    assert "It is called Registered already." in page
    assert "again" in page
    assert outcomes() == [("customer.rename", "done"), ("customer.rename", "refused")]


def test_a_row_is_looked_up_by_number_or_the_only_name_that_fits(agent: Client) -> None:
    Customer.objects.create(number="K-1", name="Northwind")
    Customer.objects.create(number="K-11", name="Norton")

    def answer(typed: str) -> str:
        return agent.post(f"{LIST}do/register/", {"customer": typed, "reason": ""}).content.decode()

    assert "could be Northwind (K-1), Norton (K-11)" in answer("nor")
    assert "There is no “zzz” here." in answer("zzz")
    assert "id_customer_error" not in answer("k-1")
    assert "id_customer_error" not in answer("norton")
    rows = agent.get(f"{LIST}lookup/?q=northw").json()["rows"]
    assert rows == [{"value": "K-1", "label": "Northwind (K-1)"}]
    assert agent.get(f"{LIST}lookup/").json() == {"rows": []}


# --- The page of a row -------------------------------------------------------------


def test_the_page_is_for_reading(customer: Customer, agent: Client) -> None:
    page = agent.get(page_url(customer)).content.decode()
    assert "On the page" in page
    assert 'name="name"' not in page
    assert "&lt;b&gt;raw&lt;/b&gt;" in page
    for path in (page_url(customer), f"{LIST}add/"):
        assert agent.post(path, {"number": "K-2", "name": "Other", "country": "FR"}).status_code == 403
    customer.refresh_from_db()
    assert customer.name == "Northwind"
    assert Customer.objects.count() == 1
    assert not LogEntry.objects.exists()


def test_the_bar_says_what_may_be_done_and_why_not(customer: Customer, agent: Client) -> None:
    german = Customer.objects.create(number="D-1", name="Halden", country="DE")
    assert f'href="{act_url(customer)}&amp;seen=' in agent.get(page_url(customer)).content.decode()
    page = agent.get(page_url(german)).content.decode()
    assert act_url(german) not in page
    assert "Germans keep their name." in page
    assert "Team lead or Manager only" in page


# --- History ------------------------------------------------------------------------------------


@pytest.fixture
def renamed(customer: Customer) -> Customer:
    by = factories.lead(first_name="Ada", last_name="Lind")
    with context.acting(user=by, source="page", request_id="a" * 32):
        site.rename(customer.pk, by=by, name="Southwind", reason="moved south")
    by.last_name = "Lovelace"
    by.save()
    return customer


def test_history_tells_who_why_and_what(renamed: Customer, agent: Client) -> None:
    page = agent.get(page_url(renamed, "history")).content.decode()
    assert "Ada Lind" in page
    assert "Lovelace" not in page
    assert "moved south" in page
    assert re.search(r"<del>.*Northwind</del> <ins>.*Southwind</ins>", page)
    assert "a" * 8 in page


def test_a_version_shows_its_values_and_its_neighbours(renamed: Customer, agent: Client) -> None:
    second, first = renamed.history.order_by("-history_id")
    page = agent.get(f"{page_url(renamed, 'history')}{first.pk}/").content.decode()
    assert "Northwind" in page
    assert f"history/{second.pk}/" in page
    assert agent.get(f"{page_url(renamed, 'history')}999999/").status_code == 404


def test_a_version_can_not_be_put_back(renamed: Customer, agent: Client) -> None:
    first = renamed.history.order_by("history_id")[0]
    typed = {"number": "K-1", "name": "Northwind", "country": "IT", "_save": "Revert"}
    assert agent.post(f"{page_url(renamed, 'history')}{first.pk}/", typed).status_code == 405
    renamed.refresh_from_db()
    assert renamed.name == "Southwind"


def test_the_oldest_version_on_a_page_still_says_what_changed(
    renamed: Customer, agent: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.CustomerPages, "history_list_per_page", 1)
    page = agent.get(page_url(renamed, "history")).content.decode()
    assert re.search(r"<del>.*Northwind</del>", page)


def test_the_timeline_marks_what_was_refused(customer: Customer, agent: Client) -> None:
    agent.post(act_url(customer), {"name": "Nobody", "reason": "<i>why</i>"})
    page = agent.get(page_url(customer)).content.decode()
    assert "Refused</span>" in page
    assert "Nobody is called that." in page
    assert "&lt;i&gt;why&lt;/i&gt;" in page


def test_verbs_read_as_words() -> None:
    assert verb_in_words("refund.take_back") == "refund: take back"


# --- Lists, and what pages cost -----------------------------------------------------------------


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("page", ["list", "confirmation", "history", "row"])
def test_queries_do_not_grow_with_rows(agent: Client, page: str) -> None:
    rows = customers(2)

    def ask() -> int:
        url = {
            "list": LIST,
            "confirmation": act_url(*rows),
            "history": page_url(rows[0], "history"),
            "row": page_url(rows[0]),
        }[page]
        return queries(agent, url)

    ask()
    few = ask()
    rows += [Customer.objects.create(number=f"M{n}", name=f"More {n}") for n in range(20)]
    for name in ("Ada", "Bea", "Cia", "Dea"):
        rows[0].name = name
        rows[0].save()
        agent.post(act_url(rows[0]), {"name": "Nobody", "reason": "why"})
    assert ask() == few


def test_an_empty_list_says_what_to_do(agent: Client) -> None:
    assert "Import some." in agent.get(LIST).content.decode()
    customers(1)
    assert "show them all" in agent.get(f"{LIST}?q=zzz").content.decode()


def test_numbers_stand_to_the_right_with_their_heading(agent: Client) -> None:
    customers(1)
    page = agent.get(LIST).content.decode()
    assert '<th scope="col" class="n column-owed">' in page
    assert '<span class="n">1.00 EUR</span>' in page


def test_a_search_keeps_the_filters(agent: Client) -> None:
    page = agent.get(f"{LIST}?country=IT&q=x").content.decode()
    assert '<input type="hidden" name="country" value="IT">' in page


# --- Navigation and home ------------------------------------------------------------------------


def names(client: Client) -> list[str]:
    navigation = client.get("/").content.decode().split("</nav>")[0].split("<button")[0]
    return re.findall(r'class="nav-label">([^<]+)</span>', navigation)


def test_navigation_shows_what_the_person_sees(agent: Client) -> None:
    assert names(agent) == ["My work", "Customers"]
    assert names(signed_in(factories.manager())) == ["My work", "Customers", "Set-up"]
    assert names(signed_in(factories.administrator())) == ["My work", "Set-up"]


def test_navigation_marks_where_one_is(agent: Client) -> None:
    page = agent.get(LIST).content.decode()
    assert re.search(rf'href="{LIST}" class="on" aria-current="page"', page)


def test_navigation_has_icons() -> None:
    for group in NAVIGATION:
        assert icon(group.icon).startswith("<svg")
    with pytest.raises(ValueError, match="no icon"):
        icon("no-such-icon")


def test_an_app_has_no_page_of_its_own(agent: Client) -> None:
    assert agent.get("/accounts/")["Location"] == "/"


def test_home_shows_the_cards_of_the_apps(agent: Client, home: list[Any]) -> None:
    assert "Nothing waits for you here." in agent.get("/").content.decode()

    def queue(request: HttpRequest) -> Panel:
        return Panel(f"Queue of {request.user}", "backoffice/panels/text.html", {"text": "empty"})

    home.extend([queue, lambda request: None])
    assert "Queue of Bola Okafor" in agent.get("/").content.decode()


# --- Small things -------------------------------------------------------------------------------


def test_pieces_of_html_are_escaped() -> None:
    assert "&lt;b&gt;" in pill("<b>", "bad")
    assert pill("Late", "warn") == '<span class="pill pill-warn">Late</span>'
    assert 'aria-hidden="true"' in pill("Late", "warn", "clock")
    assert when(None) == ""
    assert ">10 Nov 2026, 09:12 " in when(factories.at(date(2026, 11, 10), 9, 12))


def test_nothing_runs_or_styles_inline() -> None:
    """The policy forbids it (also what nobody would notice in a browser: handlers, ``javascript:``)."""
    inline = re.compile(r"""\sstyle\s*=|<style|\son[a-z]+\s*=\s*["']|javascript:|<script(?![^>]*\ssrc=)""")
    files = [*TEMPLATES.rglob("*.html")]
    assert len(files) > 30
    assert [str(path) for path in files if inline.search(path.read_text())] == []


def test_an_action_asks_for_its_own_permission_only() -> None:
    class Bare(StaffAction[Team]):
        name = "bare"
        label = "Bare"
        may = None

    assert not Bare().allowed(factories.manager())
    assert Bare().obstacle(Team(), factories.manager()) is None
