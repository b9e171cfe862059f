"""Credit notes: numbers without gaps, amounts at the period's own tax rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction

from audit.actions import Refused
from billing.invoices.credit_notes.actions import issue_credit_note
from billing.invoices.models import CreditNote
from billing.subscriptions.models import BillingPeriod
from tests import factories

pytestmark = pytest.mark.django_db


def a_period() -> BillingPeriod:
    return BillingPeriod.objects.get(invoice=factories.paid_invoice())


def test_a_note_shows_net_and_tax_at_the_periods_own_rate() -> None:
    note = issue_credit_note(a_period(), Decimal("12.20"), on=date(2026, 3, 1))
    assert (note.net, note.tax, note.gross, note.tax_rate) == (
        Decimal("10.00"),
        Decimal("2.20"),
        Decimal("12.20"),
        Decimal(22),
    )
    assert (note.number, note.kind, note.issued_on) == ("CN-2026-000001", "refund", date(2026, 3, 1))
    assert note.customer == note.subscription.customer


def test_numbers_run_without_gaps_within_the_year() -> None:
    period = a_period()
    first = issue_credit_note(period, Decimal("1.00"), on=date(2025, 12, 31))
    with transaction.atomic():
        issue_credit_note(period, Decimal("1.00"), on=date(2025, 12, 31))
        transaction.set_rollback(True)
    second = issue_credit_note(period, Decimal("1.00"), on=date(2025, 12, 31))
    other_year = issue_credit_note(period, Decimal("1.00"), on=date(2026, 1, 1))
    assert [note.number for note in (first, second, other_year)] == [
        "CN-2025-000001",
        "CN-2025-000002",
        "CN-2026-000001",
    ]


def test_a_reversal_names_its_note_and_may_take_back_less() -> None:
    period = a_period()
    note = issue_credit_note(period, Decimal("10.00"))
    back = issue_credit_note(period, Decimal("4.00"), kind=CreditNote.Kind.REVERSAL, reverses=note)
    assert (back.reverses, back.gross, back.net + back.tax) == (note, Decimal("4.00"), Decimal("4.00"))


def test_what_is_no_credit_note_is_refused() -> None:
    period = a_period()
    note = issue_credit_note(period, Decimal("10.00"))
    reversal = CreditNote.Kind.REVERSAL
    for amount, kind, reverses, of in (
        (Decimal(0), "refund", None, period),
        (Decimal("-1.00"), "refund", None, period),
        (Decimal("1.00"), reversal, None, period),
        (Decimal("1.00"), "refund", note, period),
        (Decimal("10.01"), reversal, note, period),
        (Decimal("1.00"), reversal, note, a_period()),
    ):
        with pytest.raises(Refused):
            issue_credit_note(of, amount, kind=kind, reverses=reverses)
    assert CreditNote.objects.get() == note


def test_three_thirds_mirror_the_invoice_to_the_cent() -> None:
    period = a_period()
    notes = [issue_credit_note(period, Decimal("20.00")) for _ in range(3)]
    assert [note.net for note in notes] == [Decimal("16.39"), Decimal("16.40"), Decimal("16.39")]
    invoice = period.invoice
    assert (sum(note.net for note in notes), sum(note.tax for note in notes)) == (invoice.net, invoice.tax)
    with pytest.raises(Refused, match=r"Only 0\.00 EUR"):
        issue_credit_note(period, Decimal("0.01"))


def test_a_whole_reversal_mirrors_its_note_and_frees_what_it_took() -> None:
    period = a_period()
    issue_credit_note(period, Decimal("20.00"))
    second = issue_credit_note(period, Decimal("20.00"))
    back = issue_credit_note(period, Decimal("20.00"), kind=CreditNote.Kind.REVERSAL, reverses=second)
    assert (back.net, back.tax) == (second.net, second.tax) == (Decimal("16.40"), Decimal("3.60"))
    last = issue_credit_note(period, Decimal("40.00"))
    assert (last.net, last.tax) == (Decimal("32.79"), Decimal("7.21"))


def test_no_note_is_dated_before_the_one_written_last() -> None:
    period = a_period()
    issue_credit_note(period, Decimal("1.00"), on=date(2026, 1, 2))
    late = issue_credit_note(period, Decimal("1.00"), on=date(2025, 12, 31))
    assert (late.issued_on, late.number) == (date(2026, 1, 2), "CN-2026-000002")
