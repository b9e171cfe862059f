"""What a customer has left goes against what they owe before any cash: by the run, at once, or by hand (RULES 7)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.staff.models import User
from audit.ledger_checks import run_checks
from audit.models import Event
from billing.credits.actions import set_off_credit
from billing.credits.models import Credit, CreditApplication
from billing.invoices.charges.actions import ask_for_charges
from billing.invoices.models import Charge, Invoice
from billing.payments.corrections.actions import take_off_payment
from billing.payments.disputes.actions import open_dispute, record_chargeback
from billing.payments.models import Payment
from billing.payments.surplus.actions import approve_surplus, record_with_surplus
from billing.payouts.actions import mark_payout_paid
from billing.payouts.models import Payout
from billing.payouts.payables import payables
from billing.remedies.effects import give_credit
from billing.residual_credits.actions import approve_residual_payout, propose_residual_payout
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from messaging.outbox.models import OutgoingMessage
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.factories import again, invoice_to_pay
from tests.money_invariants import check_invoices

pytestmark = pytest.mark.django_db

DUE = Decimal("60.00")


def leftover_and_debts(amount: str = "40.00", count: int = 2) -> tuple[Credit, list[Invoice]]:
    credit = factories.leftover_credit(Decimal(amount))
    days = [factories.days_ago(20 - n) for n in range(count)]
    return credit, [invoice_to_pay(customer=credit.customer, activated_on=day) for day in days]


def test_what_is_left_goes_against_the_oldest_debt_before_it_is_paid_out() -> None:
    credit, (older, newer) = leftover_and_debts()
    clerk = factories.billing_clerk()
    assert_refused("owes", propose_residual_payout, credit.pk, by=clerk, reason="They left", saying="120.00 EUR")
    assert set_off_credit(credit.pk, by=clerk).remaining == 0
    assert (again(older).due, again(newer).due, again(older).credited) == (Decimal("20.00"), DUE, Decimal("40.00"))
    use = CreditApplication.objects.get()
    assert (use.set_off_by, use.applied_on, use.invoice) == (clerk, factories.today(), older)
    check_invoices()


def test_what_is_more_than_the_debts_is_paid_out() -> None:
    credit, debts = leftover_and_debts("150.00")
    clerk = factories.billing_clerk()
    left = set_off_credit(credit.pk, by=clerk)
    assert (left.remaining, sum(again(debt).due for debt in debts)) == (Decimal("30.00"), Decimal(0))
    assert propose_residual_payout(credit.pk, by=clerk, reason="They left").amount == Decimal("30.00")


def test_a_debt_that_came_after_the_proposal_stops_the_approval() -> None:
    credit = factories.leftover_credit(Decimal("40.00"))
    factories.approval_limits()
    proposal = propose_residual_payout(credit.pk, by=factories.billing_clerk(), reason="They left")
    debt = invoice_to_pay(customer=credit.customer)
    assert_refused("owes", approve_residual_payout, proposal.pk, by=factories.manager())
    # Nobody is asked for what is in dispute.
    open_dispute(debt.pk, by=factories.billing_clerk(), disputed_on=factories.today(), reason="Not ordered")
    approve_residual_payout(proposal.pk, by=factories.manager())


def test_what_a_credit_is_not_set_off_against() -> None:
    clerk = factories.billing_clerk()
    credit = factories.leftover_credit()
    invoice_to_pay()
    assert_refused("nothing_due", set_off_credit, credit.pk, by=clerk)
    mine = invoice_to_pay(customer=credit.customer)
    assert_refused("permission", set_off_credit, credit.pk, by=factories.manager())
    own = factories.billing_clerk(customer=credit.customer)
    assert_refused("linked", set_off_credit, credit.pk, by=own)
    set_off_credit(credit.pk, by=clerk)
    assert again(mine).due == Decimal("35.00")
    assert_refused("nothing_left", set_off_credit, credit.pk, by=clerk)


def test_the_page_sets_off(client: Client) -> None:
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    credit, _ = leftover_and_debts()
    page = client.get(reverse("admin:billing_credit_change", args=(credit.pk,))).content.decode()
    assert "owes 120.00 EUR: set the credit off" in page
    act = f"{reverse('admin:billing_credit_act', args=('set_off',))}?ids={credit.pk}"
    assert "owes 120.00 EUR" in client.get(act).content.decode()
    told = client.post(act, {"reason": ""}, follow=True).content.decode()
    assert "0.00 EUR is left of the credit." in told


# --- At once ------------------------------------------------------------------------------------


def test_a_surplus_of_a_banks_line_goes_against_other_debts_at_once() -> None:
    paid = invoice_to_pay(activated_on=factories.days_ago(12))
    debt = invoice_to_pay(customer=paid.customer)
    disputed = invoice_to_pay(customer=paid.customer, activated_on=factories.days_ago(11))
    open_dispute(disputed.pk, by=factories.billing_clerk(), disputed_on=factories.today(), reason="Not ordered")
    clerk = factories.billing_clerk()
    payment = factories.overpay(paid, "95.00", by=clerk)
    use = CreditApplication.objects.get()
    assert (use.invoice, use.amount, use.set_off_by) == (debt, Decimal("35.00"), clerk)
    assert (again(debt).due, again(disputed).due) == (Decimal("25.00"), DUE)
    assert payment.credit is not None
    assert Credit.objects.get().remaining == Decimal(0)
    event = Event.objects.get(verb="credit.set_off")
    assert (event.data["set_off"], event.customer_id) == ({debt.number: "35.00"}, paid.customer_id)
    told = OutgoingMessage.objects.get(kind="credit_applied")
    assert f"off invoice {debt.number} for subscription {debt.subscription.number}" in told.body
    check_invoices()
    assert list(run_checks(CHECKS)) == []
    # The bank takes it back: what was set off with it is asked for again.
    record_chargeback(payment.pk, by=clerk, taken_back_on=factories.today(), reason="No mandate")
    assert (again(paid).due, Charge.objects.get().amount) == (DUE, Decimal("35.00"))


def test_an_approved_surplus_goes_against_other_debts_at_once() -> None:
    paid = factories.paid_invoice()
    debt = invoice_to_pay(customer=paid.customer)
    clerk, today = factories.billing_clerk(), factories.today()
    known: dict[str, Any] = {"received_on": today, "reference": "Twice", "reason": "The bank's letter of today"}
    made = record_with_surplus(paid.pk, by=clerk, amount=Decimal("80.00"), **known)
    assert made.surplus is not None
    assert again(debt).due == DUE
    approve_surplus(made.surplus.pk, by=factories.manager())
    assert (again(debt).due, Credit.objects.get().remaining) == (Decimal(0), Decimal("20.00"))
    # What is left stays the credit of the subscription that it was paid for.
    assert "20.00 EUR of your credit is kept" in OutgoingMessage.objects.get(kind="credit_applied").body
    check_invoices()


def test_what_a_voided_period_leaves_goes_against_other_debts_at_once() -> None:
    """The customer left, and had paid a month that does not count: 60.00 goes against what they owe elsewhere."""
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    debt = invoice_to_pay(customer=subscription.customer)
    asked = subscription.activated_on - timedelta(days=1)
    cancel_subscription(subscription.pk, by=factories.lead(), channel="letter", requested_on=asked)
    assert (again(debt).due, Credit.objects.get().remaining) == (Decimal(0), Decimal(0))
    check_invoices()


def test_a_refunds_credit_waits_for_the_next_invoice_of_its_subscription() -> None:
    """That is what was approved; it is no cash, and goes against a debt by hand, or when the subscription ends."""
    subscription = factories.paid_subscription()
    debt = invoice_to_pay(customer=subscription.customer)
    credit = give_credit(subscription, Decimal("10.00"), reason="A refund")
    assert again(debt).due == DUE
    assert credit.remaining == Decimal("10.00")


# --- What comes before cash beside invoices -----------------------------------------------------


def test_what_a_credit_bore_already_is_set_off_again_when_it_is_due_again() -> None:
    """A payment that never came kept a debt small while the credit went against it, and was then taken off."""
    clerk = factories.billing_clerk()
    credit = factories.leftover_credit(Decimal("100.00"))
    debt = invoice_to_pay(customer=credit.customer)
    payment = factories.pay(debt, Decimal("59.00")).payments.get()
    set_off_credit(credit.pk, by=clerk)
    take_off_payment(payment.pk, by=clerk, reason="It was another's")
    assert again(debt).due == Decimal("59.00")
    assert_refused("owes", propose_residual_payout, credit.pk, by=clerk, reason="They left")
    run_billing(factories.today(), by=factories.system_user())
    assert (again(debt).due, again(credit).remaining) == (Decimal(0), Decimal("40.00"))
    assert [use.amount for use in CreditApplication.objects.order_by("pk")] == [Decimal("1.00"), Decimal("59.00")]
    check_invoices()


def test_charges_that_wait_come_before_cash() -> None:
    clerk = factories.billing_clerk()
    credit = factories.leftover_credit()
    charge = factories.charge(credit.subscription, Decimal("5.00"))
    assert_refused("owes", propose_residual_payout, credit.pk, by=clerk, reason="They left", saying="Charges of 5.00")
    ask_for_charges(charge.pk, by=clerk, reason="They left")
    assert propose_residual_payout(credit.pk, by=clerk, reason="They left").amount == Decimal("20.00")


def leftover_on_its_way(credit: Credit, clerk: User) -> Payout:
    factories.approval_limits()
    proposal = propose_residual_payout(credit.pk, by=clerk, reason="They left")
    payout = approve_residual_payout(proposal.pk, by=factories.manager()).payout
    assert payout is not None
    return payout


def ended_with_surplus() -> tuple[Subscription, Payment]:
    subscription = factories.open_subscription(activated_on=factories.months_ago(1))
    payment = factories.overpay(Invoice.objects.get(), "100.00")
    cancel_subscription(subscription.pk, by=factories.lead(), channel="phone", requested_on=factories.days_ago(5))
    run_billing(factories.today(), by=factories.system_user())
    return subscription, payment


@pytest.mark.parametrize("back", ["charged back", "taken off"])
def test_cash_on_its_way_stops_when_its_money_goes(back: str) -> None:
    """The surplus became a credit, and that a payout; the bank has not paid it when the money turns out to be gone."""
    clerk = factories.billing_clerk()
    _, payment = ended_with_surplus()
    assert payment.credit is not None
    payout = leftover_on_its_way(payment.credit, clerk)
    if back == "charged back":
        record_chargeback(payment.pk, by=clerk, taken_back_on=factories.today(), reason="No mandate")
    else:
        take_off_payment(payment.pk, by=clerk, reason="It was another's")
    assert (again(payout).state, again(payment.credit).reversed) == ("cancelled", Decimal("40.00"))
    assert not Charge.objects.exists()
    assert_refused("state", mark_payout_paid, payout.pk, by=clerk, reference="B-1", paid_on=factories.today())
    assert list(run_checks(CHECKS)) == []


def test_cash_that_was_paid_is_charged_and_stops_the_next() -> None:
    clerk = factories.billing_clerk()
    subscription, payment = ended_with_surplus()
    assert payment.credit is not None
    payout = leftover_on_its_way(payment.credit, clerk)
    mark_payout_paid(payout.pk, by=clerk, reference="B-1", paid_on=factories.today())
    take_off_payment(payment.pk, by=clerk, reason="It was another's")
    assert Charge.objects.get().amount == Decimal("40.00")
    other = give_credit(subscription, Decimal("40.00"), reason="A refund")
    charge = Charge.objects.get()
    assert_refused("owes", propose_residual_payout, other.pk, by=clerk, reason="They left")
    assert ask_for_charges(charge.pk, by=clerk, reason="They left").due == Decimal(0)


# --- Debts that came while the cash was on its way ----------------------------------------------


def paid_beside(credit: Credit) -> tuple[Invoice, Payment]:
    """An invoice of the credit's customer, and its payment."""
    invoice = invoice_to_pay(customer=credit.customer)
    return invoice, factories.pay(invoice).payments.get()


