"""What the customer has to hear of a cancellation, or of an end that moved: a letter, and the notice that is owed until
it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from accounts.staff.models import User
from billing.subscriptions.models import Subscription
from messaging.notices.owed.actions import owe_end_moved
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import NewMessage
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader


def notify_cancellation(
    subscription: Subscription, *, ends_on: date, by: User, voided: Sequence[str] = ()
) -> OutgoingMessage:
    """Confirm a cancellation that was just saved (F1, F2): ``ends_on`` is the first day without service, ``voided`` are
    the numbers of invoices that nobody owes any more.
    """
    assert subscription.cancelled_on is not None
    # The row's version tells one cancellation from a later one, after the first was undone.
    version = subscription.history.latest().pk
    reader = Reader(subscription.customer.language)
    wanted = NewMessage(
        kind=MessageKind.CANCELLATION_CONFIRMED,
        key=f"cancellation:{subscription.pk}:{version}",
        customer=subscription.customer,
        fields={
            "subscription": subscription.number,
            "plan": subscription.plan.name,
            "requested_on": reader.day(subscription.cancelled_on),
            "last_day": reader.day(ends_on - timedelta(days=1)) if ends_on > subscription.activated_on else "",
            "voided": ", ".join(voided),
        },
    )
    return _owe(subscription, wanted, ends_on, by)


def notify_end_moved(subscription: Subscription, *, ends_on: date | None, by: User) -> OutgoingMessage:
    """Tell the customer that the (just saved) end is another: ``ends_on`` is the first day without service, None where
    the subscription goes on.
    """
    reader = Reader(subscription.customer.language)
    wanted = NewMessage(
        kind=MessageKind.END_MOVED,
        key=f"end_moved:{subscription.pk}:{subscription.history.latest().pk}:{ends_on or ''}",
        customer=subscription.customer,
        fields={
            "subscription": subscription.number,
            "plan": subscription.plan.name,
            "last_day": reader.day(ends_on - timedelta(days=1)) if ends_on is not None else "",
        },
    )
    return _owe(subscription, wanted, ends_on, by)


def _owe(subscription: Subscription, letter: NewMessage, ends_on: date | None, by: User) -> OutgoingMessage:
    return owe_end_moved(
        subscription.customer,
        letter,
        subscription_id=subscription.pk,
        number=subscription.number,
        ends_on=ends_on,
        by=by,
    )
