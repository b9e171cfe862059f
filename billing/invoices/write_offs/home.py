"""Write-offs that wait for their second person, beside what else waits on the home page."""

from __future__ import annotations

from accounts.four_eyes.home import register_proposals
from accounts.staff.permissions import May
from billing.invoices.models import WriteOff
from core.text import say_count

register_proposals(
    "write_offs",
    WriteOff,
    May.APPROVE_WRITE_OFFS,
    lambda count: say_count("{count} write-off to approve", "{count} write-offs to approve", count),
)
