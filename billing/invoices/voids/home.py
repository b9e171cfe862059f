"""Invoices that somebody else is to void, beside what else waits on the home page."""

from __future__ import annotations

from accounts.four_eyes.home import register_proposals
from accounts.staff.permissions import May
from billing.invoices.models import InvoiceVoid
from core.text import say_count

register_proposals(
    "invoice_voids",
    InvoiceVoid,
    May.APPROVE_VOIDS,
    lambda count: say_count("{count} invoice to void", "{count} invoices to void", count),
)
