"""New bank details need a second person before the next payout; the list of who is owed what."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.customers.actions import edit_customer
from accounts.customers.bank_details.actions import confirm_bank_details
from accounts.customers.bank_details.rules import SHOWN_DAYS, change_to_show
from accounts.customers.models import BankDetailsChange, Customer
from billing.payouts.actions import mark_payout_failed, mark_payout_paid, retry_payout
from billing.payouts.models import Payout
from billing.payouts.payables import payables, write_csv
from billing.remedies import effects as giving
from billing.residual_credits.actions import propose_residual_payout
from tests import factories
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

NEW_IBAN = "DE89370400440532013000"


def a_payout(**customer: str) -> Payout:
    subscription = factories.paid_subscription(customer=factories.CustomerFactory.create(**customer))
    return giving.order_payout(subscription, Decimal("12.00"), key=f"key-{subscription.pk}", reason="A refund")


def new_details(customer: Customer, **kwargs: str) -> BankDetailsChange:
    edit_customer(customer.pk, by=factories.agent(), reason="By letter", **(kwargs or {"iban": NEW_IBAN}))
    return BankDetailsChange.objects.latest("pk")


def test_a_change_keeps_what_was_before_and_who_made_it() -> None:
    customer = factories.CustomerFactory.create()
    change = new_details(customer, iban=NEW_IBAN, account_holder="Harbour Holding")
    assert (change.iban_before, change.iban_after) == (customer.iban, NEW_IBAN)
    assert (change.holder_before, change.holder_after) == ("", "Harbour Holding")
    assert change.confirmed_by is None


def test_other_details_are_no_change_of_bank_details() -> None:
    customer = factories.CustomerFactory.create()
    edit_customer(customer.pk, by=factories.agent(), email="new@example.com")
    assert not BankDetailsChange.objects.exists()


@pytest.mark.parametrize("wrong", ["DE89370400440532013001", "XX00", "IT60X05428111010000001234", "60"])
def test_a_wrong_iban_is_refused(wrong: str) -> None:
    customer = factories.CustomerFactory.create()
    assert_refused("invalid", edit_customer, customer.pk, by=factories.agent(), reason="By letter", iban=wrong)


def test_nothing_is_paid_until_a_second_person_confirms() -> None:
    clerk = factories.billing_clerk()
    payout = a_payout()
    change = new_details(payout.customer)
    paid: dict[str, Any] = {"by": clerk, "reference": "B-1", "paid_on": factories.today()}
    assert_refused("bank_details_unconfirmed", mark_payout_paid, payout.pk, **paid, saying="second person")
    confirm_bank_details(change.pk, by=clerk, reason="Called the number on file")
    assert mark_payout_paid(payout.pk, **paid).state == Payout.State.PAID


def test_a_failed_payout_is_not_tried_again_to_unconfirmed_details() -> None:
    clerk = factories.billing_clerk()
    payout = a_payout()
    mark_payout_failed(payout.pk, by=clerk, reason="Unknown account")
    change = new_details(payout.customer)
    assert_refused("bank_details_unconfirmed", retry_payout, payout.pk, by=clerk)
    confirm_bank_details(change.pk, by=factories.manager(), reason="Called the number on file")
    assert retry_payout(payout.pk, by=clerk).iban == NEW_IBAN


def test_only_the_latest_change_counts_and_can_be_confirmed() -> None:
    clerk = factories.billing_clerk()
    payout = a_payout()
    first = new_details(payout.customer)
    second = new_details(payout.customer, account_holder="Somebody")
    assert_refused("superseded", confirm_bank_details, first.pk, by=clerk, reason="Called")
    confirm_bank_details(second.pk, by=clerk, reason="Called")
    mark_payout_paid(payout.pk, by=clerk, reference="B-1", paid_on=factories.today())


def test_who_cannot_confirm() -> None:
    customer = factories.CustomerFactory.create()
    clerk = factories.billing_clerk()
    edit_customer(customer.pk, by=clerk, reason="By letter", iban=NEW_IBAN)
    change = BankDetailsChange.objects.get()
    assert_refused("own_change", confirm_bank_details, change.pk, by=clerk, reason="Called")
    linked = factories.manager(customer=customer)
    assert_refused("linked", confirm_bank_details, change.pk, by=linked, reason="Called")
    for person in (factories.agent(), factories.lead(), factories.auditor(), factories.administrator()):
        assert_refused("permission", confirm_bank_details, change.pk, by=person, reason="Called")
    other = factories.billing_clerk()
    assert_refused("reason_missing", confirm_bank_details, change.pk, by=other, reason=" ")
    confirm_bank_details(change.pk, by=other, reason="Called")
    assert_refused("state", confirm_bank_details, change.pk, by=other, reason="Called")


def test_the_database_refuses_the_same_person() -> None:
    change = new_details(factories.CustomerFactory.create())
    change.confirmed_by, change.confirmed_at = change.changed_by, timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        change.save()


def test_a_confirmed_change_is_shown_for_its_days_an_unconfirmed_one_always() -> None:
    change = new_details(factories.CustomerFactory.create())
    today = factories.today()
    later = today + timedelta(days=SHOWN_DAYS + 1)
    assert change_to_show(change.customer, today=later) == change
    confirm_bank_details(change.pk, by=factories.billing_clerk(), reason="Called")
    customer = Customer.objects.get(pk=change.customer_id)
    assert change_to_show(customer, today=today + timedelta(days=SHOWN_DAYS)) == change
    assert change_to_show(customer, today=later) is None


# --- Who is owed what ---------------------------------------------------------------------------


def as_rows() -> list[dict[str, str]]:
    stream = io.StringIO()
    write_csv(payables(), stream)
    return list(csv.DictReader(io.StringIO(stream.getvalue())))


def test_the_list_tells_who_is_to_be_paid_and_what_stands_in_the_way() -> None:
    clerk = factories.billing_clerk()
    ready, held, failed, done = (a_payout() for _ in range(4))
    new_details(held.customer)
    mark_payout_failed(failed.pk, by=clerk, reason="Unknown account")
    mark_payout_paid(done.pk, by=clerk, reference="B-1", paid_on=factories.today())
    credit = factories.leftover_credit()
    propose_residual_payout(credit.pk, by=clerk, reason="Asked", amount=Decimal("10.00"))
    factories.paid_subscription()
    found = {(row["customer_number"], row["what"]): row for row in as_rows()}
    assert len(found) == 5
    assert found[ready.customer.number, "To be paid"]["pay_now"] == "yes"
    assert found[ready.customer.number, "To be paid"]["amount"] == "12.00"
    assert found[ready.customer.number, "To be paid"]["iban"] == ready.iban
    assert found[held.customer.number, "To be paid"]["pay_now"] == "no"
    assert "second person" in found[held.customer.number, "To be paid"]["why_not"]
    assert found[failed.customer.number, "Payout failed"]["why_not"] == "Unknown account"
    number = credit.customer.number
    assert found[number, "Leftover credit, waits for approval"]["amount"] == "10.00"
    assert found[number, "Leftover credit"]["amount"] == "15.00"


def test_no_cell_of_the_list_can_be_run() -> None:
    a_payout(name='=HYPERLINK("x")', account_holder="@evil")
    (row,) = as_rows()
    assert row["customer"] == '\'=HYPERLINK("x")'
    assert row["account_holder"] == "'@evil"


def test_the_page_offers_the_list_and_shows_the_change(client: Client) -> None:
    payout = a_payout()
    new_details(payout.customer)
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    page = client.get(reverse("admin:billing_payout_changelist")).content.decode()
    assert "Needs a second person" in page
    assert reverse("admin:billing_payout_owed") in page
    response = client.get(reverse("admin:billing_payout_owed"))
    assert response["Content-Type"].startswith("text/csv")
    assert payout.iban in response.content.decode()
    client.force_login(factories.administrator(), backend="accounts.staff.auth.StaffBackend")
    assert client.get(reverse("admin:billing_payout_owed")).status_code == 403


def test_the_list_of_payouts_asks_as_often_for_many(client: Client) -> None:
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    url = reverse("admin:billing_payout_changelist")

    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert client.get(url).status_code == 200
        return len(caught)

    new_details(a_payout().customer)
    few = queries()
    for _ in range(5):
        new_details(a_payout().customer)
    assert queries() <= few


def test_many_payouts_are_marked_paid_with_one_reference(client: Client) -> None:
    payouts = [a_payout() for _ in range(3)]
    client.force_login(factories.billing_clerk(), backend="accounts.staff.auth.StaffBackend")
    ids = ",".join(str(payout.pk) for payout in payouts)
    url = f"{reverse('admin:billing_payout_changelist')}act/paid/?ids={ids}"
    client.post(url, {"reference": "RUN-7", "paid_on": factories.today().isoformat()})
    kept = {("paid", f"RUN-7 {payout.key}") for payout in payouts}
    assert set(Payout.objects.values_list("state", "reference")) == kept


def test_a_reference_of_the_bank_stands_for_one_payout() -> None:
    clerk, paid_on = factories.billing_clerk(), factories.today()
    first, second = a_payout(), a_payout()
    mark_payout_paid(first.pk, by=clerk, reference="B-1", paid_on=paid_on)
    assert_refused(
        "reference_taken",
        mark_payout_paid,
        second.pk,
        by=clerk,
        reference=" B-1",
        paid_on=paid_on,
        saying="has its own",
    )
    mark_payout_paid(second.pk, by=clerk, reference="B-2", paid_on=paid_on)
