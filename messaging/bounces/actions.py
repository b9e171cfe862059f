"""What comes back: staff mark a message as bounced."""

from __future__ import annotations

from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Obstacle, act
from core.text import say
from messaging.notices.effects import follow_letters
from messaging.outbox.actions import State, locked_message, state_obstacle
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.templates.rendering import one_line
from messaging.vocabulary import MessageVerb


def bounce_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why the message cannot have come back, or None."""
    return state_obstacle(delivery, State.SENT, State.UNCERTAIN)


def record_bounce(message_id: int, *, by: User, reason: str) -> Delivery:
    """Record that a message came back, and what the other side's server said."""
    with act(MessageVerb.MESSAGE_BOUNCED, by=by, reason=reason, target=(OutgoingMessage, message_id)) as action:
        message, delivery = locked_message(action, message_id, by)
        action.refuse_if(bounce_obstacle(delivery))
        action.require_reason(say("what came back"))
        last = message.attempts.order_by("-number").first()
        delivery.sent_at = delivery.sent_at or (last.started_at if last is not None else timezone.now())
        delivery.state, delivery.note = State.BOUNCED, one_line(reason)
        delivery.save()
        follow_letters(message)
        return delivery
