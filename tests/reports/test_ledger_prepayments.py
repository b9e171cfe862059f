"""Money that came before its invoice: what breaks a rule of it is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payments.bank_lines.actions import match_to_subscription
from billing.payments.corrections.actions import take_off_payment
from billing.payments.models import BankLine, Payment, Unbooking
from billing.payments.prepayments.actions import credit_prepayment, record_prepayment, take_off_prepayment
from billing.payments.prepayments.models import Prepayment, PrepaymentTakenOff
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from tests import factories
from tests.reports.books import alter_raw, delete_raw, double_raw, raw, rules, set_raw

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def make_books() -> None:
    """Five subscriptions: a prepayment that was used, one by a bank's line that waits, one whose payment was taken off,
    one that was taken off itself, and one that became a credit.
    """
    clerk, today = factories.billing_clerk(), factories.today()
    used, line, off, before, left = (
        factories.paid_subscription(activated_on=factories.months_ago(1)) for _ in range(5)
    )
    for subscription in (used, off, before, left):
        record_prepayment(subscription.pk, by=clerk, amount=Decimal("80.00"), received_on=today, another=True)
    cancel_subscription(left.pk, by=factories.agent(), channel="phone", requested_on=factories.days_ago(1))
    take_off_prepayment(of(before).pk, by=clerk, reason="Another's")
    run_billing(today, by=factories.system_user())
    take_off_payment(of(off).payments.get().pk, by=clerk, reason="Another's")
    credit_prepayment(of(left).pk, by=factories.manager())
    match_to_subscription(factories.bank_line(by=clerk).pk, by=clerk, subscription_number=_paid(line).number)


def _paid(subscription: Subscription) -> Subscription:
    factories.pay(Invoice.objects.filter(period__subscription=subscription).latest("pk"))
    return subscription


def of(subscription: Subscription) -> Prepayment:
    return Prepayment.objects.get(subscription=subscription)


def used() -> Prepayment:
    """The only one that an invoice still has something of."""
    return Prepayment.objects.get(applied__gt=0)


def credited() -> Prepayment:
    return Prepayment.objects.get(credit__isnull=False)


def other_subscription() -> Subscription:
    return Subscription.objects.exclude(pk=used().subscription_id).order_by("pk")[0]


def line_at(prepayment: Prepayment) -> None:
    set_raw(BankLine.objects.get(), prepayment_id=prepayment.pk)


PLANTED: dict[str, tuple[Callable[[], object], str]] = {
    "a prepayment from nowhere": (lambda: double_raw(used(), applied=Decimal(0)), "prepayment-recorded"),
    "a prepayment is gone": (
        lambda: delete_raw(Prepayment.objects.get(unbooking__isnull=False)),
        "prepayment-recorded",
    ),
    "it is more": (lambda: set_raw(used(), amount=raw(Decimal(800))), "prepayment-recorded"),
    "another reference": (lambda: set_raw(used(), reference="Other"), "prepayment-recorded"),
    "it is more, its history says less": (lambda: alter_raw(used(), amount=raw(Decimal(800))), "row-altered"),
    "more taken off": (
        lambda: set_raw(PrepaymentTakenOff.objects.get(), amount=raw(Decimal(79))),
        "prepayment-taken-off",
    ),
    "less used than its payments": (lambda: set_raw(used(), applied=raw(Decimal(10))), "prepayment-parts"),
    "taken off by nothing": (lambda: set_raw(used(), taken_off=raw(Decimal(10))), "prepayment-parts"),
    "a payment's counter-entry is gone": (lambda: delete_raw(Unbooking.objects.get()), "prepayment-parts"),
    "in another currency": (lambda: set_raw(used(), currency="USD"), "prepayment-parts"),
    "the payment is of another day": (
        lambda: set_raw(used().payments.get(), received_on=factories.days_ago(9)),
        "prepayment-payment",
    ),
    "the payment pays another's invoice": (
        lambda: set_raw(
            used().payments.get(),
            invoice_id=Invoice.objects.exclude(period__subscription=used().subscription).order_by("pk")[0].pk,
        ),
        "prepayment-payment",
    ),
    "a payment that nobody recorded is called one": (
        lambda: set_raw(Payment.objects.filter(prepayment=None).order_by("pk")[0], prepayment_id=used().pk),
        "prepayment-parts",
    ),
    "more became a credit": (lambda: set_raw(credited(), credited=raw(Decimal(1))), "prepayment-credit"),
    "whoever recorded it made it a credit": (
        lambda: set_raw(credited(), credited_by_id=credited().recorded_by_id),
        "prepayment-credit",
    ),
    "a credit of a running subscription": (
        lambda: set_raw(credited().subscription, state="active", ended_on=None, cancelled_on=None),
        "prepayment-credit",
    ),
    "the credit has no source": (
        lambda: set_raw(credited(), credited=0, credit_id=None, credited_by_id=None),
        "credit-source",
    ),
    "the credit grants more": (lambda: set_raw(Credit.objects.get(), granted=raw(Decimal(90))), "prepayment-credit"),
    "more of the credit came back": (
        lambda: set_raw(Credit.objects.get(), reversed=raw(Decimal(9))),
        "prepayment-credit",
    ),
    "the line is of another amount": (
        lambda: set_raw(BankLine.objects.get(), amount=raw(Decimal(99))),
        "prepayment-line",
    ),
    "the line is of another day": (
        lambda: set_raw(BankLine.objects.get(), booked_on=BankLine.objects.get().booked_on - timedelta(days=1)),
        "prepayment-line",
    ),
    "the line stands for another": (lambda: line_at(used()), "prepayment-line"),
}


def test_what_is_planted_is_found() -> None:
    make_books()
    assert rules() == set()
    missed = {}
    for name, (plant, rule) in PLANTED.items():
        with transaction.atomic():
            plant()
            if rule not in (found := rules()):
                missed[name] = found
            transaction.set_rollback(True)
    assert missed == {}
    assert rules() == set()
