"""The report of signals as work in the background."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from complaints.signals.actions import report_signals
from jobs.kinds import JobKind, register_kind
from jobs.models import Job
from jobs.progress import Progress


def make_report(job: Job, progress: Progress) -> dict[str, Any]:
    """Make the report in the name of whoever asked. Called again after an interruption it makes another."""
    progress.expect(1)
    report = report_signals(by=job.asked_by)
    return {"report": report.pk, "found": len(report.findings)}


SIGNALS = register_kind(
    JobKind(
        name="fraud_signals",
        label=_("Report of signals"),
        run=make_report,
        may=May.REPORT_SIGNALS,
        may_others=May.HANDLE_JOBS_OF_OTHERS,
    )
)
