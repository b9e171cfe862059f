"""Money that waits, used, taken off and recorded at the same moment: it goes one way only, and nothing is lost."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from billing.invoices.models import Invoice
from billing.payments.corrections.actions import take_off_payment
from billing.payments.models import Payment
from billing.payments.prepayments.actions import record_prepayment, take_off_prepayment
from billing.payments.prepayments.models import Prepayment
from billing.runs.actions import run_billing
from tests import factories
from tests.concurrency.racing import race, refusals_of
from tests.money_invariants import check_invoices, check_payments

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def recorded(amount: str, **kwargs: Any) -> Prepayment:
    subscription = factories.paid_subscription(activated_on=factories.months_ago(1))
    return record_prepayment(
        subscription.pk,
        by=factories.billing_clerk(),
        amount=Decimal(amount),
        received_on=factories.today(),
        **kwargs,
    )


def check_books() -> None:
    check_invoices()
    check_payments()


def test_it_is_used_or_taken_off_but_not_both() -> None:
    prepayment = recorded("60.00")
    take_off = partial(take_off_prepayment, prepayment.pk, reason="Another's")
    results = race(
        [
            partial(run_billing, factories.today(), by=factories.system_user()),
            *(partial(take_off, by=factories.billing_clerk()) for _ in range(3)),
        ]
    )
    found = Prepayment.objects.get()
    assert found.remaining == 0
    assert 0 in (found.applied, found.taken_off)
    # One of the four had it.
    assert len(refusals_of(results)) == (3 if found.applied else 2)
    invoice = Invoice.objects.get(period=found.subscription.current_period())
    assert invoice.paid == found.applied
    check_books()


def test_what_waits_and_what_was_used_are_taken_off_at_once() -> None:
    prepayment = recorded("100.00")
    run_billing(factories.today(), by=factories.system_user())
    payment = Payment.objects.get(prepayment=prepayment)
    results = race(
        [
            partial(take_off_prepayment, prepayment.pk, by=factories.billing_clerk(), reason="Another's"),
            *(
                partial(take_off_payment, payment.pk, by=factories.billing_clerk(), reason="Another's")
                for _ in range(3)
            ),
        ]
    )
    assert [refused.code for refused in refusals_of(results)] == ["taken_off"] * 2
    found = Prepayment.objects.get()
    assert (found.applied, found.taken_off) == (0, found.amount)
    check_books()


def test_the_same_money_is_recorded_once() -> None:
    subscription = factories.paid_subscription()
    paid: dict[str, Any] = {"amount": Decimal("60.00"), "received_on": factories.today(), "reference": "T-1"}
    results = race(
        [partial(record_prepayment, subscription.pk, by=factories.billing_clerk(), **paid) for _ in range(4)]
    )
    assert [refused.code for refused in refusals_of(results)] == ["same_payment"] * 3
    assert Prepayment.objects.count() == 1
