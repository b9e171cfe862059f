"""What follows from a change of a customer: bank details are told, and what waits goes to a corrected address."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from accounts.customers.changes import CustomerChange, register_follower
from accounts.customers.models import BankDetailsChange, Customer, CustomerMerge
from accounts.staff.models import User
from audit.actions import act
from messaging.notices.models import ChangeNotice
from messaging.notices.owed.actions import owe_bank_details
from messaging.outbox.actions import send_copy
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.outbox.queue import NewMessage, address_of
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader
from messaging.vocabulary import MessageVerb

#: For how long an address that was replaced is still told: whoever takes an account over changes the address first.
OLD_ADDRESSES: Final = timedelta(days=30)


@register_follower
def tell_of_change(change: CustomerChange) -> None:
    """Send what waits to a corrected address, and tell a change of bank details to the old and the new one."""
    if change.customer.email and change.customer.email != change.email_before:
        follow_address(change.customer, change.email_before, by=change.by)
    if change.bank_details is not None:
        tell_bank_details(change.bank_details, by=change.by)


def follow_address(customer: Customer, before: str, *, by: User) -> None:
    """Send what waits for the address before, or for any, to the one on file now; what waits of merged customers, too.
    What tells the old address of other bank details still goes there: who changes an account changes the address with
    it.
    """
    waiting = (
        Delivery.objects.select_for_update(of=("self",), no_key=True)
        .filter(Q(message__customer=customer) | Q(message__customer__merged_into=customer), message__recipient=before)
        .filter(state=Delivery.State.QUEUED if before else Delivery.State.NO_ADDRESS)
        .select_related("message__customer", "message__staff", "message__notice")
        .order_by("pk")
    )
    if before:
        waiting = waiting.exclude(message__notice__outcome=ChangeNotice.Outcome.BANK_DETAILS)
    for delivery in waiting:
        message = delivery.message
        with act(MessageVerb.MESSAGE_FOLLOWED, by=by, target=(OutgoingMessage, message.pk)) as action:
            action.about(message, complaint_id=message.complaint_id, customer_id=customer.pk)
            copy = send_copy(message, delivery, customer.email, by=by)
            action.data = {"again": copy.pk, "recipient": customer.email}


def tell_bank_details(change: BankDetailsChange, *, by: User) -> list[OutgoingMessage]:
    """Tell the customer that their bank details are others, at the address on file, at those it replaced lately and at
    those of customers who were merged with this one lately.

    Without any address it is kept as "not told", for somebody to tell them otherwise.
    """
    customer = change.customer
    reader = Reader(customer.language)
    addresses = [address_of(customer), *_replaced_lately(customer)]
    wanted = [
        NewMessage(
            kind=MessageKind.BANK_DETAILS_CHANGED,
            key=f"bank_details:{change.pk}:{number}",
            customer=customer,
            recipient=address,
            fields={
                "changed_on": reader.day(timezone.localdate(change.changed_at)),
                "account": f"…{customer.iban[-4:]}" if customer.iban else "",
            },
        )
        for number, address in enumerate(dict.fromkeys(addresses), start=1)
    ]
    return owe_bank_details(change, wanted, by=by)


def _replaced_lately(customer: Customer) -> list[str]:
    since = timezone.now() - OLD_ADDRESSES
    versions = customer.history.order_by("history_date", "history_id")
    then = versions.filter(history_date__lt=since).values_list("email", flat=True).last()
    lately = versions.filter(history_date__gte=since).values_list("email", flat=True)
    merges = CustomerMerge.objects.filter(survivor=customer, state=CustomerMerge.State.APPROVED, decided_at__gte=since)
    merged = merges.order_by("pk").values_list("duplicate__email", flat=True)
    return [email for email in (then, *lately, *merged) if email and email != customer.email]
