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
from accounts.customers.bank_details.actions import confirm_bank_details
from accounts.customers.bank_details.rules import unconfirmed_obstacle
from accounts.customers.contacts.actions import add_contact
from accounts.customers.merge.actions import approve_merge, propose_merge, reject_merge, withdraw_merge
from accounts.customers.models import BankDetailsChange, Contact, Customer, CustomerMerge
from accounts.staff.models import User
from audit.history import HistoryRow
from audit.models import Event
from audit.tracked import Tracked
from billing.credits.models import Credit
from billing.invoices.models import Invoice
from billing.payouts.actions import mark_payout_paid
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


def propose(duplicate: Customer, survivor: Customer, by: User, reason: str = "Same tax number") -> CustomerMerge:
    return propose_merge(duplicate.pk, into_id=survivor.pk, by=by, reason=reason)


def merge(duplicate: Customer, survivor: Customer, by: User, *, approver: User | None = None) -> CustomerMerge:
    """Proposed by the one, approved by a manager."""
    return approve_merge(propose(duplicate, survivor, by).pk, by=approver or factories.manager(), reason="Agreed")


def upheld(desk: Desk, customer: Customer) -> Complaint:
    return cases.decided(desk, subscription=cases.spring_subscription(customer=customer))


def settled(desk: Desk, customer: Customer) -> Refund:
    return cases.settled(desk, upheld(desk, customer))


