"""Every page of the back office on the demonstration company, looked at as axe and a narrow window would.

For each page, at the first of the people who may: no violation in light or dark, nothing beyond the right edge at 390
and 1280 px, under 100 KB of HTML, and nothing on the console or against the content security policy.

Each model's pages are a test, so that parallel workers share them; the first of them makes the company and keeps it for
the others. What a page looks like does not depend on the database: this runs on SQLite only.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from accounts.staff.models import User
from tests.browser.conftest import PageProblems
from tests.every_page import Visit, Visitors, every_visit, first_people, make_visitors

pytestmark = [pytest.mark.slow, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


def section_of(visit: Visit) -> str:
    return visit.name.split()[0]


#: The pages of a test: those of a model, or the others by the first word of their name.
SECTIONS = {section: list(visits) for section, visits in groupby(sorted(every_visit(), key=section_of), key=section_of)}
MOST_BYTES = 100 * 1024
WIDTHS = (1280, 390)
#: Dark differs in its colours only; the page has been through all the rules in light.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
COLOURS_SCRIPT = """async (options) => (await axe.run(document, options)).violations.map(
  (found) => `${found.id}: ${found.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`)"""
TOO_WIDE = """[...document.querySelectorAll("main *, header *")]
  .filter((node) => node.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((node) => node.outerHTML.slice(0, 120)).slice(0, 2)"""


@pytest.fixture
def visitors(kept_company: Path) -> Visitors:
    """The first people of each role in the company, which is made once in a run and copied from then on."""
    connection.ensure_connection()
    with kept_company.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept_company.exists():
            found = make_visitors()
            unfinished = kept_company.with_suffix(".part")
            with closing(sqlite3.connect(unfinished)) as kept:
                connection.connection.backup(kept)
            unfinished.rename(kept_company)
            return found
    with closing(sqlite3.connect(kept_company)) as kept:
        kept.backup(connection.connection)
    cache.clear()
    ContentType.objects.clear_cache()
    return first_people()


@pytest.fixture(scope="session")
def kept_company(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Where the company is kept: in the folder of the whole run, which its parallel workers share."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if hasattr(request.config, "workerinput") else own) / "every-page.sqlite3"


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


# --- Looking ------------------------------------------------------------------------------------


def look_at(page: Page, url: str) -> Iterator[str]:
    """What is wrong with one page, in words."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    answer = page.goto(url)
    if answer is None or (answer.status != 200 and not url.endswith("/99/")):
        yield f"answered {answer and answer.status}"
        return
    if len(answer.body()) >= MOST_BYTES:
        yield f"{len(answer.body())} bytes"
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


def beyond_the_edge(page: Page) -> Iterator[str]:
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    if wide > room:
        yield f"{wide} px wide in {room}: {page.evaluate(TOO_WIDE)}"


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
            context.clear_cookies()
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(person), "url": base_url}])
            signed_in = person
        wrong += (f"{url} ({person.username}): {found}" for found in look_at(page, url))
    assert not wrong, f"{len(wrong)} of {len(visits)} pages:\n" + "\n".join(wrong)
