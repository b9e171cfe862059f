"""What customers are told about their money and their subscriptions, queued with the action that it is about.

These never stand in an action's way: a customer without an e-mail address is on the list of those who were not told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from accounts.messages.outbox import NewMessage, queue_messages
from accounts.messages.reader import Reader
from accounts.models import MessageKind, OutgoingMessage, User
from audit import context
from billing.models import Credit, CreditApplication, Invoice, Payout, Subscription


def tell_credits_applied(applications: Sequence[CreditApplication]) -> list[OutgoingMessage]:
    """Tell each customer which credits an invoice used, one message an invoice (R6), in the acting person's name.

    The rows are saved, and so is what they took off the credits. The number of statements does not grow with them.
    """
    if not applications:
        return []
    by_invoice: dict[int, list[CreditApplication]] = defaultdict(list)
    for application in applications:
        by_invoice[application.invoice_id].append(application)
    invoices = Invoice.objects.select_related("customer").in_bulk(by_invoice)
    credits = Credit.objects.select_related("subscription").in_bulk(
        {application.credit_id for application in applications}
    )
    wanted = [_credit_applied(invoices[pk], uses, credits) for pk, uses in by_invoice.items()]
    return queue_messages(wanted, by=context.current().user or User.objects.system())


def _credit_applied(invoice: Invoice, uses: Sequence[CreditApplication], credits: dict[int, Credit]) -> NewMessage:
    reader = Reader(invoice.customer.language)
    used = [credits[use.credit_id] for use in uses]
    left = sum((credit.remaining for credit in used), Decimal(0))
    return NewMessage(
        kind=MessageKind.CREDIT_APPLIED,
        key=f"credit_applied:{max(use.pk for use in uses)}",
        customer=invoice.customer,
        fields={
            "invoice": invoice.number,
            "subscription": used[0].subscription.number,
            "amount": reader.money(sum((use.amount for use in uses), Decimal(0)), invoice.currency),
            "due": reader.money(invoice.due, invoice.currency),
            "nothing_due": "yes" if invoice.due == 0 else "",
            "due_on": reader.day(invoice.due_on),
            "remaining": reader.money(left, invoice.currency) if left else "",
        },
    )


def tell_payout_made(payout: Payout, *, by: User) -> OutgoingMessage:
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


def tell_cancellation(subscription: Subscription, *, ends_on: date, by: User) -> OutgoingMessage:
    """Confirm a cancellation that was just saved (F1, F2): ``ends_on`` is the first day without service."""
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
            "last_day": reader.day(ends_on - timedelta(days=1)),
        },
    )
    return queue_messages([wanted], by=by)[0]
