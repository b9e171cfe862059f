"""Message templates: editing one, seeing it filled in, sending oneself a test."""

from __future__ import annotations

import uuid

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Refused, act, checked
from audit.vocabulary import Refusal
from core.text import say
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import NewMessage, address_obstacle, queue_messages
from messaging.templates.kinds import examples_of
from messaging.templates.models import MessageTemplate
from messaging.templates.rendering import Words, check_template, one_line, render
from messaging.vocabulary import MessageVerb

# --- Templates ----------------------------------------------------------------------------------


def edit_template(template_id: int, *, by: User, subject: str, body: str, reason: str = "") -> MessageTemplate:
    """Change a template. What was sent stays as it was; the old text is in the history.

    Raises:
        Refused: nothing differs, or the text could fail or say nothing when it is used: the sentence names what.
    """
    with act(MessageVerb.TEMPLATE_EDIT, by=by, reason=reason, target=(MessageTemplate, template_id)) as action:
        require(by, May.EDIT_TEMPLATES)
        template = action.lock(MessageTemplate, template_id)
        action.about(template)
        subject, body = subject.strip(), body.replace("\r\n", "\n").strip() + "\n"
        if (subject, body.strip()) == (template.subject, template.body.strip()):
            raise Refused(say("Nothing would change."), code=Refusal.NOTHING)
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
    with act(MessageVerb.TEMPLATE_TEST, by=by, target=(MessageTemplate, template_id)) as action:
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
