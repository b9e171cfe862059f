"""Why an outcome may not be told now, or not be left untold by this person."""

from __future__ import annotations

from django.utils import timezone

from accounts.staff.approvers import ApprovalRights
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from complaints.cases.guards import allowed, owed_notices
from complaints.cases.models import Complaint
from complaints.notices.models import Notice
from complaints.refunds.approvals.hands.rules import hand_of, people_of_case
from complaints.vocabulary import ComplaintRefusal
from core.text import say


def next_owed(complaint: Complaint) -> Notice | None:
    """What is told next: the oldest outcome that is owed, but for a decision that waits to be told as such."""
    decided = complaint.state == Complaint.State.DECIDED
    owed = [one for one in owed_notices(complaint) if not (decided and one.outcome == Notice.Outcome.DECISION)]
    return owed[0] if owed else None


def tell_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """Why this person may not tell an outcome now: not permitted, or nothing but a decision is owed."""
    if found := allowed(by, May.WORK_COMPLAINTS):
        return found
    if next_owed(complaint) is not None:
        return None
    return Obstacle(
        say("The customer has heard of every outcome of {complaint}.", complaint=complaint.code),
        code=ComplaintRefusal.NO_NOTICE_OWED,
    )


def dismiss_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """Why this person may not leave the next outcome untold: it takes somebody without a hand in it."""
    if found := tell_obstacle(complaint, by):
        return found
    notice = next_owed(complaint)
    assert notice is not None
    refund = notice.about_refund
    if refund is not None:
        if hand := hand_of(refund, by, ApprovalRights(timezone.localdate())):
            return Obstacle(hand.sentence, code=ComplaintRefusal.OWN_HAND)
        if notice.reversal is None or by.pk not in (notice.reversal.proposed_by_id, notice.reversal.decided_by_id):
            return None
    elif by.pk not in people_of_case(complaint):
        return None
    return Obstacle(
        say("You had a hand in it: somebody else has to decide that the customer is not told."),
        code=ComplaintRefusal.OWN_HAND,
    )
