"""The pages of plans and prices, subscriptions, periods and usage, and of money."""

from billing.admin import credits, invoices, payments, payouts, periods, plan_changes, plans, runs, subscriptions

__all__ = ["credits", "invoices", "payments", "payouts", "periods", "plan_changes", "plans", "runs", "subscriptions"]
