"""Every page of the back office on the demonstration company with markup in every text that it holds, looked at as axe
and a narrow window would.

For each page, at the first of the people who may: none of the texts runs, asks or becomes an element; no violation in
light or dark, nothing beyond the right edge at 390 and 1280 px, and nothing on the console or against the content
security policy.

Each model's pages are a test, so that parallel workers share them; the first of them makes the company and keeps it for
the others. What a page looks like does not depend on the database: this runs on SQLite only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from accounts.customers.models import Customer
from audit.models import Event
from tests.browser.company import SECTIONS, sign_in
from tests.browser.conftest import PageProblems
from tests.every_page import Visitors, every_visit

pytestmark = [pytest.mark.slow, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


WIDTHS = (1280, 390)
#: Dark differs in its colours only; the page has been through all the rules in light.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
COLOURS_SCRIPT = """async (options) => (await axe.run(document, options)).violations.map(
  (found) => `${found.id}: ${found.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`)"""
TOO_WIDE = """[...document.querySelectorAll("main *, header *")]
  .filter((node) => node.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((node) => node.outerHTML.slice(0, 120)).slice(0, 2)"""


# --- Looking ------------------------------------------------------------------------------------


def look_at(page: Page, url: str) -> Iterator[str]:
    """What is wrong with one page, in words."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    answer = page.goto(url)
    if answer is None or (answer.status != 200 and not url.endswith("/99/")):
        yield f"answered {answer and answer.status}"
        return
    yield from obeyed(page)
    found = Axe().run(page)
    for violation in found.response["violations"]:
        nodes = " | ".join(node["html"][:160] for node in violation["nodes"][:3])
        yield f"{violation['id']}: {nodes}"
    yield from beyond_the_edge(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": WIDTHS[1], "height": 900})
    yield from beyond_the_edge(page)
    for violated in page.evaluate(COLOURS_SCRIPT, COLOURS):
        yield f"in dark, {violated}"


def obeyed(page: Page) -> Iterator[str]:
    """What came of the hostile texts. A script that ran or a picture that was asked for is on the console as well."""
    if page.evaluate("window.taken") is not None:
        yield "a script of a text ran"
    if page.locator("main [hx-post]:not([data-pass]), main [hx-get]:not([data-pass]), main script").count():
        yield "a text became an element"


def beyond_the_edge(page: Page) -> Iterator[str]:
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    if wide > room:
        yield f"{wide} px wide in {room}: {page.evaluate(TOO_WIDE)}"


def test_every_text_is_hostile(visitors: Visitors) -> None:
    assert Customer.objects.filter(name__contains="onerror", notes__contains="<script>").exists()
    assert Event.objects.filter(message__contains="<script>", reason__contains="hx-post").exists()
    assert Customer.history.filter(name__contains="onerror").exists()


def test_every_page_is_in_a_section() -> None:
    assert sum(map(len, SECTIONS.values())) == len({visit.name for visit in every_visit()}) > 200


@pytest.mark.parametrize("section", SECTIONS)
def test_nothing_is_wrong_with_any_page(
    section: str,
    visitors: Visitors,
    new_context: Callable[..., BrowserContext],
    page_problems: PageProblems,
    base_url: str,
) -> None:
    visits = sorted((visit.find(visitors) for visit in SECTIONS[section]), key=lambda found: found[0].pk)
    if any(url.endswith("/99/") for _, url in visits):
        page_problems.expect("404 (Not Found)")  # the page of a version that there is not
    context = new_context()
    page = context.new_page()
    wrong: list[str] = []
    signed_in = None
    for person, url in visits:
        if signed_in != person:
            sign_in(context, person, base_url)
            signed_in = person
        wrong += (f"{url} ({person.username}): {found}" for found in look_at(page, url))
    assert not wrong, f"{len(wrong)} of {len(visits)} pages:\n" + "\n".join(wrong)
