"""What was done with subscriptions and money, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from audit.vocabulary import EventVerb, RefusalCode


class BillingVerb(EventVerb):
    """What was done with subscriptions and money."""

    CHARGE_INVOICE = "charge.invoice", gettext_lazy("asked for charges alone by the invoice")
    LEFTOVER_PROPOSE = "leftover.propose", gettext_lazy("proposed to pay out the credit")
    LEFTOVER_APPROVE = "leftover.approve", gettext_lazy("approved to pay out")
    LEFTOVER_REJECT = "leftover.reject", gettext_lazy("rejected to pay out")
    LEFTOVER_WITHDRAW = "leftover.withdraw", gettext_lazy("took back the proposal to pay out")
    PAYMENT_RECORD = "payment.record", gettext_lazy("recorded a payment of the invoice")
    PAYMENT_IN_FULL = "payment.in_full", gettext_lazy("recorded as paid in full")
    PAYMENT_CHARGE_BACK = "payment.charge_back", gettext_lazy("recorded that the bank took back the payment")
    INVOICE_DISPUTE = "invoice.dispute", gettext_lazy("noted that the customer disputes")
    INVOICE_END_DISPUTE = "invoice.end_dispute", gettext_lazy("ended the dispute of")
    BILLING_RUN = "billing.run", gettext_lazy("ran billing")
    BILLING_START = "billing.start", gettext_lazy("started")
    BANK_IMPORT = "bank.import", gettext_lazy("read the bank statement")
    BANK_MATCH = "bank.match", gettext_lazy("matched to an invoice the line")
    BANK_SET_ASIDE = "bank.set_aside", gettext_lazy("set aside the line")
    PAYOUT_PAID = "payout.paid", gettext_lazy("recorded that the bank paid")
    PAYOUT_FAILED = "payout.failed", gettext_lazy("recorded that the bank could not pay")
    PAYOUT_RETRY = "payout.retry", gettext_lazy("tried again to pay")
    PAYOUT_TO_CREDIT = "payout.to_credit", gettext_lazy("turned into a credit what was to be paid:")
    PLAN_CHANGE_SCHEDULE = "plan_change.schedule", gettext_lazy("scheduled a change of plan for the subscription")
    PLAN_CHANGE_WITHDRAW = "plan_change.withdraw", gettext_lazy("took back the change of plan of the subscription")
    PLAN_CREATE = "plan.create", gettext_lazy("made the plan")
    OPERATION_CREATE = "operation.create", gettext_lazy("made the operation")
    PRICE_DRAFT = "price.draft", gettext_lazy("drafted the price")
    PRICE_PUBLISH = "price.publish", gettext_lazy("published the price")
    OPERATION_COST_DRAFT = "operation_cost.draft", gettext_lazy("drafted the cost")
    OPERATION_COST_PUBLISH = "operation_cost.publish", gettext_lazy("published the cost")
    SUBSCRIPTION_OPEN = "subscription.open", gettext_lazy("opened the subscription")
    SUBSCRIPTION_CANCEL = "subscription.cancel", gettext_lazy("cancelled the subscription")
    SUBSCRIPTION_UNDO_CANCELLATION = (
        "subscription.undo_cancellation",
        gettext_lazy("took back the cancellation of the subscription"),
    )
    SUBSCRIPTION_BILL = "subscription.bill", gettext_lazy("billed the subscription")
    USAGE_RECORD = "usage.record", gettext_lazy("recorded usage of the subscription")
    CUSTOMERS_IMPORT = "customers.import", gettext_lazy("imported customers from")


class BillingRefusal(RefusalCode):
    """Rules about subscriptions and money."""

    PLAN_INACTIVE = "plan_inactive", "the plan is not sold any more"
    NO_PRICE = "no_price", "no published price holds"
    SAME_PLAN = "same_plan", "it has the plan already"
    TERM = "term", "the cycle cannot change"
    SCHEDULED = "scheduled", "a change is scheduled already"
    IN_EFFECT = "in_effect", "the change has taken effect"
    NO_CURRENT_PERIOD = "no_current_period", "there is no current period"
    NO_NEXT_CYCLE = "no_next_cycle", "no next cycle could use the credit"
    NO_PERIOD = "no_period", "no period covers the day"
    DOES_NOT_TILE = "does_not_tile", "the periods would not meet"
    OPERATION = "operation", "the operation has no cost in the period"
    CONFLICT = "conflict", "known already with other contents"
    UNKNOWN = "unknown", "there is no such invoice"
    OVERPAID = "overpaid", "more than is due"
    REFERENCE_MISSING = "reference_missing", "no reference is given"
    REVERSES = "reverses", "it does not take back that credit note"
    CAP = "cap", "more than is left"
    NOTHING_LEFT = "nothing_left", "nothing is left"
    NOT_ENDED = "not_ended", "the subscription has not ended"
    NO_BANK_DETAILS = "no_bank_details", "the customer has no bank details"
    RETRIED = "retried", "it was tried again already"
    PENDING_PAYOUT = "pending_payout", "a payout is on its way"
