"""What the customer is told of a payout."""

from __future__ import annotations

from accounts.staff.models import User
from billing.payouts.models import Payout
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import NewMessage, queue_messages
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader


def notify_payout_made(payout: Payout, *, by: User) -> OutgoingMessage:
    """Tell the customer that the bank has paid. Only the account's end is named: e-mail is no safe place for more."""
    assert payout.paid_on is not None
    reader = Reader(payout.customer.language)
    wanted = NewMessage(
        kind=MessageKind.PAYOUT_MADE,
        key=f"payout_made:{payout.pk}",
        customer=payout.customer,
        fields={
            "amount": reader.money(payout.amount, payout.currency),
            "paid_on": reader.day(payout.paid_on),
            "reference": payout.reference,
            "account": f"…{payout.iban[-4:]}" if payout.iban else "",
        },
    )
    return queue_messages([wanted], by=by)[0]
