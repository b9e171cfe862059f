"""A free message to the customer, in every state; and that somebody has read what the customer wrote."""

from __future__ import annotations

from django.utils import timezone

from accounts.staff.models import User
from audit.actions import act
from complaints.cases.actions import begin, write_to_customer
from complaints.cases.models import Complaint, Message
from complaints.cases.rules import read_obstacle, write_obstacle
from complaints.letters import drafts
from complaints.vocabulary import ComplaintVerb


def write_message(complaint_id: int, *, by: User, text: str, recipient: str = "", channel: str = "") -> Message:
    """Write to the customer about the case, whatever its state; the case stays as it is."""
    with act(ComplaintVerb.COMPLAINT_WRITE, by=by, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(write_obstacle(complaint, by))
        letter = drafts.free_message(complaint)
        message = write_to_customer(
            complaint, Message.Kind.OTHER, text, recipient, channel, letter=letter, by=by, at=timezone.now()
        )
        complaint.save()
        return message


def read_customer_message(complaint_id: int, *, by: User, reason: str = "") -> Complaint:
    """Say that what the customer wrote was read and needs no answer."""
    with act(ComplaintVerb.COMPLAINT_READ, by=by, reason=reason, target=(Complaint, complaint_id)) as action:
        complaint = begin(action, complaint_id)
        action.refuse_if(read_obstacle(complaint, by))
        complaint.customer_wrote_at = None
        complaint.save()
        return complaint
