"""Charges that no invoice follows: listed as owed to us, and asked for by an invoice of their own."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.staff.permissions import Role
from audit.models import Event
from billing.documents.content import invoice_document
from billing.invoices.charges.actions import ask_for_charges
from billing.invoices.models import Charge, Invoice
from billing.invoices.receivables import DISPUTED, OVERDUE, TO_PAY, UNASKED, receivables, write_csv
from billing.payments.disputes.actions import open_dispute
from billing.remedies.effects import give_credit
from billing.runs.actions import run_billing
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.money_invariants import check_invoices, check_numbers

pytestmark = pytest.mark.django_db


def signed_in(role: Role) -> Client:
    client = Client()
    client.force_login(factories.UserFactory.create(role=role), backend="accounts.staff.auth.StaffBackend")
    return client


def test_all_that_waits_on_an_ended_subscription_is_asked_for_at_once() -> None:
    clerk, subscription = factories.billing_clerk(), factories.ended_subscription()
    factories.charge(factories.ended_subscription(customer=subscription.customer))
    give_credit(subscription, Decimal("10.00"), reason="A refund")
    first = factories.charge(subscription, on=factories.days_ago(4))
    factories.charge(subscription, Decimal("6.10"))

    invoice = ask_for_charges(first.pk, by=clerk, reason="They moved on")

    invoice.refresh_from_db()
    assert (invoice.period, invoice.charges_of, invoice.subscription) == (None, subscription, subscription)
    assert (invoice.net, invoice.tax, invoice.gross) == (Decimal("15.00"), Decimal("3.30"), Decimal("18.30"))
    assert (invoice.credited, invoice.due, invoice.state) == (Decimal("10.00"), Decimal("8.30"), "issued")
    assert (invoice.issued_on, invoice.due_on) == (factories.today(), factories.today() + timedelta(days=14))
    assert [(line.position, line.gross) for line in invoice.lines.all()] == [
        (1, Decimal("12.20")),
        (2, Decimal("6.10")),
    ]
    assert subscription.charges.filter(invoiced_on=factories.today()).count() == 2
    assert Charge.objects.filter(invoiced_on__isnull=True).count() == 1
    event = Event.objects.latest("pk")
    assert (event.verb, event.target_id, event.reason) == ("charge.invoice", invoice.pk, "They moved on")
    assert (event.customer_id, event.data["subscription"]) == (subscription.customer_id, subscription.number)
    assert event.data["gross"] == "18.30"
    check_invoices()
    check_numbers()
    assert factories.pay(invoice).state == Invoice.State.PAID
    assert ("Subscription", subscription.number) in invoice_document(invoice).facts
    assert_refused("state", ask_for_charges, first.pk, by=clerk)


def test_it_becomes_overdue_like_any_invoice() -> None:
    subscription = factories.ended_subscription(activated_on=factories.months_ago(3))
    charge = factories.charge(subscription)
    invoice = ask_for_charges(charge.pk, by=factories.billing_clerk(), on=factories.days_ago(20))
    run_billing(factories.today(), by=factories.system_user())
    invoice.refresh_from_db()
    assert invoice.state == Invoice.State.OVERDUE


def test_charges_that_are_not_asked_for() -> None:
    clerk, subscription = factories.billing_clerk(), factories.ended_subscription()
    running = factories.charge(factories.open_subscription())
    assert_refused("not_ended", ask_for_charges, running.pk, by=clerk)
    charge = factories.charge(subscription)
    assert_refused("missing", ask_for_charges, 12345, by=clerk)
    assert_refused("permission", ask_for_charges, charge.pk, by=factories.manager())
    own = factories.billing_clerk(customer=subscription.customer)
    assert_refused("linked", ask_for_charges, charge.pk, by=own)
    tomorrow = factories.today() + timedelta(days=1)
    assert_refused("dates", ask_for_charges, charge.pk, by=clerk, on=tomorrow)
    strange = factories.charge(factories.ended_subscription())
    strange.currency = "USD"
    strange.save()
    assert_refused("currency", ask_for_charges, strange.pk, by=clerk)


def test_the_list_of_who_owes_what() -> None:
    subscription = factories.open_subscription(activated_on=factories.months_ago(1, factories.days_ago(5)))
    run_billing(factories.today(), by=factories.system_user())
    late, fresh = Invoice.objects.order_by("issued_on")
    disputed = Invoice.objects.get(period__subscription=factories.open_subscription())
    open_dispute(disputed.pk, by=factories.billing_clerk(), disputed_on=factories.today(), reason="=never ordered")
    factories.paid_subscription()
    ended = factories.ended_subscription(agreed_fee=Decimal(0))
    factories.charge(ended)
    factories.charge(subscription)
    assert [(row.what, row.number, row.amount) for row in receivables()] == [
        (OVERDUE, late.number, Decimal("60.00")),
        (TO_PAY, fresh.number, Decimal("60.00")),
        (DISPUTED, disputed.number, Decimal("60.00")),
        (UNASKED, "", Decimal("12.20")),
    ]
    stream = io.StringIO()
    write_csv(receivables(), stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert rows[2]["reason"] == "'=never ordered"
    assert (rows[3]["customer_number"], rows[3]["amount"], rows[3]["due_on"]) == (ended.customer.number, "12.20", "")


def test_the_pages_lead_from_the_charge_to_its_invoice() -> None:
    clerk, subscription = signed_in(Role.BILLING), factories.ended_subscription()
    charge = factories.charge(subscription)
    invoices = clerk.get(reverse("admin:billing_invoice_changelist")).content.decode()
    assert UNASKED in invoices
    assert "12.20 EUR" in invoices
    listed = clerk.get(f"{reverse('admin:billing_charge_changelist')}?waits=ended").content.decode()
    assert "Not asked for" in listed
    assert subscription.customer.name in listed
    for page in (
        reverse("admin:billing_subscription_change", args=(subscription.pk,)),
        reverse("admin:accounts_customer_change", args=(subscription.customer_id,)),
    ):
        assert "Charges not invoiced yet" in clerk.get(page).content.decode()
    url = f"{reverse('admin:billing_charge_act', args=('ask',))}?ids={charge.pk}"
    assert "An invoice over 12.20 EUR" in clerk.get(url).content.decode()
    done = clerk.post(url, {"reason": ""})
    invoice = Invoice.objects.get(charges_of=subscription)
    page = reverse("admin:billing_invoice_change", args=(invoice.pk,))
    assert done.headers["Location"] == page
    shown = clerk.get(page).content.decode()
    assert "none: charges alone" in shown
    assert subscription.number in shown
    assert (
        invoice.number
        in clerk.get(reverse("admin:billing_subscription_change", args=(subscription.pk,))).content.decode()
    )
    for kind in ("document", "pdf"):
        name = f"admin:billing_invoice_{kind}"
        assert clerk.get(reverse(name, args=(invoice.pk,))).status_code == 200


@pytest.mark.parametrize("waits", ["next", "ended", "asked", "nonsense"])
def test_the_filter_of_charges(waits: str) -> None:
    clerk, subscription = factories.billing_clerk(), factories.ended_subscription()
    asked = factories.charge(subscription)
    ask_for_charges(asked.pk, by=clerk)
    ended = factories.charge(subscription)
    running = factories.charge(factories.open_subscription())
    response = signed_in(Role.AUDITOR).get(reverse("admin:billing_charge_changelist"), {"waits": waits})
    found = {row.pk for row in response.context["cl"].result_list}
    expected = {"next": {running.pk}, "ended": {ended.pk}, "asked": {asked.pk}}
    assert found == expected.get(waits, {asked.pk, ended.pk, running.pk})


def test_who_owes_what_is_a_file_for_those_who_see_money() -> None:
    factories.open_subscription()
    url = reverse("admin:billing_invoice_owing")
    response = signed_in(Role.AUDITOR).get(url)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(response.content.decode().splitlines()) == 2
    assert signed_in(Role.ADMIN).get(url).status_code == 403
