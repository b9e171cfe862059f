"""Void invoices, checked: each has its approval, and a note that mirrors it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q

from audit.ledger_checks import Breach, Check, each
from billing.invoices.credit_notes.actions import standing_notes
from billing.invoices.models import CreditNote, Invoice, InvoiceVoid
from billing.money import NO_SPLIT, Split


def void_invoices() -> Iterator[Breach]:
    """An invoice is void exactly where two people said so, and their credit note covers all that no other note has
    credited of it, in net, tax and gross. What it was to pay is set off; what credits had borne is a credit again.
    """
    approved = InvoiceVoid.objects.filter(invoice=OuterRef("pk"), state=InvoiceVoid.State.APPROVED)
    notes = CreditNote.objects.filter(invoice=OuterRef("pk"))
    rows = Invoice.objects.filter(Q(voided_on__isnull=False) | Exists(approved) | Exists(notes))
    read = rows.select_related("period", "void_note__void", "void_credit").prefetch_related("period__credit_notes")
    for invoice in each(read):
        name = f"invoice {invoice.number}"
        note: CreditNote | None = getattr(invoice, "void_note", None)
        void: InvoiceVoid | None = getattr(note, "void", None)
        if invoice.voided_on is None or note is None or void is None or void.invoice_id != invoice.pk:
            yield Breach(
                "invoice-void",
                name,
                f"is {invoice.state}, its note is {note.number if note else 'missing'}, and that is of "
                f"{'a voiding' if void else 'no approved voiding'}: look at who approved it",
            )
            continue
        standing = standing_notes(invoice.period) if invoice.period is not None else NO_SPLIT
        should = Split(invoice.gross, invoice.net, invoice.tax) - standing
        is_ = Split(note.gross, note.net, note.tax)
        if is_ != should or void.amount != note.gross:
            yield Breach(
                "invoice-void-note",
                name,
                f"{note.number} is over {is_.gross:f} ({is_.net:f} and {is_.tax:f}), approved {void.amount:f}; what "
                f"is left of the invoice is {should.gross:f} ({should.net:f} and {should.tax:f})",
            )
        credit = getattr(invoice, "void_credit", None)
        granted = credit.granted if credit is not None else Decimal(0)
        if (note.set_off, note.issued_on, note.currency) != (invoice.voided, invoice.voided_on, invoice.currency) or (
            granted != invoice.credited
        ):
            yield Breach(
                "invoice-void-credit",
                name,
                f"{invoice.voided:f} of it was to pay and {invoice.credited:f} borne by credits; {note.number} sets "
                f"off {note.set_off:f}, and {granted:f} is a credit again",
            )


CHECKS: tuple[Check, ...] = (void_invoices,)
