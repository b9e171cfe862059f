"""Long lists: how far they are counted, that every page is reached, and what their filters name."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core.paginator import InvalidPage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.customers.models import Customer
from backoffice import badges as numbers
from backoffice.paging import ShortCount
from core.icons import icon
from tests import factories
from tests.complaints.cases import Desk, register
from tests.test_list_queries import signed_in

pytestmark = pytest.mark.django_db

LIST = "/accounts/customer/"


@pytest.fixture
def customers() -> list[int]:
    for number in range(12):
        factories.CustomerFactory.create(currency="EUR" if number % 3 else "CHF")
    return list(Customer.objects.order_by("number").values_list("pk", flat=True))


def test_a_short_list_is_counted_to_its_end(customers: list[int]) -> None:
    pages = ShortCount(Customer.objects.order_by("number"), 5)
    assert (pages.count, pages.more, pages.num_pages) == (len(customers), False, 3)


def test_a_long_one_is_counted_to_the_page_after_the_one_asked_for(
    customers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShortCount, "most", 4)
    rows = Customer.objects.order_by("number")
    reached: list[int] = []
    asked = 1
    while True:
        pages = ShortCount(rows, 2, asked=asked)
        with CaptureQueriesContext(connection) as captured:
            assert pages.more == (len(customers) > max(4, 2 * (asked + 1)))
            assert pages.count <= max(4, 2 * (asked + 1))
        assert len(captured) == 1
        reached += [row.pk for row in pages.page(asked)]
        if pages.num_pages == asked:
            break
        asked += 1
    assert reached == customers
    with pytest.raises(InvalidPage):
        ShortCount(rows, 2, asked=10**12).page(10**12)


def test_what_a_list_says_of_its_length_is_true(customers: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(factories.agent())

    def said(url: str = LIST) -> str:
        found = re.search(r'class="list-count">([^<]*)<', client.get(url).content.decode())
        assert found is not None
        return " ".join(found[1].split())

    assert said() == "12 customers"
    monkeypatch.setattr(ShortCount, "most", 4)
    monkeypatch.setattr(type(client.get(LIST).context["cl"].model_admin), "list_per_page", 2)
    assert said() == "more than 4 customers"
    assert said(f"{LIST}?p=2") == "more than 6 customers"
    assert said(f"{LIST}?p=6") == "12 customers"
    assert said(f"{LIST}?currency=CHF") == "4 customers"
    beyond = client.get(f"{LIST}?p=9")
    assert (beyond.status_code, beyond.headers["Location"]) == (302, f"{LIST}?e=1")


def test_a_filter_names_each_value_once_without_reading_every_row(customers: list[int]) -> None:
    client = signed_in(factories.agent())
    with CaptureQueriesContext(connection) as captured:
        page = client.get(LIST)
    assert not [query for query in captured if "DISTINCT" in query["sql"]]
    named = {spec.title: spec for spec in page.context["cl"].filter_specs}["currency"]
    assert [choice["display"] for choice in named.choices(page.context["cl"])] == ["All", "CHF", "EUR"]


def test_the_numbers_of_the_navigation_stop_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    for _ in range(4):
        register(desk)
    monkeypatch.setitem(numbers._most, "open", 3)
    assert numbers.counts(desk.agent)["open"] == 4
    page = signed_in(desk.agent).get("/").content.decode()
    shown = dict(re.findall(r'class="nav-label">([^<]+)</span><span class="nav-count[^"]*">([^<]+)<', page))
    assert (shown["Complaints"], shown["Overdue"]) == ("3+", "4")


TONES = {
    "good": "circle-check",
    "warn": "triangle-alert",
    "bad": "circle-x",
    "info": "circle-dot",
    "mute": "circle-dashed",
}


@pytest.mark.parametrize("tone", TONES)
def test_the_style_sheet_draws_a_status_as_the_icons_do(tone: str) -> None:
    drawn = (settings.BASE_DIR / "static" / "backoffice" / "pills" / f"{tone}.svg").read_text()
    shapes = re.findall(r"<(?!/?svg)[^>]*?\s*/>", str(icon(TONES[tone])))
    assert shapes
    assert re.findall(r"<(?!/?svg)[^>]*?\s*/>", drawn) == [shape.replace(" />", "/>") for shape in shapes]
    css = (settings.BASE_DIR / "static" / "backoffice" / "components.css").read_text()
    assert f'.pill-{tone} {{ --mark: url("pills/{tone}.svg");' in css
