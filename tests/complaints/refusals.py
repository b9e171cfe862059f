"""The proof of a refusal: nothing changed, and one *refused* event says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from audit.actions import Refused
from audit.models import Event
from core.text import in_english

OUR_APPS = ("audit", "accounts", "messaging", "hardware", "billing", "policies", "complaints")

type Rows = dict[str, list[tuple[Any, ...]]]


def rows_of_every_table(*apps_to_read: str) -> Rows:
    """All rows of the apps' tables (all of ours, unless named), histories and number series included."""
    rows: Rows = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.app_label not in (apps_to_read or OUR_APPS):
                continue
            table, key = model._meta.db_table, model._meta.pk.column
            cursor.execute(f'SELECT * FROM "{table}" ORDER BY "{key}"')  # noqa: S608
            rows[table] = cursor.fetchall()
    return rows


def assert_refused(
    code: str, attempt: Callable[..., object], /, *args: Any, saying: str = "", **kwargs: Any
) -> Refused:
    """The attempt, called with the arguments, is refused for the reason that ``code`` names.

    It leaves one refused event and nothing else.
    """
    before = rows_of_every_table()
    with pytest.raises(Refused) as caught:
        attempt(*args, **kwargs)
    after = rows_of_every_table()
    refusal = caught.value
    assert refusal.code == code, f"{refusal.code}: {refusal.message}"
    assert saying in refusal.message

    events = Event._meta.db_table
    assert after[events][:-1] == before[events]
    assert_event_of(refusal)
    del before[events], after[events]
    assert after == before
    return refusal


def assert_event_of(refusal: Refused) -> Event:
    """The newest event tells of the refusal: by its sentence as the record says it, its code and its facts."""
    event = Event.objects.order_by("-pk")[0]
    assert (event.outcome, event.message) == (Event.Outcome.REFUSED, in_english(refusal.message))
    assert event.data == {"code": refusal.code, **refusal.data}
    assert refusal.message.strip().endswith((".", "”", "?", ")"))
    return event
