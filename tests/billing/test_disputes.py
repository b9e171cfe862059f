"""Disputes, chargebacks and payments in bulk."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.staff.models import User
from billing.invoices.models import Invoice
from billing.payments.actions import pay_in_full
from billing.payments.disputes.actions import end_dispute, open_dispute, record_chargeback
from billing.payments.models import Payment
from billing.runs.actions import run_billing
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


def an_invoice(days: int = 10) -> Invoice:
    subscription = factories.open_subscription(activated_on=factories.days_ago(days))
    return Invoice.objects.get(period__subscription=subscription)


def test_a_disputed_invoice_is_not_marked_overdue_until_the_dispute_ends(clerk: User) -> None:
    invoice = an_invoice(days=20)
    open_dispute(invoice.pk, by=clerk, disputed_on=factories.days_ago(3), reason="Never ordered")
    run_billing(factories.today(), by=clerk)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.dispute_reason) == (Invoice.State.ISSUED, "Never ordered")
    ended = end_dispute(invoice.pk, by=clerk, reason="They found the order")
    assert (ended.state, ended.disputed_on, ended.dispute_reason) == (Invoice.State.OVERDUE, None, "")


def test_an_overdue_invoice_in_dispute_is_chased_no_more(clerk: User) -> None:
    invoice = an_invoice(days=20)
    run_billing(factories.today(), by=clerk)
    assert Invoice.objects.get().state == Invoice.State.OVERDUE
    assert open_dispute(invoice.pk, by=clerk, disputed_on=factories.today(), reason="Wrong fee").state == "issued"


def test_disputes_that_cannot_be(clerk: User) -> None:
    invoice, paid = an_invoice(), factories.paid_invoice()
    today = factories.today()
    for code, pk, on, reason in (
        ("state", paid.pk, today, "No"),
        ("reason_missing", invoice.pk, today, " "),
        ("dates", invoice.pk, factories.days_ago(11), "No"),
        ("dates", invoice.pk, factories.days_ago(-1), "No"),
    ):
        assert_refused(code, open_dispute, pk, by=clerk, disputed_on=on, reason=reason)
    assert_refused("state", end_dispute, invoice.pk, by=clerk, reason="Over")
    open_dispute(invoice.pk, by=clerk, disputed_on=today, reason="No")
    assert_refused("state", open_dispute, invoice.pk, by=clerk, disputed_on=today, reason="No")
    assert_refused("reason_missing", end_dispute, invoice.pk, by=clerk, reason="")


@pytest.mark.parametrize("role", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_handles_disputes_chargebacks_and_payments(role: str) -> None:
    person = getattr(factories, role)()
    invoice = factories.paid_invoice()
    payment = invoice.payments.get()
    today = factories.today()
    assert_refused("permission", open_dispute, invoice.pk, by=person, disputed_on=today, reason="No")
    assert_refused("permission", end_dispute, invoice.pk, by=person, reason="Over")
    assert_refused("permission", record_chargeback, payment.pk, by=person, taken_back_on=today, reason="R")
    assert_refused("permission", pay_in_full, an_invoice().pk, by=person, received_on=today, reference="R")


@pytest.mark.parametrize(("days", "state"), [(10, "issued"), (20, "overdue")])
def test_a_chargeback_makes_the_amount_due_again(clerk: User, days: int, state: str) -> None:
    invoice = factories.pay(an_invoice(days))
    chargeback = record_chargeback(
        invoice.payments.get().pk, by=clerk, taken_back_on=factories.today(), reason="Account closed"
    )
    invoice = Invoice.objects.select_related("period").get()
    assert chargeback.amount == invoice.charged_back == invoice.due == Decimal("60.00")
    assert (invoice.paid, invoice.state) == (Decimal(0), state)
    # A refund given before stays; a new quote sees that nothing is paid.
    assert invoice.period is not None
    assert (invoice.period.fee_paid, invoice.period.unpaid) == (Decimal(0), Decimal("60.00"))


def test_a_part_can_be_taken_back_and_the_invoice_be_paid_again(clerk: User) -> None:
    invoice = factories.paid_invoice()
    record_chargeback(
        invoice.payments.get().pk,
        by=clerk,
        taken_back_on=factories.today(),
        reason="Partly",
        amount=Decimal("15.00"),
    )
    invoice.refresh_from_db()
    assert (invoice.due, invoice.paid, invoice.charged_back) == (Decimal("15.00"), Decimal("45.00"), Decimal("15.00"))
    assert factories.pay(invoice).state == Invoice.State.PAID


def test_chargebacks_that_cannot_be(clerk: User) -> None:
    invoice = factories.pay(an_invoice(), on=factories.days_ago(5))
    payment = invoice.payments.get().pk
    today = factories.today()
    attempts: dict[str, Any] = {"by": clerk, "taken_back_on": today, "reason": "Account closed"}
    assert_refused("missing", record_chargeback, payment + 1000, **attempts)
    assert_refused("reason_missing", record_chargeback, payment, **{**attempts, "reason": " "})
    for amount in (Decimal("60.01"), Decimal(0), Decimal(-1), Decimal("0.001")):
        assert_refused("amount", record_chargeback, payment, **attempts, amount=amount)
    for on in (factories.days_ago(6), factories.days_ago(-1)):
        assert_refused("dates", record_chargeback, payment, **{**attempts, "taken_back_on": on})
    record_chargeback(payment, **attempts)
    assert_refused("state", record_chargeback, payment, **attempts)


def test_paid_in_full_records_what_is_due(clerk: User) -> None:
    invoice = factories.pay(an_invoice(), Decimal("12.50"))
    payment = pay_in_full(invoice.pk, by=clerk, received_on=factories.today(), reference=" Collective 7 ")
    assert (payment.amount, payment.reference) == (Decimal("47.50"), "Collective 7")
    assert Invoice.objects.get().state == Invoice.State.PAID
    assert Payment.objects.count() == 2


def test_paid_in_full_needs_a_reference_a_past_day_and_something_due(clerk: User) -> None:
    invoice = an_invoice()
    today = factories.today()
    assert_refused("reference_missing", pay_in_full, invoice.pk, by=clerk, received_on=today, reference=" ")
    assert_refused("dates", pay_in_full, invoice.pk, by=clerk, received_on=factories.days_ago(-1), reference="R")
    paid = factories.pay(invoice)
    assert_refused("state", pay_in_full, paid.pk, by=clerk, received_on=today, reference="R")
