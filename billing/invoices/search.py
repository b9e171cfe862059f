"""What the search finds of invoices and credit notes."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.links import page_url
from backoffice.search import Found, SearchSource, Typed, begins, first_of, register_source
from billing.invoices.models import CreditNote, Invoice
from core.amounts import money_text
from core.text import lower


def find_invoices(typed: Typed, user: User) -> Iterator[Found]:
    rows = Invoice.objects.filter(begins("number", typed.code)).select_related("customer")
    for invoice in first_of(rows.order_by("number")):
        amount = money_text(invoice.gross, invoice.currency)
        yield Found(
            invoice.number,
            page_url(invoice),
            f"{invoice.customer.name}, {amount}, {lower(invoice.get_state_display())}",
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


register_source(SearchSource(_("Invoices"), "banknote", May.SEE_MONEY, find_invoices, model=Invoice, order=50))


register_source(
    SearchSource(_("Credit notes"), "file-minus", May.SEE_MONEY, find_credit_notes, model=CreditNote, order=55)
)
