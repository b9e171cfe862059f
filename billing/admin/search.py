"""What the search finds of subscriptions, invoices and credit notes: by number."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy

from accounts.amounts import money_text
from accounts.models import User
from accounts.panels import page_url
from accounts.permissions import May
from audit.backoffice.search import Found, Source, Typed, begins, first_of, register_source
from billing.models import CreditNote, Invoice, Subscription


def find_subscriptions(typed: Typed, user: User) -> Iterator[Found]:
    rows = Subscription.objects.filter(begins("number", typed.code)).select_related("customer", "plan")
    for subscription in first_of(rows.order_by("number")):
        yield Found(
            subscription.number,
            page_url(subscription),
            f"{subscription.customer.name}, {subscription.plan}, {subscription.get_state_display().lower()}",
            exact=typed.names(subscription.number),
        )


def find_invoices(typed: Typed, user: User) -> Iterator[Found]:
    rows = Invoice.objects.filter(begins("number", typed.code)).select_related("customer")
    for invoice in first_of(rows.order_by("number")):
        amount = money_text(invoice.gross, invoice.currency)
        yield Found(
            invoice.number,
            page_url(invoice),
            f"{invoice.customer.name}, {amount}, {invoice.get_state_display().lower()}",
            exact=typed.names(invoice.number),
        )


def find_credit_notes(typed: Typed, user: User) -> Iterator[Found]:
    rows = CreditNote.objects.filter(begins("number", typed.code)).select_related("customer")
    for note in first_of(rows.order_by("number")):
        yield Found(
            note.number,
            page_url(note),
            f"{note.customer.name}, {money_text(note.gross, note.currency)}",
            exact=typed.names(note.number),
        )


register_source(
    Source(gettext_lazy("Subscriptions"), "repeat", May.SEE_CASES, find_subscriptions, model=Subscription, order=35)
)
register_source(Source(gettext_lazy("Invoices"), "banknote", May.SEE_MONEY, find_invoices, model=Invoice, order=50))
register_source(
    Source(gettext_lazy("Credit notes"), "file-minus", May.SEE_MONEY, find_credit_notes, model=CreditNote, order=55)
)
