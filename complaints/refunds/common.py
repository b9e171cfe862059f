"""What the actions on a refund share: its rows, locked; the live quote; and how it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.staff.approvers import Right
from accounts.staff.models import User
from audit.actions import Action, Refused
from billing.money import format_amount
from billing.remedies.effects import release
from complaints.quotes.input_errors import QuoteInputError
from complaints.quotes.quoting import Choices, LiveQuote, live_quote
from complaints.quotes.text import problem_in_words
from complaints.refunds.models import Contribution, Refund
from complaints.refunds.remedies.actions import with_open_amount


def lock_refund(action: Action, refund_id: int) -> Refund:
    refund = action.lock(Refund, refund_id, "customer", "subscription", "period", "period__invoice", "complaint")
    action.about(refund, complaint_id=refund.complaint_id, customer_id=refund.customer_id)
    return refund


def choices_of(refund: Refund) -> Choices:
    """What staff chose in it."""
    return Choices(refund.basis, refund.reduction, refund.special_amount, refund.incident)


def quote_of(refund: Refund) -> LiveQuote:
    choices = choices_of(refund)
    try:
        return live_quote(refund.complaint, refund.period, choices, leaving_out=refund if refund.pk else None)
    except QuoteInputError as problem:
        raise Refused(problem_in_words(problem), code=problem.code, data={"field": problem.field}) from None


def back_to_draft(refund: Refund, reason: str) -> None:
    refund.state = Refund.State.DRAFT
    refund.returned_reason = reason
    refund.remedy_plan = with_open_amount(refund.remedy_plan)
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
        "set_off": format_amount(refund.set_off, refund.currency),
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
