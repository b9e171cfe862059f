"""Cancelling on the pages: when it takes effect and what the customer keeps is said before anybody confirms."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.formats import date_format

from accounts.staff.models import User
from billing.credits.models import Credit
from billing.subscriptions.models import Subscription
from hardware.purchases.actions import pay_instalment, return_phone
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client: Client) -> User:
    person = factories.agent()
    client.force_login(person, backend="accounts.staff.auth.StaffBackend")
    return person


def act_url(*subscriptions: Subscription) -> str:
    ids = ",".join(str(each.pk) for each in subscriptions)
    return f"{reverse('admin:billing_subscription_act', args=('cancel',))}?ids={ids}"


def test_what_is_kept_is_said_before_and_after(client: Client, agent: User) -> None:
    subscription = factories.paid_subscription()
    period = subscription.current_period()
    assert period is not None
    clerk = factories.billing_clerk()
    owned = factories.phone_purchase(subscription.customer)
    pay_instalment(owned.instalments.get().pk, by=clerk, paid_on=factories.today())
    owing = factories.phone_purchase(subscription.customer, instalments=3)
    gone = factories.phone_purchase(subscription.customer)
    return_phone(gone.pk, by=clerk, reason="Too loud", returned_on=factories.today())
    last = date_format(period.closes_on - timedelta(days=1))

    before = client.get(act_url(subscription)).content.decode()
    assert f"It takes effect on {date_format(period.closes_on)}" in before
    assert f"through {last} (F1, F2)" in before
    assert "Nothing is paid back for cancelling (F3)." in before
    assert "2 phones stay with the customer (F7); 120.00 EUR of their price is still owed (F6)." in before
    assert f"Until {last} it can be taken back." in before
    page = reverse("admin:billing_subscription_change", args=(subscription.pk,))
    assert "What the customer keeps" not in client.get(page).content.decode()

    today = factories.today().isoformat()
    client.post(act_url(subscription), {"channel": "letter", "requested_on": today, "reason": ""})
    subscription.refresh_from_db()
    assert (subscription.state, subscription.cancelled_on) == ("cancelled", factories.today())
    after = client.get(page).content.decode()
    for words in (
        "What the customer keeps",
        "Letter",
        f"Keeps {owing.phone}",
        "120.00 EUR still owed (F6)",
        "nothing (F3)",
    ):
        assert words in after
    assert gone.phone.serial not in after
    assert not Credit.objects.exists()

    undo = f"{reverse('admin:billing_subscription_act', args=('undo_cancellation',))}?ids={subscription.pk}"
    client.post(undo, {"reason": "They stay"})
    assert "What the customer keeps" not in client.get(page).content.decode()


def test_a_customer_without_phones_and_one_who_paid_them(client: Client, agent: User) -> None:
    subscription = factories.paid_subscription()
    assert "The customer has no phones of ours." in client.get(act_url(subscription)).content.decode()
    owned = factories.phone_purchase(subscription.customer)
    pay_instalment(owned.instalments.get().pk, by=factories.billing_clerk(), paid_on=factories.today())
    assert "1 phone stays with the customer (F7), all paid." in client.get(act_url(subscription)).content.decode()


def test_more_subscriptions_take_no_more_queries(client: Client, agent: User) -> None:
    plan = factories.PlanFactory.create()

    def make(count: int) -> list[Subscription]:
        made = [factories.open_subscription(plan=plan) for _ in range(count)]
        for each in made:
            factories.phone_purchase(each.customer, instalments=2)
        return made

    def queries(rows: list[Subscription]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(act_url(*rows)).status_code == 200
        return len(captured)

    few, many = make(2), make(7)
    queries(few)
    assert queries(few) == queries(many)
