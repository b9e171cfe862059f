"""Somebody who never saw it finds what matters from the home page, by what they read there: nothing is searched for, no
address typed. Each role that sees cases walks the same four ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.cache import cache
from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.staff.models import User
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from hardware.purchases.models import Purchase
from tests import factories
from tests.browser.test_journey import sign_in
from tests.complaints.cases import Desk, decided, register, settled

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

type Contexts = Callable[..., BrowserContext]


@dataclass(frozen=True)
class Company:
    """A company in which there is one answer to each question, and others that could be taken for it."""

    desk: Desk
    oldest: Complaint
    refund: Refund
    purchase: Purchase


@pytest.fixture
def company() -> Company:
    cache.clear()
    desk = Desk(limits=True)
    activated = factories.days_ago(75)
    late = factories.paid_subscription(
        activated_on=activated, customer=factories.CustomerFactory.create(name="Late Joinery")
    )
    period = late.periods.order_by("sequence")[0]
    register(desk, subject="Overdue, but not for long", received_on=factories.days_ago(45), period=period)
    oldest = register(desk, subject="Nobody calls back", received_on=factories.days_ago(70), period=period)
    baker = factories.CustomerFactory.create(name="Harbour Bakery")
    subscription = factories.paid_subscription(customer=baker, activated_on=factories.days_ago(10))
    factories.usage(subscription, day=factories.days_ago(5), seconds=3600)
    refund = settled(desk, decided(desk, subscription=subscription, received_on=factories.days_ago(1)))
    purchase = factories.phone_purchase(customer=baker)
    assert 0 < purchase.owed <= purchase.price
    return Company(desk, oldest, refund, purchase)


def card(page: Page, title: str) -> Locator:
    return page.locator("section.card").filter(has=page.get_by_role("heading", name=title))


def home(page: Page) -> None:
    page.get_by_role("navigation").get_by_role("link", name=re.compile("^My work")).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My work")


def row_beside(page: Page, name: str) -> Locator:
    """What stands beside a name among the details of a page."""
    return page.locator("main").get_by_text(name, exact=True).locator("xpath=following-sibling::*[1]").first


@pytest.mark.parametrize("role", ["agent", "lead", "manager", "clerk", "auditor"])
def test_the_four_questions(new_context: Contexts, company: Company, role: str) -> None:
    person: User = getattr(company.desk, role)
    page = sign_in(new_context, person.username)

    # The oldest overdue case.
    first = card(page, "Overdue, the oldest first").get_by_role("row").nth(1)
    expect(first).to_contain_text("Nobody calls back")
    first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(company.oldest.code)
    expect(page.locator("main")).to_contain_text("Overdue")

    # Who approved a refund, and why it was this high.
    home(page)
    given = card(page, "Lately settled").get_by_role("row").filter(has_text="Harbour Bakery")
    expect(given).to_contain_text(str(company.desk.manager))
    given.get_by_role("link", name=company.refund.code).click()
    people = row_beside(page, "People")
    expect(people).to_contain_text(f"approved by {company.desk.manager} (Manager)")
    quote = card(page, "Quote as proposed")
    for text in (
        "Subscription fee",
        "Service already provided",
        "Minutes used",
        str(company.refund.total),
        "Refund policy",
    ):
        expect(quote).to_contain_text(text)

    # What a customer still owes on a phone: from the customer, and from the phones.
    owed = f"{company.purchase.owed} EUR"
    row_beside(page, "Customer").get_by_role("link").click()
    expect(card(page, "Phones")).to_contain_text(f"{owed} owed")
    home(page)
    page.get_by_role("navigation").get_by_text("Phones", exact=True).first.click()
    page.get_by_role("navigation").get_by_role("link", name="Purchases").click()
    bought = page.get_by_role("row").filter(has_text="Harbour Bakery")
    expect(page.get_by_role("columnheader", name="Still owed")).to_be_in_viewport(ratio=1)
    expect(bought).to_contain_text(owed)
    bought.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(company.purchase.number)
    expect(page.locator("main")).to_contain_text(f"{owed} owed")


def test_an_administrator_sees_who_works_here_and_nothing_of_customers(new_context: Contexts, company: Company) -> None:
    page = sign_in(new_context, company.desk.administrator.username)
    card(page, "Staff").get_by_role("link", name="all staff").click()
    expect(page.get_by_role("row").filter(has_text=str(company.desk.manager)).first).to_be_visible()
    home(page)
    for text in ("Harbour Bakery", company.refund.code, company.oldest.code):
        expect(page.get_by_text(text)).to_have_count(0)
