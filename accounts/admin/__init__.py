"""The pages of customers, and of staff with their teams, limits and drafted changes; messages and their texts."""

from accounts.admin import (
    bank_details,
    customers,
    delegations,
    digest_times,
    home,
    jobs,
    limits,
    messages,
    search,
    staff,
    templates,
)

__all__ = [
    "bank_details",
    "customers",
    "delegations",
    "digest_times",
    "home",
    "jobs",
    "limits",
    "messages",
    "search",
    "staff",
    "templates",
]
