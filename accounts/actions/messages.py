"""Templates of messages: changing one, trying it out. And what becomes of a message that is in trouble."""

from __future__ import annotations

import uuid

from django.utils import timezone

from accounts.guards import require
from accounts.links import linked_obstacle
from accounts.messages.kinds import examples_of
from accounts.messages.outbox import NewMessage, address_obstacle, address_of, queue_messages, queue_sending
from accounts.messages.template_text import Words, check_template, one_line, render
from accounts.models import Delivery, MessageTemplate, OutgoingMessage, User
from accounts.permissions import May
from audit.actions import Action, Obstacle, Refused, act, checked
from audit.words import say

State = Delivery.State


# --- Templates ----------------------------------------------------------------------------------


def edit_template(template_id: int, *, by: User, subject: str, body: str, reason: str = "") -> MessageTemplate:
    """Change a template. What was sent stays as it was; the old text is in the history.

    Raises:
        Refused: nothing differs, or the text could fail or say nothing when it is used: the sentence names what.
    """
    with act("template.edit", by=by, reason=reason, target=(MessageTemplate, template_id)) as action:
        require(by, May.EDIT_TEMPLATES)
        template = action.lock(MessageTemplate, template_id)
        action.about(template)
        subject, body = subject.strip(), body.replace("\r\n", "\n").strip() + "\n"
        if (subject, body.strip()) == (template.subject, template.body.strip()):
            raise Refused(say("Nothing would change."), code="nothing")
        check_template(template.kind, subject, body)
        template.subject, template.body = subject, body
        checked(template).save()
        return template


def preview(kind: str, subject: str, body: str, *, bare: bool = False) -> Words:
    """How a template reads with the examples of its fields; ``bare`` without those that are optional.

    Raises:
        Refused: as ``edit_template`` would.
    """
    check_template(kind, subject, body)
    values = examples_of(kind, required_only=bare)
    return render(kind, subject, body, values)


def send_test(template_id: int, *, by: User) -> OutgoingMessage:
    """Send the template with its examples to one's own address, by the same way as every message."""
    with act("template.test", by=by, target=(MessageTemplate, template_id)) as action:
        require(by, May.EDIT_TEMPLATES)
        template = action.lock(MessageTemplate, template_id)
        action.about(template)
        words = preview(template.kind, template.subject, template.body)
        wanted = NewMessage(
            kind=template.kind,
            key=f"test:{uuid.uuid4().hex}",
            staff=by,
            language=template.language,
            words=Words(one_line(f"Test: {words.subject}"), words.body),
        )
        action.refuse_if(address_obstacle(wanted))
        return queue_messages([wanted], by=by)[0]


# --- A message in trouble -----------------------------------------------------------------------


def _begin(action: Action, message_id: int, by: User) -> tuple[OutgoingMessage, Delivery]:
    """The message, and where it stands, locked."""
    require(by, May.HANDLE_MESSAGES)
    message = OutgoingMessage.objects.select_related("customer", "staff").filter(pk=message_id).first()
    if message is None:
        raise Refused(say("This message does not exist."), code="missing")
    action.about(message, complaint_id=message.complaint_id, customer_id=message.customer_id)
    if message.customer_id is not None:
        action.refuse_if(linked_obstacle(by, message.customer_id))
    action.refuse_if(colleague_obstacle(message, by))
    delivery = action.lock(Delivery, message.delivery.pk)
    return message, delivery


def colleague_obstacle(message: OutgoingMessage, by: User) -> Obstacle | None:
    """What a colleague is told is theirs, and for whoever reads the whole trail: nobody else sends it anywhere."""
    if message.staff_id in (None, by.pk) or by.may(May.SEE_WHOLE_TRAIL) or by.username == User.SYSTEM:
        return None
    return Obstacle(say("This message is to a colleague."), "colleague")


def _not_in(delivery: Delivery, *states: str) -> Obstacle | None:
    if delivery.state in states:
        return None
    return Obstacle(
        say("This message is “{state}”: that step is not open.", state=delivery.get_state_display()), "state"
    )


