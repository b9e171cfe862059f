"""The customer on one page: everything about them, asked for in a constant number of queries."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.customers.contacts.actions import add_contact
from accounts.customers.models import Customer
from billing.remedies import effects as giving
from billing.subscriptions.models import Subscription
from billing.usage.models import UsageDay
from billing.usage.sparkline import HEIGHT, sparkline
from core.amounts import money_text
from policies.agreements import actions as agreements
from tests import factories
from tests.complaints import cases

pytestmark = pytest.mark.django_db

#: Session, person, counts of the navigation, the customer, and one or two for each card.
MOST_QUERIES = 22


def page_of(customer: Customer) -> str:
    client = Client()
    client.force_login(factories.manager(), backend="accounts.staff.auth.StaffBackend")
    return client.get(f"/accounts/customer/{customer.pk}/change/").content.decode()


def add_to_life(customer: Customer, subscription: Subscription, desk: cases.Desk) -> None:
    """One more of everything that the page shows."""
    giving.give_credit(subscription, Decimal("5.00"), reason="Another")
    factories.phone_purchase(customer)
    factories.usage(subscription, seconds=90)
    other = factories.paid_subscription(customer=customer, activated_on=factories.days_ago(9))
    factories.usage(other, seconds=90)
    cases.propose(desk, cases.decided(desk, subscription=other, received_on=factories.days_ago(1)))
    name = f"Ada {customer.contacts.count()}"
    add_contact(customer.pk, by=desk.agent, name=name, position="", email="", phone="")
    terms = {"decide_within_days": 3}
    agreements.draft_agreement(
        customer.pk, by=desk.manager, title="Key account", terms=terms, valid_from=factories.today()
    )


def test_it_asks_as_often_for_a_long_life_as_for_a_short_one() -> None:
    desk = cases.Desk()
    factories.approval_limits()
    subscription = factories.paid_subscription(activated_on=factories.days_ago(9))
    customer = subscription.customer
    client = Client()
    client.force_login(factories.manager(), backend="accounts.staff.auth.StaffBackend")

    def queries() -> int:
        ContentType.objects.get_for_model(Customer)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/accounts/customer/{customer.pk}/change/").status_code == 200
        return len(captured)

    add_to_life(customer, subscription, desk)
    few = queries()
    for _ in range(3):
        add_to_life(customer, subscription, desk)
    factories.bill(factories.today() + timedelta(days=40), by=factories.system_user())
    many = queries()
    assert many <= few <= MOST_QUERIES


def test_it_shows_what_is_known_and_leaves_out_what_is_not() -> None:
    customer = factories.CustomerFactory.create(
        postal_street="Quay <b>", postal_number="1", postal_town="Harbour", tax_number="", country="IT"
    )
    html = page_of(customer)
    assert "Quay &lt;b&gt; 1<br>Harbour" in html
    assert "<dd>Italy</dd>" in html
    assert "Tax number" not in html


def test_the_calls_of_the_period_are_drawn_and_said() -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(9))
    assert "No calls yet" in page_of(subscription.customer)
    factories.usage(subscription, seconds=90)
    giving.give_minutes(subscription, 7, further_periods=1, reason="A refund")
    period = subscription.current_period()
    assert period is not None
    html = page_of(subscription.customer)
    drawing = re.search(r'<svg class="sparkline".*?</svg>', html, re.DOTALL)
    assert drawing is not None
    assert drawing[0].count("<rect") == 1
    assert f"2 of {period.included_minutes + 7:,} minutes used" in drawing[0]


def test_a_sparkline_is_to_scale() -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(9))
    period = subscription.current_period()
    assert period is not None
    first = period.starts_on
    usage = [
        UsageDay(period=period, kind="call", local_day=first, seconds=600),
        UsageDay(period=period, kind="call", local_day=first + timedelta(days=3), seconds=1_201),
        UsageDay(period=period, kind="operation", operation="forward", local_day=first, quantity=Decimal(9)),
    ]
    line = sparkline(period, usage, granted=5)
    assert [(column.x, column.height) for column in line.columns] == [(0, HEIGHT * 600 // 1_201), (12, HEIGHT)]
    assert all(column.y + column.height == HEIGHT for column in line.columns)
    assert line.width == 4 * (period.closes_on - first).days
    assert (line.minutes, line.most, line.most_on) == (31, 21, first + timedelta(days=3))
    assert (line.allowance, line.over) == (period.included_minutes + 5, max(0, 31 - period.included_minutes - 5))
    assert line.in_words.startswith(f"31 of {line.allowance:,} minutes used, the most on ")
    empty = sparkline(period, [])
    assert (empty.columns, empty.minutes, empty.most_on) == ((), 0, None)


def test_the_strip_says_what_is_owed_both_ways() -> None:
    desk = cases.Desk(limits=True)
    refund = cases.settled(desk, cases.decided(desk))
    customer = refund.customer
    subscription = refund.subscription
    factories.phone_purchase(customer, price=Decimal("1200.00"))
    giving.order_payout(subscription, Decimal("7.00"), key="payout-1", reason="A refund")
    bought_elsewhere = factories.phone_purchase()
    shown = dict(re.findall(r"<div><dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd></div>", page_of(customer)))
    assert shown == {
        "Owes on invoices": money_text(sum((one.due for one in customer.invoices.all()), Decimal(0)), "EUR"),
        "Owes on phones": "1,200.00 EUR",
        "To be paid out": "7.00 EUR",
        "Credit left": money_text(refund.total, "EUR"),
        "Refunded in 12 months": money_text(refund.total, "EUR"),
    }
    assert bought_elsewhere.owed
