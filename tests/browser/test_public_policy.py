"""The policies for everybody in a real browser: light and dark, on a phone and on paper, without a cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from policies.versions.models import PolicyVersion
from tests import factories
from tests.browser.conftest import PageProblems
from tests.complaints.cases import policy_says

pytestmark = pytest.mark.django_db(transaction=True)

SIDES = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.fixture
def versions() -> None:
    """One superseded, one in force, one to come."""
    policy_says(factories.today(), text=reworded("no refund", "never a refund"), decide_within_days=10)
    policy_says(factories.today() + timedelta(days=9), text=reworded("Special", "Rare"), decide_within_days=7)


def reworded(old: str, new: str) -> str:
    text = PolicyVersion.objects.filter(policy__kind="refund").latest("number").text
    assert old in text
    return str(text.replace(old, new))


def no_violation(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def fits(page: Page) -> None:
    inner, outer = page.evaluate(SIDES)
    assert inner <= outer, f"{page.url} is {inner} wide in {outer}"


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_reads_the_policies(
    new_context: Callable[..., BrowserContext], versions: None, colours: str, width: int, screenshots_folder: Path
) -> None:
    context = new_context(color_scheme=colours)
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/policy/")
    expect(page.get_by_role("heading", level=1, name="Our policies")).to_be_visible()
    expect(page.get_by_role("heading", level=2)).to_have_text(["Fulfilment policy", "Refund policy", "Contact"])
    fits(page)
    no_violation(page)
    page.screenshot(path=screenshots_folder / f"policy-{colours}-{width}.png", full_page=True)

    page.get_by_role("link", name="see what changes with it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Refund policy: what changed with version 3")
    expect(page.get_by_role("insertion").first).to_be_visible()
    fits(page)
    no_violation(page)

    page.get_by_role("link", name="version 2", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Refund policy, version 2")
    fits(page)
    no_violation(page)

    page.goto("/policy/refund/1/")
    expect(page.get_by_text("No longer in force")).to_be_visible()
    no_violation(page)
    assert context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_what_is_not_there_is_said_kindly(
    new_context: Callable[..., BrowserContext], page_problems: PageProblems
) -> None:
    page_problems.expect("404 (Not Found)")
    page = new_context().new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/policy/refund/7/")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    fits(page)
    no_violation(page)


def test_on_paper_there_is_the_text_and_nothing_to_click(
    new_context: Callable[..., BrowserContext], versions: None
) -> None:
    page = new_context(color_scheme="dark").new_page()
    page.goto("/policy/")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_text("There is never a refund without a complaint.")).to_be_visible()
    expect(page.get_by_role("heading", name="Contact", exact=True)).to_be_visible()
    # Black on white, whatever colours the screen has.
    colour, background = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert colour == "rgb(23, 28, 34)"
    assert background == "rgba(0, 0, 0, 0)"
