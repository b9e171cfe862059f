"""``set_up``: the database up to date, with or without the demonstration company."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.customers.models import Customer
from demo.staff import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The moments for which a company was made."""
    moments: list[Any] = []

    def build(now: Any, *, told: Any) -> None:
        moments.append(now)
        told(0.5)

    monkeypatch.setattr("demo.management.commands.set_up.build", build)
    return moments


def set_up(*options: str) -> str:
    out = StringIO()
    call_command("set_up", *options, stdout=out)
    return out.getvalue()


def test_an_empty_database_is_filled_and_the_logins_told(settings: Any, made: list[Any]) -> None:
    settings.DEBUG = True
    before = timezone.now()
    assert PASSWORD in set_up("--demo")
    assert before <= made[0] <= timezone.now()
    assert len(made) == 1


def test_nothing_is_said_of_a_demonstration_that_is_not_made(settings: Any, made: list[Any]) -> None:
    settings.DEBUG = True
    assert set_up() == ""
    Customer(number="K-1", name="Somebody").save()
    assert set_up("--demo") == ""
    assert made == []


def test_none_is_made_in_production(settings: Any, made: list[Any]) -> None:
    settings.DEBUG = False
    assert set_up("--demo") == ""
    assert made == []
