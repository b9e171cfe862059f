"""Lists and pages ask the database as often for many rows as for few."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.customers.models import Customer
from accounts.staff.models import User
from backoffice.admin import TrackedAdmin
from billing.invoices.models import Invoice
from billing.plans.models import Operation
from billing.remedies import effects as giving
from billing.runs.actions import run_billing
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.digests.times import choose_digest_times
from policies.agreements.models import Agreement
from tests import factories

pytestmark = pytest.mark.django_db

OURS = ("accounts", "messaging", "hardware", "billing")
LISTS = sorted(model._meta.label for model in admin.site._registry if model._meta.label.partition(".")[0] in OURS)


def add_companies(count: int) -> None:
    """So many more of everything that a list shows, each with people, a plan and a customer of its own."""
    for _ in range(count):
        customer = factories.CustomerFactory.create()
        operation = factories.OperationFactory.create()
        factories.OperationCostFactory.create(operation=operation)
        subscription = factories.paid_subscription(customer=customer)
        factories.usage(subscription, seconds=60)
        factories.usage(subscription, operation=operation.code, quantity=Decimal(1))
        giving.give_credit(subscription, Decimal("5.00"), reason="A refund")
        payout = giving.order_payout(subscription, Decimal("5.00"), key=f"payout-{subscription.pk}", reason="A refund")
        assert payout.pk
        factories.phone_purchase(customer, instalments=2)
        factories.outgoing_message(customer)
        factories.plan_change(subscription)
        factories.charge(subscription)
        factories.PriceFactory.create(state="draft")
        factories.ApprovalLimitFactory.create(valid_from=factories.days_ago(subscription.pk), state="draft")
        factories.StaffChangeFactory.create(
            person__team=factories.TeamFactory.create(lead=factories.lead()), person__customer=customer
        )
        factories.delegation()
        choose_digest_times(by=factories.agent(), times=[time(8)], weekdays=[0])
        Agreement.objects.create(
            customer=customer, title="Terms", valid_from=factories.LONG_AGO, drafted_by=factories.manager()
        )


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(url)
    assert response.status_code == 200, url
    return len(captured)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return client


def test_every_list_asks_as_often_for_many_rows_as_for_few() -> None:
    client = signed_in(factories.manager())
    pages = {model._meta.label: page for model, page in admin.site._registry.items()}
    add_companies(2)
    few = {label: _list(client, pages[label]) for label in LISTS}
    add_companies(6)
    many = {label: _list(client, pages[label]) for label in LISTS}
    assert {label: (few[label], many[label]) for label in LISTS if many[label] > few[label]} == {}


def _list(client: Client, page: admin.ModelAdmin) -> int:
    assert isinstance(page, TrackedAdmin)
    return queries(client, page.url_of("changelist"))


def test_a_search_asks_as_often_too() -> None:
    client = signed_in(factories.agent())
    add_companies(2)
    few = queries(client, "/accounts/customer/?q=Harbour")
    add_companies(6)
    assert queries(client, "/accounts/customer/?q=Harbour") <= few


@pytest.mark.parametrize("found_by", ["name", "email", "number", "serial"])
def test_a_customer_is_found_by(found_by: str) -> None:
    customer = factories.CustomerFactory.create(name="Northwind Dental", email="hello@example.net", number="K-77")
    factories.phone_purchase(customer, serial="SN-XYZ")
    factories.phone_purchase(customer)
    factories.CustomerFactory.create()
    word = {"name": "northwind", "email": "hello@example.net", "number": "K-77", "serial": "SN-XYZ"}[found_by]
    response = signed_in(factories.agent()).get("/accounts/customer/", {"q": word})
    assert [row.pk for row in response.context["cl"].result_list] == [customer.pk]


def test_the_page_of_a_customer_asks_as_often_for_a_long_life_as_for_a_short_one() -> None:
    client = signed_in(factories.manager())
    subscription = factories.open_subscription(activated_on=factories.months_ago(3, factories.days_ago(2)))
    customer = subscription.customer
    giving.give_credit(subscription, Decimal("70.00"), reason="A refund", on=subscription.activated_on)
    factories.phone_purchase(customer)
    run_billing(factories.months_ago(1), by=factories.system_user())
    pages = (
        f"/accounts/customer/{customer.pk}/change/",
        f"/billing/subscription/{subscription.pk}/change/",
        f"/billing/invoice/{Invoice.objects.all()[0].pk}/change/",
        f"/billing/billingperiod/{BillingPeriod.objects.all()[0].pk}/change/",
    )
    few = [queries(client, page) for page in pages]
    run_billing(factories.today(), by=factories.system_user())
    for _ in range(4):
        giving.give_credit(Subscription.objects.get(), Decimal("5.00"), reason="Another")
        factories.phone_purchase(customer)
        factories.usage(Subscription.objects.get(), seconds=30)
    factories.bill(factories.months_ago(-2), by=factories.system_user())
    many = [queries(client, page) for page in pages]
    assert [(page, a, b) for page, a, b in zip(pages, few, many, strict=True) if b > a] == []


def test_a_confirmation_of_many_rows_asks_as_often_as_one_of_few() -> None:
    client = signed_in(factories.billing_clerk())
    add_companies(2)

    def confirm(model: type[Customer | Subscription | Operation], action: str) -> int:
        pks = ",".join(str(pk) for pk in model._default_manager.values_list("pk", flat=True))
        return queries(client, f"/{model._meta.app_label}/{model._meta.model_name}/act/{action}/?ids={pks}")

    few = confirm(Subscription, "cancel")
    add_companies(6)
    assert confirm(Subscription, "cancel") <= few
