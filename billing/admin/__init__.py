"""The pages of plans and prices, subscriptions, periods and usage, and of money."""

from billing.admin import (
    charges,
    credits,
    home,
    invoices,
    payments,
    payouts,
    periods,
    plan_changes,
    plans,
    runs,
    search,
    subscriptions,
)

__all__ = [
    "charges",
    "credits",
    "home",
    "invoices",
    "payments",
    "payouts",
    "periods",
    "plan_changes",
    "plans",
    "runs",
    "search",
    "subscriptions",
]
