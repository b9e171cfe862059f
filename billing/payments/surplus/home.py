"""Surplus that waits for its second person, beside what else waits on the home page."""

from __future__ import annotations

from accounts.four_eyes.home import register_proposals
from accounts.staff.permissions import May
from billing.payments.models import SurplusCredit
from core.text import say_count

register_proposals(
    "surpluses",
    SurplusCredit,
    May.APPROVE_SURPLUS,
    lambda count: say_count("{count} surplus to approve as a credit", "{count} surpluses to approve as credits", count),
)
