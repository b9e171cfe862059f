"""The long work of billing: a run with more to do than a page waits for."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.staff.permissions import May
from billing.runs.actions import run_billing
from billing.runs.batch import BillingResult
from billing.runs.due import due_for_billing
from billing.runs.models import BillingRun
from jobs.kinds import JobKind, register_kind
from jobs.models import Job
from jobs.progress import Progress


def bill(job: Job, progress: Progress) -> dict[str, Any]:
    """Run billing for the day that was asked for. Called again after an interruption it goes on where it stood: what
    is billed is not due any more.
    """
    today = date.fromisoformat(job.parameters["today"])
    due = due_for_billing(today, show=0)
    progress.expect(due.subscriptions + due.overdue)

    def tell(result: BillingResult) -> None:
        progress.report(result.opened + result.ended + result.overdue)

    result = run_billing(today, by=job.asked_by, told=tell)
    run = BillingRun.objects.filter(by=job.asked_by, started_at__gte=job.started_at).latest("pk")
    return {**result.as_data(), "run": run.pk}


BILLING_RUN = register_kind(
    JobKind(
        name="billing_run",
        label=_("Billing run"),
        run=bill,
        may=May.HANDLE_MONEY,
        may_others=May.HANDLE_JOBS_OF_OTHERS,
    )
)
