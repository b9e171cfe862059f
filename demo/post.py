"""The demonstration's mail: nothing leaves this machine, and not all of it arrives."""

from __future__ import annotations

from demo.company import Company
from messaging.bounces.actions import record_bounce
from messaging.outbox.models import Delivery, DeliveryAttempt, OutgoingMessage
from messaging.sending.actions import send_due
from messaging.sending.transport import SendResult, SmtpSession

Outcome = DeliveryAttempt.Outcome

#: Which message, counted from the first, meets with what.
PUT_OFF, REFUSED, BOUNCED = 12, 25, 40


class PretendedPost(SmtpSession):
    """A mail server that says yes, but for a few times."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.returned: list[int] = []

    def hand_over(self, message: OutgoingMessage) -> SendResult:
        self.count += 1
        if self.count == PUT_OFF:
            return SendResult(Outcome.DEFERRED, "451 4.7.1 Greylisted, please try again")
        if self.count == REFUSED:
            return SendResult(Outcome.REFUSED, "550 5.1.1 No such mailbox here")
        if self.count == BOUNCED:
            self.returned.append(message.pk)
        return SendResult(Outcome.ACCEPTED)


def deliver(company: Company, post: PretendedPost) -> None:
    """Send what waits, and record what came back since the last time."""
    back, post.returned = post.returned, []
    for message_id in back:
        if Delivery.objects.get(message=message_id).state == Delivery.State.SENT:
            record_bounce(message_id, by=company.person("agent"), reason="552 5.2.2 The mailbox is full")
    if Delivery.objects.due(company.clock.now).exists():
        send_due(limit=10_000, post=post)
