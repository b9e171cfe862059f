"""A kind of job for tests: what it does is told by its parameters, and what it met is left in ``runs``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.staff.models import User
from accounts.staff.permissions import May
from jobs import kinds
from jobs.actions import start_job
from jobs.kinds import JobKind
from jobs.models import Job
from jobs.progress import Progress

type Work = Callable[[Job, Progress], dict[str, Any]]


@contextmanager
def kind_that(work: Work, name: str = "counting") -> Iterator[JobKind]:
    """A kind that does the given work, which agents may ask for; gone afterwards."""
    kind = kinds.register_kind(JobKind(name, "Counting", work, May.WORK_COMPLAINTS, May.HANDLE_JOBS_OF_OTHERS))
    try:
        yield kind
    finally:
        kinds._kinds.pop(name)


def ask(by: User, title: str = "Count to ten", **parameters: Any) -> Job:
    """A job of that kind, waiting."""
    return start_job("counting", title, parameters, by=by)


def again(job: Job) -> Job:
    found: Job = Job.objects.get(pk=job.pk)
    return found


def writes(captured: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]


def captured() -> CaptureQueriesContext:
    return CaptureQueriesContext(connection)
