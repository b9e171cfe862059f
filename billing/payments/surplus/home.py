"""Surplus that waits for its second person, beside what else waits on the home page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_besides
from billing.payments.models import SurplusCredit
from core.text import say_count


def _surplus_to_approve(user: User) -> Any:
    if not user.may(May.APPROVE_SURPLUS):
        return None
    return SurplusCredit.objects.filter(state=SurplusCredit.State.PROPOSED).exclude(proposed_by=user)


register_besides(
    "surpluses",
    _surplus_to_approve,
    lambda count: say_count("{count} surplus to approve as a credit", "{count} surpluses to approve as credits", count),
    lambda: f"{reverse('admin:billing_surpluscredit_changelist')}?state__exact=proposed",
)
