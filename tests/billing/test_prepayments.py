"""Money that comes before its invoice: it waits, the next invoices use it, and it has ways out."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Event
from billing.credits.actions import set_off_credit
from billing.credits.models import Credit
from billing.invoices.charges.actions import ask_for_charges
from billing.invoices.models import Charge, Invoice
from billing.payments.actions import Received, record_payment, record_payments
from billing.payments.bank_lines.actions import match_bank_line, match_to_subscription
from billing.payments.corrections.actions import take_off_payment
from billing.payments.disputes.actions import open_dispute, record_chargeback
from billing.payments.models import BankLine, Payment
from billing.payments.prepayments.actions import credit_prepayment, record_prepayment, take_off_prepayment
from billing.payments.prepayments.models import Prepayment
from billing.payments.surplus.actions import record_with_surplus
from billing.payouts.payables import payables, write_csv
from billing.remedies.effects import give_credit
from billing.residual_credits.actions import approve_residual_payout, propose_residual_payout
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.factories import again
from tests.money_invariants import check_credits, check_invoices, check_payments

pytestmark = pytest.mark.django_db

FEE = Decimal("60.00")


def running(**kwargs: Any) -> Subscription:
    """A month old, its first invoice paid; billing is due today."""
    return factories.paid_subscription(**{"activated_on": factories.months_ago(1), **kwargs})


def prepay(subscription: Subscription, amount: str = "60.00", **kwargs: Any) -> Prepayment:
    values = {"by": factories.system_user(), "received_on": factories.days_ago(2), "reference": "T-1", **kwargs}
    return record_prepayment(subscription.pk, amount=Decimal(amount), **values)


def bill() -> None:
    run_billing(factories.today(), by=factories.system_user())


def newest(subscription: Subscription) -> Invoice:
    return Invoice.objects.filter(period__subscription=subscription).latest("pk")


def ended(**kwargs: Any) -> tuple[Subscription, Prepayment]:
    """A subscription that ended today, and what was paid for the invoice that never came."""
    subscription = running()
    cancel_subscription(subscription.pk, by=factories.agent(), channel="phone", requested_on=factories.days_ago(1))
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
        with CaptureQueriesContext(
            connection,
        ) as queries:
            bill()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Payment.objects.filter(prepayment__isnull=False).count() == 6


# --- Recorded -----------------------------------------------------------------------------------


def test_what_is_to_be_paid_is_paid_first() -> None:
    subscription = factories.open_subscription()
    invoice = newest(subscription)
    assert_refused("unpaid_invoice", prepay, subscription, saying=f"60.00 EUR is due on {invoice.number}")
    record_payment(invoice.pk, by=factories.system_user(), amount=Decimal("59.99"), received_on=factories.today())
    assert_refused("unpaid_invoice", prepay, subscription, saying="0.01 EUR")
    # Nobody is asked for what is in dispute.
    open_dispute(invoice.pk, by=factories.billing_clerk(), disputed_on=factories.today(), reason="Too slow")
    assert prepay(subscription).remaining == FEE


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-1.00"}, "amount"),
        ({"amount": "1.001"}, "amount"),
        ({"received_on": factories.today() + timedelta(days=1)}, "dates"),
        ({"received_on": factories.months_ago(12 * 36)}, "dates"),
    ],
)
def test_money_that_cannot_have_come_does_not_wait(values: dict[str, Any], code: str) -> None:
    assert_refused(code, prepay, running(), **values)
    assert not Prepayment.objects.exists()


def test_who_records_and_for_whom() -> None:
    subscription = running()
    for person in (factories.agent(), factories.manager()):
        assert_refused("permission", prepay, subscription, by=person)
    assert_refused("linked", prepay, subscription, by=factories.billing_clerk(customer=subscription.customer))
    over, _ = ended()
    assert_refused("no_next_cycle", prepay, over, reference="T-2", saying="has ended")


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({}, True),
        ({"reference": " t-1 "}, True),
        ({"reference": "T-2"}, False),
        ({"amount": "59.00"}, False),
        ({"received_on": factories.days_ago(1)}, False),
    ],
)
def test_a_payment_is_asked_about_whichever_kind_it_is(values: dict[str, Any], asked: bool) -> None:
    first, second = running(), running()
    unpaid = newest(factories.open_subscription(activated_on=factories.days_ago(5)))
    prepay(first)
    paid = {"by": factories.system_user(), "received_on": factories.days_ago(2), "reference": "T-1", **values}
    pay = {**paid, "amount": Decimal(values.get("amount", "60.00"))}
    if asked:
        assert_refused("same_payment", prepay, second, **values, saying=first.number)
        assert_refused("same_payment", record_payment, unpaid.pk, **pay, saying=first.number)
        record_payment(unpaid.pk, another=True, **pay)
        # Two alike are on record: each is asked about.
        assert_refused("same_payment", prepay, second, **values, saying=unpaid.number)
        prepay(second, another=True, **values)
    else:
        record_payment(unpaid.pk, **pay)
        prepay(second, another=True, **values)
    assert Prepayment.objects.count() == 2


def test_what_was_taken_off_is_not_asked_about() -> None:
    first, second = running(), running()
    take_off_prepayment(prepay(first).pk, by=factories.billing_clerk(), reason="Another's")
    prepay(second)


def test_nothing_was_paid_before_the_subscription_was_opened() -> None:
    old = factories.open_subscription(activated_on=factories.days_ago(5))
    ahead = factories.open_subscription(activated_on=factories.today() + timedelta(days=20))
    for subscription, first in ((old, factories.days_ago(5)), (ahead, factories.today())):
        invoice, clerk = newest(subscription), factories.billing_clerk()
        paid: dict[str, Any] = {"by": clerk, "amount": Decimal("20.00"), "received_on": first - timedelta(days=1)}
        said = f"{subscription.number} was opened on"
        assert_refused("dates", record_payment, invoice.pk, **paid, saying=said)
        assert_refused("dates", record_with_surplus, invoice.pk, **paid, reason="On paper", saying=said)
        received = [Received(invoice.pk, Decimal("20.00"), paid["received_on"])]
        assert_refused("dates", record_payments, received, by=clerk, saying=said)
        record_payment(invoice.pk, **{**paid, "received_on": first})
    assert Payment.objects.count() == 2


def test_a_line_from_before_the_opening_waits_for_a_person() -> None:
    invoice = newest(factories.open_subscription(activated_on=factories.days_ago(1)))
    line = factories.bank_line(text=f"Invoice {invoice.number}", amount="60.00")
    assert line.state == BankLine.State.MATCHED
    later = newest(factories.open_subscription(activated_on=factories.today()))
    line = factories.bank_line(text=f"Invoice {later.number}", amount="60.00")
    assert (line.state, line.payment) == (BankLine.State.UNMATCHED, None)
    assert "was opened on" in line.why


# --- Lines of the bank --------------------------------------------------------------------------


def test_a_line_waits_as_a_prepayment_and_is_free_once_nothing_of_it_stands() -> None:
    subscription, clerk = running(), factories.billing_clerk()
    line = factories.bank_line(by=clerk, amount="100.00")
    match: dict[str, Any] = {"by": clerk, "subscription_number": f" {subscription.number} "}
    assert_refused("unknown", match_to_subscription, line.pk, by=clerk, subscription_number="S-9")
    assert_refused("permission", match_to_subscription, line.pk, **{**match, "by": factories.manager()})
    line = match_to_subscription(line.pk, **match)
    prepayment = line.prepayment
    assert prepayment is not None
    assert (line.state, line.payment, prepayment.received_on) == (BankLine.State.MATCHED, None, line.booked_on)
    assert prepayment.reference == f"{line.payer} {line.text}".strip()
    assert_refused("state", match_to_subscription, line.pk, **match)
    assert_refused("state", match_bank_line, line.pk, by=clerk, invoice_number=newest(subscription).number)
    bill()
    check_books()
    # 60.00 on the invoice, 40.00 waits: each is taken off where it is.
    take_off_prepayment(prepayment.pk, by=clerk, reason="Another's")
    assert BankLine.objects.get().prepayment == prepayment
    check_books()
    take_off_payment(Payment.objects.get(prepayment=prepayment).pk, by=clerk, reason="Another's")
    line = BankLine.objects.get()
    assert (line.state, line.prepayment) == (BankLine.State.UNMATCHED, None)
    assert newest(subscription).due == FEE
    check_books()
    # It is another one's first invoice, and more than that.
    right = factories.open_subscription(activated_on=factories.months_ago(1))
    match_bank_line(line.pk, by=clerk, invoice_number=newest(right).number, surplus_to_credit=True)
    check_books()


def test_a_line_of_what_was_typed_by_hand_is_asked_about() -> None:
    subscription, clerk = running(), factories.billing_clerk()
    line = factories.bank_line(by=clerk, amount="60.00")
    prepay(subscription, received_on=line.booked_on, reference="By telephone")
    values: dict[str, Any] = {"by": clerk, "subscription_number": subscription.number}
    assert_refused("same_payment", match_to_subscription, line.pk, **values, saying=subscription.number)
    match_to_subscription(line.pk, another=True, **values)
    assert Prepayment.objects.count() == 2


def test_a_line_in_another_currency_or_of_an_open_invoice_is_refused() -> None:
    clerk = factories.billing_clerk()
    line = factories.bank_line(by=clerk, amount="60.00")
    unpaid = factories.open_subscription()
    values: dict[str, Any] = {"by": clerk, "subscription_number": unpaid.number}
    assert_refused("unpaid_invoice", match_to_subscription, line.pk, **values, saying=newest(unpaid).number)
    assert (BankLine.objects.get().state, Prepayment.objects.count()) == (BankLine.State.UNMATCHED, 0)


# --- Taken off ----------------------------------------------------------------------------------


def test_what_waits_is_taken_off_with_a_reason() -> None:
    prepayment, clerk = prepay(running()), factories.billing_clerk()
    assert_refused("reason_missing", take_off_prepayment, prepayment.pk, by=clerk, reason=" ")
    assert_refused("permission", take_off_prepayment, prepayment.pk, by=factories.manager(), reason="x")
    own = factories.billing_clerk(customer=prepayment.subscription.customer)
    assert_refused("linked", take_off_prepayment, prepayment.pk, by=own, reason="x")
    assert take_off_prepayment(prepayment.pk, by=clerk, reason="Another's").amount == FEE
    assert_refused("taken_off", take_off_prepayment, prepayment.pk, by=clerk, reason="Once more")
    bill()
    assert newest(prepayment.subscription).paid == 0
    check_books()


def test_a_payment_of_it_that_is_taken_off_does_not_wait_again() -> None:
    prepayment, clerk = prepay(running(), "100.00"), factories.billing_clerk()
    bill()
    payment = prepayment.payments.get()
    take_off_payment(payment.pk, by=clerk, reason="Another's")
    found = again(prepayment)
    assert (found.applied, found.taken_off, found.remaining) == (0, FEE, Decimal("40.00"))
    assert newest(prepayment.subscription).due == FEE
    assert_refused("taken_off", take_off_payment, payment.pk, by=clerk, reason="Once more")
    check_books()


def test_used_up_it_is_taken_off_by_its_payments() -> None:
    prepayment = prepay(running())
    bill()
    assert_refused("nothing_left", take_off_prepayment, prepayment.pk, by=factories.billing_clerk(), reason="x")


def test_the_bank_takes_back_a_payment_of_it() -> None:
    prepayment = prepay(running())
    bill()
    payment = prepayment.payments.get()
    record_chargeback(payment.pk, by=factories.billing_clerk(), taken_back_on=factories.today(), reason="No mandate")
    assert newest(prepayment.subscription).due == FEE
    assert again(prepayment).remaining == 0
    check_books()


# --- Left when the subscription ended -----------------------------------------------------------


def test_typed_by_one_it_is_made_a_credit_by_another_and_paid_out_as_leftover() -> None:
    factories.approval_limits()
    clerk, manager = factories.billing_clerk(), factories.manager()
    subscription, prepayment = ended(by=clerk)
    assert_refused("own_proposal", credit_prepayment, prepayment.pk, by=clerk)
    assert_refused("unproved", credit_prepayment, prepayment.pk, by=factories.billing_clerk())
    own = factories.manager(customer=subscription.customer)
    assert_refused("linked", credit_prepayment, prepayment.pk, by=own)
    credit_prepayment(prepayment.pk, by=manager)
    credit = Credit.objects.get()
    found = again(prepayment)
    assert found.credit == credit
    assert (credit.granted, found.credited, found.remaining) == (FEE, FEE, Decimal(0))
    assert_refused("nothing_left", credit_prepayment, prepayment.pk, by=manager)
    leftover = propose_residual_payout(credit.pk, by=clerk, reason="They asked")
    approve_residual_payout(leftover.pk, by=manager)
    assert Credit.objects.get().remaining == 0
    check_books()


def test_a_line_of_the_bank_proves_it() -> None:
    clerk = factories.billing_clerk()
    subscription = running()
    prepayment = match_to_subscription(
        factories.bank_line(by=clerk, amount="60.00").pk, by=clerk, subscription_number=subscription.number
    ).prepayment
    assert prepayment is not None
    assert_refused("not_ended", credit_prepayment, prepayment.pk, by=clerk)
    cancel_subscription(subscription.pk, by=factories.agent(), channel="phone", requested_on=factories.days_ago(1))
    bill()
    assert_refused("permission", credit_prepayment, prepayment.pk, by=factories.manager())
    assert credit_prepayment(prepayment.pk, by=clerk).credited == FEE
    check_books()


@pytest.mark.parametrize("used", ["0", "20.00", "60.00"])
def test_the_credit_that_it_became_goes_with_it_or_is_charged(used: str) -> None:
    clerk = factories.billing_clerk()
    subscription = running()
    line = factories.bank_line(by=clerk, amount="60.00")
    prepayment = match_to_subscription(line.pk, by=clerk, subscription_number=subscription.number).prepayment
    assert prepayment is not None
    cancel_subscription(subscription.pk, by=factories.agent(), channel="phone", requested_on=factories.days_ago(1))
    bill()
    credit = credit_prepayment(prepayment.pk, by=clerk).credit
    assert credit is not None
    if Decimal(used):
        owing = newest(factories.open_subscription(customer=subscription.customer))
        left = FEE - Decimal(used)
        if left:
            record_payment(owing.pk, by=clerk, amount=left, received_on=factories.today())
        set_off_credit(credit.pk, by=clerk)
    entry = take_off_prepayment(prepayment.pk, by=clerk, reason="Another's")
    found, charges = again(prepayment), [charge.amount for charge in Charge.objects.all()]
    assert (entry.amount, entry.from_credit, found.credited, found.taken_off) == (FEE, FEE, 0, FEE)
    assert charges == ([Decimal(used)] if Decimal(used) else [])
    credit.refresh_from_db()
    assert (credit.reversed, credit.remaining) == (FEE - Decimal(used), Decimal(0))
    assert BankLine.objects.get().state == BankLine.State.UNMATCHED
    assert_refused("taken_off", take_off_prepayment, prepayment.pk, by=clerk, reason="Once more")
    check_books()


def test_debts_come_before_cash() -> None:
    clerk, manager = factories.billing_clerk(), factories.manager()
    subscription, prepayment = ended(by=clerk)
    factories.open_subscription(customer=subscription.customer)
    credit = credit_prepayment(prepayment.pk, by=manager).credit
    assert credit is not None
    assert_refused("owes", propose_residual_payout, credit.pk, by=clerk, reason="They asked")


def test_what_was_paid_for_a_subscription_that_never_began_is_theirs() -> None:
    subscription = factories.paid_subscription(activated_on=factories.today() + timedelta(days=20))
    prepayment = prepay(subscription, "7.00", received_on=factories.today())
    cancel_subscription(subscription.pk, by=factories.agent(), channel="phone")
    credit_prepayment(prepayment.pk, by=factories.manager())
    assert sorted(credit.granted for credit in Credit.objects.all()) == [Decimal("7.00"), FEE]


# --- On pages -----------------------------------------------------------------------------------


def test_it_is_recorded_and_seen_on_pages(client: Client) -> None:
    subscription = running()
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")

    def page(name: str, pk: int) -> str:
        return client.get(reverse(f"admin:billing_{name}_change", args=(pk,))).content.decode()

    act = f"{reverse('admin:billing_subscription_act', args=('prepay',))}?ids={subscription.pk}"
    assert "the next invoice of" in client.get(act).content.decode().lower()
    typed = {"amount": "100.00", "received_on": factories.days_ago(1).isoformat(), "reference": "For the year"}
    told = client.post(act, typed, follow=True).content.decode()
    assert f"100.00 EUR is recorded as a prepayment of {subscription.number}." in told
    assert "If this is another one, say so" in client.post(act, typed, follow=True).content.decode()
    assert Prepayment.objects.count() == 1
    bill()
    prepayment = Prepayment.objects.get()
    customer = client.get(reverse("admin:accounts_customer_change", args=(subscription.customer_id,)))
    for seen in (page("subscription", subscription.pk), customer.content.decode(), page("prepayment", prepayment.pk)):
        assert "For the year" in seen
        assert newest(subscription).number in seen
        assert "40.00" in seen
    assert "recorded a prepayment of the subscription" in page("prepayment", prepayment.pk)
    assert "a prepayment" in page("invoice", newest(subscription).pk)
    assert "part of a prepayment of 100.00 EUR" in page("payment", prepayment.payments.get().pk)
    off = f"{reverse('admin:billing_prepayment_act', args=('take_off',))}?ids={prepayment.pk}"
    assert "What invoices have used is taken off" in client.get(off).content.decode()
    client.post(off, {"reason": "It is Ms Other's"}, follow=True)
    assert again(prepayment).taken_off == Decimal("40.00")
    assert "took off the prepayment" in page("subscription", subscription.pk)
    # Due on an invoice: the button says where the money belongs.
    take_off_payment(prepayment.payments.get().pk, by=factories.billing_clerk(), reason="Another's")
    assert "the payment belongs there" in client.get(act, follow=True).content.decode()


def test_a_line_is_kept_on_its_page(client: Client) -> None:
    subscription, line = running(), factories.bank_line(amount="60.00")
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    act = f"{reverse('admin:billing_bankline_act', args=('match_subscription',))}?ids={line.pk}"
    client.post(act, {"subscription_number": subscription.number}, follow=True)
    prepayment = Prepayment.objects.get(bank_line=line)
    shown = client.get(reverse("admin:billing_bankline_change", args=(line.pk,))).content.decode()
    assert f"prepayment of {subscription.number}" in shown
    assert line.payer in client.get(reverse("admin:billing_prepayment_change", args=(prepayment.pk,))).content.decode()


def test_what_is_left_is_work_until_it_is_a_credit(client: Client) -> None:
    clerk, manager = factories.billing_clerk(), factories.manager()
    subscription, prepayment = ended(by=clerk)
    file = io.StringIO()
    write_csv(payables(), file)
    assert f"Paid before {subscription.number} ended" in file.getvalue()
    homes = {}
    for person in (clerk, manager):
        client.force_login(person, backend="accounts.staff.auth.StaffBackend")
        homes[person.pk] = client.get(reverse("admin:index")).content.decode()
    assert "Prepayments that no invoice will use" in homes[clerk.pk]
    assert subscription.number in homes[clerk.pk]
    assert "1 prepayment of an ended subscription to make a credit" in homes[manager.pk]
    listed = client.get(f"{reverse('admin:billing_prepayment_changelist')}?waits=ended").content.decode()
    assert subscription.number in listed
    for proved, there in (("no", True), ("yes", False)):
        found = client.get(f"{reverse('admin:billing_prepayment_changelist')}?proved={proved}").content.decode()
        assert (subscription.number in found) == there
    act = f"{reverse('admin:billing_prepayment_act', args=('credit',))}?ids={prepayment.pk}"
    client.post(act, {"reason": "Seen the receipt"}, follow=True)
    assert again(prepayment).credited == FEE
    for person in (clerk, manager):
        client.force_login(person, backend="accounts.staff.auth.StaffBackend")
        home = client.get(reverse("admin:index")).content.decode()
        assert "Prepayments that no invoice will use" not in home
        assert "to make a credit" not in home
