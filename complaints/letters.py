"""Drafts of what customers are told. Staff read, change and send them; the text that was sent is kept."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.amounts import money_text
from complaints.models import Complaint, Decision, Refund
from complaints.wording import plan_in_words


def acknowledgement_text(complaint: Complaint) -> str:
    """That the complaint is here, with its code and the day by which it is decided."""
    last_day = timezone.localdate(complaint.decide_due_at) - timedelta(days=1)
    return (
        f"Dear {complaint.customer.name},\n\n"
        f"we have received your complaint “{complaint.subject}”. Its code is {complaint.code}; please name it when you"
        f" write or call. We will tell you our decision by {last_day.day} {last_day:%B %Y}.\n\n"
        "Kind regards"
    )


def decision_text(complaint: Complaint) -> str:
    """The outcome and its reasons, a settled refund, and for a rejection the way to take it further."""
    decision = complaint.decision
    if decision is None:
        return ""
    outcome = {
        Decision.Outcome.UPHELD: "We find your complaint justified.",
        Decision.Outcome.PARTLY_UPHELD: "We find your complaint justified in part.",
        Decision.Outcome.REJECTED: "We cannot uphold your complaint.",
    }[Decision.Outcome(decision.outcome)]
    parts = [
        f"Dear {complaint.customer.name},",
        f"about your complaint {complaint.code}, “{complaint.subject}”: {outcome}",
        decision.reasons,
    ]
    parts.extend(
        f"We give you back {money_text(refund.total, refund.currency)}:"
        f" {plan_in_words(refund.remedy_plan, refund.currency)}."
        for refund in complaint.refunds.all()
        if refund.state == Refund.State.SETTLED
    )
    if decision.outcome == Decision.Outcome.REJECTED:
        further = complaint.terms.further_way
        parts.append(f"If you do not agree, you can turn to {further}.")
    return "\n\n".join([*parts, "Kind regards"])
