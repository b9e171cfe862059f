"""Write-offs that wait for their second person, beside what else waits on the home page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_besides
from billing.invoices.models import WriteOff
from core.text import say_count


def _write_offs_to_approve(user: User) -> Any:
    if not user.may(May.APPROVE_WRITE_OFFS):
        return None
    return WriteOff.objects.filter(state=WriteOff.State.PROPOSED).exclude(proposed_by=user)


register_besides(
    "write_offs",
    _write_offs_to_approve,
    lambda count: say_count("{count} write-off to approve", "{count} write-offs to approve", count),
    lambda: f"{reverse('admin:billing_writeoff_changelist')}?state__exact=proposed",
)
