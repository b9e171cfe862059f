"""What customers are told about their money and their subscriptions, queued with the action that it is about.

These never stand in an action's way: a customer without an e-mail address is on the list of those who were not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit import context
from billing.credits.models import CreditApplication
from billing.invoices.models import Invoice
from billing.subscriptions.models import Subscription
from core.sql import in_list
from messaging.outbox.queue import NewMessage, queue_many
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader


@dataclass(frozen=True, slots=True)
class CreditsUsed:
    """What one invoice used of credits, all saved. ``invoice`` has its days and amounts; it may be a draft that many
    share, so that its number, its customer and its subscription are named beside it. ``applications`` bring their
    credits along, which say what is left of them.
    """

    number: str
    customer_id: int
    subscription_id: int
    invoice: Invoice
    applications: Sequence[CreditApplication]


def notify_credits_applied(used: Sequence[CreditsUsed]) -> None:
    """Tell each customer which credits an invoice used, one message an invoice (R6), in the acting person's name.

    The number of statements does not grow with the messages.
    """
    if not used:
        return
    customers = Customer.objects.filter(in_list("pk", {each.customer_id for each in used})).in_bulk()
    of = {pk for each in used for pk in (each.subscription_id, each.applications[0].credit.subscription_id)}
    subscriptions = Subscription.objects.filter(in_list("pk", of)).only("number", "state").in_bulk()
    queue_many(
        [_credit_applied(each, customers[each.customer_id], subscriptions) for each in used],
        by=_acting_person(),
    )


def _acting_person() -> User:
    acting = context.current().user
    return acting if isinstance(acting, User) else User.objects.system()


def _credit_applied(used: CreditsUsed, customer: Customer, subscriptions: Mapping[int, Subscription]) -> NewMessage:
    reader = Reader(customer.language)
    invoice, uses = used.invoice, used.applications
    # What an ended subscription has left, no later invoice uses.
    ended = subscriptions[uses[0].credit.subscription_id].state == Subscription.State.ENDED
    left = Decimal(0) if ended else sum((use.credit.remaining for use in uses), Decimal(0))
    return NewMessage(
        kind=MessageKind.CREDIT_APPLIED,
        key=f"credit_applied:{max(use.pk for use in uses)}",
        customer=customer,
        fields={
            "invoice": used.number,
            "subscription": subscriptions[used.subscription_id].number,
            "amount": reader.money(sum((use.amount for use in uses), Decimal(0)), invoice.currency),
            "due": reader.money(invoice.due, invoice.currency),
            "nothing_due": "yes" if invoice.due == 0 else "",
            "due_on": reader.day(invoice.due_on),
            "remaining": reader.money(left, invoice.currency) if left else "",
        },
    )
