"""Each action done on its page: what the form takes is what the action wants, and the row says so afterwards."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.customers.models import Customer
from accounts.staff.models import ApprovalLimit, StaffChange, Team, User
from accounts.staff.permissions import Role
from audit.models import Event
from billing.invoices.models import Invoice
from billing.payouts.models import Payout
from billing.plans.models import Operation, OperationCost, Plan, Price
from billing.remedies import effects as giving
from billing.subscriptions.models import Subscription
from hardware.phones.models import PhoneModel
from hardware.purchases.models import Purchase
from tests import factories

pytestmark = pytest.mark.django_db


def as_(role: Role) -> Client:
    client = Client()
    client.force_login(factories.UserFactory.create(role=role), backend="accounts.staff.auth.StaffBackend")
    return client


def do(client: Client, url: str, **typed: Any) -> str:
    """Post what was typed; it must be done. Returns where one is led."""
    response = client.post(url, typed)
    if response.status_code == 200:
        form = response.context["form"]
        raise AssertionError(f"{url}: {form.errors.as_text()} {response.context.get('refusal')}")
    assert response.status_code == 302, response.status_code
    return response.headers["Location"]


def errors(client: Client, url: str, **typed: Any) -> dict[str, list[str]]:
    """Post what was typed; it must be refused, with everything still there."""
    response = client.post(url, typed)
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["form"].errors
    assert found
    return found


CUSTOMER = {"name": "Northwind", "kind": "company", "country": "IT", "language": "en", "currency": "EUR"}


def test_a_customer_is_entered_and_edited() -> None:
    agent = as_(Role.AGENT)
    url = do(agent, "/accounts/customer/do/new/", **CUSTOMER, iban="IT60 X054 2811 1010 0000 0123 456")
    customer = Customer.objects.get()
    assert url == f"/accounts/customer/{customer.pk}/change/"
    assert (customer.number, customer.iban) == ("K-000001", "IT60X0542811101000000123456")
    edit = f"/accounts/customer/act/edit/?ids={customer.pk}"
    do(agent, edit, **{**CUSTOMER, "name": "Northwind Dental", "iban": customer.iban})
    assert Customer.objects.get().name == "Northwind Dental"
    assert set(errors(agent, edit, **{**CUSTOMER, "iban": "DE89370400440532013000"})) == {"__all__"}
    assert set(errors(agent, edit, **{**CUSTOMER, "iban": "nonsense"})) == {"iban"}
    assert "refused" in Event.objects.values_list("outcome", flat=True)
    page = agent.get(url).content.decode()
    assert "Northwind Dental" in page


def test_the_currency_cannot_even_be_typed_once_there_is_a_subscription() -> None:
    customer = factories.open_subscription().customer
    agent = as_(Role.AGENT)
    edit = f"/accounts/customer/act/edit/?ids={customer.pk}"
    typed = {**CUSTOMER, "currency": "CHF", "iban": customer.iban}
    do(agent, edit, **typed)
    customer.refresh_from_db()
    assert (customer.name, customer.currency) == ("Northwind", "EUR")


def test_a_person_is_entered_changed_and_published() -> None:
    administrator, manager = as_(Role.ADMIN), as_(Role.MANAGER)
    do(administrator, "/accounts/team/do/new/", name="North desk")
    team = Team.objects.get()
    customer = factories.CustomerFactory.create()
    person = {"username": "ada", "first_name": "Ada", "last_name": "Lind", "password": "a long first password"}
    weak = {**person, "password": "short", "role": Role.LEAD, "reason": "Joins"}
    assert set(errors(administrator, "/accounts/user/do/new/", **weak)) == {"password"}
    do(
        administrator,
        "/accounts/user/do/new/",
        **person,
        role=Role.LEAD,
        team=team.pk,
        leads_team="on",
        customer=customer.number,
        reason="Joins",
    )
    change = StaffChange.objects.get()
    do(manager, f"/accounts/staffchange/act/publish/?ids={change.pk}", reason="")
    ada = User.objects.select_related("role").get(username="ada")
    assert (ada.role_name, ada.team, ada.customer, ada.is_active) == (Role.LEAD, team, customer, True)
    do(administrator, f"/accounts/user/act/draft_change/?ids={ada.pk}", role="", reason="Leaves")
    second = StaffChange.objects.get(state="draft")
    assert (second.active, second.role) == (False, None)
    do(administrator, f"/accounts/staffchange/act/discard/?ids={second.pk}", reason="Stays")
    assert User.objects.get(username="ada").is_active
    page = manager.get(f"/accounts/user/{ada.pk}/change/").content.decode()
    assert "Ada Lind" in page
    assert ada.password not in page
    assert ada.password.partition("$")[0] + "$" not in page


def test_a_limit_is_drafted_and_published() -> None:
    typed = {
        "role": Role.LEAD,
        "subject": "usage",
        "currency": "EUR",
        "valid_from": factories.today(),
        "amount": "50.00",
        "batch_amount": "0",
    }
    administrator = as_(Role.ADMIN)
    impossible = {**typed, "subject": "special"}
    assert set(errors(administrator, "/accounts/approvallimit/do/draft/", **impossible)) == {"role"}
    do(administrator, "/accounts/approvallimit/do/draft/", **typed)
    limit = ApprovalLimit.objects.get()
    do(as_(Role.MANAGER), f"/accounts/approvallimit/act/publish/?ids={limit.pk}", reason="Agreed")
    assert ApprovalLimit.objects.in_force(factories.today()).get() == limit


def test_a_plan_gets_its_price_and_an_operation_its_cost() -> None:
    clerk, manager = as_(Role.BILLING), as_(Role.MANAGER)
    do(clerk, "/billing/plan/do/new/", code="OFFICE-10", name="Office 10", kind="phone_system")
    do(
        clerk,
        "/billing/price/do/draft/",
        plan=Plan.objects.get().pk,
        term="monthly",
        currency="EUR",
        valid_from="2025-01-01",
        fee="59.90",
        tax_rate="22",
        included_minutes="500",
        minute_cost="0.015",
    )
    price = Price.objects.get()
    do(manager, f"/billing/price/act/publish/?ids={price.pk}")
    do(clerk, "/billing/operation/do/new/", code="FORWARD", name="Forwarding")
    operation = Operation.objects.get()
    do(
        clerk,
        "/billing/operationcost/do/draft/",
        operation=operation.pk,
        currency="EUR",
        valid_from="2025-01-01",
        unit_cost="0.05",
    )
    do(manager, f"/billing/operationcost/act/publish/?ids={OperationCost.objects.get().pk}")
    assert {Price.objects.get().state, OperationCost.objects.get().state} == {"published"}


def test_a_subscription_is_opened_cancelled_and_kept() -> None:
    clerk, agent = as_(Role.BILLING), as_(Role.AGENT)
    customer, plan = factories.CustomerFactory.create(), factories.price().plan
    typed = {"customer": customer.number, "plan": plan.pk, "term": "monthly", "activated_on": factories.days_ago(3)}
    shown = clerk.post("/billing/subscription/do/open/", {**typed, "_preview": "1"})
    assert "60.00 EUR" in shown.content.decode()
    assert not Subscription.objects.exists()
    no_price = clerk.post("/billing/subscription/do/open/", {**typed, "term": "annual", "_preview": "1"})
    assert "no published price" in no_price.content.decode()
    assert set(errors(clerk, "/billing/subscription/do/open/", **{**typed, "customer": "nobody"})) == {"customer"}
    do(clerk, "/billing/subscription/do/open/", **typed)
    subscription = Subscription.objects.get()
    period = subscription.current_period()
    assert period is not None

    cancel = f"/billing/subscription/act/cancel/?ids={subscription.pk}"
    last_day = period.closes_on - timedelta(days=1)
    assert f"{last_day.day} {last_day:%b %Y}" in agent.get(cancel).content.decode()
    do(agent, cancel, channel="email", requested_on=factories.today(), reason="")
    assert Subscription.objects.get().state == "cancelled"
    do(agent, f"/billing/subscription/act/undo_cancellation/?ids={subscription.pk}", reason="Stays")
    assert Subscription.objects.get().state == "active"


def test_billing_shows_what_is_due_and_runs() -> None:
    clerk = as_(Role.BILLING)
    subscription = factories.open_subscription(activated_on=factories.months_ago(1, factories.days_ago(1)))
    url = "/billing/invoice/do/run_billing/"
    page = clerk.get(url)
    assert page.context["preview"]["due"].renewing == 1
    assert subscription.number in page.content.decode()
    do(clerk, url)
    assert subscription.periods.count() == 2
    assert clerk.get(url).context["preview"]["due"].subscriptions == 0


def test_a_payment_is_recorded() -> None:
    clerk = as_(Role.BILLING)
    factories.open_subscription()
    invoice = Invoice.objects.get()
    pay = f"/billing/invoice/act/pay/?ids={invoice.pk}"
    typed = {"amount": "20.00", "received_on": factories.today(), "reference": "TRX"}
    assert "60.01" in str(errors(clerk, pay, **{**typed, "amount": "60.01"}))
    do(clerk, pay, **typed)
    assert Invoice.objects.get().due == Decimal("40.00")
    assert clerk.get(pay).context["form"].initial["amount"] == Decimal("40.00")


def test_payouts_fail_are_tried_again_and_become_credits() -> None:
    clerk = as_(Role.BILLING)
    subscription = factories.open_subscription()
    payouts = [giving.order_payout(subscription, Decimal(5), key=f"p{n}", reason="A refund") for n in range(3)]
    ids = ",".join(str(payout.pk) for payout in payouts)
    do(clerk, f"/billing/payout/act/failed/?ids={ids}", reason="Bank holiday", skipped="")
    assert set(Payout.objects.values_list("state", flat=True)) == {"failed"}
    do(clerk, f"/billing/payout/act/retry/?ids={payouts[0].pk}", reason="")
    typed = {"reference": "BANK-1", "paid_on": factories.today()}
    do(clerk, f"/billing/payout/act/paid/?ids={payouts[0].pk}", **typed)
    do(clerk, f"/billing/payout/act/to_credit/?ids={payouts[1].pk}", reason="They agreed")
    states = list(Payout.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["paid", "credited", "failed"]


def test_a_phone_is_bought_by_instalments_and_paid() -> None:
    clerk = as_(Role.BILLING)
    customer = factories.CustomerFactory.create()
    do(clerk, "/hardware/phonemodel/do/add/", maker="Tellwell", name="Desk 3")
    typed = {
        "customer": customer.number,
        "phone_model": PhoneModel.objects.get().pk,
        "serial": "sn-1",
        "mac": "00-1A-2B-3C-4D-5E",
        "price": "100.00",
        "bought_on": factories.days_ago(40),
        "parts": "3",
    }
    assert set(errors(clerk, "/hardware/purchase/do/record/", **{**typed, "mac": "x"})) == {"mac"}
    do(clerk, "/hardware/purchase/do/record/", **typed)
    purchase = Purchase.objects.get()
    amounts = list(purchase.instalments.values_list("amount", flat=True))
    assert amounts == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]
    one, two, three = purchase.instalments.all()
    today = factories.today()
    do(clerk, f"/hardware/purchase/act/pay/?ids={purchase.pk}", instalment=two.pk, paid_on=today)
    do(clerk, f"/hardware/instalment/act/pay/?ids={one.pk},{three.pk}", paid_on=today, skipped="")
    assert Purchase.objects.get().is_owned
    page = clerk.get(f"/accounts/customer/{customer.pk}/change/").content.decode()
    assert "SN-1" in page
    assert "Owned by the customer" in page


def test_a_phones_page_says_that_it_is_not_refunded() -> None:
    purchase = factories.phone_purchase()
    page = as_(Role.AGENT).get(f"/hardware/purchase/{purchase.pk}/change/").content.decode()
    assert "not refunded" in page
    assert "F8" in page
    assert "120.00 EUR owed" in page
