"""Two customers who are one: everything moves under history, or nothing does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from accounts.customers.actions import edit_customer
from accounts.customers.contacts.actions import add_contact
from accounts.customers.merge.actions import merge_customers
from accounts.customers.models import BankDetailsChange, Contact, Customer
from accounts.staff.models import User
from audit.history import HistoryRow
from audit.models import Event
from audit.tracked import Tracked
from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payouts.models import Payout
from billing.remedies import effects as giving
from billing.subscriptions.actions import open_subscription
from billing.subscriptions.models import Subscription
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from hardware.purchases.models import Purchase
from policies.agreements.models import Agreement
from tests import factories
from tests.complaints import cases
from tests.complaints.cases import Desk
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    factories.approval_limits()
    return Desk()


@pytest.fixture
def survivor() -> Customer:
    return factories.CustomerFactory.create(number="K-1", name="Harbour Bakery")


@pytest.fixture
def duplicate() -> Customer:
    return factories.CustomerFactory.create(number="K-2", name="Harbour Bakery Srl")


def merge(duplicate: Customer, survivor: Customer, by: User, reason: str = "Same tax number") -> Customer:
    return merge_customers(duplicate.pk, into_id=survivor.pk, by=by, reason=reason)


def upheld(desk: Desk, customer: Customer) -> Complaint:
    return cases.decided(desk, subscription=cases.spring_subscription(customer=customer))


def settled(desk: Desk, customer: Customer) -> Refund:
    return cases.settled(desk, upheld(desk, customer))


def references() -> list[tuple[type[models.Model], str]]:
    """Every tracked model's reference to a customer."""
    return [
        (model, field.name)
        for model in apps.get_models()
        if issubclass(model, Tracked) and not issubclass(model, HistoryRow)
        for field in model._meta.concrete_fields
        if field.related_model is Customer
    ]


