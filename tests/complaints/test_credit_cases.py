"""Credits, payments and refunds over invoices: cases that other billing systems test, where our rule is the same.

The figures are those of Kill Bill's own tests of account balances (TestInvoiceDao: charges, payments, credits and
refunds on an account). Our rule is the same in these: a balance is what was asked for less what was paid and credited;
a credit smaller than an invoice lowers it, one of its amount settles it, a larger one settles it and is carried on;
a credit used on one invoice or two is gone; a refund that is taken back takes the unused credit first, and what
was used is owed again (with us, only if a manager charges it).

It differs in these, so they are not here, or only the refusal is:

- *A payment on nothing* gives their account a balance of -48.00. Here a payment needs an invoice and cannot exceed what
  is due on it: refused.
- *A refund without lowering the charge* makes the paid charge due again (20.00 paid, 7.00 given back, 7.00 owed). Here
  a refund is a remedy for a complaint: the invoice stays paid, and the refund stands on the period beside it. Only
  a bank that takes a payment back makes an invoice due again, and that case is here under that name.
- *A refund in cash eats the account's credit* when it is larger than what was lowered (credit 10.00, refund 7.00,
  credit left 3.00). Here cash and credits never meet: one refund is given in remedies that add up, and the next one is
  capped by what is still refundable on the period. The cap is here; the netting is not.
- *A charge replaced by a smaller one* creates credit by itself. Here a period's fee never changes once it is invoiced;
  the difference would be a refund.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest

from billing.credits.models import Credit
from billing.invoices.models import Charge, Invoice
from billing.payments.actions import record_payment
from billing.payments.disputes.actions import record_chargeback
from billing.payments.models import Payment
from billing.remedies.effects import give_credit
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from complaints.reversals.plan import plan_reversal
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk, again, decided, propose
from tests.complaints.refusals import assert_refused
from tests.money_invariants import check_money

pytestmark = pytest.mark.django_db

START = date(2024, 4, 1)
type GoOn = Callable[[date], None]


@pytest.fixture
def go_on() -> Iterator[GoOn]:
    """A clock on START; called with a day, it goes on to it and billing runs."""
    with clock_on(START) as clock:

        def to(day: date) -> None:
            clock.now = factories.at(day)
            run_billing(day, by=factories.system_user())

        yield to


@pytest.fixture
def desk(go_on: GoOn) -> Desk:
    factories.approval_limits()
    return Desk()


def subscribed(fee: str, *later: str) -> Subscription:
    """A subscription for this fee; ``later`` are the fees of the periods after the first."""
    plan = factories.PlanFactory.create()
    for months, amount in enumerate((fee, *later)):
        valid_from = factories.months_ago(-months, START) if months else factories.LONG_AGO
        factories.price(plan, fee=Decimal(amount), valid_from=valid_from)
    return factories.open_subscription(plan=plan, activated_on=START)


def balance(subscription: Subscription) -> Decimal:
    """What is owed on all invoices, less the credit that is left."""
    due = sum(invoice.due for invoice in Invoice.objects.filter(period__subscription=subscription))
    return due - credit_left(subscription)


def credit_left(subscription: Subscription) -> Decimal:
    return sum((credit.remaining for credit in Credit.objects.filter(subscription=subscription)), Decimal(0))


def dues(subscription: Subscription) -> list[str]:
    found = Invoice.objects.filter(period__subscription=subscription).order_by("period__sequence")
    return [f"{invoice.due:f}" for invoice in found]


# --- Balances -----------------------------------------------------------------------------------


def test_two_charges_and_a_part_payment(go_on: GoOn) -> None:
    subscription = subscribed("17.00", "42.00")
    go_on(date(2024, 5, 1))
    first, second = Invoice.objects.order_by("period__sequence")
    factories.pay(first)
    factories.pay(second, Decimal("31.00"))  # 48.00 in all
    assert balance(subscription) == Decimal("11.00")


def test_nobody_pays_more_than_is_due(go_on: GoOn) -> None:
    invoice = factories.pay(Invoice.objects.get(period__subscription=subscribed("17.00")))
    by = factories.system_user()
    assert_refused("state", record_payment, invoice.pk, by=by, amount=Decimal("48.00"), received_on=START)


@pytest.mark.parametrize(
    ("fee", "credit", "due", "carried"),
    [
        ("17.00", "17.00", "0.00", "0.00"),
        ("5.00", "2.00", "3.00", "0.00"),
        ("5.00", "5.00", "0.00", "0.00"),
        ("5.00", "7.00", "0.00", "2.00"),
    ],
)
def test_a_credit_on_the_next_invoice(go_on: GoOn, fee: str, credit: str, due: str, carried: str) -> None:
    subscription = subscribed(fee)
    factories.pay(Invoice.objects.get())
    give_credit(subscription, Decimal(credit), reason="Goodwill")
    go_on(date(2024, 5, 1))
    second = Invoice.objects.get(period__sequence=1)
    assert (second.due, credit_left(subscription)) == (Decimal(due), Decimal(carried))
    assert (second.state == Invoice.State.PAID) == (Decimal(due) == 0)
    assert balance(subscription) == Decimal(due) - Decimal(carried)


# --- A refund taken back when its credit was used in part, or wholly ------------------------------


def refunded(desk: Desk, subscription: Subscription, amount: str) -> Refund:
    complaint = decided(desk, subscription=subscription, received_on=START)
    refund = propose(desk, complaint, "special", special_amount=Decimal(amount))
    approve_refund(refund.pk, by=desk.manager)
    return again(refund)


@pytest.mark.parametrize(
    ("until", "recovered", "owed_again", "others"),
    [
        (date(2024, 4, 2), "10.00", "0.00", ["0.00"]),  # the whole credit is there: it is gone, nothing is owed
        (date(2024, 5, 1), "5.00", "5.00", ["0.00", "0.00"]),  # one invoice of 5.00 used half of it
        (date(2024, 6, 1), "0.00", "10.00", ["0.00", "0.00", "0.00"]),  # two invoices used all of it
    ],
)
def test_a_refund_taken_back_after_its_credit_was_used(
    go_on: GoOn, desk: Desk, until: date, recovered: str, owed_again: str, others: list[str]
) -> None:
    subscription = subscribed("10.00", "5.00")
    factories.pay(Invoice.objects.get())
    refund = refunded(desk, subscription, "10.00")
    go_on(until)
    assert dues(subscription) == others
    reversal = propose_reversal(refund.pk, by=desk.agent, reason="The wrong customer")
    approved = approve_reversal(reversal.pk, by=desk.director, charge_used=True)
    assert (approved.recovered, approved.used) == (Decimal(recovered), Decimal(owed_again))
    assert credit_left(subscription) == 0
    charged = sum((charge.amount for charge in Charge.objects.all()), Decimal(0))
    assert charged == Decimal(owed_again)
    assert dues(subscription) == others  # invoices that were settled stay so; the charge is on the next one
    check_money()


def test_what_was_refunded_in_part_leaves_the_rest_refundable(go_on: GoOn, desk: Desk) -> None:
    subscription = subscribed("20.00")
    factories.pay(Invoice.objects.get())
    refund = refunded(desk, subscription, "7.00")
    period = again(refund.period)
    assert period.refundable == Decimal("13.00")
    assert plan_reversal(refund).recovered == Decimal("7.00")
    second = propose(desk, refund.complaint, "special", special_amount=Decimal("20.00"))
    assert second.total == Decimal("13.00")  # the cap of the quote


def test_a_payment_that_the_bank_takes_back_is_owed_again(go_on: GoOn) -> None:
    subscription = subscribed("20.00")
    factories.pay(Invoice.objects.get())
    record_chargeback(
        Payment.objects.get().pk,
        by=factories.billing_clerk(),
        taken_back_on=START,
        reason="No mandate",
        amount=Decimal("7.00"),
    )
    assert balance(subscription) == Decimal("7.00")
