"""Writing down how a customer was told of a change, or deciding that they are not."""

from __future__ import annotations

from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Action, Refused, act
from audit.vocabulary import Refusal
from core.text import say
from messaging.notices.models import ChangeNotice
from messaging.notices.rules import leave_obstacle, record_obstacle
from messaging.vocabulary import MessageVerb


def record_told(notice_id: int, *, by: User, channel: str, text: str) -> ChangeNotice:
    """Write down that the customer was told by telephone, by letter or in person, and what they heard.

    Raises:
        Refused: nothing is owed, no text, or bank details that this person changed themself.
    """
    with act(MessageVerb.NOTICE_TOLD, by=by, target=(ChangeNotice, notice_id)) as action:
        notice = _locked(action, notice_id)
        action.refuse_if(record_obstacle(notice, by))
        if not text.strip():
            sentence = say("Please write down what the customer heard: it becomes part of the record.")
            raise Refused(sentence, code=Refusal.REASON_MISSING, data={"field": "text"})
        notice.state, notice.channel, notice.text = ChangeNotice.State.TOLD, channel, text.strip()
        notice.met_by, notice.met_at = by, timezone.now()
        notice.save()
        action.data = {"outcome": notice.outcome, "channel": channel}
        return notice


def leave_untold(notice_id: int, *, by: User, reason: str) -> ChangeNotice:
    """Decide that the customer is not told of the change, and say why. For somebody without a hand in it."""
    with act(MessageVerb.NOTICE_LEFT, by=by, reason=reason, target=(ChangeNotice, notice_id)) as action:
        notice = _locked(action, notice_id)
        action.refuse_if(leave_obstacle(notice, by))
        action.require_reason(say("why the customer is not told"))
        notice.state, notice.dismissed_reason = ChangeNotice.State.DISMISSED, reason.strip()
        notice.met_by, notice.met_at = by, timezone.now()
        notice.save()
        action.data = {"outcome": notice.outcome}
        return notice


def _locked(action: Action, notice_id: int) -> ChangeNotice:
    notice = action.lock(ChangeNotice, notice_id)
    action.about(notice, customer_id=notice.customer_id)
    return notice
