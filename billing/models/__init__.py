"""Plans and prices, subscriptions and their periods, usage, invoices, credits and what else is given back."""

from billing.models.invoices import Credit, CreditApplication, Invoice, InvoiceLine, Payment
from billing.models.plans import Operation, OperationCost, Plan, Price
from billing.models.remedies import Extension, MinutesGrant, Payout
from billing.models.subscriptions import BillingPeriod, Subscription
from billing.models.usage import UsageDay, UsageRecord

__all__ = [
    "BillingPeriod",
    "Credit",
    "CreditApplication",
    "Extension",
    "Invoice",
    "InvoiceLine",
    "MinutesGrant",
    "Operation",
    "OperationCost",
    "Payment",
    "Payout",
    "Plan",
    "Price",
    "Subscription",
    "UsageDay",
    "UsageRecord",
]
