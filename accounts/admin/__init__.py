"""The pages of customers, and of staff with their teams, limits and drafted changes."""

from accounts.admin import customers, limits, staff

__all__ = ["customers", "limits", "staff"]
