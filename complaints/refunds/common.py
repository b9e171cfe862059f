"""What the actions on a refund share: its rows locked in the one order, the live quote, and how it ends.

Rows are locked in the one order: customer, subscription, period, invoice, complaint, refund.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.customers.models import Customer
from accounts.staff.approvers import Right
from accounts.staff.models import User
from audit.actions import Action, Refused
from billing.invoices.models import Invoice
from billing.money import format_amount
from billing.remedies.effects import release
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.models import Complaint
from complaints.quotes.inputs import QuoteInputError
from complaints.quotes.problems_text import problem_in_words
from complaints.quotes.quoting import Choices, LiveQuote, live_quote
from complaints.refunds.models import Contribution, Refund
from complaints.refunds.remedies import loosened
from complaints.refunds.rules import moved
from core.text import say


def lock_refund(action: Action, refund_id: int) -> Refund:
    known = Refund.objects.filter(pk=refund_id).first()
    if known is None:
        raise Refused(say("This refund does not exist (any more)."), code="missing")
    customer = action.lock(Customer, known.customer_id)
    subscription = action.lock(Subscription, known.subscription_id)
    period = action.lock(BillingPeriod, known.period_id)
    invoice = Invoice.objects.select_for_update(no_key=True).filter(period=period).order_by("pk").first()
    complaint = action.lock(Complaint, known.complaint_id)
    refund = action.lock(Refund, refund_id)
    action.refuse_if(moved(refund, customer))
    subscription.customer = customer
    period.subscription = subscription
    if invoice is not None:
        period.invoice = invoice
    complaint.subscription = subscription
    complaint.customer = customer
    refund.customer, refund.subscription, refund.period, refund.complaint = (
        customer,
        subscription,
        period,
        complaint,
    )
    action.about(refund, complaint_id=complaint.pk, customer_id=customer.pk)
    return refund


def quote_of(refund: Refund) -> LiveQuote:
    choices = Choices(basis=refund.basis, reduction=refund.reduction, special_amount=refund.special_amount)
    try:
        return live_quote(refund.complaint, refund.period, choices, leaving_out=refund if refund.pk else None)
    except QuoteInputError as problem:
        raise Refused(problem_in_words(problem), code=problem.code, data={"field": problem.field}) from None


def back_to_draft(refund: Refund, reason: str) -> None:
    refund.state = Refund.State.DRAFT
    refund.returned_reason = reason
    refund.remedy_plan = loosened(refund.remedy_plan)
    set_draft_expiry(refund)
    refund.save()


def set_draft_expiry(refund: Refund) -> None:
    refund.expires_on = timezone.localdate() + timedelta(days=refund.terms.draft_expires_after_days)


def end(refund: Refund, state: str) -> None:
    if refund.state in Refund.PENDING_STATES:
        release(refund.period, refund.total)
    refund.state = state
    refund.save()


def contribute(refund: Refund, by: User, part: str) -> None:
    Contribution(refund=refund, by=by, part=part, at=timezone.now()).save()


def facts_of(refund: Refund) -> dict[str, Any]:
    return {
        "basis": refund.basis,
        "amount": format_amount(refund.total, refund.currency),
        "currency": refund.currency,
        "remedies": refund.remedy_plan,
        "content_hash": refund.content_hash,
    }


def name_right(action: Action, right: Right | None) -> None:
    """Say in the event in whose place it was done."""
    if right is None or right.delegation is None:
        return
    action.message = f"In the place of {right.person}."
    action.data |= {"on_behalf_of": right.person.username, "delegation": right.delegation.pk}
