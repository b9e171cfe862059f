"""Payments that were taken off, surplus that became a credit, days of credit notes: what breaks a rule is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.invoices.credit_notes.actions import issue_credit_note
from billing.invoices.models import CreditNote, Invoice
from billing.payments.corrections.actions import take_off_payment
from billing.payments.models import BankLine, Payment, SurplusCredit, Unbooking
from billing.payments.surplus.actions import approve_surplus, record_with_surplus
from tests import factories
from tests.reports.books import delete_raw, raw, rules, set_raw

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def make_books() -> None:
    clerk = factories.billing_clerk()
    wrong = Invoice.objects.get(period__subscription=factories.open_subscription())
    payment = factories.overpay(wrong, "65.00")
    take_off_payment(payment.pk, by=clerk, reason="Another's")
    right = Invoice.objects.get(period__subscription=factories.open_subscription())
    surplus = record_with_surplus(
        right.pk, by=clerk, amount=Decimal("66.00"), received_on=factories.today(), reason="On paper"
    ).surplus
    assert surplus is not None
    approve_surplus(surplus.pk, by=factories.manager())
    factories.overpay(right, "7.00")
    assert right.period is not None
    for _ in range(2):
        issue_credit_note(right.period, Decimal("20.00"))


def line() -> BankLine:
    return BankLine.objects.get(state="matched")


def write_off() -> None:
    invoice = Invoice.objects.get(period__subscription=factories.open_subscription())
    set_raw(invoice, written_off=raw(invoice.gross), state="written_off")


PLANTED: dict[str, tuple[Callable[[], object], str]] = {
    "unbooking deleted": (lambda: delete_raw(Unbooking.objects.get()), "unbooking-recorded"),
    "unbooking less": (lambda: set_raw(Unbooking.objects.get(), amount=raw(Decimal(64))), "unbooking-recorded"),
    "line back at what is off": (
        lambda: set_raw(
            BankLine.objects.get(state="unmatched"), payment_id=Unbooking.objects.get().payment_id, state="matched"
        ),
        "unbooking-twice",
    ),
    "surplus without its line": (lambda: set_raw(line(), payment_id=None, state="unmatched"), "payment-unproved"),
    "surplus not approved": (
        lambda: set_raw(SurplusCredit.objects.get(), payment_id=None, state="rejected"),
        "payment-unproved",
    ),
    "another amount approved": (
        lambda: set_raw(SurplusCredit.objects.get(), amount=raw(Decimal(60))),
        "surplus-approved",
    ),
    "written off by nobody": (write_off, "invoice-written-off"),
    "note before the last": (
        lambda: set_raw(
            CreditNote.objects.latest("pk"), issued_on=CreditNote.objects.latest("pk").issued_on - timedelta(days=1)
        ),
        "number-day",
    ),
    "second note split by itself": (
        lambda: set_raw(CreditNote.objects.latest("pk"), net=raw(Decimal("16.39")), tax=raw(Decimal("3.61"))),
        "credit-note-tax",
    ),
}


def test_what_is_planted_is_found() -> None:
    make_books()
    # Their notes have no refund behind them.
    quiet = {"credit-note-source"}
    assert rules() == quiet
    missed = {}
    for name, (plant, rule) in PLANTED.items():
        with transaction.atomic():
            plant()
            if rule not in (found := rules()):
                missed[name] = found
            transaction.set_rollback(True)
    assert missed == {}
    assert rules() == quiet
    assert Payment.objects.count() == 4
