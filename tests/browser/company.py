"""The demonstration company, its texts hostile, for tests that look at many of its pages. Made once in a run, and
copied from then on.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from itertools import groupby
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import Client
from playwright.sync_api import BrowserContext

from accounts.staff.models import User
from tests.browser.hostile_texts import poison
from tests.every_page import Visit, Visitors, every_visit, first_people, make_visitors


def section_of(visit: Visit) -> str:
    return visit.name.split()[0]


#: The pages of a test: those of a model, or the others by the first word of their name.
SECTIONS = {section: list(visits) for section, visits in groupby(sorted(every_visit(), key=section_of), key=section_of)}


def copied_company(kept_company: Path) -> Visitors:
    """The first people of each role in the company, which is made by whoever asks first."""
    connection.ensure_connection()
    with kept_company.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept_company.exists():
            found = make_visitors()
            assert poison() > 150
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


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def sign_in(context: BrowserContext, person: User, base_url: str) -> None:
    """As if they had typed their password."""
    context.clear_cookies()
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session_of(person), "url": base_url}])
