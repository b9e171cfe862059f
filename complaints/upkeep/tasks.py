"""Background work of the cases."""

from __future__ import annotations

from dataclasses import asdict

from django.tasks import task

from accounts.staff.models import User
from audit.context import acting
from complaints.digests.actions import send_digests
from complaints.upkeep.actions import run_upkeep


@task
def upkeep() -> dict[str, int]:
    """Expire refunds, record missed deadlines and escalate overdue cases, in the system user's name."""
    with acting(source="job"):
        return asdict(run_upkeep(by=User.objects.system()))


@task
def digests() -> dict[str, int]:
    """Tell staff what waits for them, at the times they chose, in the system user's name."""
    with acting(source="job"):
        return asdict(send_digests(by=User.objects.system()))
