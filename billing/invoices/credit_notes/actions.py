"""Credit notes: the numbered document of a settled refund, and of its reversal. For use inside actions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.numbers.models import next_number
from audit.actions import Refused
from audit.vocabulary import Refusal
from billing.invoices.models import CreditNote
from billing.money import split_gross
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
    """The credit note over a gross amount given back for a period, split at the period's own tax rate. ``set_off`` is
    the part of it that changes what is due on the period's invoice.

    Numbered without gaps within the year of its date (``on``, today if left out): CN-2026-000001. Amounts are
    positive on both kinds; a reversal names the note that it takes back. The number is taken with the caller's
    transaction, so call it late: the year's series stays locked until that ends.

    Raises:
        Refused: nothing to write a note about, or a reversal that does not fit the note it takes back.
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
    issued_on = on or timezone.localdate()
    net, tax = split_gross(amount, period.tax_rate, period.currency)
    note = CreditNote(
        number=credit_note_number(issued_on.year, next_number(credit_note_series(issued_on.year))),
        kind=kind,
        customer_id=period.subscription.customer_id,
        period=period,
        currency=period.currency,
        issued_on=issued_on,
        tax_rate=period.tax_rate,
        net=net,
        tax=tax,
        gross=amount,
        set_off=set_off,
        reverses=reverses,
    )
    note.save()
    return note


def credit_note_series(year: int) -> str:
    """The series whose numbers the credit notes of a year take."""
    return f"credit-note-{year}"


def credit_note_number(year: int, n: int) -> str:
    return f"CN-{year}-{n:06d}"
