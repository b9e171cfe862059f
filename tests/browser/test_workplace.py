"""The case and the inbox in a real browser: the live quote with and without script, approving by the keyboard, two
people at one case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import BrowserContext, expect

from complaints.cases.actions import add_note
from complaints.cases.models import Complaint, Note
from complaints.refunds.models import Refund
from tests import factories
from tests.browser.test_journey import no_violation, sign_in
from tests.complaints.cases import Desk, again, decided, propose

pytestmark = pytest.mark.django_db(transaction=True)

type Contexts = Callable[..., BrowserContext]


@pytest.fixture
def desk() -> Desk:
    cache.clear()
    return Desk(limits=True)


def fresh_case(desk: Desk) -> Complaint:
    """A decided case of these days, whose refund can be given."""
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    return decided(desk, subscription=subscription, received_on=factories.days_ago(1))


def case_page(complaint: Complaint) -> str:
    return f"/complaints/complaint/{complaint.pk}/change/"


def without_sideways_scrolling(page: Any) -> None:
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate(
            """[...document.querySelectorAll("body *")]
                 .filter((node) => node.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
                 .map((node) => node.outerHTML.slice(0, 160)).slice(0, 4)"""
        )
        fits = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert fits, (width, wide)


def test_the_quote_follows_its_inputs(new_context: Contexts, desk: Desk) -> None:
    complaint = fresh_case(desk)
    page = sign_in(new_context, desk.agent.username)
    page.goto(case_page(complaint))
    result = page.locator("#quote-result")
    expect(result).to_contain_text("Service already provided")
    page.locator("#quote").get_by_label("Basis").select_option("full_month")
    expect(result).to_contain_text("Full month at discretion")
    page.locator("#quote").get_by_text("More", exact=True).click()
    page.locator("#quote").get_by_label("Give less by").fill("1.25")
    expect(result).to_contain_text("Given less")
    # The quote is read, not proposed, and the page itself has not moved.
    assert page.url.endswith(case_page(complaint))
    assert not Refund.objects.exists()
    without_sideways_scrolling(page)
    no_violation(page)


def test_the_quote_works_without_script(new_context: Contexts, desk: Desk) -> None:
    complaint = fresh_case(desk)
    page = sign_in(new_context, desk.agent.username, java_script_enabled=False)
    page.goto(case_page(complaint))
    page.locator("#quote").get_by_label("Basis").select_option("full_month")
    page.locator("#quote").get_by_role("button", name="Compute").click()
    expect(page.locator("#quote-result")).to_contain_text("Full month at discretion")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_approval_by_the_keyboard_alone(new_context: Contexts, desk: Desk, scheme: str) -> None:
    other = propose(desk, fresh_case(desk))
    refund = propose(desk, fresh_case(desk))
    page = sign_in(new_context, desk.lead.username, color_scheme=scheme)
    page.goto("/complaints/refund/inbox/", wait_until="load")
    no_violation(page)
    without_sideways_scrolling(page)
    page.keyboard.press("j")
    expect(page.locator(f"#proposal-{other.pk}")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    inside = page.locator(f"#inside-{refund.pk}")
    expect(inside).to_contain_text("Service already provided")
    no_violation(page)
    without_sideways_scrolling(page)
    page.keyboard.press("a")
    expect(inside.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("is approved and settled")).to_be_visible()
    assert again(refund).state == Refund.State.SETTLED

    # Back in the inbox (its script has run: nobody types that fast); the other one is sent back with a reason,
    # without the mouse.
    page.wait_for_load_state("load")
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.keyboard.type("Please show the trace")
    expect(page.locator(f"#inside-{other.pk} textarea")).to_have_value("Please show the trace")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(f"{other.code} is returned.")).to_be_visible()
    assert again(other).returned_reason == "Please show the trace"


def test_two_people_at_one_case(new_context: Contexts, desk: Desk) -> None:
    complaint = fresh_case(desk)
    mine = sign_in(new_context, desk.agent.username)
    mine.goto(case_page(complaint))
    theirs = sign_in(new_context, desk.lead.username)
    theirs.goto(case_page(complaint))
    expect(theirs.locator(".presence")).to_contain_text(f"Also open: {desk.agent}")

    mine.get_by_role("link", name="Note", exact=True).click()
    mine.get_by_label("Text").fill("Typed while the other wrote")
    add_note(complaint.pk, by=desk.lead, text="The other's note")
    mine.get_by_role("button", name="Note").click()
    expect(mine.get_by_text("Since you opened this page")).to_be_visible()
    expect(mine.get_by_label("Text")).to_have_value("Typed while the other wrote")
    assert Note.objects.count() == 1
    mine.get_by_role("button", name="Note").click()
    expect(mine).to_have_url(re.compile(re.escape(case_page(complaint)) + "$"))
    assert Note.objects.count() == 2
