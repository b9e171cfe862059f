"""``set_up``: the database up to date, with or without the demonstration company."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.customers.models import Customer
from demo.staff import PASSWORD

ROOT = Path(__file__).parents[2]


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


def test_it_is_not_there_in_production() -> None:
    code = "import config.settings as settings; print('demo' in settings.INSTALLED_APPS)"
    for debug, expected in (("False", "False"), ("True", "True")):
        environment = {**os.environ, "DEBUG": debug, "SECRET_KEY": "s" * 60, "DATABASE_URL": "sqlite://:memory:"}
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected
