"""Amounts and local times typed by key, in both languages: what is typed is what is meant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.staff.language.actions import choose_language
from accounts.staff.models import User
from billing.invoices.models import Invoice
from billing.payments.models import Payment
from complaints.incidents.models import Incident
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

type Contexts = Callable[..., BrowserContext]


@pytest.fixture(params=["en", "it"])
def language(request: pytest.FixtureRequest) -> str:
    """Of the pages and of the browser."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], language: str) -> dict[str, Any]:
    return {**browser_context_args, "locale": {"en": "en-GB", "it": "it-IT"}[language]}


def typing(contexts: Contexts, person: User, language: str) -> Page:
    cache.clear()
    choose_language(by=person, language=language)
    page = contexts().new_page()
    page.goto("/")
    page.locator("#id_username").fill(person.username)
    page.locator("#id_password").fill(factories.PASSWORD)
    page.locator("[type=submit]").click()
    page.wait_for_url("**/")
    return page


def an_invoice() -> Invoice:
    """One of 2000.00."""
    plan = factories.PlanFactory.create()
    factories.price(plan, fee=Decimal("2000.00"))
    factories.open_subscription(plan=plan)
    return Invoice.objects.get()


@pytest.mark.parametrize(
    ("typed", "amount", "said"),
    [
        ("40,23", "40.23", {"en": "= 40.23", "it": "= 40,23"}),
        ("0,50", "0.50", {"en": "= 0.50", "it": "= 0,50"}),
        ("1.234,56", "1234.56", {"en": "= 1,234.56", "it": "= 1.234,56"}),
        ("1.234,5", "1234.50", {"en": "= 1,234.50", "it": "= 1.234,50"}),
        ("1,234.50", "1234.50", {"en": "= 1,234.50", "it": "= 1.234,50"}),
    ],
)
def test_an_amount_typed_is_the_amount_meant(
    new_context: Contexts, typed: str, amount: str, said: dict[str, str], language: str
) -> None:
    clerk = factories.billing_clerk()
    invoice = an_invoice()
    page = typing(new_context, clerk, language)
    page.goto(f"/billing/invoice/act/pay/?ids={invoice.pk}")
    field = page.locator("#id_amount")
    field.clear()
    field.press_sequentially(typed)
    field.press("Tab")
    expect(page.locator(".read-back").first).to_have_text(said[language])
    page.locator("#id_received_on").fill(factories.today().isoformat())
    page.locator("main [type=submit]").last.click()
    page.wait_for_url("**/change/")
    assert Payment.objects.get().amount == Decimal(amount)


def test_an_amount_that_could_be_two_is_asked_about_and_kept(new_context: Contexts, language: str) -> None:
    clerk = factories.billing_clerk()
    invoice = an_invoice()
    page = typing(new_context, clerk, language)
    page.goto(f"/billing/invoice/act/pay/?ids={invoice.pk}")
    page.locator("#id_amount").clear()
    page.locator("#id_amount").press_sequentially("1.234")
    page.locator("main [type=submit]").last.click()
    problem = {"en": "can be read in two ways", "it": "si può leggere in due modi"}[language]
    expect(page.locator(".errorlist").filter(has_text=problem)).to_be_visible()
    expect(page.locator("#id_amount")).to_have_value("1.234")
    assert not Payment.objects.exists()


def type_time(field: Locator, day: str, time: str) -> None:
    """By key. Chromium's own field has the order of its own language, whatever the page's is."""
    field.press_sequentially(day)
    field.press("Tab")
    field.page.keyboard.type(time)


def test_a_time_that_comes_twice_asks_which(new_context: Contexts, language: str) -> None:
    page = typing(new_context, factories.lead(), language)
    page.goto("/complaints/incident/do/record/")
    page.locator("#id_title").fill("Night of the clocks")
    page.locator("#id_hits_everybody").check()
    began, ended = page.locator("#id_starts_at"), page.locator("#id_ends_at")
    type_time(began, "10252026", "0215AM")
    assert began.input_value() == "2026-10-25T02:15"
    ended.fill("2026-10-25T02:45")
    submit = page.locator("main [type=submit]").last
    submit.click()
    which = page.get_by_label({"en": "Which of the two", "it": "Quale delle due"}[language])
    expect(which).to_have_count(2)
    assert [one.input_value() for one in which.all()] == ["first", "first"]
    assert not Incident.objects.exists()
    which.last.select_option("second")
    submit.click()
    page.wait_for_url("**/change/")
    incident = Incident.objects.get()
    assert incident.starts_at == datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    assert incident.ends_at == datetime(2026, 10, 25, 1, 45, tzinfo=UTC)


def test_a_time_that_the_clock_skips_says_so(new_context: Contexts, language: str) -> None:
    page = typing(new_context, factories.lead(), language)
    page.goto("/complaints/incident/do/record/")
    page.locator("#id_title").fill("Night of the clocks")
    type_time(page.locator("#id_starts_at"), "03292026", "0230AM")
    page.locator("main [type=submit]").last.click()
    problem = {"en": "02:30 did not exist on 29 Mar 2026", "it": "Le 02:30 del 29 mar 2026 non sono esistite"}
    expect(page.locator(".errorlist").filter(has_text=problem[language])).to_be_visible()
    expect(page.locator("#id_starts_at")).to_have_value("2026-03-29T02:30")
