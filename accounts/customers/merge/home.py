"""Merges of customers that wait for their second person, beside what else waits on the home page."""

from __future__ import annotations

from accounts.customers.models import CustomerMerge
from accounts.four_eyes.home import register_proposals
from accounts.staff.permissions import May
from core.text import say_count

register_proposals(
    "merges",
    CustomerMerge,
    May.APPROVE_MERGES,
    lambda count: say_count("{count} merge of customers to approve", "{count} merges of customers to approve", count),
)
