"""Jobs on pages: who sees whose, a bar that moves, cancelling and letting go on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.staff.models import User
from jobs.kinds import JobKind
from jobs.models import SILENT_FOR, Job
from tests import factories
from tests.jobs.kinds import again, ask, kind_that

pytestmark = pytest.mark.django_db

LIST = "/jobs/job/"


@pytest.fixture(autouse=True)
def counting() -> Iterator[JobKind]:
    with kind_that(lambda job, progress: {}) as kind:
        yield kind


@pytest.fixture
def agent() -> User:
    return factories.agent()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def running(by: User, **changes: Any) -> Job:
    """A job that has done 1,200 of 10,000."""
    job, now = ask(by), timezone.now()
    values = {"state": "running", "started_at": now, "heartbeat_at": now, "total": 10_000, "done": 1_200, **changes}
    Job.objects.filter(pk=job.pk).update(**values)
    return again(job)


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


@pytest.mark.parametrize(
    ("role", "of_others"),
    [("agent", False), ("billing_clerk", False), ("lead", True), ("manager", True), ("auditor", True)],
)
def test_everybody_sees_their_own_and_few_those_of_others(agent: User, role: str, of_others: bool) -> None:
    job = ask(agent, "Counting the sheep")
    client = signed_in(getattr(factories, role)())
    assert ("Counting the sheep" in page(client, LIST)) is of_others
    assert client.get(f"{LIST}{job.pk}/progress/").status_code == (200 if of_others else 404)
    assert client.get(f"{LIST}{job.pk}/change/").status_code == (200 if of_others else 302)
    own = signed_in(agent)
    assert "Counting the sheep" in page(own, LIST)
    assert "Counting the sheep" in page(own, f"{LIST}{job.pk}/change/")


def test_administrators_have_no_jobs_to_see(agent: User) -> None:
    job = ask(agent)
    client = signed_in(factories.administrator())
    for url in (LIST, f"{LIST}{job.pk}/change/", f"{LIST}{job.pk}/progress/"):
        assert client.get(url).status_code == 403
    assert Client().get(f"{LIST}{job.pk}/progress/").status_code == 302


def test_the_bar_is_there_and_moves(agent: User) -> None:
    job, client = running(agent), signed_in(agent)
    shown = page(client, f"{LIST}{job.pk}/change/")
    assert 'value="1200" max="10000"' in shown
    assert "1,200 of 10,000 (12 %)" in shown
    assert f'data-job="{LIST}{job.pk}/progress/" data-state="running"' in shown
    assert 'backoffice/jobs.js" defer' in shown
    assert "Show how far it is now" in shown
    Job.objects.filter(pk=job.pk).update(done=2_500)
    response = client.get(f"{LIST}{job.pk}/progress/")
    assert "no-store" in response.headers["Cache-Control"]
    assert response.json() == {
        "state": "running",
        "done": 2_500,
        "total": 10_000,
        "figures": "2,500 of 10,000 (25 %)",
    }


def test_a_page_that_has_ended_asks_no_more(agent: User) -> None:
    job = running(agent, state="finished", finished_at=timezone.now(), done=10_000)
    shown = page(signed_in(agent), f"{LIST}{job.pk}/change/")
    assert "data-job" not in shown
    assert "10,000 of 10,000 (100 %)" in shown


def test_the_page_tells_of_trouble(agent: User) -> None:
    client = signed_in(agent)
    silent = running(agent, heartbeat_at=timezone.now() - SILENT_FOR)
    assert "its worker was probably stopped" in page(client, f"{LIST}{silent.pk}/change/")
    assert client.get(f"{LIST}{silent.pk}/progress/").json()["state"] == "interrupted"
    waiting = ask(agent)
    assert "waiting for a while" not in page(client, f"{LIST}{waiting.pk}/change/")
    Job.objects.filter(pk=waiting.pk).update(asked_at=timezone.now() - timedelta(minutes=5))
    assert "waiting for a while" in page(client, f"{LIST}{waiting.pk}/change/")
    failed = running(agent, state="failed", failure="The sheep ran away.", finished_at=timezone.now())
    assert "The sheep ran away." in page(client, f"{LIST}{failed.pk}/change/")


def test_cancelling_and_letting_go_on(agent: User) -> None:
    client, job = signed_in(agent), running(agent, heartbeat_at=timezone.now() - SILENT_FOR)
    answer = client.post(f"{LIST}act/resume/?ids={job.pk}", {"reason": ""})
    assert (answer.status_code, again(job).state) == (302, "queued")
    answer = client.post(f"{LIST}act/cancel/?ids={job.pk}", {"reason": "Not needed"})
    assert (answer.status_code, again(job).state) == (302, "cancelled")


def test_an_auditor_changes_nothing(agent: User) -> None:
    job, auditor = running(agent), signed_in(factories.auditor())
    for action in ("cancel", "resume"):
        url = f"{LIST}act/{action}/?ids={job.pk}"
        assert (auditor.get(url).status_code, auditor.post(url, {"reason": ""}).status_code) == (403, 403)
    assert again(job).state == "running"


def test_the_list_asks_as_often_for_many_as_for_few(agent: User) -> None:
    client = signed_in(factories.manager())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client, LIST)
        return len(captured)

    running(agent)
    few = queries()
    for _ in range(5):
        running(factories.agent())
    assert queries() == few
