"""Voidings that wait for their second person, beside what else waits on the home page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.badges import register_besides
from billing.invoices.models import InvoiceVoid
from core.text import say_count


def _voids_to_approve(user: User) -> Any:
    if not user.may(May.APPROVE_VOIDS):
        return None
    return InvoiceVoid.objects.filter(state=InvoiceVoid.State.PROPOSED).exclude(proposed_by=user)


register_besides(
    "invoice_voids",
    _voids_to_approve,
    lambda count: say_count("{count} invoice to void", "{count} invoices to void", count),
    lambda: f"{reverse('admin:billing_invoicevoid_changelist')}?state__exact=proposed",
)