def test_everything_moves_to_the_survivor_under_history(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    refund = settled(desk, duplicate)
    factories.phone_purchase(duplicate)
    add_contact(duplicate.pk, by=desk.agent, name="Nora")
    linked = factories.agent(customer=duplicate)
    earlier = factories.CustomerFactory.create(merged_into=duplicate)
    versions = Invoice.history.count()
    kept = settled(desk, survivor)

    merge(duplicate, survivor, desk.lead)

    for model in (Subscription, Invoice, Purchase, Complaint, Refund, Contact, Credit):
        assert not model.objects.filter(customer=duplicate).exists(), model
        assert model.objects.filter(customer=survivor).exists(), model
    refund.refresh_from_db()
    assert (refund.customer, refund.total) == (survivor, kept.total)
    assert len(references()) > 12
    left = [
        f"{owner.__name__}.{name}"
        for owner, name in references()
        if owner._base_manager.filter(**{name: duplicate}).exists()
    ]
    assert left == []
    linked.refresh_from_db()
    earlier.refresh_from_db()
    duplicate.refresh_from_db()
    assert linked.customer == earlier.merged_into == duplicate.merged_into == survivor
    newest = Invoice.objects.get(period__subscription=refund.subscription).history.first()
    assert (newest.history_user_id, newest.history_change_reason) == (desk.lead.pk, "Same tax number")
    assert newest.customer_id == survivor.pk
    assert Invoice.history.count() > versions
    event = Event.objects.get(verb="customer.merge")
    assert (event.target_id, event.customer_id, event.reason) == (duplicate.pk, duplicate.pk, "Same tax number")
    assert (event.data["into"], event.data["into_id"]) == ("K-1", survivor.pk)
    assert event.data["moved"]["subscriptions"] == event.data["moved"]["refunds"] == 1


def test_what_moved_is_recorded_in_english(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    add_contact(duplicate.pk, by=desk.manager, name="Rosa Bianchi", email="rosa@example.com")
    with override("it"):
        merge(duplicate, survivor, desk.manager)
    assert Event.objects.get(verb="customer.merge").data["moved"] == {"contacts": 1}


def test_nobody_elses_rows_move(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    stranger = factories.paid_subscription().customer
    merge(duplicate, survivor, desk.manager)
    assert Subscription.objects.get().customer == stranger
    assert Event.objects.get(verb="customer.merge").data["moved"] == {}


@pytest.mark.parametrize("who", ["agent", "clerk", "auditor", "administrator", "system"])
def test_only_leads_and_managers_merge(desk: Desk, survivor: Customer, duplicate: Customer, who: str) -> None:
    assert_refused("permission", merge, duplicate, survivor, getattr(desk, who))


@pytest.mark.parametrize("side", ["duplicate", "survivor"])
def test_nobody_merges_their_own_customer(desk: Desk, survivor: Customer, duplicate: Customer, side: str) -> None:
    own = {"duplicate": duplicate, "survivor": survivor}[side]
    assert_refused("linked", merge, duplicate, survivor, factories.lead(customer=own))


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("state", ["draft", "proposed"])
def test_not_while_a_refund_is_open(
    desk: Desk, survivor: Customer, duplicate: Customer, state: str, swapped: bool
) -> None:
    make = cases.draft if state == "draft" else cases.propose
    draft = make(desk, upheld(desk, duplicate))
    pair = (survivor, duplicate) if swapped else (duplicate, survivor)
    assert_refused("open_refund", merge, *pair, desk.lead, saying=draft.code)


@pytest.mark.parametrize("swapped", [False, True])
def test_not_while_a_payout_is_on_its_way(desk: Desk, survivor: Customer, duplicate: Customer, swapped: bool) -> None:
    subscription = factories.paid_subscription(customer=duplicate)
    giving.order_payout(subscription, Decimal("10.00"), key="payout-1", reason="A refund")
    assert Payout.objects.get().state == Payout.State.PENDING
    pair = (survivor, duplicate) if swapped else (duplicate, survivor)
    assert_refused("pending_payout", merge, *pair, desk.lead)


def test_what_else_stands_in_the_way(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    assert_refused("same", merge, survivor, survivor, desk.lead)
    assert_refused("reason_missing", merge, duplicate, survivor, desk.lead, reason=" ")
    assert_refused("missing", merge_customers, 12345, into_id=survivor.pk, by=desk.lead, reason="Same")
    foreign = factories.CustomerFactory.create(currency="CHF")
    assert_refused("currency", merge, foreign, survivor, desk.lead, saying="CHF")
    gone = factories.CustomerFactory.create(merged_into=survivor)
    assert_refused("merged", merge, gone, duplicate, desk.lead)
    assert_refused("merged", merge, duplicate, gone, desk.lead)
    change = BankDetailsChange.objects.create(
        customer=survivor, iban_before="", changed_by=desk.agent, changed_at=timezone.now()
    )
    assert_refused("bank_details", merge, duplicate, survivor, desk.lead)
    change.confirmed_by, change.confirmed_at = desk.manager, timezone.now()
    change.save()
    Agreement.objects.create(
        customer=duplicate, title="Gold", valid_from=factories.days_ago(9), drafted_by=desk.manager
    )
    assert_refused("agreement", merge, duplicate, survivor, desk.lead, saying="Gold")
    assert merge(survivor, duplicate, desk.lead) == duplicate


def test_a_merged_customer_is_read_only(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    contact = add_contact(duplicate.pk, by=desk.agent, name="Nora")
    merge(duplicate, survivor, desk.lead)
    contact.refresh_from_db()
    assert contact.customer == survivor
    assert_refused("merged", edit_customer, duplicate.pk, by=desk.agent, name="Other", saying="K-1")
    assert_refused("merged", add_contact, duplicate.pk, by=desk.agent, name="Nora")
    plan = factories.price().plan
    assert_refused(
        "merged",
        open_subscription,
        by=desk.clerk,
        customer_id=duplicate.pk,
        plan_id=plan.pk,
        term="monthly",
        activated_on=factories.days_ago(3),
    )


# --- The pages ----------------------------------------------------------------------------------

MERGE = "admin:accounts_customer_do"


def sign_in(client: Client, person: User) -> Client:
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def merge_page(client: Client, **data: Any) -> str:
    url = reverse(MERGE, args=("merge",))
    response = client.post(url, data, follow=True) if data else client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_lists_likely_duplicates_shows_what_moves_and_merges(
    client: Client, desk: Desk, survivor: Customer, duplicate: Customer
) -> None:
    factories.paid_subscription(customer=duplicate)
    sign_in(client, desk.lead)
    listed = merge_page(client)
    assert f"?duplicate={duplicate.number}&amp;into={survivor.number}" in listed
    typed = {"duplicate": "K-2", "into": "K-1", "reason": "Same tax number"}
    shown = merge_page(client, **typed, _preview="1")
    assert "1 subscriptions" in shown
    assert not Event.objects.filter(verb="customer.merge").exists()
    assert "is merged into" in merge_page(client, **typed)

    page = client.get(reverse("admin:accounts_customer_change", args=(duplicate.pk,))).content.decode()
    assert "for reading only" in page
    assert (
        "Merged into this customer"
        in client.get(reverse("admin:accounts_customer_change", args=(survivor.pk,))).content.decode()
    )
    base = reverse("admin:accounts_customer_changelist")
    found = {
        query: "K-2" in client.get(f"{base}{query}").content.decode() for query in ("", "?merged=yes", "?merged=all")
    }
    assert found == {"": False, "?merged=yes": True, "?merged=all": True}
    assert "merged into K-1" in client.get(f"{base}?q=K-2").content.decode()
    assert "was merged into" in merge_page(client, **typed)


def test_more_duplicates_take_no_more_queries(client: Client, desk: Desk) -> None:
    sign_in(client, desk.manager)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            merge_page(client)
        return len(captured)

    factories.CustomerFactory.create_batch(2, tax_number="IT00743110157")
    queries()
    few = queries()
    factories.CustomerFactory.create_batch(9, tax_number="IT00743110157")
    assert queries() == few
