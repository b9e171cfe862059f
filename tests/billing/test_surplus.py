"""What is paid beyond what is due: booked as a credit when somebody says so, and taken back by a bank."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import Event
from billing.credits.models import Credit
from billing.invoices.models import Charge, Invoice
from billing.payments.actions import record_payment
from billing.payments.bank_lines.actions import match_bank_line
from billing.payments.disputes.actions import record_chargeback
from billing.payments.models import BankLine, Payment
from billing.residual_credits.actions import propose_residual_payout
from billing.runs.actions import run_billing
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.factories import again, invoice_to_pay
from tests.money_invariants import check_credits, check_invoices

pytestmark = pytest.mark.django_db

DUE = Decimal("60.00")


def pay(invoice: Invoice, amount: str, **kwargs: Any) -> Payment:
    values = {"by": factories.system_user(), "received_on": factories.today(), **kwargs}
    return record_payment(invoice.pk, amount=Decimal(amount), **values)


def test_more_than_is_due_is_refused_until_somebody_says_that_it_is_meant() -> None:
    invoice = invoice_to_pay()
    assert_refused("overpaid", pay, invoice, "65.00", saying="can become a credit")
    payment = factories.overpay(invoice, "65.00")
    assert (payment.amount, payment.surplus, payment.kept) == (Decimal("65.00"), Decimal("5.00"), DUE)
    assert (again(invoice).paid, again(invoice).state) == (DUE, Invoice.State.PAID)
    credit = Credit.objects.get()
    assert (payment.credit, credit.granted, credit.subscription_id) == (
        credit,
        Decimal("5.00"),
        invoice.subscription.pk,
    )
    assert credit.reason == f"Paid more than was due on {invoice.number}"
    event = Event.objects.filter(verb="payment.record", outcome="done").get()
    assert (event.data["amount"], event.data["surplus"]) == ("65.00", "5.00")
    check_credits()
    check_invoices()


def test_saying_so_changes_nothing_for_what_is_due() -> None:
    payment = factories.overpay(invoice_to_pay(), "60.00")
    assert (payment.surplus, payment.credit) == (Decimal(0), None)
    assert not Credit.objects.exists()


def test_an_invoice_paid_twice_and_the_next_one_uses_it() -> None:
    invoice = invoice_to_pay(activated_on=factories.months_ago(1))
    pay(invoice, "60.00")
    assert_refused("state", pay, invoice, "60.00")
    second = factories.overpay(invoice, "60.00")
    assert (second.surplus, second.kept, again(invoice).paid) == (DUE, Decimal(0), DUE)
    run_billing(factories.today(), by=factories.system_user())
    following = Invoice.objects.latest("pk")
    assert (following.credited, following.due) == (DUE, Decimal(0))
    check_credits()


def test_on_an_ended_subscription_it_can_be_paid_out_with_an_approval() -> None:
    subscription = factories.ended_subscription()
    payment = factories.overpay(Invoice.objects.get(), "61.00")
    assert payment.credit is not None
    assert payment.credit.subscription == subscription
    leftover = propose_residual_payout(payment.credit.pk, by=factories.billing_clerk(), reason="Paid too much")
    assert leftover.amount == Decimal("1.00")


def test_a_bank_line_over_more_than_is_due() -> None:
    invoice, clerk = invoice_to_pay(), factories.billing_clerk()
    line = factories.bank_line(by=clerk, text=f"Invoice {invoice.number}", amount="72.50")
    assert line.state == BankLine.State.UNMATCHED
    assert_refused("overpaid", match_bank_line, line.pk, by=clerk, invoice_number=invoice.number)
    matched = match_bank_line(line.pk, by=clerk, invoice_number=invoice.number, surplus_to_credit=True)
    assert matched.payment is not None
    assert (matched.payment.amount, matched.payment.surplus) == (Decimal("72.50"), Decimal("12.50"))
    assert Event.objects.filter(verb="bank.match", outcome="done").get().data["surplus"] == "12.50"


# --- Taken back by the bank ---------------------------------------------------------------------


def take_back(payment: Payment, amount: str | None = None) -> None:
    record_chargeback(
        payment.pk,
        by=factories.billing_clerk(),
        taken_back_on=factories.today(),
        reason="No mandate",
        amount=None if amount is None else Decimal(amount),
    )
    check_credits()
    check_invoices()


def test_a_chargeback_takes_what_is_left_of_the_credit() -> None:
    invoice = invoice_to_pay()
    payment = factories.overpay(invoice, "65.00")
    take_back(payment)
    credit = Credit.objects.get()
    assert (credit.reversed, credit.remaining) == (Decimal("5.00"), Decimal(0))
    assert (again(invoice).due, again(invoice).charged_back) == (DUE, DUE)
    chargeback = Payment.objects.get().chargeback
    assert (chargeback.amount, chargeback.from_surplus, chargeback.charge) == (
        Decimal("65.00"),
        Decimal("5.00"),
        None,
    )


def test_a_part_taken_back_comes_off_the_surplus_first() -> None:
    invoice = invoice_to_pay()
    take_back(factories.overpay(invoice, "65.00"), "3.00")
    assert (Credit.objects.get().remaining, again(invoice).due) == (Decimal("2.00"), Decimal(0))


def test_what_was_used_of_the_credit_is_charged() -> None:
    invoice = invoice_to_pay(activated_on=factories.months_ago(1))
    payment = factories.overpay(invoice, "65.00")
    run_billing(factories.today(), by=factories.system_user())
    take_back(payment)
    charge = Charge.objects.get()
    assert (charge.amount, charge.tax_rate, charge.invoiced_on) == (Decimal("5.00"), Decimal(22), None)
    assert Payment.objects.get().chargeback.charge == charge
    assert Credit.objects.get().reversed == 0
    assert again(invoice).due == DUE


# --- On the pages -------------------------------------------------------------------------------


def test_the_pages_ask_and_tell(client: Client) -> None:
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    invoice = invoice_to_pay()
    payment = factories.overpay(invoice, "65.00")
    page = client.get(reverse("admin:billing_invoice_change", args=(invoice.pk,))).content.decode()
    assert "5.00 EUR more than due, a credit" in page
    shown = client.get(reverse("admin:billing_payment_change", args=(payment.pk,))).content.decode()
    assert "5.00 EUR, a credit" in shown
    back = f"{reverse('admin:billing_payment_act', args=('charge_back',))}?ids={payment.pk}"
    assert "what was used becomes a charge" in client.get(back).content.decode()

    unpaid = invoice_to_pay()
    assert (
        "Something is due on" in client.get(reverse("admin:billing_invoice_change", args=(unpaid.pk,))).content.decode()
    )
    line = factories.bank_line(text="thanks", amount="61.00")
    match = f"{reverse('admin:billing_bankline_act', args=('match',))}?ids={line.pk}"
    client.post(match, {"invoice_number": unpaid.number, "surplus_to_credit": "on", "reason": ""})
    assert again(unpaid).state == Invoice.State.PAID
