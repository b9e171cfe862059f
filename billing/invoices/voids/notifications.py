"""What a customer is told of an invoice that is void."""

from __future__ import annotations

from decimal import Decimal

from accounts.staff.models import User
from billing.invoices.models import CreditNote, Invoice
from messaging.outbox.queue import NewMessage, queue_many
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader


def notify_void(invoice: Invoice, note: CreditNote, *, given_back: Decimal, by: User) -> None:
    """Tell the customer that nothing is to pay, and what of their credit is theirs again."""
    customer = invoice.customer
    reader = Reader(customer.language)
    wanted = NewMessage(
        kind=MessageKind.INVOICE_VOID,
        key=f"invoice_void:{invoice.pk}",
        customer=customer,
        fields={
            "invoice": invoice.number,
            "subscription": invoice.subscription.number,
            "credit_note": note.number,
            "amount": reader.money(note.gross, invoice.currency),
            "given_back": reader.money(given_back, invoice.currency) if given_back else "",
        },
    )
    queue_many([wanted], by=by)
