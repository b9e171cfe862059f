"""A billing run in a process of its own, killed with SIGKILL wherever it is, and run again: nothing twice or lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction

from billing.runs import actions as run_module
from billing.runs.actions import run_billing
from billing.runs.models import BillingRun
from tests import factories
from tests.billing.end_state import State, end_state
from tests.billing.mixed_company import MixedCompany

ROOT = Path(__file__).parents[2]
BATCH = 3
#: One run each day, of which each has something to do; one kill each.
DAYS = [
    date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 31), date(2024, 6, 1), date(2024, 6, 30),
    date(2024, 7, 1), date(2024, 7, 31), date(2024, 8, 31), date(2024, 9, 30),
]  # fmt: skip

#: The real command, which kills itself at its n-th statement: before it, or so many seconds after it was sent.
RUN = """
import os, signal, sys, threading
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from django.core.management import call_command
from django.db import connection
from billing.runs import actions as run
run.BATCH = int(sys.argv[5])
left, delay = int(sys.argv[3]), float(sys.argv[4])

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def count(execute, sql, params, many, context):
    global left
    left -= 1
    if left == 0 and delay:
        threading.Timer(delay, kill).start()
    elif left == 0:
        kill()
    return execute(sql, params, many, context)

with connection.execute_wrapper(count):
    call_command("run_billing", today=sys.argv[2])
"""


class Counter:
    """Counts the statements of a run."""

    def __init__(self) -> None:
        self.statements = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements += 1
        return execute(sql, params, many, context)


def told_once(state: State) -> State:
    """What cannot be billed is met again by each run: its refusal counts once."""
    return {**state, "Event": list(dict.fromkeys(state["Event"]))}


def undisturbed(days: list[date]) -> list[tuple[State, int]]:
    """What each day's run comes to, and its number of statements; nothing of it stays."""
    found = []
    with transaction.atomic():
        for day in days:
            counter = Counter()
            with connection.execute_wrapper(counter):
                run_billing(day, by=factories.system_user())
            found.append((told_once(end_state()), counter.statements))
        transaction.set_rollback(True)
    return found


def run_and_kill(day: date, statement: int, delay: float) -> int:
    """Returns the process's exit status."""
    name = str(connection.settings_dict["NAME"])
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", RUN, name, day.isoformat(), str(statement), str(delay), str(BATCH)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    ).returncode


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_run_killed_anywhere_and_run_again_comes_to_the_undisturbed_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "BATCH", BATCH)
    random = Random(20240601)
    with transaction.atomic():
        MixedCompany(7, 18)
    expected = undisturbed(DAYS)
    left_something = 0
    for n, (day, (end, statements)) in enumerate(zip(DAYS, expected, strict=True)):
        # Not among the last statements: what was sent is not always what is still under way.
        at = random.randrange(4, max(6, int(statements * 0.9)))
        delay = random.choice([0, 0.0005, 0.002]) if n else 0
        status = run_and_kill(day, at, delay)
        where = f"{day}, at statement {at} of {statements}, {delay} s after it was sent"
        assert status == -signal.SIGKILL, where
        killed = BillingRun.objects.latest("pk")
        assert (killed.today, killed.state) == (day, BillingRun.State.RUNNING), where
        left_something += killed.opened

        run_billing(day, by=factories.system_user())
        assert told_once(end_state()) == end, where
        killed.refresh_from_db()
        assert killed.state == BillingRun.State.INTERRUPTED
    # Some were killed before their first batch was done, others after several.
    assert left_something > 0
    assert end["OutgoingMessage"]
    assert len(end["OutgoingMessage"]) == len(end["Delivery"])
