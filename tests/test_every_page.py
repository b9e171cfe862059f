"""Every page of the back office after a year of company life, looked at in the tests' Italian.

What it says was looked up, its elements stand as they should, and its links lead somewhere. Who else gets the page, and
all this on a small company: tests/test_pages_by_role.py. What a browser makes of it: tests/browser/test_every_page.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import transaction

from tests.every_page import Visit, every_visit, make_visitors, signed_in
from tests.page_markup import markup_problems, quick_problems
from tests.page_words import OPEN, Data, bracketed, leftovers

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


MOST_BYTES = 100 * 1024


class Company:
    """The demonstration company, and its first people at their pages."""

    def __init__(self) -> None:
        self.people = make_visitors()
        self.data = Data()
        # Signed in now: a session that a test opens is rolled back with it.
        self.clients = {
            person.pk: signed_in(person, headers={"accept-language": "it"}) for person in self.people.values()
        }


@pytest.fixture(scope="module")
def company(django_db_setup: None, django_db_blocker: Any) -> Iterator[Company]:
    """Made once for all tests here and rolled back afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Company()
        transaction.set_rollback(True)


@pytest.mark.parametrize("visit", every_visit(), ids=str)
def test_every_word_was_looked_up_and_every_element_stands_right(company: Company, visit: Visit) -> None:
    person, url = visit.find(company.people)
    with bracketed():
        answer = company.clients[person.pk].get(url)
    assert answer.status_code == (404 if url.endswith("/99/") else 200), url
    assert len(answer.content) < MOST_BYTES, url
    html = answer.content.decode()
    assert [*markup_problems(html), *quick_problems(html)] == [], url
    if url.startswith("/policy/"):
        return  # everybody's pages are in English
    assert OPEN in html, url
    typed = " ".join(parse_qs(urlsplit(url).query).get("q", ()))
    assert list(leftovers(html, company.data, typed)) == [], url
