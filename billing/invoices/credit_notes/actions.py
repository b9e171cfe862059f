"""Credit notes: the numbered document of a settled refund, and of its reversal. For use inside actions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.numbers.models import next_day, next_number
from audit.actions import Refused
from audit.vocabulary import Refusal
from billing.invoices.models import CreditNote, Invoice
from billing.money import NO_SPLIT, Split, split_back, split_next
from billing.subscriptions.models import BillingPeriod
from billing.vocabulary import BillingRefusal
from core.amounts import money_text
from core.text import say


def issue_credit_note(
    period: BillingPeriod,
    amount: Decimal,
    *,
    set_off: Decimal = Decimal(0),
    kind: str = CreditNote.Kind.REFUND,
    reverses: CreditNote | None = None,
    on: date | None = None,
) -> CreditNote:
    """The credit note over a gross amount given back for a (locked) period, split at the period's own tax rate so that
    all its notes together are split as the fee is. ``set_off`` is the part of it that changes what is due on the
    period's invoice.

    Dated on the day it is written (``on``, today if left out), never before the note written last, and numbered without
    gaps within the year of its date: CN-2026-000001. Amounts are
    positive on both kinds; a reversal names the note that it takes back. The number is taken with the caller's
    transaction, so call it late: the year's series stays locked until that ends.

    Raises:
        Refused: nothing to write a note about, more than the fee that no note has credited yet, or a reversal that does
            not fit the note it takes back.
    """
    if amount <= 0:
        raise Refused(
            say(
                "A credit note over {amount} would say nothing.",
                amount=money_text(amount, period.currency),
            ),
            code=Refusal.AMOUNT,
        )
    if (kind == CreditNote.Kind.REVERSAL) != (reverses is not None):
        raise Refused(
            say("A reversal, and only a reversal, names the credit note that it takes back."),
            code=BillingRefusal.REVERSES,
        )
    if reverses is not None and (reverses.period_id != period.pk or amount > reverses.gross):
        raise Refused(
            say("This does not fit credit note {number}, which it would take back.", number=reverses.number),
            code=BillingRefusal.REVERSES,
        )
    standing, unit = standing_notes(period), period.currency
    if reverses is not None:
        split = split_back(amount, _split_of(reverses), period.tax_rate, unit)
    elif amount > (left := uncredited(period, standing)):
        raise Refused(
            say(
                "Only {left} of the fee of {period} is not credited yet.",
                left=money_text(left, unit),
                period=period,
            ),
            code=BillingRefusal.CAP,
        )
    else:
        split = split_next(amount, period.fee, standing, period.tax_rate, unit)
    note = CreditNote(
        **_numbered(on or timezone.localdate()),
        kind=kind,
        customer_id=period.subscription.customer_id,
        period=period,
        currency=period.currency,
        tax_rate=period.tax_rate,
        net=split.net,
        tax=split.tax,
        gross=amount,
        set_off=set_off,
        reverses=reverses,
    )
    note.save()
    return note


def void_invoice_note(invoice: Invoice) -> CreditNote:
    """The credit note over all of a (locked) invoice that no note has credited yet, line by line: with those that
    stand on its period's fee it mirrors the invoice in net, tax and gross. What is to pay of it is set off.

    Raises:
        Refused: nothing is left to credit.
    """
    standing = standing_notes(invoice.period) if invoice.period is not None else NO_SPLIT
    left = Split(invoice.gross, invoice.net, invoice.tax) - standing
    if left.gross <= 0:
        raise Refused(say("Invoice {invoice} is credited already.", invoice=invoice.number), code=BillingRefusal.CAP)
    note = CreditNote(
        **_numbered(timezone.localdate()),
        kind=CreditNote.Kind.INVOICE,
        customer_id=invoice.customer_id,
        invoice=invoice,
        currency=invoice.currency,
        net=left.net,
        tax=left.tax,
        gross=left.gross,
        set_off=invoice.payable,
    )
    note.save()
    return note


def _numbered(on: date) -> dict[str, Any]:
    day = next_day("credit-note", on)
    return {"number": credit_note_number(day.year, next_number(credit_note_series(day.year))), "issued_on": day}


def uncredited(period: BillingPeriod, standing: Split | None = None) -> Decimal:
    """What of the fee no note has credited yet: nothing where the invoice is void. ``standing`` saves reading them."""
    return Decimal(0) if period.invoice_is_void else period.fee - (standing or standing_notes(period)).gross


def standing_notes(period: BillingPeriod) -> Split:
    """What the period's credit notes come to, less what reversals took back of them. A void invoice's note is none of
    them: it covers the rest of the fee with whatever else stood on the invoice.
    """
    standing = NO_SPLIT
    for note in period.credit_notes.all():
        split = _split_of(note)
        standing = standing - split if note.kind == CreditNote.Kind.REVERSAL else standing + split
    return standing


def _split_of(note: CreditNote) -> Split:
    return Split(note.gross, note.net, note.tax)


def credit_note_series(year: int) -> str:
    """The series whose numbers the credit notes of a year take."""
    return f"credit-note-{year}"


def credit_note_number(year: int, n: int) -> str:
    return f"CN-{year}-{n:06d}"
