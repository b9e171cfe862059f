"""The pages of customers, and of staff with their teams, limits and drafted changes."""

from accounts.admin import bank_details, customers, delegations, digest_times, jobs, limits, search, staff

__all__ = ["bank_details", "customers", "delegations", "digest_times", "jobs", "limits", "search", "staff"]
