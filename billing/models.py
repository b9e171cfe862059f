"""All models of the app, for Django, which looks for them here. Everybody else imports them from their rooms."""

from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import Charge, CreditNote, Invoice, InvoiceLine, InvoiceVoid, WriteOff
from billing.payments.models import BankLine, Chargeback, Payment, SurplusCredit, Unbooking
from billing.payments.prepayments.models import Prepayment, PrepaymentTakenOff
from billing.payouts.models import Payout
from billing.plans.models import Operation, OperationCost, Plan, Price
from billing.remedies.models import Extension, MinutesGrant
from billing.residual_credits.models import ResidualCreditPayout
from billing.runs.models import BillingRun
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.usage.models import UsageDay, UsageRecord

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
    "InvoiceVoid",
    "MinutesGrant",
    "Operation",
    "OperationCost",
    "Payment",
    "Payout",
    "Plan",
    "PlanChange",
    "Prepayment",
    "PrepaymentTakenOff",
    "Price",
    "ResidualCreditPayout",
    "Subscription",
    "SurplusCredit",
    "Unbooking",
    "UsageDay",
    "UsageRecord",
    "WriteOff",
]
