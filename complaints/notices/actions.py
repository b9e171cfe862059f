"""Telling a customer an outcome that is owed, or deciding that it is not told."""

from __future__ import annotations

from django.utils import timezone

from accounts.staff.models import User
from audit.actions import act
from complaints.cases.actions import begin, write_to_customer
from complaints.cases.decisions.actions import check_further_way
from complaints.cases.models import Complaint, Message
from complaints.letters.outcomes import outcome_letter
from complaints.notices.models import Notice
from complaints.notices.owed.actions import tell
from complaints.notices.rules import dismiss_obstacle, next_owed, tell_obstacle
from complaints.vocabulary import ComplaintVerb
from core.text import say


def tell_outcome(complaint_id: int, *, by: User, text: str, recipient: str = "", channel: str = "") -> Message:
    """Tell the customer the oldest outcome that is owed, by e-mail from here or, on record, by any other channel.

    Raises:
        Refused: nothing is owed, or only the decision of a case that is to be told it (``communicate_decision``); no
            text; a rejection that does not name the way to take it further.
    """
    with act(ComplaintVerb.COMPLAINT_TELL, by=by, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(tell_obstacle(complaint, by))
        notice = next_owed(complaint)
        assert notice is not None
        if notice.decision is not None:
            check_further_way(notice.decision, text)
        kind = Message.Kind.OTHER if notice.decision is None else Message.Kind.DECISION
        message = write_to_customer(
            complaint, kind, text, recipient, channel, letter=outcome_letter(notice), by=by, at=timezone.now()
        )
        complaint.save()
        tell(Notice.objects.filter(pk=notice.pk), message, by=by)
        action.data = {"notice": notice.pk, "outcome": notice.outcome}
        return message


def dismiss_notice(complaint_id: int, *, by: User, reason: str) -> Notice:
    """Decide that the customer is not told the oldest outcome that is owed, and say why. For somebody without a hand
    in it.
    """
    with act(ComplaintVerb.NOTICE_DISMISS, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(dismiss_obstacle(complaint, by))
        action.require_reason(say("why the customer is not told"))
        notice = next_owed(complaint)
        assert notice is not None
        notice.state, notice.dismissed_reason = Notice.State.DISMISSED, reason.strip()
        notice.met_by, notice.met_at = by, timezone.now()
        notice.save()
        action.data = {"notice": notice.pk, "outcome": notice.outcome}
        return notice
