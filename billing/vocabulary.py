"""What was done with subscriptions and money, as events say it, and what refuses it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import EventVerb, RefusalCode


class BillingVerb(EventVerb):
    """What was done with subscriptions and money."""

    CHARGE_INVOICE = "charge.invoice", _("asked for charges alone by the invoice")
    LEFTOVER_PROPOSE = "leftover.propose", _("proposed to pay out the credit")
    LEFTOVER_APPROVE = "leftover.approve", _("approved to pay out")
    LEFTOVER_REJECT = "leftover.reject", _("rejected to pay out")
    LEFTOVER_WITHDRAW = "leftover.withdraw", _("took back the proposal to pay out")
    PAYMENT_RECORD = "payment.record", _("recorded a payment of the invoice")
    PAYMENT_IN_FULL = "payment.in_full", _("recorded as paid in full")
    PAYMENT_CHARGE_BACK = "payment.charge_back", _("recorded that the bank took back the payment")
    PAYMENT_TAKE_OFF = "payment.take_off", _("took off its invoice the payment")
    PREPAYMENT_RECORD = "prepayment.record", _("recorded a prepayment of the subscription")
    PREPAYMENT_TAKE_OFF = "prepayment.take_off", _("took off the prepayment")
    PREPAYMENT_CREDIT = "prepayment.credit", _("made a credit of what was left of the prepayment")
    SURPLUS_PROPOSE = "surplus.propose", _("proposed to book as a credit")
    SURPLUS_APPROVE = "surplus.approve", _("approved to book as a credit")
    SURPLUS_REJECT = "surplus.reject", _("rejected to book as a credit")
    SURPLUS_WITHDRAW = "surplus.withdraw", _("took back the proposal to book as a credit")
    CREDIT_SET_OFF = "credit.set_off", _("set off against what the customer owes the credit")
    WRITE_OFF_PROPOSE = "write_off.propose", _("proposed to write off")
    WRITE_OFF_APPROVE = "write_off.approve", _("approved to write off")
    WRITE_OFF_REJECT = "write_off.reject", _("rejected to write off")
    WRITE_OFF_WITHDRAW = "write_off.withdraw", _("took back the proposal to write off")
    INVOICE_VOID_PROPOSE = "invoice_void.propose", _("proposed to void")
    INVOICE_VOID_APPROVE = "invoice_void.approve", _("approved to void")
    INVOICE_VOID_REJECT = "invoice_void.reject", _("rejected to void")
    INVOICE_VOID_WITHDRAW = "invoice_void.withdraw", _("took back the proposal to void")
    INVOICE_DISPUTE = "invoice.dispute", _("noted that the customer disputes")
    INVOICE_END_DISPUTE = "invoice.end_dispute", _("ended the dispute of")
    BILLING_RUN = "billing.run", _("ran billing")
    BILLING_START = "billing.start", _("started")
    BANK_IMPORT = "bank.import", _("read the bank statement")
    BANK_MATCH = "bank.match", _("matched to an invoice the line")
    BANK_PREPAID = "bank.prepaid", _("matched to a subscription the line")
    BANK_SET_ASIDE = "bank.set_aside", _("set aside the line")
    PAYOUT_PAID = "payout.paid", _("recorded that the bank paid")
    PAYOUT_FAILED = "payout.failed", _("recorded that the bank could not pay")
    PAYOUT_RETRY = "payout.retry", _("tried again to pay")
    PAYOUT_TO_CREDIT = "payout.to_credit", _("turned into a credit what was to be paid:")
    PLAN_CHANGE_SCHEDULE = "plan_change.schedule", _("scheduled a change of plan for the subscription")
    PLAN_CHANGE_WITHDRAW = "plan_change.withdraw", _("took back the change of plan of the subscription")
    PLAN_CREATE = "plan.create", _("made the plan")
    OPERATION_CREATE = "operation.create", _("made the operation")
    PRICE_DRAFT = "price.draft", _("drafted the price")
    PRICE_PUBLISH = "price.publish", _("published the price")
    OPERATION_COST_DRAFT = "operation_cost.draft", _("drafted the cost")
    OPERATION_COST_PUBLISH = "operation_cost.publish", _("published the cost")
    SUBSCRIPTION_OPEN = "subscription.open", _("opened the subscription")
    SUBSCRIPTION_CANCEL = "subscription.cancel", _("cancelled the subscription")
    SUBSCRIPTION_DECIDE_DAYS = "subscription.decide_days", _("decided on days that were voided")
    SUBSCRIPTION_UNDO_CANCELLATION = (
        "subscription.undo_cancellation",
        _("took back the cancellation of the subscription"),
    )
    SUBSCRIPTION_BILL = "subscription.bill", _("billed the subscription")
    USAGE_RECORD = "usage.record", _("recorded usage of the subscription")
    USAGE_ENTER = "usage.enter", _("entered usage for the period")
    USAGE_CORRECT = "usage.correct", _("corrected the usage")
    USAGE_IMPORT = "usage.import", _("imported usage from")
    CUSTOMERS_IMPORT = "customers.import", _("imported customers from")


class BillingRefusal(RefusalCode):
    """Rules about subscriptions and money."""

    FUTURE = "future", "the day has not come yet"
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
    REFERENCE_TAKEN = "reference_taken", "the reference is another payout's"
    REVERSES = "reverses", "it does not take back that credit note"
    CAP = "cap", "more than is left"
    SET_OFF = "set_off", "less is due"
    NOTHING_LEFT = "nothing_left", "nothing is left"
    NOT_ENDED = "not_ended", "the subscription has not ended"
    NO_BANK_DETAILS = "no_bank_details", "the customer has no bank details"
    RETRIED = "retried", "it was tried again already"
    OWES = "owes", "the customer owes something"
    NOTHING_DUE = "nothing_due", "nothing is due"
    PAID = "paid", "something was paid of it"
    GIVEN_BACK = "given_back", "a refund gave something of it"
    HELD = "held", "its fee is not paid"
    SAME_PAYMENT = "same_payment", "it looks like a payment that is recorded"
    UNPAID_INVOICE = "unpaid_invoice", "an invoice is to be paid first"
    UNPROVED = "unproved", "no line of a bank proves it"
    TAKEN_OFF = "taken_off", "it was taken off its invoice"
    PENDING_PAYOUT = "pending_payout", "a payout is on its way"
