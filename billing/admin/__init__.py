"""The pages of plans and prices, subscriptions, periods and usage, and of money."""

from billing.admin import invoices, payouts, periods, plans, subscriptions

__all__ = ["invoices", "payouts", "periods", "plans", "subscriptions"]
