"""The pages of everything that is billed and paid."""

# ruff: noqa: F401
import billing.credits.admin
import billing.invoices.admin
import billing.invoices.charges.admin
import billing.invoices.credit_notes.admin
import billing.invoices.search
import billing.invoices.voids.admin
import billing.invoices.voids.home
import billing.invoices.write_offs.admin
import billing.invoices.write_offs.home
import billing.payments.admin
import billing.payments.bank_lines.admin
import billing.payments.home
import billing.payments.prepayments.admin
import billing.payments.prepayments.home
import billing.payments.prepayments.panels
import billing.payments.surplus.admin
import billing.payments.surplus.home
import billing.payouts.admin
import billing.payouts.home
import billing.payouts.merge_rules
import billing.plans.admin
import billing.residual_credits.admin
import billing.residual_credits.home
import billing.residual_credits.merge_rules
import billing.runs.admin
import billing.runs.job_kinds
import billing.subscriptions.admin
import billing.subscriptions.cancellations.home
import billing.subscriptions.periods.admin
import billing.subscriptions.plan_changes.admin
import billing.subscriptions.search
import billing.usage.admin
