"""The nightly report of signals."""

from __future__ import annotations

from django.tasks import task

from accounts.staff.models import User
from audit.context import acting
from complaints.signals.actions import report_signals


@task
def signals() -> int:
    """Make the report in the system user's name. Returns how many patterns were found."""
    with acting(source="job"):
        return len(report_signals(by=User.objects.system()).findings)
