"""How a job is run by the background worker: taken up once, its end written down with an Event."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.tasks import task
from django.utils import timezone
from django.utils.translation import override

from audit import context
from audit.actions import Refused, act
from core.text import RECORD, in_english, say
from jobs.kinds import kind_of
from jobs.models import Job
from jobs.progress import JobStopped, Progress
from jobs.vocabulary import JobRefusal, JobVerb

logger = logging.getLogger(__name__)


@task
def run_job(job_id: int) -> str:
    """Run the job unless somebody else has, or it was cancelled meanwhile. Returns how it stands then."""
    with context.acting(source="job", request_id=context.new_request_id()):
        job = _take_up(job_id)
        if job is not None:
            with context.acting(user=job.asked_by):
                _run(job)
    return str(Job.objects.values_list("state", flat=True).get(pk=job_id))


def enqueue(job: Job) -> None:
    """Hand the job to the background worker once the transaction has committed."""
    transaction.on_commit(lambda: run_job.enqueue(job.pk))


def _take_up(job_id: int) -> Job | None:
    """The job, now running, or None if it does not wait. Of two workers only one gets it."""
    now = timezone.now()
    waiting = Job.objects.filter(pk=job_id, state=Job.State.QUEUED)
    if not waiting.update(state=Job.State.RUNNING, started_at=now, heartbeat_at=now):
        return None
    found: Job = Job.objects.select_related("asked_by__role").get(pk=job_id)
    return found


def _run(job: Job) -> None:
    kind = kind_of(job.kind)
    try:
        if kind is None:
            raise Refused(say("This version of the product knows no such job any more."), code=JobRefusal.KIND)
        with override(RECORD):  # what came out is written down
            result = kind.run(job, Progress(job))
        _end(job, JobVerb.JOB_FINISH, state=Job.State.FINISHED, result=result)
    except JobStopped:
        logger.info("Job %s was cancelled or taken over; this run ends.", job.pk)
    except Refused as refusal:
        _fail(job, in_english(refusal.message))
    except Exception:
        logger.exception("Job %s (%s) failed.", job.pk, job.kind)
        request = context.current().request_id
        _fail(job, f"An error of the system stopped this job. It is logged under request {request}.")


def _fail(job: Job, sentence: str) -> None:
    try:
        _end(job, JobVerb.JOB_FAIL, state=Job.State.FAILED, failure=sentence)
    except JobStopped:
        logger.info("Job %s failed after it was cancelled or taken over.", job.pk)


def _end(job: Job, verb: JobVerb, **changes: Any) -> None:
    """Write down how the run ended, unless it is no longer this run's job. Raises ``JobStopped`` then."""
    with act(verb, by=job.asked_by, target=(Job, job.pk)) as action:
        now = action.lock(Job, job.pk)
        if now.state != Job.State.RUNNING or now.started_at != job.started_at:
            raise JobStopped
        for name, value in changes.items():
            setattr(now, name, value)
        if now.state == Job.State.FINISHED:
            now.done = now.total
        now.finished_at = timezone.now()
        now.save()
        action.about(now)
        action.message = now.failure
        action.data = {"done": now.done, "total": now.total}
