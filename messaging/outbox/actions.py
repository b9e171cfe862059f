"""Templates of messages: changing one, trying it out. And what becomes of a message that is in trouble."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Obstacle, Refused, act
from audit.vocabulary import Refusal
from core.text import say
from messaging.notices.effects import follow_letters
from messaging.notices.rules import elsewhere_obstacle, given_up_obstacle
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.outbox.queue import NewMessage, address_obstacle, address_of, queue_messages, queue_sending
from messaging.templates.rendering import Words
from messaging.vocabulary import MessageRefusal, MessageVerb

State = Delivery.State


# --- A message in trouble -----------------------------------------------------------------------


def locked_message(action: Action, message_id: int, by: User) -> tuple[OutgoingMessage, Delivery]:
    """The message, and where it stands, locked."""
    require(by, May.HANDLE_MESSAGES)
    message = OutgoingMessage.objects.select_related("customer", "staff", "notice").filter(pk=message_id).first()
    if message is None:
        raise Refused(say("This message does not exist."), code=Refusal.MISSING)
    action.about(message, complaint_id=message.complaint_id, customer_id=message.customer_id)
    action.refuse_if(colleague_obstacle(message, by))
    delivery = action.lock(Delivery, message.delivery.pk)
    return message, delivery


def colleague_obstacle(message: OutgoingMessage, by: User) -> Obstacle | None:
    """What a colleague is told is theirs, and for whoever reads the whole trail: nobody else sends it anywhere."""
    if message.staff_id in (None, by.pk) or by.may(May.SEE_WHOLE_TRAIL) or by.username == User.SYSTEM:
        return None
    return Obstacle(say("This message is to a colleague."), MessageRefusal.COLLEAGUE)


def state_obstacle(delivery: Delivery, *states: str) -> Obstacle | None:
    if delivery.state in states:
        return None
    return Obstacle(
        say("This message is “{state}”: that step is not open.", state=delivery.get_state_display()), Refusal.STATE
    )


def arrived_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why nobody can say that the message arrived, or None."""
    return state_obstacle(delivery, State.UNCERTAIN)


def confirm_arrival(message_id: int, *, by: User, reason: str) -> Delivery:
    """Say that a message of which nobody knew has arrived, and how that is known."""
    with act(MessageVerb.MESSAGE_ARRIVED, by=by, reason=reason, target=(OutgoingMessage, message_id)) as action:
        message, delivery = locked_message(action, message_id, by)
        action.refuse_if(arrived_obstacle(delivery))
        action.require_reason(say("how you know that it arrived"))
        last = message.attempts.order_by("-number").first()
        delivery.state, delivery.note = State.SENT, "Somebody found out that it arrived."
        delivery.sent_at = last.started_at if last is not None else timezone.now()
        delivery.save()
        follow_letters(message)
        return delivery


def again_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why the message cannot be sent again, or None."""
    return state_obstacle(delivery, *Delivery.TROUBLED_STATES)


def send_again(message_id: int, *, by: User, reason: str, recipient: str = "") -> OutgoingMessage:
    """Send the same words once more. Returns the message that is on its way.

    To the same address it is the same message, with the same id. To another one (``recipient``, or the address that
    is on file now where there was none) it is a message of its own, and the first is done with.
    """
    with act(MessageVerb.MESSAGE_AGAIN, by=by, reason=reason, target=(OutgoingMessage, message_id)) as action:
        message, delivery = locked_message(action, message_id, by)
        action.refuse_if(again_obstacle(delivery))
        action.require_reason()
        on_file = _address_now(message)
        address = recipient.strip() or message.recipient or on_file
        action.refuse_if(elsewhere_obstacle(message, address, on_file, by))
        if address == message.recipient and address:
            delivery.state, delivery.next_attempt_at, delivery.tries = State.QUEUED, timezone.now(), 0
            delivery.note = ""
            delivery.save()
            queue_sending(1)
            return message
        copy = send_copy(message, delivery, address, by=by)
        action.data = {"again": copy.pk, "recipient": address}
        return copy


def send_copy(message: OutgoingMessage, delivery: Delivery, address: str, *, by: User) -> OutgoingMessage:
    """The same words to another address; the first message is done with. For use inside actions, the delivery locked.

    Raises:
        Refused: the address is none.
    """
    copies = OutgoingMessage.objects.filter(key__startswith=f"{message.key}#").count()
    wanted = NewMessage(
        kind=message.kind,
        key=f"{message.key}#{copies + 2}",
        customer=message.customer,
        staff=message.staff,
        complaint_id=message.complaint_id,
        recipient=address,
        words=Words(message.subject, message.body),
        language=message.language,
        notice=message.notice,
    )
    if obstacle := address_obstacle(wanted):
        raise Refused(obstacle.sentence, code=obstacle.code, data={"field": "recipient"})
    [copy] = queue_messages([wanted], by=by)
    delivery.state, delivery.next_attempt_at = State.CANCELLED, None
    delivery.note = f"Sent again to {address}."[:300]
    delivery.save()
    return copy


def _address_now(message: OutgoingMessage) -> str:
    if message.customer is not None:
        return address_of(message.customer)
    return message.staff.email if message.staff is not None else ""


def done_with_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why nobody can be done with the message, or None."""
    return state_obstacle(delivery, *Delivery.TROUBLED_STATES, State.QUEUED) or given_up_obstacle(delivery)


#: What apps above do when a letter is given up, in the same transaction.
_given_up: list[Callable[[OutgoingMessage], None]] = []


def register_given_up(follower: Callable[[OutgoingMessage], None]) -> Callable[[OutgoingMessage], None]:
    """Have an app above do its part when a letter is given up: what it told is not told. A decorator."""
    _given_up.append(follower)
    return follower


def be_done_with(message_id: int, *, by: User, reason: str) -> Delivery:
    """Give a message up that did not arrive or was not sent yet: it is no longer sent, and nobody is asked about it.

    The reason says why, or how the customer was told instead.
    """
    with act(MessageVerb.MESSAGE_DONE_WITH, by=by, reason=reason, target=(OutgoingMessage, message_id)) as action:
        message, delivery = locked_message(action, message_id, by)
        action.refuse_if(done_with_obstacle(delivery))
        action.require_reason(say("why, or how they were told instead"))
        delivery.state, delivery.next_attempt_at = State.CANCELLED, None
        delivery.note = reason.strip()[:300]
        delivery.save()
        for follower in _given_up:
            follower(message)
        return delivery
