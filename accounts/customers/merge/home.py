"""Merges of customers that wait for their second person, beside what else waits on the home page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.customers.models import CustomerMerge
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_besides
from core.text import say_count


def _merges_to_approve(user: User) -> Any:
    if not user.may(May.APPROVE_MERGES):
        return None
    return CustomerMerge.objects.filter(state=CustomerMerge.State.PROPOSED).exclude(proposed_by=user)


register_besides(
    "merges",
    _merges_to_approve,
    lambda count: say_count("{count} merge of customers to approve", "{count} merges of customers to approve", count),
    lambda: f"{reverse('admin:accounts_customermerge_changelist')}?state__exact=proposed",
)
