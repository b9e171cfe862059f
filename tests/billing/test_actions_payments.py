"""Money that comes in, and payouts with all that may become of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.actions import Refused
from audit.models import Event
from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payments.actions import Received, record_payment, record_payments
from billing.payments.models import Payment
from billing.payouts.actions import mark_payout_failed, mark_payout_paid, retry_payout, turn_payout_into_credit
from billing.payouts.models import Payout
from billing.remedies import effects as giving
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from tests import factories
from tests.billing.end_state import end_state
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


@pytest.fixture
def subscription() -> Subscription:
    return factories.open_subscription()


@pytest.fixture
def invoice(subscription: Subscription) -> Invoice:
    return Invoice.objects.get()


# --- Payments -----------------------------------------------------------------------------------


def test_a_payment_in_two_parts(clerk: User, invoice: Invoice) -> None:
    today = factories.today()
    record_payment(invoice.pk, by=clerk, amount=Decimal("20.50"), received_on=today, reference="TRX 1")
    invoice.refresh_from_db()
    assert (invoice.paid, invoice.due, invoice.state) == (Decimal("20.50"), Decimal("39.50"), "issued")
    payment = record_payment(invoice.pk, by=clerk, amount=Decimal("39.50"), received_on=today)
    invoice.refresh_from_db()
    assert (invoice.paid, invoice.due, invoice.state) == (Decimal("60.00"), Decimal(0), "paid")
    assert invoice.period is not None
    assert invoice.period.fee_paid == Decimal("60.00")
    first = Payment.objects.order_by("pk")[0]
    assert (first.amount, first.reference, first.recorded_by) == (Decimal("20.50"), "TRX 1", clerk)
    assert payment.recorded_by == clerk
    event = Event.objects.filter(verb="payment.record").order_by("pk")[0]
    assert event.data == {"amount": "20.50", "currency": "EUR", "reference": "TRX 1", "received_on": f"{today}"}
    assert (event.target_id, event.customer_id, event.actor_id) == (invoice.pk, invoice.customer_id, clerk.pk)
    assert [row.state for row in invoice.history.all()] == ["paid", "issued", "issued"]


@pytest.mark.parametrize(
    ("amount", "code"),
    [("0", "amount"), ("-1", "amount"), ("1.005", "amount"), ("60.01", "overpaid")],
)
def test_amounts_that_are_refused(clerk: User, invoice: Invoice, amount: str, code: str) -> None:
    assert_refused(code, record_payment, invoice.pk, by=clerk, amount=Decimal(amount), received_on=factories.today())


def test_a_payment_is_not_received_in_the_future_nor_on_a_paid_invoice(clerk: User, invoice: Invoice) -> None:
    today = factories.today()
    tomorrow = today + timedelta(days=1)
    assert_refused("dates", record_payment, invoice.pk, by=clerk, amount=invoice.due, received_on=tomorrow)
    factories.pay(invoice)
    assert_refused("state", record_payment, invoice.pk, by=clerk, amount=Decimal(1), received_on=today)
    assert_refused("missing", record_payment, 12345, by=clerk, amount=Decimal(1), received_on=today)


def test_many_payments_at_once_come_to_the_same_as_one_after_the_other(clerk: User) -> None:
    for _ in range(3):
        factories.open_subscription()
    first, *others = Invoice.objects.order_by("pk")
    received = [Received(first.pk, Decimal("20.50"), factories.today(), "TRX 1")]
    received += [Received(invoice.pk, invoice.due, factories.days_ago(1)) for invoice in others]

    def many() -> None:
        record_payments(received, by=clerk)

    def one_by_one() -> None:
        for one in received:
            record_payment(
                one.invoice_id,
                by=clerk,
                amount=one.amount,
                received_on=one.received_on,
                reference=one.reference,
                another=True,
            )

    states = []
    for way in (many, one_by_one):
        with transaction.atomic():
            way()
            events = Event.objects.filter(verb="payment.record").order_by("pk")
            told = list(events.values_list("target_id", "target_label", "customer_id", "outcome", "message", "data"))
            states.append((end_state(), told))
            transaction.set_rollback(True)
    assert len(states[0][1]) == 3
    assert states[0] == states[1]


def test_of_many_payments_all_are_recorded_or_none(clerk: User) -> None:
    for _ in range(3):
        factories.open_subscription()
    first, second, third = Invoice.objects.order_by("pk")
    today = factories.today()
    received = [
        Received(first.pk, first.due, today),
        Received(second.pk, second.due + 1, today),
        Received(third.pk, third.due, today),
    ]
    assert_refused("overpaid", record_payments, received, by=clerk)
    assert not Payment.objects.exists()
    event = Event.objects.get(verb="payment.record")
    assert (event.outcome, event.target_id) == ("refused", second.pk)
    with pytest.raises(ValueError, match="one payment at a time"):
        record_payments([received[0], received[0]], by=clerk)
    assert record_payments([], by=clerk) == []


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_records_payments(invoice: Invoice, who: str) -> None:
    person = getattr(factories, who)()
    given: dict[str, Any] = {"amount": Decimal(1), "received_on": factories.today()}
    assert_refused("permission", record_payment, invoice.pk, by=person, **given)


def test_the_database_refuses_a_payment_of_nothing(clerk: User, invoice: Invoice) -> None:
    payment = Payment(invoice=invoice, amount=Decimal(0), received_on=factories.today(), recorded_by=clerk)
    with pytest.raises(IntegrityError, match="payment_positive"), transaction.atomic():
        payment.save()


# --- Payouts ------------------------------------------------------------------------------------


@pytest.fixture
def payout(subscription: Subscription) -> Payout:
    return giving.order_payout(subscription, Decimal("28.26"), key="refund-1", reason="Refund R-1")


def test_a_payout_keeps_the_bank_details_of_its_day(payout: Payout, subscription: Subscription) -> None:
    customer = subscription.customer
    assert (payout.iban, payout.account_holder, payout.state, payout.attempts) == (
        customer.iban,
        customer.name,
        "pending",
        1,
    )
    iban, customer.iban = customer.iban, "DE89370400440532013000"
    customer.save()
    assert Payout.objects.get().iban == iban


def test_a_payout_is_paid_with_the_banks_reference(clerk: User, payout: Payout) -> None:
    paid = mark_payout_paid(payout.pk, by=clerk, reference=" BANK-77 ", paid_on=factories.today())
    assert (paid.state, paid.reference, paid.paid_on) == ("paid", "BANK-77", factories.today())
    event = Event.objects.latest("pk")
    assert (event.verb, event.actor_id, event.customer_id) == ("payout.paid", clerk.pk, payout.customer_id)
    assert payout.history.first().state == "paid"


def test_a_failed_payout_is_tried_once_more_under_the_same_key_to_the_account_of_now(
    clerk: User, payout: Payout
) -> None:
    mark_payout_failed(payout.pk, by=clerk, reason="Account closed")
    payout.refresh_from_db()
    assert (payout.state, payout.failure) == ("failed", "Account closed")
    customer = Customer.objects.get()
    customer.iban = "DE89370400440532013000"
    customer.save()
    retried = retry_payout(payout.pk, by=clerk, reason="New account")
    assert (retried.state, retried.attempts, retried.failure, retried.key) == ("pending", 2, "", "refund-1")
    assert (retried.iban, retried.account_holder) == ("DE89370400440532013000", customer.name)
    mark_payout_failed(payout.pk, by=clerk, reason="Closed too")
    assert_refused("retried", retry_payout, payout.pk, by=clerk, saying="Turn it into a credit")
    assert Payout.objects.count() == 1


def test_a_failed_payout_becomes_a_credit(clerk: User, payout: Payout, subscription: Subscription) -> None:
    mark_payout_failed(payout.pk, by=clerk, reason="Account closed")
    assert_refused("reason_missing", turn_payout_into_credit, payout.pk, by=clerk, reason="")
    credit = turn_payout_into_credit(payout.pk, by=clerk, reason="They agreed")
    assert (credit.granted, credit.subscription, credit.reason) == (Decimal("28.26"), subscription, "Refund R-1")
    assert Payout.objects.get().state == "credited"
    assert_refused("state", turn_payout_into_credit, payout.pk, by=clerk, reason="Again")
    assert Credit.objects.count() == 1


def test_no_credit_where_no_cycle_follows(clerk: User, payout: Payout, subscription: Subscription) -> None:
    mark_payout_failed(payout.pk, by=clerk, reason="Account closed")
    cancel_subscription(subscription.pk, by=clerk, channel="email")
    assert_refused("no_next_cycle", turn_payout_into_credit, payout.pk, by=clerk, reason="They agreed")


def test_payouts_that_are_refused(clerk: User, payout: Payout) -> None:
    today = factories.today()
    tomorrow = today + timedelta(days=1)
    assert_refused("reference_missing", mark_payout_paid, payout.pk, by=clerk, reference=" ", paid_on=today)
    assert_refused("dates", mark_payout_paid, payout.pk, by=clerk, reference="x", paid_on=tomorrow)
    assert_refused("reason_missing", mark_payout_failed, payout.pk, by=clerk, reason="")
    assert_refused("state", retry_payout, payout.pk, by=clerk)
    assert_refused("state", turn_payout_into_credit, payout.pk, by=clerk, reason="x")
    mark_payout_failed(payout.pk, by=clerk, reason="Account closed")
    customer = Customer.objects.get()
    customer.iban = ""
    customer.save()
    assert_refused("no_bank_details", retry_payout, payout.pk, by=clerk)
    assert_refused("state", mark_payout_paid, payout.pk, by=clerk, reference="x", paid_on=today)
    assert_refused("missing", turn_payout_into_credit, 12345, by=clerk, reason="x")


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_handles_payouts(payout: Payout, who: str) -> None:
    person = getattr(factories, who)()
    attempts: list[tuple[Callable[..., object], dict[str, Any]]] = [
        (mark_payout_paid, {"reference": "x", "paid_on": factories.today()}),
        (mark_payout_failed, {"reason": "x"}),
        (retry_payout, {}),
        (turn_payout_into_credit, {"reason": "x"}),
    ]
    for attempt, given in attempts:
        assert_refused("permission", attempt, payout.pk, by=person, **given)


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("payout_positive", {"amount": Decimal(0)}),
        ("payout_paid_has_proof", {"state": "paid"}),
        ("payout_paid_has_proof", {"state": "paid", "paid_on": factories.LONG_AGO}),
        ("payout_paid_has_proof", {"paid_on": factories.LONG_AGO}),
        ("payout_failed_has_reason", {"state": "failed"}),
    ],
)
def test_the_database_refuses_payouts(payout: Payout, constraint: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        setattr(payout, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        payout.save()


def test_one_payout_a_key(subscription: Subscription, payout: Payout) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        giving.order_payout(subscription, Decimal(1), key="refund-1", reason="Twice")


# --- What a period bears, and what can be given -------------------------------------------------


def test_pending_and_refunded_amounts_cut_what_is_left(clerk: User, subscription: Subscription) -> None:
    factories.paid_invoice(subscription)
    period = subscription.current_period()
    assert period is not None
    assert period.refundable == Decimal("60.00")
    giving.reserve(period, Decimal("40.00"))
    assert (period.refundable, period.pending) == (Decimal("20.00"), Decimal("40.00"))
    with pytest.raises(Exception, match=r"Only 20\.00 EUR can still be refunded"):
        giving.reserve(period, Decimal("20.01"))
    giving.settle_held(period, Decimal("40.00"))
    assert (period.pending, period.refunded) == (Decimal(0), Decimal("40.00"))
    giving.reserve(period, Decimal("20.00"))
    giving.release(period, Decimal("20.00"))
    assert period.refundable == Decimal("20.00")


def test_what_is_paid_and_what_is_not(subscription: Subscription, invoice: Invoice) -> None:
    """Whether it was paid changes nothing in what can be given back: what was not is set off."""

    def figures() -> tuple[Decimal, Decimal, Decimal]:
        period = subscription.current_period()
        assert period is not None
        return period.refundable, period.fee_paid, period.unpaid

    assert figures() == (Decimal("60.00"), Decimal(0), Decimal("60.00"))
    factories.pay(invoice, Decimal("15.00"))
    assert figures() == (Decimal("60.00"), Decimal("15.00"), Decimal("45.00"))
    with transaction.atomic():
        giving.set_off(Invoice.objects.get(), Decimal("20.00"))
    assert figures() == (Decimal("60.00"), Decimal("15.00"), Decimal("25.00"))
    assert Invoice.objects.get().due == Decimal("25.00")
    with transaction.atomic(), pytest.raises(Refused, match=r"Only 25\.00 EUR is due"):
        giving.set_off(Invoice.objects.get(), Decimal("25.01"))
    with transaction.atomic():
        giving.set_off(Invoice.objects.get(), Decimal("25.00"))
    assert Invoice.objects.get().state == Invoice.State.PAID
    with transaction.atomic():
        giving.make_due_again(Invoice.objects.get(), Decimal("25.00"))
    assert (Invoice.objects.get().due, Invoice.objects.get().state) == (Decimal("25.00"), Invoice.State.ISSUED)


def test_what_stands_in_the_way_of_each_remedy(clerk: User, subscription: Subscription) -> None:
    current = subscription.current_period()
    assert current is not None
    day = (current.fee / current.days).quantize(Decimal("0.01"), rounding=ROUND_UP)
    assert giving.credit_obstacle(subscription) is None
    assert giving.minutes_obstacle(subscription) is None
    assert giving.extension_obstacle(subscription, day) is None
    assert giving.cash_obstacle(subscription.customer) is None
    assert "less than one day" in (giving.extension_obstacle(subscription, day - Decimal("0.01")) or "")
    gift = factories.price(fee=Decimal(0), minute_cost=Decimal(0)).plan
    free = factories.open_subscription(plan=gift)
    assert "cost nothing" in (giving.minutes_obstacle(free) or "")
    assert "costs nothing" in (giving.extension_obstacle(free, day) or "")
    assert "IBAN" in (giving.cash_obstacle(factories.CustomerFactory.create(iban="")) or "")

    cancelled = cancel_subscription(subscription.pk, by=clerk, channel="email")
    assert "no next cycle" in (giving.credit_obstacle(cancelled) or "")
    assert giving.minutes_obstacle(cancelled) is None
    period = cancelled.current_period()
    assert period is not None
    factories.bill(period.closes_on, by=clerk)
    ended = Subscription.objects.get(pk=subscription.pk)
    assert "has ended" in (giving.minutes_obstacle(ended) or "")
    assert "has ended" in (giving.extension_obstacle(ended, day) or "")
    stale = factories.open_subscription(activated_on=factories.months_ago(2))
    assert "billing has to run first" in (giving.extension_obstacle(stale, day) or "")
