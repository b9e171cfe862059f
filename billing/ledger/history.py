"""Rows of billing compared with their history. A column that is not named as changing stays as it was written."""

from __future__ import annotations

from accounts.customers.models import BankDetailsChange, Customer, CustomerMerge
from audit.history_checks import matches_history
from audit.ledger_checks import Check
from billing.credits.models import Credit
from billing.invoices.models import Charge, Invoice, InvoiceVoid, WriteOff
from billing.payments.models import BankLine, SurplusCredit
from billing.payments.prepayments.models import Prepayment
from billing.payouts.models import Payout
from billing.plans.models import Operation, OperationCost, Plan, Price
from billing.remedies.models import Extension, MinutesGrant
from billing.residual_credits.models import ResidualCreditPayout
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription

DRAFT_TO_PUBLISHED = ("state", "published_by_id")

# A merge of customers moves whatever is theirs.
CHECKS: tuple[Check, ...] = (
    matches_history(Customer),
    matches_history(BankDetailsChange, changing=("customer_id", "confirmed_by_id", "confirmed_at")),
    matches_history(CustomerMerge),
    matches_history(Plan, changing=("code", "name", "active")),
    matches_history(Price, changing=DRAFT_TO_PUBLISHED),
    matches_history(Operation, changing=("code", "name")),
    matches_history(OperationCost, changing=DRAFT_TO_PUBLISHED),
    matches_history(
        Subscription,
        changing=(
            "customer_id",
            "plan_id",
            "agreed_fee",
            "anchor_on",
            "anchor_sequence",
            "state",
            "cancelled_on",
            "cancellation_channel",
            "ended_on",
        ),
    ),
    matches_history(BillingPeriod, changing=("extension_days", "closes_on", "state", "pending", "refunded")),
    matches_history(PlanChange, changing=("state", "applied_period_id")),
    matches_history(
        Invoice,
        changing=(
            "customer_id",
            "credited",
            "paid",
            "charged_back",
            "set_off",
            "written_off",
            "voided",
            "voided_on",
            "state",
            "disputed_on",
            "dispute_reason",
        ),
    ),
    matches_history(WriteOff, changing=("state", "decided_by_id", "decided_at")),
    matches_history(InvoiceVoid, changing=("state", "decided_by_id", "decided_at", "credit_note_id")),
    matches_history(Charge, changing=("customer_id", "invoiced_on")),
    matches_history(Credit, changing=("customer_id", "applied", "reversed", "paid_out")),
    matches_history(MinutesGrant, changing=("reversed_minutes",)),
    matches_history(Extension, changing=("reversed_days", "decided_on_void_by_id", "decided_on_void_at")),
    matches_history(SurplusCredit, changing=("state", "decided_by_id", "decided_at", "payment_id")),
    matches_history(Prepayment, changing=("applied", "taken_off", "credited", "credit_id", "credited_by_id")),
    matches_history(BankLine, changing=("state", "why", "payment_id", "prepayment_id")),
    matches_history(
        Payout,
        changing=(
            "customer_id",
            "iban",
            "account_holder",
            "state",
            "attempts",
            "reference",
            "paid_on",
            "failure",
            "credit_id",
        ),
    ),
    matches_history(ResidualCreditPayout, changing=("state", "decided_by_id", "decided_at", "payout_id")),
)
