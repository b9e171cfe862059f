"""What becomes of a change's letters, for its notice. For use inside actions."""

from __future__ import annotations

from django.utils import timezone

from messaging.notices.models import ChangeNotice
from messaging.outbox.models import Delivery, OutgoingMessage

State, Outcome = ChangeNotice.State, ChangeNotice.Outcome


def follow_letters(message: OutgoingMessage) -> None:
    """One of a change's letters went out or came back: the customer was told once every letter is sent. What somebody
    has told, or decided, stays.
    """
    if message.notice_id is None:
        return
    notice = ChangeNotice.objects.select_for_update(no_key=True).get(pk=message.notice_id)
    if notice.channel or notice.state not in (State.OWED, State.TOLD):
        return
    states = Delivery.objects.filter(message__notice=notice).values_list("state", flat=True)
    # One that was sent on to another address is done with: its copy counts.
    sent = {state for state in states if state != Delivery.State.CANCELLED} == {Delivery.State.SENT}
    if sent == (notice.state == State.TOLD):
        return
    later = ChangeNotice.objects.filter(subscription_id=notice.subscription_id, pk__gt=notice.pk)
    if not sent and notice.outcome == Outcome.END_MOVED and later.exists():
        return
    notice.state, notice.met_at = (State.TOLD, timezone.now()) if sent else (State.OWED, None)
    notice.save()
