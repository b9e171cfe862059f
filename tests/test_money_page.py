"""docs/money.md: its worked example is lived through here, and every figure of its table is what comes out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit.ledger_checks import run_checks
from billing.credits.models import Credit
from billing.invoices.models import Charge, CreditNote, Invoice
from billing.invoices.voids.actions import approve_void, propose_void
from billing.payouts.actions import mark_payout_paid
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.common import quote_of
from complaints.refunds.endings.actions import withdraw_refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk, again, decided, draft, propose
from tests.money_invariants import check_money

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parent.parent / "docs" / "money.md"
REMEDIES = [
    {"kind": "minutes", "amount": "4.00"},
    {"kind": "extension", "amount": "4.00"},
    {"kind": "cash", "amount": "4.00"},
    {"kind": "credit"},
]


def open_as_on_the_page() -> Subscription:
    """60.00 EUR a month at 22 %, 40.00 for periods that begin on 1 March or later; activated on 31 January 2024."""
    plan = factories.PlanFactory.create()
    factories.price(plan)
    factories.price(plan, fee=Decimal("40.00"), valid_from=date(2024, 3, 1))
    return factories.open_subscription(plan=plan, activated_on=date(2024, 1, 31))


def test_the_worked_example_is_what_happens() -> None:
    factories.approval_limits()
    desk = Desk()
    table: list[str] = []
    with clock_on(date(2024, 1, 31)) as clock:

        def on(day: date, what: str, step: Callable[[], object]) -> None:
            clock.now = factories.at(day)
            step()
            owed = sum((invoice.due for invoice in Invoice.objects.all()), Decimal(0))
            left = sum((credit.remaining for credit in Credit.objects.all()), Decimal(0))
            refunded = subscription.periods.get(sequence=0).refunded
            table.append(f"| {day.day} {day:%b} | {what} | {owed:.2f} | {left:.2f} | {refunded:.2f} |")
            check_money()

        def bill() -> None:
            run_billing(factories.today(), by=desk.clerk)

        subscription = open_as_on_the_page()
        on(date(2024, 1, 31), "first invoice", bill)
        on(date(2024, 2, 1), "it is paid", lambda: factories.pay(Invoice.objects.get()))
        complaint = decided(desk, subscription=subscription, received_on=date(2024, 2, 1))
        refund = propose(desk, complaint, "special", special_amount=Decimal("60.00"), remedies=REMEDIES)
        on(date(2024, 2, 10), "refund of 60.00 is approved", lambda: approve_refund(refund.pk, by=desk.manager))
        payout = Payout.objects.get()
        on(
            date(2024, 2, 12),
            "payout is made",
            lambda: mark_payout_paid(payout.pk, by=desk.clerk, reference="B-17", paid_on=date(2024, 2, 12)),
        )
        on(date(2024, 3, 2), "second invoice", bill)
        on(date(2024, 3, 20), "refund is taken back", lambda: take_back(desk, refund.pk))
        on(date(2024, 4, 2), "third invoice", bill)
        assert [str(breach) for breach in run_checks(CHECKS)] == []

    first, second, third = Invoice.objects.order_by("period__sequence")
    assert (first.net, first.tax, first.due_on) == (Decimal("49.18"), Decimal("10.82"), date(2024, 2, 14))
    note = again(refund).credit_note
    assert note is not None
    assert (note.net, note.tax, note.gross) == (Decimal("49.18"), Decimal("10.82"), Decimal("60.00"))
    assert (MinutesGrant.objects.get().minutes, Extension.objects.get().days) == (200, 2)
    assert (second.gross, second.credited, second.due) == (Decimal("40.00"), Decimal("40.00"), Decimal(0))
    assert Charge.objects.get().amount == Decimal("48.00")
    assert (third.net, third.tax, third.gross) == (Decimal("72.13"), Decimal("15.87"), Decimal("88.00"))
    section = PAGE.read_text(encoding="utf-8").partition("## One example")[2].partition("\n## ")[0]
    shown = [line for line in section.splitlines() if line.startswith("| ")]
    assert shown[1:] == table  # the first is the heading


def test_the_example_of_one_month_is_what_happens() -> None:
    """Set-off, what was given already, the period that receives days, and a void, one after another."""
    factories.approval_limits()
    desk = Desk()
    plan = factories.PlanFactory.create()
    factories.price(plan)
    factories.price(plan, fee=Decimal("600.00"), valid_from=date(2024, 5, 1))
    subscription = factories.open_subscription(plan=plan, activated_on=date(2024, 4, 1))
    table: list[str] = []
    with clock_on(date(2024, 4, 1)) as clock:

        def on(day: date, what: str, step: Callable[[], object]) -> None:
            clock.now = factories.at(day)
            step()
            april = subscription.periods.get(sequence=0)
            owed = sum((invoice.due for invoice in Invoice.objects.all()), Decimal(0))
            noted = sum((note.gross for note in CreditNote.objects.all()), Decimal(0))
            table.append(
                f"| {day.day} {day:%b} | {what} | {owed:.2f} | {april.fee_paid:.2f} | {april.set_off:.2f} "
                f"| {april.refunded:.2f} | {noted:.2f} |"
            )
            check_money()

        def bill() -> None:
            run_billing(factories.today(), by=desk.clerk)

        def invoice() -> Invoice:
            return Invoice.objects.latest("pk")

        on(date(2024, 4, 1), "April is invoiced", bill)
        on(date(2024, 4, 2), "10.00 is paid", lambda: factories.pay(invoice(), Decimal(10), on=date(2024, 4, 2)))
        clock.now = factories.at(date(2024, 4, 20))
        first = decided(desk, subscription=subscription, received_on=date(2024, 4, 20))
        used = propose(desk, first, "usage")
        on(date(2024, 4, 21), "unused days are refunded", lambda: approve_refund(used.pk, by=desk.manager))
        on(date(2024, 4, 22), "30.00 is paid", lambda: factories.pay(invoice(), Decimal(30), on=date(2024, 4, 22)))
        clock.now = factories.at(date(2024, 4, 25))
        second = decided(desk, subscription=subscription, received_on=date(2024, 4, 25))
        once_more = draft(desk, second)
        live = quote_of(once_more)
        lines = [(line.code, line.amount) for line in live.quote.lines if line.amount]
        assert lines == [
            ("fee", Decimal(60)),
            ("time", Decimal(-50)),
            ("already", Decimal(-20)),
            ("floor", Decimal(10)),
        ]
        withdraw_refund(once_more.pk, by=desk.agent, reason="All of it was given back before")
        on(date(2024, 5, 1), "May is invoiced", bill)
        days: list[dict[str, Any]] = [{"kind": "extension"}]
        special = propose(desk, second, "special", special_amount=Decimal("20.00"), remedies=days)
        on(date(2024, 5, 2), "20.00 more is refunded, as days", lambda: approve_refund(special.pk, by=desk.manager))
        on(date(2024, 5, 3), "May is paid", lambda: factories.pay(invoice(), on=date(2024, 5, 3)))
        on(date(2024, 6, 3), "June is invoiced", bill)
        wrong = propose_void(invoice().pk, by=desk.clerk, reason="The office had closed in May")
        on(date(2024, 6, 5), "June is void", lambda: approve_void(wrong.pk, by=desk.director))
        assert [str(breach) for breach in run_checks(CHECKS)] == []

    assert (again(used).total, again(used).set_off) == (Decimal("20.00"), Decimal("20.00"))
    assert (again(special).total, again(special).set_off) == (Decimal("20.00"), Decimal(0))
    assert Extension.objects.get().days == 2
    notes = [(note.net, note.tax, note.gross) for note in CreditNote.objects.order_by("pk")]
    assert notes == [
        (Decimal("16.39"), Decimal("3.61"), Decimal("20.00")),
        (Decimal("16.40"), Decimal("3.60"), Decimal("20.00")),
        (Decimal("491.80"), Decimal("108.20"), Decimal("600.00")),
    ]
    section = PAGE.read_text(encoding="utf-8").partition("## One month, refunded twice")[2].partition("\n## ")[0]
    shown = [line for line in section.splitlines() if line.startswith("| ")]
    assert shown[1:] == table, "\n".join(table)


def take_back(desk: Desk, refund_id: int) -> None:
    reversal = propose_reversal(refund_id, by=desk.agent, reason="Meant for another customer")
    approved = approve_reversal(reversal.pk, by=desk.director, charge_used=True)
    assert (approved.recovered, approved.used) == (Decimal("12.00"), Decimal("48.00"))