def test_cash_beside_a_debt_that_came_meanwhile_is_held_and_said_so(client: Client) -> None:
    clerk, credit = factories.billing_clerk(), factories.leftover_credit(Decimal("100.00"))
    debt, payment = paid_beside(credit)
    payout = leftover_on_its_way(credit, clerk)
    take_off_payment(payment.pk, by=clerk, reason="It was another's")
    paid: dict[str, Any] = {"by": clerk, "reference": "B-1", "paid_on": factories.today()}
    assert_refused("owes", mark_payout_paid, payout.pk, **paid, saying="The customer owes 60.00 EUR")
    (row,) = [row for row in payables() if row.key == payout.key]
    assert (row.pay_now, "owes 60.00 EUR" in row.why_not) == (False, True)
    client.force_login(clerk, backend="accounts.staff.auth.StaffBackend")
    for page in (reverse("admin:billing_payout_changelist"), reverse("admin:index")):
        assert "The customer owes 60.00 EUR" in client.get(page).content.decode()
    # Paid after all, it is free again.
    factories.pay(again(debt))
    assert mark_payout_paid(payout.pk, **paid).state == "paid"


def test_a_set_off_stops_cash_on_its_way_that_it_needs() -> None:
    clerk, credit = factories.billing_clerk(), factories.leftover_credit(Decimal("100.00"))
    debt, payment = paid_beside(credit)
    payout = leftover_on_its_way(credit, clerk)
    take_off_payment(payment.pk, by=clerk, reason="It was another's")
    left = set_off_credit(credit.pk, by=clerk)
    assert (again(debt).due, left.remaining, again(payout).state) == (Decimal(0), Decimal("40.00"), "cancelled")
    assert Event.objects.get(verb="credit.set_off").data["stopped"] == [payout.key]
    assert propose_residual_payout(credit.pk, by=clerk, reason="They left").amount == Decimal("40.00")
    assert "payout-stopped" not in {breach.rule for breach in run_checks(CHECKS)}


def test_a_set_off_leaves_cash_alone_that_it_does_not_need() -> None:
    clerk, credit = factories.billing_clerk(), factories.leftover_credit(Decimal("100.00"))
    debt, payment = paid_beside(credit)
    factories.approval_limits()
    part = propose_residual_payout(credit.pk, by=clerk, reason="They left", amount=Decimal("40.00"))
    payout = approve_residual_payout(part.pk, by=factories.manager()).payout
    assert payout is not None
    take_off_payment(payment.pk, by=clerk, reason="It was another's")
    assert set_off_credit(credit.pk, by=clerk).remaining == 0
    assert (again(debt).due, again(payout).state) == (Decimal(0), "pending")


def test_a_set_off_is_never_dated_before_its_credit() -> None:
    credit, _ = leftover_and_debts(count=1)
    run_billing(factories.days_ago(3), by=factories.system_user())
    assert CreditApplication.objects.get().applied_on == credit.granted_on
