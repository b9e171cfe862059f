"""The frame in a real browser: search by keyboard, keys, help, home by role, and nobody shut out by looks or script."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import BrowserContext, Page, expect

from accounts.customers.models import Customer
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from hardware.purchases.models import Purchase
from tests import factories
from tests.browser.test_journey import no_violation, sign_in
from tests.complaints.cases import Desk, decided, propose, register, settled

pytestmark = pytest.mark.django_db(transaction=True)

type Contexts = Callable[..., BrowserContext]


@pytest.fixture
def desk() -> Desk:
    cache.clear()
    return Desk(limits=True)


@pytest.fixture
def northwind() -> Customer:
    return factories.CustomerFactory.create(name="Northwind Dental", number="NW-1", email="hello@northwind.example")


@pytest.fixture
def purchase(northwind: Customer) -> Purchase:
    return factories.phone_purchase(northwind, serial="SN-XYZ-1", mac="00:1a:2b:3c:4d:5e", instalments=3)


def at_home(new_context: Contexts, username: str) -> Page:
    """Signed in, and the scripts have run: nobody types that fast."""
    page = sign_in(new_context, username)
    page.wait_for_load_state("load")
    return page


def complaint_of(customer: Customer, desk: Desk) -> Complaint:
    subscription = factories.paid_subscription(customer=customer, activated_on=factories.days_ago(20))
    return register(desk, subscription, received_on=factories.days_ago(5))


def box(page: Page) -> Any:
    return page.get_by_role("combobox", name="Search everything")


def test_searching_by_keyboard_alone(new_context: Contexts, desk: Desk, purchase: Purchase) -> None:
    complaint = complaint_of(purchase.customer, desk)
    page = at_home(new_context, desk.agent.username)
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    page.keyboard.type("northw")
    option = page.get_by_role("option", name="Northwind Dental")
    expect(option).to_be_visible()
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    expect(option).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(box(page)).to_have_attribute("aria-activedescendant", option.get_attribute("id") or "")
    no_violation(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Northwind Dental")

    # From a field of a form too, and a whole code leads straight there, whether answers have come or not.
    page.goto("/complaints/complaint/")
    page.get_by_placeholder("Code, subject").focus()
    page.keyboard.press("/")
    expect(box(page)).not_to_be_focused()
    page.keyboard.press("Control+k")
    expect(box(page)).to_be_focused()
    page.keyboard.type(complaint.code.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(complaint.code)


def test_answers_are_put_away_and_come_back(new_context: Contexts, desk: Desk, northwind: Customer) -> None:
    page = at_home(new_context, desk.agent.username)
    page.keyboard.press("Control+k")
    page.keyboard.type("nothing like it")
    expect(page.get_by_text("Nothing is called “nothing like it”.")).to_be_visible()
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    no_violation(page)
    box(page).fill("northw")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    expect(box(page)).to_have_value("northw")
    page.keyboard.press("ArrowDown")
    page.get_by_role("option").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Northwind Dental")


def test_what_is_owed_on_a_phone_is_found_from_home(new_context: Contexts, desk: Desk, purchase: Purchase) -> None:
    page = at_home(new_context, desk.auditor.username)
    page.keyboard.press("/")
    page.keyboard.type("001A.2B3C.4D5E")
    expect(page.get_by_role("option", name="SN-XYZ-1")).to_contain_text("120.00 EUR owed")


def test_searching_without_script(new_context: Contexts, desk: Desk, purchase: Purchase) -> None:
    complaint = complaint_of(purchase.customer, desk)
    page = at_home(lambda **options: new_context(java_script_enabled=False, **options), desk.agent.username)
    page.get_by_role("searchbox", name="Search everything").fill("north")
    page.get_by_role("searchbox", name="Search everything").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Search for “north”")
    page.get_by_role("link", name="Northwind Dental").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Northwind Dental")
    page.get_by_role("searchbox", name="Search everything").fill(complaint.code)
    page.get_by_role("searchbox", name="Search everything").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(complaint.code)
    page.goto("/")
    page.get_by_role("link", name="Show: the last 12 weeks").click()
    expect(page.get_by_text("Decisions by outcome").first).to_be_visible()


def test_keys_are_listed_and_lead_places(new_context: Contexts, desk: Desk) -> None:
    page = at_home(new_context, desk.agent.username)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    expect(keys).to_contain_text("Search everything")
    no_violation(page)
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", level=1)).to_have_text("Complaints")
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", level=1)).to_have_text("My work")
    # Somebody who writes a question mark wants a question mark.
    page.keyboard.press("/")
    page.keyboard.type("g?")
    expect(box(page)).to_have_value("g?")
    expect(keys).to_be_hidden()


def test_the_navigation_is_narrowed_and_opened_and_stays_so(new_context: Contexts, desk: Desk) -> None:
    page = at_home(new_context, desk.manager.username)
    navigation = page.get_by_role("navigation", name="Main")
    expect(navigation.get_by_role("link", name="Prices")).to_be_hidden()
    navigation.locator("summary").filter(has_text="All of Set-up").click()
    expect(navigation.get_by_role("link", name="Prices")).to_be_visible()
    page.goto("/complaints/complaint/")
    expect(navigation.get_by_role("link", name="Prices")).to_be_visible()
    wide = navigation.bounding_box()
    page.get_by_role("button", name="Icons only").click()
    page.goto("/")
    narrow = navigation.bounding_box()
    assert wide is not None
    assert narrow is not None
    assert narrow["width"] * 3 < wide["width"]
    navigation.get_by_role("link", name=re.compile("^Complaints")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Complaints")
    no_violation(page)


def test_help_is_part_of_the_page(new_context: Contexts, desk: Desk) -> None:
    page = at_home(new_context, desk.agent.username)
    expect(page.get_by_text("What a customer owes on a phone")).to_be_hidden()
    page.get_by_text("Help", exact=True).click()
    expect(page.get_by_text("What a customer owes on a phone")).to_be_visible()
    no_violation(page)


def test_somebody_new_finds_the_oldest_case_and_why_a_refund_was_this_high(new_context: Contexts, desk: Desk) -> None:
    late = register(desk, subject="Nobody calls back")
    refund: Refund = settled(desk, decided(desk))
    page = at_home(new_context, desk.auditor.username)
    row = page.get_by_role("row").filter(has_text=refund.code)
    expect(row).to_contain_text(str(desk.manager))
    row.get_by_role("link", name=refund.code).click()
    expect(page.locator("table.quote").first).to_contain_text("Service already provided")
    page.keyboard.press("g")
    page.keyboard.press("h")
    overdue = page.locator("section.card").filter(has_text="Overdue, the oldest first")
    overdue.get_by_role("link").nth(1).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(late.code)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["agent", "lead", "manager", "clerk", "auditor", "administrator"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_home_and_search_shut_nobody_out(
    new_context: Contexts, desk: Desk, purchase: Purchase, who: str, scheme: str
) -> None:
    register(desk)
    propose(desk, decided(desk))
    settled(desk, decided(desk))
    person = getattr(desk, who)
    page = at_home(lambda **options: new_context(color_scheme=scheme, **options), person.username)
    if who == "administrator":
        expect(page.get_by_text("weeks")).to_have_count(0)
    else:
        expect(page.get_by_text("Days to decide").first).to_be_visible()
        page.get_by_text("Numbers", exact=True).first.click()
        expect(page.get_by_role("table", name="Decisions by outcome")).to_be_visible()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        stays_within(page)
        no_violation(page)
    page.goto("/search/?q=n")
    no_violation(page)
    page.goto("/search/?q=north" if who != "administrator" else "/search/?q=a")
    stays_within(page)
    no_violation(page)


def stays_within(page: Page) -> None:
    """Nothing stands beyond the right edge: no scrolling sideways."""
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room, f"{page.url}: {wide} > {room}"


def test_paper_holds_what_is_known(new_context: Contexts, desk: Desk) -> None:
    complaint = register(desk)
    page = at_home(new_context, desk.agent.username)
    page.goto(f"/complaints/complaint/{complaint.pk}/change/")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text(complaint.text).first).to_be_visible()
    for gone in (page.get_by_role("navigation", name="Main"), page.get_by_role("search"), page.locator(".bar")):
        expect(gone).to_be_hidden()
    expect(page.locator("main").get_by_role("button")).to_have_count(0)


def test_a_result_is_read_and_put_away(new_context: Contexts, desk: Desk) -> None:
    complaint = register(desk)
    page = at_home(new_context, desk.agent.username)
    page.goto(f"/complaints/complaint/act/acknowledge/?ids={complaint.pk}")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    said = page.get_by_role("status").filter(has_text="The acknowledgement to")
    expect(said).to_be_visible()
    no_violation(page)
    page.get_by_role("button", name="Put this message away").click()
    expect(said).to_have_count(0)
