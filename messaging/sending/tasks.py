"""The background worker's part: sending what is due."""

from __future__ import annotations

from datetime import timedelta

from django.tasks import task
from django.utils import timezone

from audit.context import acting
from messaging.sending.actions import send_due


@task
def send_due_messages() -> dict[str, int]:
    """Send what is due, and queue itself again for what is left or was put off."""
    with acting(source="job"):
        result = send_due()
    counts = {"sent": result.sent, "deferred": result.deferred, "failed": result.failed, "uncertain": result.uncertain}
    if result.next_at is not None and (result.deferred or result.next_at <= timezone.now()):
        later = max(result.next_at, timezone.now() + timedelta(seconds=1))
        send_due_messages.using(run_after=later).enqueue()
    return counts
