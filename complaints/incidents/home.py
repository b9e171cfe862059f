"""The number of running incidents beside the navigation."""

from __future__ import annotations

from typing import Any

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_count
from complaints.incidents.models import Incident


def _running_incidents(user: User) -> Any:
    return Incident.objects.filter(ends_at__isnull=True) if user.may(May.SEE_CASES) else None


register_count("incidents", _running_incidents)
