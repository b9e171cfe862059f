"""Money that comes before its invoice: it waits, the next invoices use it, and it has ways out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from billing.credits.models import Credit
from billing.invoices.charges.actions import ask_for_charges
from billing.invoices.models import Invoice
from billing.payments.actions import Received, record_payment, record_payments
from billing.payments.bank_lines.actions import match_bank_line, match_to_subscription
from billing.payments.corrections.actions import take_off_payment
from billing.payments.disputes.actions import open_dispute, record_chargeback
from billing.payments.models import BankLine, Payment
from billing.payments.prepayments.actions import credit_prepayment, record_prepayment, take_off_prepayment
from billing.payments.prepayments.models import Prepayment
from billing.payments.surplus.actions import record_with_surplus
from billing.remedies.effects import give_credit
from billing.residual_credits.actions import approve_residual_payout, propose_residual_payout
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.money_invariants import check_credits, check_invoices, check_payments

pytestmark = pytest.mark.django_db

FEE = Decimal("60.00")


def running(**kwargs: Any) -> Subscription:
    """A month old, its first invoice paid; billing is due today."""
    return factories.paid_subscription(**{"activated_on": factories.months_ago(1), **kwargs})


def prepay(subscription: Subscription, amount: str = "60.00", **kwargs: Any) -> Prepayment:
    values = {"by": factories.system_user(), "received_on": factories.days_ago(2), "reference": "T-1", **kwargs}
    return record_prepayment(subscription.pk, amount=Decimal(amount), **values)


def again(prepayment: Prepayment) -> Prepayment:
    return Prepayment.objects.get(pk=prepayment.pk)


def bill() -> None:
    run_billing(factories.today(), by=factories.system_user())


def newest(subscription: Subscription) -> Invoice:
    return Invoice.objects.filter(period__subscription=subscription).latest("pk")


def ended(**kwargs: Any) -> tuple[Subscription, Prepayment]:
    """A subscription that ended today, and what was paid for the invoice that never came."""
    subscription = running()
    cancel_subscription(
        subscription.pk, by=factories.agent(), channel="phone", requested_on=factories.days_ago(1)
    )
    prepayment = prepay(subscription, **kwargs)
    bill()
    return Subscription.objects.get(pk=subscription.pk), again(prepayment)


def check_books() -> None:
    check_credits()
    check_invoices()
    check_payments()


# --- Used by invoices ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credit", "amounts", "used", "credited", "due"),
    [
        ("0", ["60.00"], ["60.00"], "0", "0"),
        ("0", ["20.00"], ["20.00"], "0", "40.00"),
        ("0", ["100.00"], ["60.00"], "0", "0"),
        # Credits first, then the oldest money.
        ("15.00", ["60.00"], ["45.00"], "15.00", "0"),
        ("60.00", ["60.00"], ["0"], "60.00", "0"),
        ("0", ["25.00", "50.00"], ["25.00", "35.00"], "0", "0"),
    ],
)
def test_the_next_invoice_uses_credits_and_then_what_was_paid_before(
    credit: str, amounts: list[str], used: list[str], credited: str, due: str
) -> None:
    subscription = running()
    if Decimal(credit):
        give_credit(subscription, Decimal(credit), reason="A refund")
    # Typed the other way round: the older money is used first all the same.
    rows = [
        prepay(subscription, amount, received_on=factories.days_ago(9 - n), reference=f"T-{n}")
        for n, amount in reversed([*enumerate(amounts)])
    ][::-1]
    bill()
    invoice = newest(subscription)
    assert (invoice.credited, invoice.due) == (Decimal(credited), Decimal(due))
    assert invoice.paid == sum(map(Decimal, used))
    assert invoice.state == (Invoice.State.ISSUED if Decimal(due) else Invoice.State.PAID)
    assert [again(row).applied for row in rows] == [Decimal(part) for part in used]
    for row, part in zip(rows, used, strict=True):
        made = [
            (payment.invoice, payment.amount, payment.received_on, payment.reference, payment.recorded_by)
            for payment in row.payments.all()
        ]
        told = (invoice, Decimal(part), row.received_on, row.reference, row.recorded_by)
        assert made == ([told] if Decimal(part) else [])
    check_invoices()
    check_payments()


def test_what_is_left_waits_for_the_invoice_after() -> None:
    subscription = factories.paid_subscription(activated_on=factories.months_ago(2))
    prepayment = prepay(subscription, "100.00")
    bill()
    paid = Invoice.objects.filter(period__subscription=subscription).order_by("pk").values_list("paid", flat=True)
    assert [*paid] == [FEE, FEE, Decimal("40.00")]
    assert again(prepayment).remaining == 0
    event = Event.objects.filter(verb="subscription.bill").latest("pk")
    assert event.data["prepaid"] == "40.00"
    assert "40.00 was paid before" in event.message
    bill()
    assert again(prepayment).payments.count() == 2
    check_books()


def test_an_invoice_of_charges_alone_uses_it() -> None:
    subscription, prepayment = ended(amount="100.00")
    charge = factories.charge(subscription)
    invoice = ask_for_charges(charge.pk, by=factories.billing_clerk())
    assert (invoice.gross, invoice.paid, invoice.state) == (charge.amount, charge.amount, Invoice.State.PAID)
    assert again(prepayment).applied == charge.amount
    check_invoices()
    check_payments()


def test_charges_on_the_next_invoice_are_paid_by_it_too() -> None:
    subscription = running()
    charge = factories.charge(subscription)
    prepay(subscription, "100.00")
    bill()
    assert newest(subscription).paid == FEE + charge.amount


def test_statements_do_not_grow_with_the_prepayments() -> None:
    counts = []
    for many in (1, 5):
        for n in range(many):
            prepay(running(), reference=f"T-{many}-{n}")
        with CaptureQueriesContext(connection, ) as queries:
            bill()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Payment.objects.filter(prepayment__isnull=False).count() == 6
