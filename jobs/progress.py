"""How far a job is, told while it runs."""

from __future__ import annotations

import time
from typing import Any

from django.utils import timezone

from jobs.models import Job

#: Seconds between two writes of how far a job is; a page asks about as often.
EVERY = 1.0


class JobStopped(Exception):
    """The job was cancelled, or another worker has taken it over: this run has to end and write nothing more."""


class Progress:
    """What a running job tells about itself.

    Every write holds only while the job is running and still this run's, so a cancelled job stops at its next report,
    and so does one whose worker came back after the job had been given to another.
    """

    def __init__(self, job: Job) -> None:
        assert job.started_at is not None
        self._run = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, started_at=job.started_at)
        self._total = job.total
        self._written = 0.0
        self.saved: dict[str, Any] = dict(job.result)
        """What an earlier run of this job saved last; empty in the first."""

    def expect(self, total: int, done: int = 0) -> None:
        """Say how much there is to do in all, and how much of it an earlier run has done. Raises ``JobStopped``."""
        self._total = total
        self._write(done)

    def report(self, done: int) -> None:
        """Say how much is done; written about once a second at most. Raises ``JobStopped``."""
        if time.monotonic() - self._written >= EVERY:
            self._write(done)

    def save(self, done: int, saved: dict[str, Any]) -> None:
        """Say how much is done and keep what a later run needs to go on from here, at once. Called in the transaction
        that writes this part of the work, so that the two never disagree. Raises ``JobStopped``, which undoes it.
        """
        self._write(done, result=saved)

    def _write(self, done: int, **more: Any) -> None:
        # More may turn up than was counted at the start.
        self._total = max(self._total, done)
        changed = self._run.update(done=done, total=self._total, heartbeat_at=timezone.now(), **more)
        if not changed:
            raise JobStopped
        self._written = time.monotonic()
