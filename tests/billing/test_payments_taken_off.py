"""Payments booked where they do not belong, payments that look alike, surplus that no line proves, payouts whose fee is
not paid.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from audit.models import Event
from billing.credits.models import Credit
from billing.invoices.models import Charge, Invoice
from billing.payments.actions import pay_in_full, record_payment
from billing.payments.bank_lines.actions import match_bank_line, match_to_subscription
from billing.payments.corrections.actions import take_off_payment
from billing.payments.disputes.actions import record_chargeback
from billing.payments.models import BankLine, Payment, SurplusCredit
from billing.payments.prepayments.actions import record_prepayment
from billing.payments.surplus.actions import (
    approve_surplus,
    record_with_surplus,
    reject_surplus,
    withdraw_surplus,
)
from billing.payouts.actions import mark_payout_paid
from billing.payouts.models import Payout
from billing.payouts.payables import payables, write_csv
from billing.remedies.effects import order_payout
from billing.runs.actions import run_billing
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.factories import again, invoice_to_pay
from tests.money_invariants import check_credits, check_invoices, check_payments

pytestmark = pytest.mark.django_db

DUE = Decimal("60.00")


def pay(invoice: Invoice, amount: str = "60.00", **kwargs: Any) -> Payment:
    values = {"by": factories.system_user(), "received_on": factories.today(), "reference": "T-1", **kwargs}
    return record_payment(invoice.pk, amount=Decimal(amount), **values)


def check_books() -> None:
    check_credits()
    check_invoices()
    check_payments()


# --- Taken off ----------------------------------------------------------------------------------


def test_a_payment_of_the_wrong_invoice_is_off_it_and_recorded_on_the_right_one() -> None:
    wrong, right, clerk = invoice_to_pay(), invoice_to_pay(), factories.billing_clerk()
    payment = pay(wrong)
    entry = take_off_payment(payment.pk, by=clerk, reason=f"It is for {right.number}")
    assert (entry.amount, entry.due_again, entry.charge) == (DUE, DUE, None)
    assert (again(wrong).due, again(wrong).charged_back, again(wrong).state) == (DUE, Decimal(0), Invoice.State.ISSUED)
    # Off its invoice, it is not asked about.
    assert pay(right).invoice == right
    assert Event.objects.filter(verb="payment.take_off", outcome="done").get().data["invoice"] == wrong.number
    check_books()


def test_a_line_matched_wrongly_is_free_again() -> None:
    wrong, right, clerk = invoice_to_pay(), invoice_to_pay(), factories.billing_clerk()
    line = factories.bank_line(by=clerk, amount="60.00")
    matched = match_bank_line(line.pk, by=clerk, invoice_number=wrong.number)
    assert matched.payment is not None
    take_off_payment(matched.payment.pk, by=clerk, reason="The name is another's")
    line = BankLine.objects.get()
    assert (line.state, line.payment) == (BankLine.State.UNMATCHED, None)
    assert line.why == f"Taken off {wrong.number}: The name is another's"
    match_bank_line(line.pk, by=clerk, invoice_number=right.number)
    assert (again(wrong).due, again(right).due) == (DUE, Decimal(0))
    check_books()


@pytest.mark.parametrize("used", [False, True])
def test_the_credit_of_a_surplus_goes_with_it_or_is_charged(used: bool) -> None:
    invoice = invoice_to_pay(activated_on=factories.months_ago(1))
    payment = factories.overpay(invoice, "65.00")
    if used:
        run_billing(factories.today(), by=factories.system_user())
    take_off_payment(payment.pk, by=factories.billing_clerk(), reason="Another's")
    assert Credit.objects.get().reversed == (0 if used else Decimal("5.00"))
    assert [charge.amount for charge in Charge.objects.all()] == ([Decimal("5.00")] if used else [])
    assert again(invoice).due == DUE
    check_books()


def test_what_is_taken_off_once_or_by_the_bank_is_not_taken_off_again() -> None:
    clerk = factories.billing_clerk()
    back, off = pay(invoice_to_pay()), pay(invoice_to_pay(), reference="T-2")
    record_chargeback(back.pk, by=clerk, taken_back_on=factories.today(), reason="No mandate")
    take_off_payment(off.pk, by=clerk, reason="Another's")
    for action, values in (
        (take_off_payment, {"reason": "Once more"}),
        (record_chargeback, {"reason": "Once more", "taken_back_on": factories.today()}),
    ):
        assert_refused("state", action, back.pk, by=clerk, **values)
        assert_refused("taken_off", action, off.pk, by=clerk, **values)
    third = pay(invoice_to_pay(), reference="T-3")
    assert_refused("reason_missing", take_off_payment, third.pk, by=clerk, reason=" ")
    assert_refused("permission", take_off_payment, third.pk, by=factories.manager(), reason="x")
    own = factories.billing_clerk(customer=third.invoice.customer)
    assert_refused("linked", take_off_payment, third.pk, by=own, reason="x")


# --- Alike --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [
        ({}, {}, True),
        ({"reference": "t-1 "}, {}, True),
        ({"reference": "T-2"}, {}, False),
        ({"received_on": factories.days_ago(1)}, {}, False),
        ({"amount": "20.01"}, {"amount": "20.02"}, False),
        # Without a reference only the same customer's are alike.
        ({"reference": ""}, {"reference": ""}, False),
        ({"reference": "", "same": True}, {"reference": ""}, True),
    ],
)
def test_the_same_day_amount_and_reference_is_asked_about(
    first: dict[str, Any], second: dict[str, Any], asked: bool
) -> None:
    invoice = invoice_to_pay()
    other = invoice_to_pay(customer=invoice.customer) if first.get("same") else invoice_to_pay()
    values = {"amount": "20.00", **{name: value for name, value in first.items() if name != "same"}}
    pay(invoice, **values)
    if asked:
        assert_refused("same_payment", pay, other, **{"amount": "20.00", **second}, saying=invoice.number)
        pay(other, **{"amount": "20.00", **second}, another=True)
    else:
        pay(other, **{"amount": "20.00", **second})
    assert Payment.objects.count() == 2


def test_one_reference_may_stand_for_a_collective_transfer() -> None:
    customer, clerk = factories.CustomerFactory.create(), factories.billing_clerk()
    for invoice in [invoice_to_pay(customer=customer) for _ in range(2)]:
        pay_in_full(invoice.pk, by=clerk, received_on=factories.today(), reference="Collective")
    assert Payment.objects.count() == 2


def test_a_line_of_what_was_recorded_by_hand_is_asked_about() -> None:
    clerk, invoice = factories.billing_clerk(), invoice_to_pay()
    pay(invoice, "30.00", received_on=factories.days_ago(1))
    # Half is due still: the line would match by itself.
    line = factories.bank_line(text=f"Invoice {invoice.number}", amount="30.00")
    assert (line.state, line.payment) == (BankLine.State.UNMATCHED, None)
    assert "recorded by hand" in line.why
    values: dict[str, Any] = {"by": clerk, "invoice_number": invoice.number}
    assert_refused("same_payment", match_bank_line, line.pk, **values, saying="set the line aside")
    match_bank_line(line.pk, **values, another=True)
    assert again(invoice).due == 0


# --- Surplus that no line proves ----------------------------------------------------------------


def propose(invoice: Invoice, amount: str = "65.00", **kwargs: Any) -> SurplusCredit:
    values = {
        "by": factories.billing_clerk(),
        "received_on": factories.today(),
        "reference": "T-9",
        "reason": "On paper",
        **kwargs,
    }
    surplus = record_with_surplus(invoice.pk, amount=Decimal(amount), **values).surplus
    assert surplus is not None
    return surplus


def test_what_is_due_is_recorded_and_the_rest_waits_for_a_manager() -> None:
    invoice = invoice_to_pay()
    surplus = propose(invoice)
    assert (surplus.amount, surplus.state, again(invoice).due) == (Decimal("5.00"), "proposed", Decimal(0))
    assert not Credit.objects.exists()
    approve_surplus(surplus.pk, by=factories.manager())
    credit, payment = Credit.objects.get(), Payment.objects.latest("pk")
    assert (credit.granted, payment.surplus, payment.credit, payment.reference) == (5, 5, credit, "T-9")
    assert SurplusCredit.objects.get().payment == payment
    check_books()


def test_half_a_million_of_1990_is_no_credit_by_one_person() -> None:
    invoice, clerk = invoice_to_pay(), factories.billing_clerk()
    typed: dict[str, Any] = {"amount": Decimal(500_000), "received_on": factories.LONG_AGO, "reason": "On paper"}
    assert_refused("dates", record_with_surplus, invoice.pk, by=clerk, **typed)
    surplus = propose(invoice, "500000.00", by=clerk, received_on=factories.today())
    assert_refused("permission", approve_surplus, surplus.pk, by=clerk)
    assert_refused("permission", approve_surplus, surplus.pk, by=factories.lead())
    own = factories.manager(customer=invoice.customer)
    assert_refused("linked", approve_surplus, surplus.pk, by=own)
    reject_surplus(surplus.pk, by=factories.manager(), reason="Nothing came")
    assert not Credit.objects.exists()
    assert_refused("state", approve_surplus, surplus.pk, by=factories.manager())
    surplus.state = SurplusCredit.State.APPROVED
    with pytest.raises(IntegrityError), transaction.atomic():
        surplus.save()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"amount": Decimal("65.001")}, "amount"),
        ({"amount": Decimal(0)}, "amount"),
        ({"received_on": factories.today().replace(year=factories.today().year + 1)}, "dates"),
        ({"reason": " "}, "reason_missing"),
    ],
)
def test_what_is_refused_before_anybody_approves(values: dict[str, Any], code: str) -> None:
    good = {"amount": Decimal(65), "received_on": factories.today(), "reason": "On paper"}
    invoice = invoice_to_pay()
    assert_refused(code, record_with_surplus, invoice.pk, by=factories.billing_clerk(), **{**good, **values})
    assert again(invoice).due == DUE


def test_a_proposal_waits_once_and_can_be_taken_back() -> None:
    invoice, clerk = invoice_to_pay(), factories.billing_clerk()
    first = propose(invoice, by=clerk)
    values: dict[str, Any] = {"amount": Decimal(5), "received_on": factories.today(), "reference": "T-9"}
    assert_refused("same_payment", record_with_surplus, invoice.pk, by=clerk, reason="Again", **values)
    withdraw_surplus(first.pk, by=factories.billing_clerk())
    second = propose(invoice, "5.00", by=clerk)
    assert SurplusCredit.objects.filter(state="proposed").get() == second


@pytest.mark.parametrize("paid", ["in part", "before"])
@pytest.mark.parametrize("again_as", ["line on the invoice", "line of the subscription", "prepayment", "payment"])
def test_money_that_waits_for_a_second_person_is_asked_about(paid: str, again_as: str) -> None:
    """100.00 came once. What of it is more than due waits, alone or beside what the invoice was paid with."""
    clerk, invoice = factories.billing_clerk(), invoice_to_pay()
    if paid == "before":
        pay(invoice, reference="T-1")
    day = factories.days_ago(1)
    propose(invoice, "100.00", by=clerk, received_on=day)
    subscription = invoice.subscription
    money: dict[str, Any] = {"by": clerk, "amount": Decimal("100.00"), "received_on": day, "reference": "T-9"}
    line = factories.bank_line(amount="100.00")
    act: Callable[..., object]
    match again_as:
        case "line on the invoice":
            act = partial(match_bank_line, line.pk, by=clerk, invoice_number=invoice.number, surplus_to_credit=True)
        case "line of the subscription":
            act = partial(match_to_subscription, line.pk, by=clerk, subscription_number=subscription.number)
        case "prepayment":
            act = partial(record_prepayment, subscription.pk, **money)
        case _:
            other = invoice_to_pay(customer=invoice.customer, agreed_fee=Decimal("100.00"))
            act = partial(record_payment, other.pk, **money)
    assert_refused("same_payment", act)
    act(another=True)


def test_the_pages_of_a_surplus(client: Client) -> None:
    invoice = invoice_to_pay()
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    act = f"{reverse('admin:billing_invoice_act', args=('pay',))}?ids={invoice.pk}"
    typed = {"amount": "65.00", "received_on": factories.today(), "reference": "T-1", "reason": "On paper"}
    assert "can become a credit, if you say so" in client.post(act, typed).content.decode()
    told = client.post(act, {**typed, "surplus_to_credit": "on"}, follow=True).content.decode()
    assert "5.00 EUR more than due waits for a manager" in told
    once_more = f"{reverse('admin:billing_invoice_act', args=('pay_again',))}?ids={invoice.pk}"
    client.post(once_more, {**typed, "amount": "60.00", "reference": "T-2"})
    assert [row.amount for row in SurplusCredit.objects.order_by("pk")] == [5, 60]
    alike = client.post(once_more, {**typed, "amount": "60.00", "reference": "T-1"}).content.decode()
    assert "with the same reference is recorded" in alike

    client.force_login(factories.manager(), backend="accounts.staff.auth.StaffBackend")
    first = SurplusCredit.objects.earliest("pk")
    assert "surpluses to approve as credits" in client.get(reverse("admin:index")).content.decode()
    approve = f"{reverse('admin:billing_surpluscredit_act', args=('approve',))}?ids={first.pk}"
    assert "becomes a credit" in client.get(approve).content.decode()
    client.post(approve, {"reason": ""})
    assert Credit.objects.get().granted == 5


def test_the_page_takes_a_payment_off(client: Client) -> None:
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    payment = pay(invoice_to_pay())
    act = f"{reverse('admin:billing_payment_act', args=('take_off',))}?ids={payment.pk}"
    assert "Then record it where it belongs." in client.get(act).content.decode()
    told = client.post(act, {"reason": "It is Mr Other's"}, follow=True).content.decode()
    assert f"60.00 EUR is off {payment.invoice.number}." in told
    invoice = client.get(reverse("admin:billing_invoice_change", args=(payment.invoice_id,))).content.decode()
    assert "60.00 EUR taken off: It is Mr Other&#x27;s" in invoice
    assert "booked elsewhere" in client.get(reverse("admin:billing_payment_changelist")).content.decode()


# --- Payouts ------------------------------------------------------------------------------------


def test_a_payout_of_a_fee_that_went_back_is_held_wherever_it_could_be_paid(client: Client) -> None:
    clerk = factories.billing_clerk()
    subscription = factories.paid_subscription()
    period = subscription.periods.get()
    payout = order_payout(subscription, Decimal("20.00"), key="refund-1", reason="A refund", period=period)
    free = order_payout(factories.paid_subscription(), Decimal("3.00"), key="refund-2", reason="A refund")
    payment = Payment.objects.get(invoice__period=period)
    record_chargeback(payment.pk, by=clerk, taken_back_on=factories.today(), reason="No mandate")
    paid: dict[str, Any] = {"by": clerk, "reference": "B-1", "paid_on": factories.today()}
    assert_refused("held", mark_payout_paid, payout.pk, **paid, saying="60.00 EUR of the fee")
    assert_refused("held", mark_payout_paid, payout.pk, **paid, collective=True)
    found = {row.key: row for row in payables()}
    assert (found["refund-1"].pay_now, found["refund-2"].pay_now) == (False, True)
    file = StringIO()
    write_csv(payables(), file)
    assert "Held: 60.00 EUR" in file.getvalue()

    client.force_login(clerk, backend="accounts.staff.auth.StaffBackend")
    for url in (
        reverse("admin:billing_payout_changelist"),
        reverse("admin:billing_payout_change", args=(payout.pk,)),
        reverse("admin:index"),
        f"{reverse('admin:billing_payout_act', args=('paid',))}?ids={payout.pk},{free.pk}",
    ):
        assert "Held: 60.00 EUR of the fee" in client.get(url).content.decode(), url
    bulk = f"{reverse('admin:billing_payout_act', args=('paid',))}?ids={payout.pk},{free.pk}"
    client.post(bulk, {"reference": "B-2", "paid_on": factories.today(), "collective": "on"})
    assert {row.key: row.state for row in Payout.objects.all()} == {"refund-1": "pending", "refund-2": "paid"}

    # Paid once more, it is free.
    factories.pay(again(payment.invoice))
    mark_payout_paid(payout.pk, **paid)


def test_a_bank_reference_settles_one_payout_in_the_database() -> None:
    payouts = [
        order_payout(factories.paid_subscription(), Decimal(5), key=f"p{n}", reason="A refund") for n in range(2)
    ]
    mark_payout_paid(payouts[0].pk, by=factories.billing_clerk(), reference="B-1", paid_on=factories.today())
    second = Payout.objects.get(pk=payouts[1].pk)
    second.state, second.reference, second.paid_on = Payout.State.PAID, "B-1", factories.today()
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()
