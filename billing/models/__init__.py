"""Plans and prices, subscriptions and their periods, usage, invoices, credits and what else is given back."""

from billing.models.invoices import (
    BankLine,
    Charge,
    Chargeback,
    Credit,
    CreditApplication,
    CreditNote,
    Invoice,
    InvoiceLine,
    Payment,
)
from billing.models.plans import Operation, OperationCost, Plan, Price
from billing.models.remedies import Extension, LeftoverPayout, MinutesGrant, Payout
from billing.models.runs import BillingRun
from billing.models.subscriptions import BillingPeriod, PlanChange, Subscription
from billing.models.usage import UsageDay, UsageRecord

__all__ = [
    "BankLine",
    "BillingPeriod",
    "BillingRun",
    "Charge",
    "Chargeback",
    "Credit",
    "CreditApplication",
    "CreditNote",
    "Extension",
    "Invoice",
    "InvoiceLine",
    "LeftoverPayout",
    "MinutesGrant",
    "Operation",
    "OperationCost",
    "Payment",
    "Payout",
    "Plan",
    "PlanChange",
    "Price",
    "Subscription",
    "UsageDay",
    "UsageRecord",
]
