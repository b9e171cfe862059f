"""The home page's card of jobs that went wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.staff.home import SHOWN, TABLE
from accounts.staff.permissions import May
from backoffice.badges import register_besides
from backoffice.display import sub
from backoffice.links import link
from backoffice.panels import Panel, register_home_panels
from backoffice.requests import StaffRequest
from core.text import say, say_count
from jobs.admin import job_pill
from jobs.models import SILENT_FOR, Job

#: A job that failed longer ago is history.
FAILED_FOR = timedelta(days=7)


def _in_trouble() -> Any:
    """Jobs that failed lately, or lost their worker."""
    now = timezone.now()
    lost = Q(state=Job.State.RUNNING, heartbeat_at__lt=now - SILENT_FOR)
    return Job.objects.filter(lost | Q(state=Job.State.FAILED, finished_at__gte=now - FAILED_FOR))


def jobs_in_trouble(request: StaffRequest) -> Panel | None:
    """One's own jobs that did not end, or everybody's for those who see them; a manager has a line of them."""
    user = request.user
    if not user.may(May.SEE_JOBS) or user.may(May.PUBLISH_STAFF):
        return None
    theirs = _in_trouble() if user.may(May.SEE_JOBS_OF_OTHERS) else _in_trouble().filter(asked_by=user)
    found = list(theirs.select_related("asked_by").order_by("-asked_at", "-pk")[:SHOWN])
    if not found:
        return None
    rows = [
        (
            format_html("{}{}", link(job, job.title), sub(job.asked_by)),
            format_html("{}{}", job_pill(job), sub(job.failure)),
        )
        for job in found
    ]
    return Panel(
        say("Jobs that did not come to their end"),
        TABLE,
        {"headings": [say("Job and who asked for it"), say("State")], "rows": rows},
        tone="warn",
        note=say("all jobs"),
        url=reverse("admin:jobs_job_changelist"),
    )


register_besides(
    "jobs_in_trouble",
    lambda user: _in_trouble() if user.may(May.PUBLISH_STAFF) else None,
    lambda count: say_count("{count} job that did not come to its end", "{count} jobs that did not end", count),
    lambda: reverse("admin:jobs_job_changelist"),
)


register_home_panels(jobs_in_trouble)