def references() -> list[tuple[type[models.Model], str]]:
    """Every tracked model's reference to a customer."""
    return [
        (model, field.name)
        for model in apps.get_models()
        if issubclass(model, Tracked) and not issubclass(model, HistoryRow | CustomerMerge)
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

    merge(duplicate, survivor, desk.lead, approver=desk.director)

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
    assert (newest.history_user_id, newest.history_change_reason) == (desk.director.pk, "Agreed")
    assert newest.customer_id == survivor.pk
    assert Invoice.history.count() > versions
    event = Event.objects.get(verb="customer.merge")
    approved = CustomerMerge.objects.get(duplicate=duplicate)
    assert (event.target_id, event.customer_id, event.reason) == (approved.pk, duplicate.pk, "Agreed")
    assert "Same tax number" in event.message
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
def test_only_leads_and_managers_propose(desk: Desk, survivor: Customer, duplicate: Customer, who: str) -> None:
    assert_refused("permission", propose, duplicate, survivor, getattr(desk, who))


@pytest.mark.parametrize("who", ["agent", "lead", "clerk", "auditor", "administrator", "system"])
def test_only_another_manager_decides(desk: Desk, survivor: Customer, duplicate: Customer, who: str) -> None:
    found = propose(duplicate, survivor, desk.manager)
    person = getattr(desk, who)
    assert_refused("permission", approve_merge, found.pk, by=person)
    assert_refused("permission", reject_merge, found.pk, by=person, reason="No")
    assert_refused("own_proposal", approve_merge, found.pk, by=desk.manager)
    assert_refused("own_proposal", reject_merge, found.pk, by=desk.manager, reason="No")
    assert_refused("duplicate", propose, survivor, duplicate, desk.lead)
    reject_merge(found.pk, by=desk.director, reason="Two shops of one family")
    assert_refused("state", approve_merge, found.pk, by=desk.director)
    taken_back = withdraw_merge(propose(duplicate, survivor, desk.lead).pk, by=desk.lead)
    assert_refused("state", approve_merge, taken_back.pk, by=desk.director)
    assert not Customer.objects.filter(merged_into__isnull=False).exists()


@pytest.mark.parametrize("side", ["duplicate", "survivor"])
def test_nobody_merges_their_own_customer(desk: Desk, survivor: Customer, duplicate: Customer, side: str) -> None:
    own = {"duplicate": duplicate, "survivor": survivor}[side]
    assert_refused("linked", propose, duplicate, survivor, factories.lead(customer=own))
    found = propose(duplicate, survivor, desk.lead)
    assert_refused("linked", approve_merge, found.pk, by=factories.manager(customer=own))


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("state", ["draft", "proposed"])
def test_not_while_a_refund_is_open(
    desk: Desk, survivor: Customer, duplicate: Customer, state: str, swapped: bool
) -> None:
    make = cases.draft if state == "draft" else cases.propose
    draft = make(desk, upheld(desk, duplicate))
    pair = (survivor, duplicate) if swapped else (duplicate, survivor)
    assert_refused("open_refund", propose, *pair, desk.lead, saying=draft.code)


def test_a_refund_drafted_meanwhile_stands_in_the_way(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    complaint = upheld(desk, duplicate)
    found = propose(duplicate, survivor, desk.lead)
    draft = cases.draft(desk, complaint)
    assert_refused("open_refund", approve_merge, found.pk, by=desk.manager, saying=draft.code)


def test_what_differs_is_what_was_shown(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    found = propose(duplicate, survivor, desk.lead)
    assert {each["field"] for each in found.differences} == {"name", "email", "phone", "iban"}
    edit_customer(duplicate.pk, by=desk.agent, email="other@example.com", reason="By letter")
    assert_refused("merge_stale", approve_merge, found.pk, by=desk.manager)
    edit_customer(duplicate.pk, by=desk.agent, email=found.differences[1]["duplicate"], reason="By letter")
    approve_merge(found.pk, by=desk.manager)


# --- Where the money goes -----------------------------------------------------------------------


def test_a_lead_alone_no_longer_redirects_money(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    """250.00 that is owed to the duplicate went to the survivor's account by one person's merge."""
    subscription = factories.paid_subscription(customer=duplicate)
    found = propose(duplicate, survivor, desk.lead)
    assert_refused("permission", approve_merge, found.pk, by=desk.lead)
    approve_merge(found.pk, by=desk.manager)
    assert Subscription.objects.get(pk=subscription.pk).customer == survivor
    payout = giving.order_payout(
        Subscription.objects.get(pk=subscription.pk), Decimal("250.00"), key="payout-1", reason="A refund"
    )
    paid: dict[str, Any] = {"by": desk.clerk, "reference": "SEPA-1", "paid_on": factories.today()}
    assert_refused("bank_details_unconfirmed", mark_payout_paid, payout.pk, **paid)
    change = BankDetailsChange.objects.get(customer=survivor)
    assert (change.iban_before, change.iban_after) == (duplicate.iban, survivor.iban)
    assert_refused("own_change", confirm_bank_details, change.pk, by=desk.manager, reason="Called them")
    confirm_bank_details(change.pk, by=desk.director, reason="Called them")
    assert mark_payout_paid(payout.pk, **paid).iban == survivor.iban


@pytest.mark.parametrize(
    ("of_duplicate", "of_survivor", "counts"),
    [
        ({"iban": ""}, {"iban": ""}, False),
        ({"iban": factories.own_iban(1)}, {"iban": factories.own_iban(1)}, False),
        ({"iban": factories.own_iban(1)}, {"iban": factories.own_iban(2)}, True),
        ({"iban": ""}, {"iban": factories.own_iban(2)}, True),
        (
            {"iban": factories.own_iban(1), "account_holder": "Rosa"},
            {"iban": factories.own_iban(1), "account_holder": "Rita"},
            True,
        ),
    ],
)
def test_bank_details_that_differ_count_as_changed(
    desk: Desk, of_duplicate: dict[str, str], of_survivor: dict[str, str], counts: bool
) -> None:
    duplicate, survivor = (factories.CustomerFactory.create(**values) for values in (of_duplicate, of_survivor))
    merge(duplicate, survivor, desk.lead)
    assert (unconfirmed_obstacle(Customer.objects.get(pk=survivor.pk)) is not None) is counts


@pytest.mark.parametrize("swapped", [False, True])
def test_not_while_a_payout_is_on_its_way(desk: Desk, survivor: Customer, duplicate: Customer, swapped: bool) -> None:
    subscription = factories.paid_subscription(customer=duplicate)
    giving.order_payout(subscription, Decimal("10.00"), key="payout-1", reason="A refund")
    assert Payout.objects.get().state == Payout.State.PENDING
    pair = (survivor, duplicate) if swapped else (duplicate, survivor)
    assert_refused("pending_payout", propose, *pair, desk.lead)


def test_what_else_stands_in_the_way(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    assert_refused("same", propose, survivor, survivor, desk.lead)
    assert_refused("reason_missing", propose, duplicate, survivor, desk.lead, reason=" ")
    assert_refused("missing", propose_merge, 12345, into_id=survivor.pk, by=desk.lead, reason="Same")
    foreign = factories.CustomerFactory.create(currency="CHF")
    assert_refused("currency", propose, foreign, survivor, desk.lead, saying="CHF")
    gone = factories.CustomerFactory.create(merged_into=survivor)
    assert_refused("merged", propose, gone, duplicate, desk.lead)
    assert_refused("merged", propose, duplicate, gone, desk.lead)
    change = BankDetailsChange.objects.create(
        customer=survivor, iban_before="", changed_by=desk.agent, changed_at=timezone.now()
    )
    assert_refused("bank_details", propose, duplicate, survivor, desk.lead)
    change.confirmed_by, change.confirmed_at = desk.manager, timezone.now()
    change.save()
    Agreement.objects.create(
        customer=duplicate, title="Gold", valid_from=factories.days_ago(9), drafted_by=desk.manager
    )
    assert_refused("agreement", propose, duplicate, survivor, desk.lead, saying="Gold")
    assert merge(survivor, duplicate, desk.lead).survivor == duplicate


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


def test_the_pages_list_likely_duplicates_show_what_differs_and_moves_and_merge(
    client: Client, desk: Desk, survivor: Customer, duplicate: Customer
) -> None:
    factories.paid_subscription(customer=duplicate)
    sign_in(client, desk.lead)
    listed = merge_page(client)
    assert f"?duplicate={duplicate.number}&amp;into={survivor.number}" in listed
    typed = {"duplicate": "K-2", "into": "K-1", "reason": "Same tax number"}
    shown = merge_page(client, **typed, _preview="1")
    assert "1 subscriptions" in shown
    assert survivor.iban in shown
    assert duplicate.iban in shown
    assert "count as changed" in shown
    assert "A manager has to approve it" in merge_page(client, **typed)
    assert not Event.objects.filter(verb="customer.merge").exists()
    proposed = CustomerMerge.objects.get()
    page = client.get(reverse("admin:accounts_customermerge_change", args=(proposed.pk,))).content.decode()
    assert duplicate.iban in page
    step = f"{reverse('admin:accounts_customermerge_act', args=('approve',))}?ids={proposed.pk}"
    assert client.post(step, {"reason": ""}).status_code == 403
    sign_in(client, desk.manager)
    assert "1 merge of customers to approve" in client.get("/").content.decode()
    assert "1 subscriptions" in client.get(step).content.decode()
    client.post(step, {"reason": "Agreed"})
    assert Customer.objects.get(pk=duplicate.pk).merged_into == survivor

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


# --- What was known of the duplicate ------------------------------------------------------------


def test_the_survivor_lacks_nothing_that_was_known(desk: Desk) -> None:
    duplicate = factories.CustomerFactory.create(
        number="K-2",
        email="office@example.com",
        tax_number="IT00743110157",
        customer_since=factories.days_ago(900),
        **factories.address("Via Roma 1, 00100 Roma"),
    )
    survivor = factories.CustomerFactory.create(number="K-1", name=duplicate.name, email="", phone="", iban="")
    merge(duplicate, survivor, desk.lead)
    survivor.refresh_from_db()
    same = ("email", "phone", "tax_number", "customer_since", "postal_street", "postal_town", "iban")
    assert {name: getattr(survivor, name) for name in same} == {name: getattr(duplicate, name) for name in same}
    assert unconfirmed_obstacle(survivor) is not None  # an account that came with the merge is a change
    assert survivor.notes == ""


def test_what_differs_is_kept_as_a_contact_and_a_note(desk: Desk) -> None:
    account = {"iban": factories.own_iban(7)}
    duplicate = factories.CustomerFactory.create(
        number="K-2", name="Harbour Bakery Srl", notes="Calls on Mondays", **account,
        **factories.address("Via Roma 1, 00100 Roma"),
    )  # fmt: skip
    survivor = factories.CustomerFactory.create(
        number="K-1", name="Harbour Bakery", notes="Pays late", **account, **factories.address("Via Po 2, 10100 Torino")
    )
    kept = survivor.email, survivor.phone, survivor.postal
    merge(duplicate, survivor, desk.lead)
    survivor.refresh_from_db()
    assert (survivor.email, survivor.phone, survivor.postal) == kept
    assert survivor.notes == (
        "Pays late\n\nFrom K-2, merged:\npostal address: Via Roma 1, 00100 Roma\nnotes: Calls on Mondays"
    )
    contact = survivor.contacts.get()
    assert (contact.name, contact.email, contact.phone) == (duplicate.name, duplicate.email, duplicate.phone)
    assert contact.position == "Was customer K-2"
    assert unconfirmed_obstacle(survivor) is None


def test_a_search_by_the_old_data_leads_to_the_survivor(desk: Desk, survivor: Customer, duplicate: Customer) -> None:
    merge(duplicate, survivor, desk.lead)
    client = Client()
    client.force_login(desk.agent, backend="accounts.staff.auth.StaffBackend")
    for old in ("K-2", "Harbour Bakery Srl", duplicate.email):
        answer = client.get("/search/", {"q": old})
        page = reverse("admin:accounts_customer_change", args=[survivor.pk])
        assert answer.status_code == 302 or f'href="{page}"' in answer.content.decode()
        if answer.status_code == 302:
            assert answer["Location"] == page
