"""An indemnity for a late answer: drafted from the breach, then proposed and approved like any special case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Obstacle, Refused, act
from complaints.cases.models import Complaint
from complaints.indemnities.rules import indemnity_for
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import draft_refund
from complaints.vocabulary import ComplaintVerb
from core.text import in_english
from policies.choices import Basis


def draft_indemnity(complaint_id: int, *, by: User, remedies: Sequence[Mapping[str, Any]] = ()) -> Refund:
    """Draft what the policy gives for the case's late answer: the days late at the policy's amount, up to its maximum,
    the period's fee and what can still be refunded. Justification and evidence name the breach.

    Raises:
        Refused: ``code`` says why: no indemnity in the terms (``no_indemnity``), decided in time (``in_time``), made
            good already, in this case, one merged with it, or another about the same incident
            (``fault_indemnified``), nothing left to refund (``nothing``), or what keeps any refund from being drafted.
    """
    with act(ComplaintVerb.REFUND_DRAFT_INDEMNITY, by=by, target=(Complaint, complaint_id)) as action:
        # Two cases of one customer can be about one fault, so that the customer is what both wait for.
        complaint = action.lock(Complaint, complaint_id, "customer")
        action.about(complaint, complaint_id=complaint.pk, customer_id=complaint.customer_id)
        found = indemnity_for(complaint, by)
        if isinstance(found, Obstacle):
            raise Refused(found.sentence, code=found.code)
        late = found.late
        due = timezone.localtime(late.breach.due_at)
        refund = draft_refund(
            complaint.pk,
            by=by,
            basis=Basis.SPECIAL,
            special_amount=found.amount,
            justification=f"Indemnity for a late answer: {in_english(found.in_words)}.",
            evidence=(
                f"{late.breach.complaint.code} had to be decided before {due:%Y-%m-%d %H:%M} and was decided on"
                f" {timezone.localdate(late.decision.at)}. The missed deadline is on record."
            ),
            remedies=remedies,
        )
        refund.indemnity_for = late.breach
        refund.fault = found.fault
        refund.save()
        action.about(refund)
        action.data = {"days_late": late.days_late, "breach": late.breach.pk, "fault": found.fault}
        return refund
