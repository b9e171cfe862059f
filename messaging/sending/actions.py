"""Sending what is in the outbox: one try at a time, each a row of its own, nothing ever twice.

A try is written down and committed before the server is spoken to, and completed after. A process that dies in
between leaves the message "being sent"; after ``STALE_AFTER`` it is "perhaps sent", and a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.staff.models import User
from audit.actions import act
from audit.bulk import update_tracked
from audit.context import acting
from messaging.notices.effects import follow_letters
from messaging.outbox.models import Delivery, DeliveryAttempt, OutgoingMessage
from messaging.sending.transport import SendResult, SmtpSession
from messaging.vocabulary import MessageVerb

State = Delivery.State
Outcome = DeliveryAttempt.Outcome

#: How long to wait after the first, second, ... try that the server put off. After the last one it has failed.
BACKOFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
#: Far longer than a try can take (the mail server's time-out is half a minute for each step).
STALE_AFTER = timedelta(minutes=15)
#: How many messages one task sends before it makes room for other work.
AT_A_TIME = 200


@dataclass
class Sent:
    """What a round of sending came to; ``next_at`` is when the next message is due, if one waits."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    uncertain: int = 0
    next_at: datetime | None = None


def send_due(*, limit: int = AT_A_TIME, now: datetime | None = None, post: SmtpSession | None = None) -> Sent:
    """Try every message that is due, the longest waiting first, at most ``limit``; and find the tries that died.

    Several processes may do this at once: each message is tried by one. ``post`` is another way than the mail server
    of the settings.
    """
    system = User.objects.system()
    with acting(user=system), post or SmtpSession() as way:
        result = Sent(uncertain=give_up_on_dead_tries(by=system, now=now))
        for _ in range(limit):
            attempt = claim_next(now=now)
            if attempt is None:
                break
            state = complete_try(attempt.pk, way.hand_over(attempt.message), by=system, now=now)
            result.sent += state == State.SENT
            result.deferred += state == State.QUEUED
            result.failed += state == State.FAILED
            result.uncertain += state == State.UNCERTAIN
    waiting = Delivery.objects.filter(state=State.QUEUED).order_by("next_attempt_at")
    result.next_at = waiting.values_list("next_attempt_at", flat=True).first()
    return result


def claim_next(*, now: datetime | None = None) -> DeliveryAttempt | None:
    """Take the next due message and write down, for good, that a try begins. None if nothing is due.

    Of several processes that look at once, each takes another message: on PostgreSQL locked rows are passed over; on
    SQLite one transaction comes after the other.
    """
    moment = now or timezone.now()
    with transaction.atomic():
        due = Delivery.objects.due(moment).order_by("next_attempt_at", "pk")
        skips = connection.features.has_select_for_update_skip_locked
        delivery = due.select_for_update(no_key=True, skip_locked=skips).first()
        if delivery is None:
            return None
        delivery.state = State.SENDING
        delivery.next_attempt_at = None
        delivery.tries += 1
        delivery.save()
        message = OutgoingMessage.objects.get(pk=delivery.message_id)
        attempt = DeliveryAttempt(message=message, number=message.attempts.count() + 1, started_at=moment)
        attempt.save()
        return attempt


def complete_try(attempt_id: int, handed: SendResult, *, by: User, now: datetime | None = None) -> str:
    """Write down how a try ended. Returns the message's state then.

    A try that was given up for dead meanwhile and answers after all is believed; what a person has decided since, or
    a later try, stays.
    """
    moment = now or timezone.now()
    with transaction.atomic():
        attempt = DeliveryAttempt.objects.select_related("message").get(pk=attempt_id)
        message = attempt.message
        delivery = Delivery.objects.select_for_update(no_key=True).get(message=message)
        delivery.message = message
        attempt.outcome, attempt.detail, attempt.ended_at = handed.outcome, handed.detail, moment
        attempt.save()
        later = DeliveryAttempt.objects.filter(message=message, number__gt=attempt.number).exists()
        if later or delivery.state not in (State.SENDING, State.UNCERTAIN):
            return delivery.state
        _settle(delivery, handed, moment)
        if delivery.state == State.QUEUED:
            delivery.save()
        else:
            tell(delivery, by=by)
        return delivery.state


def _settle(delivery: Delivery, handed: SendResult, moment: datetime) -> None:
    delivery.note = handed.detail[:300]
    match handed.outcome:
        case Outcome.ACCEPTED:
            delivery.state, delivery.sent_at = State.SENT, moment
        case Outcome.REFUSED:
            delivery.state = State.FAILED
        case Outcome.UNKNOWN:
            delivery.state = State.UNCERTAIN
        case Outcome.DEFERRED if delivery.tries <= len(BACKOFF):
            delivery.state, delivery.next_attempt_at = State.QUEUED, moment + BACKOFF[delivery.tries - 1]
        case Outcome.DEFERRED:
            delivery.state = State.FAILED
            delivery.note = f"Given up after {delivery.tries} tries. {handed.detail}"[:300]


_VERBS = {
    State.SENT: MessageVerb.MESSAGE_SENT,
    State.FAILED: MessageVerb.MESSAGE_FAILED,
    State.UNCERTAIN: MessageVerb.MESSAGE_UNCERTAIN,
}


def tell(delivery: Delivery, *, by: User) -> None:
    """Save where the message stands now, with its event."""
    message = delivery.message
    with act(_VERBS[State(delivery.state)], by=by, target=(OutgoingMessage, message.pk)) as action:
        action.about(message, complaint_id=message.complaint_id, customer_id=message.customer_id)
        action.message = delivery.note
        delivery.save()
        follow_letters(message)


def give_up_on_dead_tries(*, by: User, now: datetime | None = None) -> int:
    """Mark as "perhaps sent" what has been "being sent" for longer than any try takes. Returns how many."""
    moment = now or timezone.now()
    found = DeliveryAttempt.objects.filter(
        outcome=Outcome.STARTED, started_at__lt=moment - STALE_AFTER, message__delivery__state=State.SENDING
    )
    dead = list(found.values_list("message_id", flat=True))
    given_up = 0
    for message_id in dead:
        with transaction.atomic():
            delivery = Delivery.objects.select_for_update(no_key=True).get(message=message_id)
            if delivery.state != State.SENDING:
                continue
            why = "The process that was sending it ended before it learned what the mail server said."
            tries = DeliveryAttempt.objects.filter(message=message_id, outcome=Outcome.STARTED)
            update_tracked(tries, outcome=Outcome.UNKNOWN, ended_at=moment, detail=why)
            delivery.state, delivery.note = State.UNCERTAIN, why
            tell(delivery, by=by)
            given_up += 1
    return given_up
