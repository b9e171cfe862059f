"""What customers are told about their money: a credit used, a payout made, a cancellation confirmed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.invoices.models import Invoice
from billing.payouts.actions import mark_payout_paid
from billing.payouts.models import Payout
from billing.remedies import effects as giving
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription, undo_cancellation
from billing.subscriptions.models import Subscription
from messaging.outbox.models import Delivery, OutgoingMessage
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

APRIL, MAY, JUNE = date(2024, 4, 1), date(2024, 5, 1), date(2024, 6, 1)


def told(kind: str) -> list[OutgoingMessage]:
    return list(OutgoingMessage.objects.filter(kind=kind).order_by("pk"))


def subscription_with_credit(amount: str, *, language: str = "en", email: str = "a@example.com") -> Subscription:
    customer = factories.CustomerFactory.create(language=language, email=email)
    subscription = factories.open_subscription(customer, activated_on=APRIL)
    giving.give_credit(subscription, Decimal(amount), reason="A refund", on=APRIL)
    return subscription


def test_a_credit_used_on_an_invoice_is_told_with_its_figures() -> None:
    subscription = subscription_with_credit("65.00", language="it")
    clerk = factories.billing_clerk()
    run_billing(MAY, by=clerk)

    [message] = told("credit_applied")
    invoice = Invoice.objects.get(issued_on=MAY)
    assert (message.customer, message.queued_by) == (subscription.customer, clerk)
    assert message.subject == f"Il suo credito è stato usato sulla fattura {invoice.number}"
    assert f"60,00 EUR del suo credito dalla fattura {invoice.number}" in message.body
    assert "Non resta nulla da pagare." in message.body
    assert "5,00 EUR del suo credito restano" in message.body

    run_billing(JUNE, by=clerk)
    second = told("credit_applied")[1]
    assert "5,00 EUR del suo credito dalla fattura" in second.body
    assert "Restano da pagare 55,00 EUR, con scadenza 15 giugno 2024." in second.body
    assert "restano a disposizione" not in second.body


def test_two_credits_on_one_invoice_are_one_message() -> None:
    subscription = subscription_with_credit("10.00")
    giving.give_credit(subscription, Decimal("20.00"), reason="Another", on=APRIL)
    run_billing(MAY, by=factories.billing_clerk())
    [message] = told("credit_applied")
    assert "30.00 EUR of your credit" in message.body
    assert "30.00 EUR of it is left to pay, by 15 May 2024" in message.body


def test_an_invoice_without_credit_tells_nothing_and_a_second_run_tells_nothing_more() -> None:
    factories.open_subscription(activated_on=APRIL)
    subscription_with_credit("10.00")
    clerk = factories.billing_clerk()
    run_billing(MAY, by=clerk)
    run_billing(MAY, by=clerk)
    assert len(told("credit_applied")) == 1


def test_a_dry_run_tells_nobody() -> None:
    subscription_with_credit("10.00")
    run_billing(MAY, by=factories.billing_clerk(), dry_run=True)
    assert not OutgoingMessage.objects.exists()


def test_a_run_tells_many_with_as_many_statements_as_few() -> None:
    clerk = factories.billing_clerk()

    def statements(count: int, day: date, month: date) -> int:
        for _ in range(count):
            customer = factories.CustomerFactory.create()
            subscription = factories.open_subscription(customer, activated_on=month)
            giving.give_credit(subscription, Decimal("10.00"), reason="A refund", on=month)
        with CaptureQueriesContext(connection) as captured:
            run_billing(day, by=clerk)
        return len([query for query in captured if "outgoing" in query["sql"] or "delivery" in query["sql"]])

    few = statements(2, date(2024, 2, 1), date(2024, 1, 1))
    OutgoingMessage.objects.count()
    many = statements(20, date(2025, 2, 1), date(2025, 1, 1))
    assert len(told("credit_applied")) == 22
    # The first two subscriptions have a dozen months of their own in the second run, without any credit.
    assert few == many > 0


def test_a_customer_without_an_address_is_on_the_list_of_those_not_told() -> None:
    subscription_with_credit("10.00", email="")
    run_billing(MAY, by=factories.billing_clerk())
    [message] = told("credit_applied")
    assert message.delivery.state == Delivery.State.NO_ADDRESS


def payout(language: str = "en") -> Payout:
    customer = factories.CustomerFactory.create(language=language)
    subscription = factories.paid_subscription(customer=customer)
    return giving.order_payout(subscription, Decimal("40.00"), key="payout-1", reason="A refund")


def test_a_payout_is_told_once_the_bank_has_paid() -> None:
    found, clerk = payout("it"), factories.billing_clerk()
    assert not OutgoingMessage.objects.exists()
    mark_payout_paid(found.pk, by=clerk, reference="SEPA-4711", paid_on=factories.today())
    [message] = told("payout_made")
    assert message.subject == "Le abbiamo pagato 40,00 EUR"
    assert f"sul suo conto …{found.iban[-4:]}. Il riferimento della banca è SEPA-4711." in message.body
    assert found.iban not in message.body
    assert_refused(
        "state", lambda: mark_payout_paid(found.pk, by=clerk, reference="SEPA-4711", paid_on=factories.today())
    )


def test_a_payout_that_is_refused_is_not_told() -> None:
    found, clerk = payout(), factories.billing_clerk()
    assert_refused(
        "reference_missing", lambda: mark_payout_paid(found.pk, by=clerk, reference=" ", paid_on=factories.today())
    )
    assert not OutgoingMessage.objects.exists()


def test_each_cancellation_is_confirmed_with_its_last_day() -> None:
    subscription = factories.open_subscription(activated_on=factories.days_ago(10))
    agent = factories.agent()
    cancelled = cancel_subscription(subscription.pk, by=agent, channel="phone", reason="Too dear")
    period = cancelled.current_period()
    assert period is not None
    [message] = told("cancellation_confirmed")
    last = period.last_day
    assert f"includes, is {last.day} {last:%B %Y}; it ends then by itself." in message.body
    assert message.subject == f"Your cancellation of {subscription.number}"

    undo_cancellation(subscription.pk, by=agent, reason="They stay")
    cancel_subscription(subscription.pk, by=agent, channel="phone", reason="They go after all")
    assert len(told("cancellation_confirmed")) == 2


def test_a_cancellation_is_not_held_up_by_a_missing_address() -> None:
    customer = factories.CustomerFactory.create(email="")
    subscription = factories.open_subscription(customer)
    cancel_subscription(subscription.pk, by=factories.agent(), channel="letter")
    [message] = told("cancellation_confirmed")
    assert message.delivery.state == Delivery.State.NO_ADDRESS
