"""Asking for long work, ending it, and letting it go on after it was interrupted or failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.actions import Obstacle, act
from audit.vocabulary import Refusal
from core.text import Text, in_english, say
from jobs.kinds import JobKind, kind_of
from jobs.models import Job
from jobs.runner import enqueue
from jobs.vocabulary import JobRefusal, JobVerb

if TYPE_CHECKING:
    from accounts.staff.models import User


def start_job(kind: str, title: Text, parameters: Mapping[str, Any], *, by: User) -> Job:
    """Ask for a piece of work. It is handed to the background worker once the transaction has committed.

    Raises:
        Refused: the person's role may not ask for this kind.
    """
    with act(JobVerb.JOB_START, by=by, target=(Job, None)) as action:
        known = kind_of(kind)
        if known is None:
            raise ValueError(f"There is no kind of job named {kind!r}.")
        action.refuse_if(_role_obstacle(known, by))
        job = Job(
            kind=kind, title=in_english(title)[:200], parameters=dict(parameters), asked_by=by, asked_at=timezone.now()
        )
        job.save()
        action.about(job)
        action.data = {"kind": kind, "parameters": job.parameters}
        enqueue(job)
        return job


def cancel_job(job_id: int, *, by: User, reason: str = "") -> Job:
    """End a job that waits or runs; what it has written so far stays. A running one stops at its next report."""
    with act(JobVerb.JOB_CANCEL, by=by, reason=reason, target=(Job, job_id)) as action:
        job = action.lock(Job, job_id)
        action.about(job)
        action.refuse_if(cancel_obstacle(job, by))
        job.state = Job.State.CANCELLED
        job.finished_at = timezone.now()
        job.save()
        action.data = {"done": job.done, "total": job.total}
        return job


def resume_job(job_id: int, *, by: User, reason: str = "", now: datetime | None = None) -> Job:
    """Let a job go on that failed or whose worker was lost, from what it saved last, still in the name of whoever
    asked for it.
    """
    with act(JobVerb.JOB_RESUME, by=by, reason=reason, target=(Job, job_id)) as action:
        job = action.lock(Job, job_id)
        action.about(job)
        action.refuse_if(resume_obstacle(job, by, now=now))
        job.state = Job.State.QUEUED
        job.started_at = job.heartbeat_at = job.finished_at = None
        job.failure = ""
        job.save()
        enqueue(job)
        return job


def cancel_obstacle(job: Job, by: User) -> Obstacle | None:
    """One's own job, or with the kind's permission another's, as long as it has not ended."""
    if not job.is_open:
        return Obstacle(
            say("This job has ended: it is “{state}”.", state=Job.State(job.state).label), code=Refusal.STATE
        )
    return _hand_obstacle(job, by)


def resume_obstacle(job: Job, by: User, *, now: datetime | None = None) -> Obstacle | None:
    """As for cancelling, for a job that failed or was interrupted."""
    if job.state != Job.State.FAILED and not job.is_interrupted(now):
        return Obstacle(
            say(
                "This job is “{state}”: only one that failed or was interrupted goes on.",
                state=Job.State(job.state).label,
            ),
            code=Refusal.STATE,
        )
    return _hand_obstacle(job, by)


def _hand_obstacle(job: Job, by: User) -> Obstacle | None:
    kind = kind_of(job.kind)
    if kind is None:
        return Obstacle(say("This version of the product knows no such job any more."), code=JobRefusal.KIND)
    if job.asked_by_id == by.pk:
        return _role_obstacle(kind, by)
    if by.may(kind.may_others):
        return None
    return Obstacle(
        say("Somebody else asked for this job: a team lead or a manager can end it."), code=Refusal.PERMISSION
    )


def _role_obstacle(kind: JobKind, by: User) -> Obstacle | None:
    if by.may(kind.may):
        return None
    return Obstacle(
        say(
            "Your role ({role}) may not {what}.",
            role=_(by.role_name) if by.role_name else say("no role"),
            what=_(kind.may.value),
        ),
        code=Refusal.PERMISSION,
    )