def arrived_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why nobody can say that the message arrived, or None."""
    return _not_in(delivery, State.UNCERTAIN)


def confirm_arrival(message_id: int, *, by: User, reason: str) -> Delivery:
    """Say that a message of which nobody knew has arrived, and how that is known."""
    with act("message.arrived", by=by, reason=reason, target=(OutgoingMessage, message_id)) as action:
        message, delivery = _begin(action, message_id, by)
        action.refuse_if(arrived_obstacle(delivery))
        action.require_reason(say("how you know that it arrived"))
        last = message.attempts.order_by("-number").first()
        delivery.state, delivery.note = State.SENT, "Somebody found out that it arrived."
        delivery.sent_at = last.started_at if last is not None else timezone.now()
        delivery.save()
        return delivery


def again_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why the message cannot be sent again, or None."""
    return _not_in(delivery, *Delivery.TROUBLED_STATES)


def send_again(message_id: int, *, by: User, reason: str, recipient: str = "") -> OutgoingMessage:
    """Send the same words once more. Returns the message that is on its way.

    To the same address it is the same message, with the same id. To another one (``recipient``, or the address that
    is on file now where there was none) it is a message of its own, and the first is done with.
    """
    with act("message.again", by=by, reason=reason, target=(OutgoingMessage, message_id)) as action:
        message, delivery = _begin(action, message_id, by)
        action.refuse_if(again_obstacle(delivery))
        action.require_reason()
        address = recipient.strip() or message.recipient or _address_now(message)
        if address == message.recipient and address:
            delivery.state, delivery.next_attempt_at, delivery.tries = State.QUEUED, timezone.now(), 0
            delivery.note = ""
            delivery.save()
            queue_sending(1)
            return message
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
        )
        if obstacle := address_obstacle(wanted):
            raise Refused(obstacle, code=obstacle.code, data={"field": "recipient"})
        [copy] = queue_messages([wanted], by=by)
        delivery.state, delivery.next_attempt_at = State.CANCELLED, None
        delivery.note = f"Sent again to {address}."[:300]
        delivery.save()
        action.data = {"again": copy.pk, "recipient": address}
        return copy


def _address_now(message: OutgoingMessage) -> str:
    if message.customer is not None:
        return address_of(message.customer)
    return message.staff.email if message.staff is not None else ""


def done_with_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why nobody can be done with the message, or None."""
    return _not_in(delivery, *Delivery.TROUBLED_STATES, State.QUEUED)


def be_done_with(message_id: int, *, by: User, reason: str) -> Delivery:
    """Give a message up that did not arrive or was not sent yet: it is no longer sent, and nobody is asked about it.

    The reason says why, or how the customer was told instead.
    """
    with act("message.done_with", by=by, reason=reason, target=(OutgoingMessage, message_id)) as action:
        _, delivery = _begin(action, message_id, by)
        action.refuse_if(done_with_obstacle(delivery))
        action.require_reason(say("why, or how they were told instead"))
        delivery.state, delivery.next_attempt_at = State.CANCELLED, None
        delivery.note = reason.strip()[:300]
        delivery.save()
        return delivery


def bounce_obstacle(delivery: Delivery) -> Obstacle | None:
    """Why the message cannot have come back, or None."""
    return _not_in(delivery, State.SENT, State.UNCERTAIN)


def record_bounce(message_id: int, *, by: User, reason: str) -> Delivery:
    """Record that a message came back, and what the other side's server said."""
    with act("message.bounced", by=by, reason=reason, target=(OutgoingMessage, message_id)) as action:
        message, delivery = _begin(action, message_id, by)
        action.refuse_if(bounce_obstacle(delivery))
        action.require_reason(say("what came back"))
        last = message.attempts.order_by("-number").first()
        delivery.sent_at = delivery.sent_at or (last.started_at if last is not None else timezone.now())
        delivery.state, delivery.note = State.BOUNCED, one_line(reason)
        delivery.save()
        return delivery
