"""Long work: asked for, run once by the worker, told how far it is, cancelled, failed, interrupted and resumed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit import context
from audit.actions import Refused
from audit.models import Event
from jobs.actions import cancel_job, resume_job, start_job
from jobs.kinds import JobKind, register_kind
from jobs.models import SILENT_FOR, Job
from jobs.progress import JobStopped, Progress
from jobs.runner import _take_up, run_job
from tests import factories
from tests.jobs.kinds import again, ask, captured, kind_that, writes

pytestmark = pytest.mark.django_db

State = Job.State


@pytest.fixture
def agent() -> User:
    return factories.agent()


@pytest.fixture(autouse=True)
def counting() -> Iterator[JobKind]:
    """Counts to ten, or does what the parameters say."""
    with kind_that(count) as kind:
        yield kind


def count(job: Job, progress: Progress) -> dict[str, Any]:
    start = progress.saved.get("reached", 0)
    progress.expect(10, start)
    for number in range(start + 1, 11):
        if number == job.parameters.get("breaks_at"):
            raise RuntimeError("the secret of the machine room")
        if number == job.parameters.get("refuses_at"):
            raise Refused("Ten is too many for this draft.")
        if number == job.parameters.get("is_cancelled_at"):
            cancel_job(job.pk, by=job.asked_by, reason="Enough")
        progress.save(number, {"reached": number, "from": start})
    return {"reached": 10, "from": start, "by": str(context.current().user), "source": context.current().source}


def outcomes(job: Job) -> list[tuple[str, str, str]]:
    events = Event.objects.filter(target_type="jobs.job", target_id=job.pk).order_by("pk")
    return list(events.values_list("verb", "outcome", "source"))


# --- Asking and running -------------------------------------------------------------------------


def test_a_job_is_asked_for_with_an_event_and_handed_over_on_commit(
    agent: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        job = ask(agent, breaks_at=20)
        assert not DBTaskResult.objects.exists()
    assert len(callbacks) == 1
    waiting = DBTaskResult.objects.get()
    assert (waiting.task_path, waiting.args_kwargs["args"]) == ("jobs.runner.run_job", [job.pk])
    assert (job.state, job.done, job.total, job.parameters) == (State.QUEUED, 0, 0, {"breaks_at": 20})
    assert outcomes(job) == [("job.start", "done", "command")]


def test_nothing_is_handed_over_when_the_transaction_rolls_back(
    agent: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True) as callbacks, transaction.atomic():
        ask(agent)
        transaction.set_rollback(True)
    assert callbacks == []
    assert not Job.objects.exists()


def test_the_worker_runs_it_in_the_name_of_who_asked(agent: User) -> None:
    job = ask(agent)
    assert run_job.call(job.pk) == State.FINISHED
    found = again(job)
    assert (found.state, found.done, found.total, found.failure) == (State.FINISHED, 10, 10, "")
    assert found.result == {"reached": 10, "from": 0, "by": str(agent), "source": "job"}
    assert found.started_at is not None
    assert found.finished_at is not None
    assert found.started_at <= found.finished_at
    assert outcomes(job) == [("job.start", "done", "command"), ("job.finish", "done", "job")]


@pytest.mark.django_db(transaction=True)
def test_the_real_worker_takes_it_from_the_queue() -> None:
    job = ask(factories.agent())
    call_command("db_worker", "--batch", "--no-startup-delay", "--no-reload", verbosity=0)
    assert again(job).state == State.FINISHED
    assert DBTaskResult.objects.get().return_value == State.FINISHED


def test_a_role_without_the_kinds_permission_is_refused(agent: User) -> None:
    auditor = factories.auditor()
    with pytest.raises(Refused, match="may not register, assess"):
        ask(auditor)
    assert not Job.objects.exists()
    assert Event.objects.get().outcome == "refused"


def test_an_unknown_kind_is_an_error_of_ours(agent: User) -> None:
    with pytest.raises(ValueError, match="no kind of job named 'nothing'"):
        start_job("nothing", "Nothing", {}, by=agent)


def test_two_kinds_never_share_a_name(counting: JobKind) -> None:
    assert register_kind(counting) is counting
    other = JobKind("counting", "Another", count, May.IMPORT, May.IMPORT)
    with pytest.raises(ValueError, match="another kind of job"):
        register_kind(other)


@pytest.mark.parametrize("state", [State.RUNNING, State.FINISHED, State.FAILED, State.CANCELLED])
def test_only_a_waiting_job_is_taken_up(agent: User, state: str) -> None:
    job = in_state(agent, state)
    before = Job.objects.values().get(pk=job.pk)
    assert run_job.call(job.pk) == state
    assert Job.objects.values().get(pk=job.pk) == before


def in_state(by: User, state: str) -> Job:
    """A job of which only the state counts."""
    now = timezone.now()
    ended = state not in Job.OPEN_STATES
    job = ask(by)
    job.state = state
    job.started_at = job.heartbeat_at = now if state != State.QUEUED else None
    job.finished_at = now if ended else None
    job.failure = "It broke." if state == State.FAILED else ""
    job.save()
    return job


def test_what_the_database_refuses(agent: User) -> None:
    job = ask(agent)
    for changes in (
        {"done": 1},
        {"state": State.FINISHED},
        {"finished_at": timezone.now()},
        {"state": State.FAILED, "finished_at": timezone.now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Job.objects.filter(pk=job.pk).update(**changes)


# --- How far it is ------------------------------------------------------------------------------


def running(by: User) -> tuple[Job, Progress]:
    job = _take_up(ask(by).pk)
    assert job is not None
    return job, Progress(job)


def test_reports_are_written_about_once_a_second(agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("jobs.progress.time.monotonic", lambda: clock[0])
    job, progress = running(agent)
    progress.expect(1000)
    with captured() as queries:
        for done in range(1, 401):
            clock[0] += 0.01
            progress.report(done)
    assert len(writes(queries)) == 4
    assert again(job).done == 400


def test_a_report_is_a_sign_of_life(agent: User) -> None:
    job, progress = running(agent)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - SILENT_FOR)
    assert again(job).is_interrupted()
    progress.report(0)
    assert not again(job).is_interrupted()


def test_more_than_was_counted_moves_the_end(agent: User) -> None:
    job, progress = running(agent)
    progress.expect(3)
    progress.save(5, {})
    assert (again(job).done, again(job).total) == (5, 5)


def test_what_is_saved_goes_with_the_transaction_of_the_work(agent: User) -> None:
    job, progress = running(agent)
    progress.expect(10)
    with transaction.atomic():
        progress.save(4, {"reached": 4})
        assert again(job).done == 4
        transaction.set_rollback(True)
    assert (again(job).done, again(job).result) == (0, {})


# --- Cancelling ---------------------------------------------------------------------------------


def test_a_waiting_job_is_cancelled_and_never_runs(agent: User) -> None:
    job = ask(agent)
    cancel_job(job.pk, by=agent)
    assert run_job.call(job.pk) == State.CANCELLED
    assert again(job).started_at is None
    assert outcomes(job)[1:] == [("job.cancel", "done", "command")]


def test_a_running_job_stops_at_its_next_report(agent: User) -> None:
    job = ask(agent, is_cancelled_at=4)
    assert run_job.call(job.pk) == State.CANCELLED
    found = again(job)
    assert (found.done, found.result) == (3, {"reached": 3, "from": 0})
    assert [verb for verb, _, _ in outcomes(job)] == ["job.start", "job.cancel"]


def test_a_job_that_fails_after_it_was_cancelled_stays_cancelled(agent: User) -> None:
    def fail(job: Job, progress: Progress) -> dict[str, Any]:
        cancel_job(job.pk, by=job.asked_by)
        raise RuntimeError("too late to matter")

    with kind_that(fail, "failing"):
        job = start_job("failing", "Fail", {}, by=agent)
        assert run_job.call(job.pk) == State.CANCELLED
    assert again(job).failure == ""


@pytest.mark.parametrize("state", [State.FINISHED, State.FAILED, State.CANCELLED])
def test_what_has_ended_is_not_cancelled(agent: User, state: str) -> None:
    job = in_state(agent, state)
    with pytest.raises(Refused, match="This job has ended"):
        cancel_job(job.pk, by=agent)
    assert again(job).state == state


@pytest.mark.parametrize(
    ("role", "may"),
    [("agent", False), ("lead", True), ("manager", True), ("billing_clerk", False), ("auditor", False)],
)
def test_who_may_end_or_resume_the_job_of_another(agent: User, role: str, may: bool) -> None:
    other: User = getattr(factories, role)()
    ended, broken = ask(agent), in_state(agent, State.FAILED)
    if may:
        assert cancel_job(ended.pk, by=other).state == State.CANCELLED
        assert resume_job(broken.pk, by=other).state == State.QUEUED
        assert again(broken).asked_by == agent
        return
    with pytest.raises(Refused, match="Somebody else asked for this job"):
        cancel_job(ended.pk, by=other)
    with pytest.raises(Refused, match="Somebody else asked for this job"):
        resume_job(broken.pk, by=other)
    assert (again(ended).state, again(broken).state) == (State.QUEUED, State.FAILED)


# --- Failing ------------------------------------------------------------------------------------


def test_an_error_of_ours_leaves_a_sentence_and_the_traceback_in_the_log(
    agent: User, caplog: pytest.LogCaptureFixture
) -> None:
    job = ask(agent, breaks_at=4)
    assert run_job.call(job.pk) == State.FAILED
    found = again(job)
    assert found.failure.startswith("An error of the system stopped this job. It is logged under request ")
    assert "machine room" not in found.failure
    assert "the secret of the machine room" in caplog.text
    assert (found.done, found.result) == (3, {"reached": 3, "from": 0})
    assert outcomes(job)[1:] == [("job.fail", "done", "job")]
    event = Event.objects.get(verb="job.fail")
    assert event.request_id in found.failure
    assert event.message == found.failure


def test_a_refusal_is_told_as_it_is(agent: User, caplog: pytest.LogCaptureFixture) -> None:
    job = ask(agent, refuses_at=1)
    run_job.call(job.pk)
    assert again(job).failure == "Ten is too many for this draft."
    assert caplog.text == ""


def test_a_kind_that_is_gone_fails_with_a_sentence(agent: User) -> None:
    job = ask(agent)
    Job.objects.filter(pk=job.pk).update(kind="gone")
    assert run_job.call(job.pk) == State.FAILED
    assert again(job).failure == "This version of the product knows no such job any more."


# --- Going on -----------------------------------------------------------------------------------


def interrupted(by: User) -> Job:
    """A job whose worker was killed after the third number."""
    job, progress = running(by)
    progress.expect(10)
    progress.save(3, {"reached": 3, "from": 0})
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - SILENT_FOR)
    return again(job)


def test_a_silent_job_counts_as_interrupted() -> None:
    now = timezone.now()
    for state, heartbeat, expected in (
        (State.RUNNING, now - SILENT_FOR, True),
        (State.RUNNING, now - SILENT_FOR + timedelta(seconds=1), False),
        (State.QUEUED, None, False),
        (State.FINISHED, now - SILENT_FOR, False),
    ):
        assert Job(state=state, heartbeat_at=heartbeat).is_interrupted(now) is expected


def test_an_interrupted_job_goes_on_from_what_it_saved(
    agent: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = interrupted(agent)
    with django_capture_on_commit_callbacks(execute=True):
        resume_job(job.pk, by=agent)
    assert DBTaskResult.objects.count() == 1
    assert run_job.call(job.pk) == State.FINISHED
    assert again(job).result["from"] == 3
    assert [verb for verb, _, _ in outcomes(job)] == ["job.start", "job.resume", "job.finish"]


def test_a_failed_job_goes_on(agent: User) -> None:
    job = ask(agent, breaks_at=4)
    run_job.call(job.pk)
    Job.objects.filter(pk=job.pk).update(parameters={})
    resume_job(job.pk, by=agent)
    assert again(job).failure == ""
    assert run_job.call(job.pk) == State.FINISHED
    assert again(job).result["from"] == 3


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FINISHED, State.CANCELLED])
def test_what_runs_or_has_ended_well_is_not_resumed(agent: User, state: str) -> None:
    job = in_state(agent, state)
    with pytest.raises(Refused, match="only one that failed or was interrupted"):
        resume_job(job.pk, by=agent)
    assert again(job).state == state


def test_a_worker_that_comes_back_writes_nothing_into_the_next_run(agent: User) -> None:
    job = interrupted(agent)
    late = Progress(job)
    resume_job(job.pk, by=agent)
    taken = _take_up(job.pk)
    assert taken is not None
    with pytest.raises(JobStopped):
        late.save(9, {"reached": 9})
    Progress(taken).save(4, {"reached": 4})
    assert (again(job).done, again(job).result) == (4, {"reached": 4})
