"""How a change comes to be owed to a customer. For use inside actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from django.utils import timezone

from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.models import User
from messaging.notices.models import ChangeNotice
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import NewMessage, queue_messages

State, Outcome = ChangeNotice.State, ChangeNotice.Outcome


def owe_bank_details(change: BankDetailsChange, letters: Sequence[NewMessage], *, by: User) -> list[OutgoingMessage]:
    """The customer has to hear of other bank details; these letters say it. Returns them."""
    notice = ChangeNotice(
        customer=change.customer,
        outcome=Outcome.BANK_DETAILS,
        bank_details=change,
        made_by=by,
        arose_at=timezone.now(),
    )
    notice.save()
    return _send(notice, letters, by)


def owe_end_moved(
    customer: Customer, letter: NewMessage, *, subscription_id: int, number: str, ends_on: date | None, by: User
) -> OutgoingMessage:
    """The customer has to hear when the subscription ends now: ``ends_on`` is the first day without service, None where
    it goes on. The letter says it, and with it what was owed of an earlier end. Returns the letter.
    """
    now = timezone.now()
    for older in ChangeNotice.objects.owed().filter(outcome=Outcome.END_MOVED, subscription_id=subscription_id):
        older.state, older.met_at = State.TAKEN_OVER, now
        older.save()
    notice = ChangeNotice(
        customer=customer,
        outcome=Outcome.END_MOVED,
        subscription_id=subscription_id,
        subscription_number=number,
        ends_on=ends_on,
        made_by=by,
        arose_at=now,
    )
    notice.save()
    return _send(notice, [letter], by)[0]


def _send(notice: ChangeNotice, letters: Sequence[NewMessage], by: User) -> list[OutgoingMessage]:
    return queue_messages([replace(letter, notice=notice) for letter in letters], by=by)
