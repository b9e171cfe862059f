"""An invoice that should never have been is void: by two people, with a credit note that mirrors it (RULES 7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from audit.bulk import update_tracked
from audit.ledger_checks import run_checks
from audit.models import Event
from billing.credits.models import Credit
from billing.documents.content import credit_note_document, invoice_document
from billing.invoices.issuing import issue_charges
from billing.invoices.models import Charge, CreditNote, Invoice, InvoiceVoid
from billing.invoices.voids.actions import approve_void, propose_void, reject_void, withdraw_void
from billing.invoices.write_offs.actions import approve_write_off, propose_write_off
from billing.payments.actions import record_payment
from billing.payments.corrections.actions import take_off_payment
from billing.payments.disputes.actions import open_dispute
from billing.payments.models import Payment
from billing.remedies.effects import give_credit
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.refunds.customer_totals import totals_of
from complaints.refunds.models import Refund
from complaints.reversals.actions import approve_reversal, propose_reversal, reject_reversal
from messaging.outbox.models import OutgoingMessage
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.complaints.cases import Desk, decided, propose, settled
from tests.complaints.refusals import assert_refused
from tests.factories import again, invoice_to_pay
from tests.money_invariants import check_credit_notes, check_invoices, check_numbers
from tests.reports.books import breaches, raw, rules, set_raw

pytestmark = pytest.mark.django_db

DUE = Decimal("60.00")
NOTHING = Decimal(0)


def charge_at(subscription: Subscription, amount: Decimal, rate: str) -> None:
    made = factories.charge(subscription, amount)
    update_tracked(Charge.objects.filter(pk=made.pk), tax_rate=Decimal(rate))


def voided(invoice: Invoice) -> Invoice:
    void = propose_void(invoice.pk, by=factories.billing_clerk(), reason="Billed twice")
    approve_void(void.pk, by=factories.manager())
    return again(invoice)


def assert_books() -> None:
    check_invoices()
    check_credit_notes()
    check_numbers()
    given_by_tests = {"credit-source", "charge-source"}
    assert [breach for breach in run_checks(CHECKS) if breach.rule not in given_by_tests] == []


def test_two_people_void_what_nobody_should_have_been_asked_for() -> None:
    invoice, clerk, manager = invoice_to_pay(), factories.billing_clerk(), factories.manager()
    void = propose_void(invoice.pk, by=clerk, reason="Billed twice")
    assert (void.amount, again(invoice).due) == (DUE, DUE)
    assert_refused("duplicate", propose_void, invoice.pk, by=clerk, reason="Once more")
    assert_refused("permission", approve_void, void.pk, by=clerk)
    approve_void(void.pk, by=manager)
    after, note = again(invoice), CreditNote.objects.get()
    assert (after.state, after.due, after.voided, after.voided_on) == ("void", NOTHING, DUE, factories.today())
    assert (note.kind, note.invoice, note.period, note.set_off) == ("invoice", invoice, None, DUE)
    assert (note.gross, note.net, note.tax) == (invoice.gross, invoice.net, invoice.tax)
    assert Event.objects.filter(verb__startswith="invoice_void.").count() == 4
    told = OutgoingMessage.objects.get(kind="invoice_void")
    assert f"invoice {invoice.number} for subscription" in told.body
    assert f"{note.number} over 60.00 EUR" in told.body
    assert_books()
    # It is void for good, and asks for nothing.
    assert_refused("state", propose_void, invoice.pk, by=clerk, reason="Again")
    assert_refused("nothing_due", propose_write_off, invoice.pk, by=clerk, reason="Lost")
    paid: dict[str, Any] = {"amount": Decimal("60.00"), "received_on": factories.today()}
    assert_refused("state", record_payment, invoice.pk, by=clerk, saying="is void", **paid)
    assert not Invoice.objects.unpaid().exists()


def test_nobody_decides_on_their_own_proposal() -> None:
    invoice, manager = invoice_to_pay(), factories.manager()
    void = propose_void(invoice.pk, by=factories.billing_clerk(), reason="Billed twice")
    update_tracked(InvoiceVoid.objects.filter(pk=void.pk), proposed_by=manager)
    assert_refused("own_proposal", approve_void, void.pk, by=manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        update_tracked(InvoiceVoid.objects.filter(pk=void.pk), state="approved", decided_by=manager)


def test_it_is_rejected_with_a_reason_or_taken_back() -> None:
    invoice, clerk = invoice_to_pay(), factories.billing_clerk()
    void = propose_void(invoice.pk, by=clerk, reason="Billed twice")
    assert_refused("reason_missing", reject_void, void.pk, by=factories.manager(), reason=" ")
    reject_void(void.pk, by=factories.manager(), reason="It is right")
    second = propose_void(invoice.pk, by=clerk, reason="It really is wrong")
    withdraw_void(second.pk, by=clerk)
    assert_refused("state", approve_void, second.pk, by=factories.manager())
    assert (again(invoice).due, again(invoice).state) == (DUE, "issued")
    assert_refused(
        "linked", propose_void, invoice.pk, by=factories.billing_clerk(customer=invoice.customer), reason="Me"
    )


def _paid(invoice: Invoice, desk: Desk) -> None:
    factories.pay(invoice, Decimal("10.00"))


def _refunded(invoice: Invoice, desk: Desk) -> None:
    """A refund gave value of a fee whose payment was taken off afterwards."""
    assert invoice.period is not None
    factories.pay(invoice)
    settled(desk, decided(desk, subscription=invoice.period.subscription, received_at=timezone.now()))
    take_off_payment(Payment.objects.get().pk, by=desk.clerk, reason="It was another's")


def _waiting(invoice: Invoice, desk: Desk) -> None:
    assert invoice.period is not None
    propose(desk, decided(desk, subscription=invoice.period.subscription, received_at=timezone.now()))


def _voided_period(invoice: Invoice, desk: Desk) -> None:
    assert invoice.period is not None
    asked = invoice.period.starts_on - timedelta(days=1)
    cancel_subscription(invoice.period.subscription_id, by=desk.lead, channel="letter", requested_on=asked)


@pytest.mark.parametrize(
    ("made", "code", "saying"),
    [
        (_paid, "paid", "10.00 EUR was paid"),
        (_refunded, "given_back", "Refunds gave back"),
        (_waiting, "given_back", "waits for approval"),
        (_voided_period, "nothing_due", "Nothing is left"),
    ],
)
def test_what_is_not_void(made: Callable[[Invoice, Desk], None], code: str, saying: str) -> None:
    invoice, desk = invoice_to_pay(), Desk(limits=True)
    made(invoice, desk)
    assert_refused(code, propose_void, invoice.pk, by=desk.clerk, reason="Wrong", saying=saying)


def test_what_came_between_proposal_and_approval_stops_it() -> None:
    invoice = invoice_to_pay()
    void = propose_void(invoice.pk, by=factories.billing_clerk(), reason="Billed twice")
    payment = factories.pay(invoice, Decimal("1.00")).payments.get()
    assert_refused("paid", approve_void, void.pk, by=factories.manager())
    take_off_payment(payment.pk, by=factories.billing_clerk(), reason="Another's")
    approve_void(void.pk, by=factories.manager())
    assert_books()


def test_credits_that_had_borne_of_it_are_a_credit_again() -> None:
    subscription = factories.open_subscription(activated_on=factories.months_ago(1))
    factories.paid_invoice(subscription)
    give_credit(subscription, Decimal("25.00"), reason="A refund")
    run_billing(factories.today(), by=factories.system_user())
    invoice = Invoice.objects.latest("pk")
    voided(invoice)
    note, back = CreditNote.objects.get(), Credit.objects.get(void_invoice=invoice)
    assert (note.gross, note.set_off, back.remaining) == (DUE, Decimal("35.00"), Decimal("25.00"))
    assert again(invoice).settled == NOTHING
    period = BillingPeriod.objects.get(invoice=invoice)
    assert (period.fee_paid, period.unpaid, period.refundable) == (NOTHING, NOTHING, NOTHING)
    assert "25.00 EUR of it had been taken off by a credit" in OutgoingMessage.objects.get(kind="invoice_void").body
    document = credit_note_document(note)
    assert document.sums[-2:] == (("No longer to pay", "35.00 EUR"), ("Given back as credit", "25.00 EUR"))
    assert ("Void by credit note", "−35.00 EUR") in invoice_document(again(invoice)).sums
    assert_books()


def test_one_that_was_written_off_or_disputed_is_void_all_the_same() -> None:
    invoice = invoice_to_pay()
    lost = propose_write_off(invoice.pk, by=factories.billing_clerk(), reason="Moved abroad")
    approve_write_off(lost.pk, by=factories.manager())
    assert (voided(invoice).written_off, again(invoice).state) == (NOTHING, "void")
    other = invoice_to_pay()
    open_dispute(other.pk, by=factories.billing_clerk(), disputed_on=factories.today(), reason="Not ordered")
    assert voided(other).disputed_on is None
    assert_books()


def test_what_refunds_set_off_stays_and_is_not_taken_back() -> None:
    """20.00 of an unpaid 60.00 was set off: the note is over the other 40.00, and mirrors the invoice with it."""
    desk = Desk(limits=True)
    subscription = factories.open_subscription(activated_on=factories.days_ago(10))
    refund = settled(
        desk,
        decided(desk, subscription=subscription, received_at=timezone.now()),
        "special",
        special_amount=Decimal("20.00"),
    )
    invoice = Invoice.objects.get()
    assert (refund.set_off, invoice.due) == (Decimal("20.00"), Decimal("40.00"))
    waiting = propose_reversal(refund.pk, by=desk.agent, reason="Wrong")
    voided(invoice)
    assert_refused("state", approve_reversal, waiting.pk, by=desk.director, charge_used=False, saying="is void by now")
    reject_reversal(waiting.pk, by=desk.director, reason="The invoice is void")
    note = CreditNote.objects.get(kind="invoice")
    assert (note.gross, note.set_off) == (Decimal("40.00"), Decimal("40.00"))
    assert credit_note_document(note).rows[-1] == ("Given back by earlier credit notes", "−20.00 EUR")
    assert_refused("state", propose_reversal, refund.pk, by=desk.agent, reason="Wrong", saying="is void by now")
    assert_books()


def test_nothing_is_refunded_of_it() -> None:
    desk, invoice = Desk(limits=True), invoice_to_pay()
    assert invoice.period is not None
    case = decided(desk, subscription=invoice.period.subscription, received_at=timezone.now())
    voided(invoice)
    assert_refused("invoice_void", propose, desk, case)
    assert not Refund.objects.filter(state=Refund.State.PROPOSED).exists()


def test_a_period_whose_invoice_is_void_may_be_voided_itself() -> None:
    subscription = factories.open_subscription(activated_on=factories.days_ago(10))
    voided(Invoice.objects.get())
    asked = subscription.activated_on - timedelta(days=1)
    cancel_subscription(subscription.pk, by=factories.lead(), channel="letter", requested_on=asked)
    assert BillingPeriod.objects.get().state == "voided"
    assert CreditNote.objects.get().kind == "invoice"
    assert not Credit.objects.exists()
    assert_books()


def test_a_customer_owes_nothing_of_what_is_void_or_written_off() -> None:
    invoice = invoice_to_pay()
    assert totals_of(invoice.customer)["total_due"] == DUE
    voided(invoice)
    lost = invoice_to_pay(customer=invoice.customer)
    proposal = propose_write_off(lost.pk, by=factories.billing_clerk(), reason="Moved abroad")
    approve_write_off(proposal.pk, by=factories.manager())
    assert totals_of(invoice.customer)["total_due"] == NOTHING


def test_charges_alone_are_voided_with_their_rates() -> None:
    subscription = factories.ended_subscription(agreed_fee=NOTHING)
    factories.charge(subscription)
    charge_at(subscription, Decimal("5.00"), "4")
    invoice = issue_charges(subscription, list(subscription.charges.order_by("pk")), on=factories.today())
    voided(invoice)
    note = CreditNote.objects.get()
    assert (note.gross, note.net, note.tax) == (invoice.gross, invoice.net, invoice.tax)
    assert (note.subscription, note.tax_rate) == (subscription, None)
    document = credit_note_document(note)
    assert [amount for _, amount in document.rows] == ["12.20 EUR", "5.00 EUR"]
    assert [words for words, _ in document.sums] == ["Net", "Tax", "Total"]


def test_the_pages_of_a_void(client: Client) -> None:
    invoice = invoice_to_pay()
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    act = f"{reverse('admin:billing_invoice_act', args=('void',))}?ids={invoice.pk}"
    assert "A credit note over 60.00 EUR then covers all lines" in client.get(act).content.decode()
    assert "proposed to void" in client.post(act, {"reason": "Billed twice"}, follow=True).content.decode()
    client.force_login(factories.manager(), backend="accounts.staff.auth.StaffBackend")
    assert "1 invoice to void" in client.get(reverse("admin:index")).content.decode()
    approve = f"{reverse('admin:billing_invoicevoid_act', args=('approve',))}?ids={InvoiceVoid.objects.get().pk}"
    assert "nobody owes it, and the customer is told" in client.get(approve).content.decode()
    client.post(approve, {"reason": ""})
    note = CreditNote.objects.get()
    page = client.get(reverse("admin:billing_invoice_change", args=(invoice.pk,))).content.decode()
    for said in ("Void", "Less voided", note.number, "Billed twice"):
        assert said in page
    noted = client.get(reverse("admin:billing_creditnote_change", args=(note.pk,))).content.decode()
    assert f"was to pay on invoice {invoice.number}, which is void" in noted
    assert note.number in client.get(reverse("admin:billing_creditnote_changelist")).content.decode()
    subscription: Subscription = invoice.subscription
    for shown in (subscription, subscription.customer):
        url = reverse(f"admin:{shown._meta.app_label}_{shown._meta.model_name}_change", args=(shown.pk,))
        assert "Void" in client.get(url).content.decode()


#: What somebody changed behind the product's back, with its history, and the rule by which it is found.
PLANTED: dict[str, tuple[Callable[[], object], str]] = {
    "approved by nobody": (
        lambda: set_raw(InvoiceVoid.objects.get(), state="rejected", credit_note_id=None),
        "invoice-void",
    ),
    "not void at all": (
        lambda: set_raw(again(Invoice.objects.get()), voided_on=None, voided=raw(NOTHING), state="issued"),
        "invoice-void",
    ),
    "a cent of tax": (
        lambda: set_raw(CreditNote.objects.get(), net=raw(Decimal("49.17")), tax=raw(Decimal("10.83"))),
        "invoice-void-note",
    ),
    "less approved": (lambda: set_raw(InvoiceVoid.objects.get(), amount=raw(Decimal(50))), "invoice-void-note"),
    "less set off": (lambda: set_raw(CreditNote.objects.get(), set_off=raw(Decimal(50))), "invoice-void-credit"),
    "on another day": (
        lambda: set_raw(Invoice.objects.get(), voided_on=factories.days_ago(1)),
        "invoice-void-credit",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_forged_void_is_found(planted: str) -> None:
    voided(invoice_to_pay())
    assert breaches() == []
    plant, rule = PLANTED[planted]
    plant()
    assert rule in rules()


class AnyInvoice(TestCase):
    @given(
        charges=st.lists(
            st.tuples(st.integers(1, 99999), st.sampled_from(["0", "4", "10", "22", "7.7"])), min_size=1, max_size=3
        )
    )
    def test_its_note_mirrors_it(self, charges: list[tuple[int, str]]) -> None:
        subscription = factories.ended_subscription(agreed_fee=NOTHING)
        for cents, rate in charges:
            charge_at(subscription, Decimal(cents) / 100, rate)
        invoice = issue_charges(subscription, list(subscription.charges.order_by("pk")), on=factories.today())
        voided(invoice)
        check_credit_notes()
        assert again(invoice).state == "void"
