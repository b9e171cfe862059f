"""Write-offs take two people."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from billing.invoices.models import Invoice, WriteOff
from billing.invoices.receivables import receivables
from billing.invoices.write_offs.actions import (
    approve_write_off,
    propose_write_off,
    reject_write_off,
    withdraw_write_off,
)
from billing.payments.actions import record_payment
from billing.payments.disputes.actions import record_chargeback
from billing.remedies.effects import make_due_again, set_off
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.factories import again, invoice_to_pay
from tests.money_invariants import check_invoices

pytestmark = pytest.mark.django_db

State = Invoice.State
DUE = Decimal("60.00")


def written_off(invoice: Invoice) -> Invoice:
    proposal = propose_write_off(invoice.pk, by=factories.billing_clerk(), reason="Moved abroad")
    approve_write_off(proposal.pk, by=factories.manager())
    return again(invoice)


# --- Write-offs ---------------------------------------------------------------------------------


def test_two_people_write_off_what_is_due() -> None:
    invoice, clerk = invoice_to_pay(), factories.billing_clerk()
    factories.pay(invoice, Decimal("10.00"))
    proposal = propose_write_off(invoice.pk, by=clerk, reason="Moved abroad")
    assert (proposal.amount, again(invoice).due) == (Decimal("50.00"), Decimal("50.00"))
    assert_refused("duplicate", propose_write_off, invoice.pk, by=factories.billing_clerk(), reason="Once more")
    approve_write_off(proposal.pk, by=factories.manager())
    invoice = again(invoice)
    assert (invoice.due, invoice.written_off, invoice.state) == (Decimal(0), Decimal("50.00"), State.WRITTEN_OFF)
    assert invoice.period is not None
    # Nobody has paid it: no refund hands it out.
    assert (invoice.period.fee_paid, invoice.period.unpaid) == (Decimal("10.00"), Decimal("50.00"))
    assert list(receivables()) == []
    check_invoices()


@pytest.mark.parametrize("way", ["permission", "linked", "own", "state", "reason", "paid", "less"])
def test_what_stands_in_the_way(way: str) -> None:
    invoice, clerk = invoice_to_pay(), factories.billing_clerk()
    if way == "paid":
        factories.pay(invoice)
        assert_refused("nothing_due", propose_write_off, invoice.pk, by=clerk, reason="Moved")
        return
    if way == "reason":
        assert_refused("reason_missing", propose_write_off, invoice.pk, by=clerk, reason=" ")
        return
    proposal = propose_write_off(invoice.pk, by=clerk, reason="Moved")
    if way == "permission":
        for user in (clerk, factories.lead(), factories.auditor()):
            assert_refused("permission", approve_write_off, proposal.pk, by=user)
        assert_refused("permission", propose_write_off, invoice.pk, by=factories.manager(), reason="x")
    elif way == "linked":
        own = factories.manager(customer=invoice.customer)
        assert_refused("linked", approve_write_off, proposal.pk, by=own)
    elif way == "own":
        proposal.state, proposal.decided_by = WriteOff.State.APPROVED, clerk
        with pytest.raises(IntegrityError), transaction.atomic():
            proposal.save()
    elif way == "state":
        reject_write_off(proposal.pk, by=factories.manager(), reason="They will pay")
        assert_refused("state", approve_write_off, proposal.pk, by=factories.manager())
        assert_refused("state", withdraw_write_off, proposal.pk, by=clerk)
    else:
        factories.pay(invoice, Decimal("1.00"))
        assert_refused("cap", approve_write_off, proposal.pk, by=factories.manager())
    assert again(invoice).written_off == 0


def test_what_comes_in_after_all_takes_the_write_off_back() -> None:
    invoice, clerk = written_off(invoice_to_pay()), factories.billing_clerk()
    payment = record_payment(invoice.pk, by=clerk, amount=Decimal("25.00"), received_on=factories.today())
    assert payment.surplus == 0
    assert (again(invoice).written_off, again(invoice).paid) == (Decimal("35.00"), Decimal("25.00"))
    assert again(invoice).state == State.WRITTEN_OFF
    record_chargeback(payment.pk, by=clerk, taken_back_on=factories.today(), reason="No mandate")
    assert (again(invoice).due, again(invoice).state) == (Decimal("25.00"), State.ISSUED)
    factories.pay(again(invoice), DUE)
    assert (again(invoice).written_off, again(invoice).state) == (Decimal(0), State.PAID)
    check_invoices()


def test_a_set_off_takes_the_write_off_and_its_reversal_makes_it_due() -> None:
    invoice = written_off(invoice_to_pay())
    with transaction.atomic():
        set_off(invoice, Decimal("20.00"))
    assert (invoice.written_off, invoice.due, invoice.state) == (Decimal("40.00"), Decimal(0), State.WRITTEN_OFF)
    with transaction.atomic():
        make_due_again(invoice, Decimal("20.00"))
    assert (invoice.due, invoice.state) == (Decimal("20.00"), State.ISSUED)


def test_the_pages_of_a_write_off(client: Client) -> None:
    invoice = invoice_to_pay()
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    act = f"{reverse('admin:billing_invoice_act', args=('write_off',))}?ids={invoice.pk}"
    assert "60.00 EUR is due. A manager approves it" in client.get(act).content.decode()
    client.post(act, {"reason": "Moved abroad"})
    client.force_login(factories.manager(), backend="accounts.staff.auth.StaffBackend")
    assert "1 write-off to approve" in client.get(reverse("admin:index")).content.decode()
    approve = f"{reverse('admin:billing_writeoff_act', args=('approve',))}?ids={WriteOff.objects.get().pk}"
    client.post(approve, {"reason": ""})
    page = client.get(reverse("admin:billing_invoice_change", args=(invoice.pk,))).content.decode()
    assert "Less written off" in page
