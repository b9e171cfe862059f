"""Opening a subscription, cancelling it and taking that back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.models import Event
from billing.invoices.models import Invoice
from billing.plans.models import Plan
from billing.runs.actions import run_billing
from billing.subscriptions.actions import open_subscription
from billing.subscriptions.cancellations.actions import cancel_subscription, undo_cancellation
from billing.subscriptions.models import BillingPeriod, Subscription
from tests import factories
from tests.company_life import clock_on
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


@pytest.fixture
def plan() -> Plan:
    return factories.price().plan


@pytest.fixture
def customer() -> Customer:
    return factories.CustomerFactory.create()


def opened(clerk: User, customer: Customer, plan: Plan, **given: Any) -> Subscription:
    usual: dict[str, Any] = {"term": "monthly", "activated_on": date(2025, 1, 31)}
    return open_subscription(by=clerk, customer_id=customer.pk, plan_id=plan.pk, **{**usual, **given})


def test_opening_makes_the_first_period_and_its_invoice(clerk: User, customer: Customer, plan: Plan) -> None:
    cost = factories.OperationCostFactory.create(unit_cost=Decimal("0.0125"))
    factories.OperationCostFactory.create(state="draft")
    subscription = opened(clerk, customer, plan)
    assert (subscription.number, subscription.state, subscription.currency) == ("S-000001", "active", "EUR")
    period = BillingPeriod.objects.get()
    assert (period.sequence, period.starts_on, period.ends_on, period.closes_on) == (
        0,
        date(2025, 1, 31),
        date(2025, 2, 28),
        date(2025, 2, 28),
    )
    assert (period.fee, period.tax_rate, period.included_minutes, period.minute_cost) == (
        Decimal("60.00"),
        Decimal(22),
        500,
        Decimal("0.02"),
    )
    assert period.operation_costs == [{"code": cost.operation.code, "name": cost.operation.name, "unit_cost": "0.0125"}]
    # The period is text on it: a document is dated on the day on which it is written.
    invoice, today = Invoice.objects.get(), factories.today()
    assert (invoice.number, invoice.issued_on, invoice.due_on) == (
        f"{today.year}-000001",
        today,
        today + timedelta(days=14),
    )
    assert (invoice.net, invoice.tax, invoice.gross, invoice.due) == tuple(
        map(Decimal, ("49.18", "10.82", "60.00", "60.00"))
    )
    assert invoice.state == Invoice.State.ISSUED
    line = invoice.lines.get()
    assert (line.net, line.tax, line.gross, line.tax_rate) == (invoice.net, invoice.tax, invoice.gross, Decimal(22))
    assert line.text == f"{plan.name}, 2025-01-31 to 2025-02-27"
    event = Event.objects.get()
    assert (event.verb, event.customer_id, event.target_id) == ("subscription.open", customer.pk, subscription.pk)
    assert subscription.history.get().history_user_id == clerk.pk


def test_an_agreed_fee_takes_the_place_of_the_prices(clerk: User, customer: Customer, plan: Plan) -> None:
    opened(clerk, customer, plan, agreed_fee=Decimal("45.50"))
    assert BillingPeriod.objects.get().fee == Decimal("45.50")
    assert Invoice.objects.get().gross == Decimal("45.50")


def test_a_fee_of_nothing_is_paid_from_the_start(clerk: User, customer: Customer, plan: Plan) -> None:
    opened(clerk, customer, plan, agreed_fee=Decimal(0))
    assert Invoice.objects.get().state == Invoice.State.PAID


def test_a_customer_who_comes_over_starts_with_the_running_period(clerk: User, customer: Customer, plan: Plan) -> None:
    subscription = opened(clerk, customer, plan, taken_over_on=date(2025, 3, 15))
    period = BillingPeriod.objects.get()
    assert (period.sequence, period.starts_on, period.ends_on) == (1, date(2025, 2, 28), date(2025, 3, 31))
    assert (subscription.activated_on, subscription.anchor_on) == (date(2025, 1, 31), date(2025, 1, 31))
    run_billing(date(2025, 3, 31), by=clerk)
    newest = BillingPeriod.objects.latest("sequence")
    assert (newest.sequence, newest.starts_on, newest.ends_on) == (2, date(2025, 3, 31), date(2025, 4, 30))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"term": "weekly"}, "invalid"),
        ({"term": "annual"}, "no_price"),
        ({"currency": "CHF"}, "no_price"),
        ({"activated_on": date(2014, 12, 31)}, "no_price"),
        ({"agreed_fee": Decimal(-1)}, "amount"),
        ({"agreed_fee": Decimal("1.005")}, "decimals"),
        ({"taken_over_on": date(2025, 1, 30)}, "dates"),
    ],
)
def test_openings_that_are_refused(
    clerk: User, customer: Customer, plan: Plan, given: dict[str, Any], code: str
) -> None:
    assert_refused(code, opened, clerk, customer, plan, **given)
    assert opened(clerk, customer, plan).number == "S-000001"


def test_a_plan_that_is_not_sold_any_more(clerk: User, customer: Customer, plan: Plan) -> None:
    plan.active = False
    plan.save()
    assert_refused("plan_inactive", opened, clerk, customer, plan)


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_opens(customer: Customer, plan: Plan, who: str) -> None:
    assert_refused("permission", opened, getattr(factories, who)(), customer, plan)


# --- Cancelling ---------------------------------------------------------------------------------


def test_f1_f2_f3_a_cancelled_subscription_runs_to_the_periods_end_and_costs_as_before() -> None:
    agent, subscription = factories.agent(), factories.paid_subscription()
    period = subscription.current_period()
    assert period is not None
    invoice = Invoice.objects.get()
    before = (invoice.gross, invoice.paid, invoice.credited, period.closes_on, period.included_minutes)
    cancelled = cancel_subscription(subscription.pk, by=agent, channel="phone", reason="Moves abroad")
    assert (cancelled.state, cancelled.cancelled_on, cancelled.cancellation_channel) == (
        "cancelled",
        factories.today(),
        "phone",
    )
    period, invoice = BillingPeriod.objects.get(), Invoice.objects.get()
    assert period.state == BillingPeriod.State.OPEN
    assert (invoice.gross, invoice.paid, invoice.credited, period.closes_on, period.included_minutes) == before
    assert cancelled.credits.count() == cancelled.payouts.count() == 0
    event = Event.objects.latest("pk")
    assert (event.verb, event.reason, event.actor_id) == ("subscription.cancel", "Moves abroad", agent.pk)
    assert event.data["takes_effect_on"] == period.closes_on.isoformat()
    assert cancelled.history.first().history_change_reason == "Moves abroad"


def test_a_cancellation_is_taken_back_before_it_takes_effect() -> None:
    agent, subscription = factories.agent(), factories.paid_subscription()
    cancel_subscription(subscription.pk, by=agent, channel="email")
    assert_refused("reason_missing", undo_cancellation, subscription.pk, by=agent, reason=" ")
    undone = undo_cancellation(subscription.pk, by=agent, reason="Stays after all")
    assert (undone.state, undone.cancelled_on, undone.cancellation_channel) == ("active", None, "")
    period = undone.current_period()
    assert period is not None
    factories.bill(period.closes_on, by=factories.system_user())
    assert undone.periods.count() == 2


def test_f2_late_billing_does_not_put_off_the_day_until_which_a_cancellation_is_taken_back() -> None:
    agent = factories.agent()
    subscription = factories.open_subscription(activated_on=date(2024, 4, 1))
    with clock_on(date(2024, 4, 10)):
        cancel_subscription(subscription.pk, by=agent, channel="email")
    with clock_on(date(2024, 5, 1)):
        assert_refused(
            "state", undo_cancellation, subscription.pk, by=agent, reason="x", saying="has taken effect on 1 May 2024"
        )
    with clock_on(date(2024, 4, 30)):
        undo_cancellation(subscription.pk, by=agent, reason="Stays")
        cancel_subscription(subscription.pk, by=agent, channel="email")
    # Asked for while billing was late: it takes effect with the period in which it was asked for, opened or not.
    with clock_on(date(2024, 4, 30)):
        undo_cancellation(subscription.pk, by=agent, reason="Stays")
    with clock_on(date(2024, 5, 10)):
        cancel_subscription(subscription.pk, by=agent, channel="email")
    with clock_on(date(2024, 5, 31)):
        undo_cancellation(subscription.pk, by=agent, reason="Stays")
        cancel_subscription(subscription.pk, by=agent, channel="email", requested_on=date(2024, 5, 10))
    with clock_on(date(2024, 6, 1)):
        assert_refused("state", undo_cancellation, subscription.pk, by=agent, reason="x", saying="1 Jun 2024")


def test_cancellations_that_are_refused() -> None:
    agent, subscription = factories.agent(), factories.paid_subscription()
    tomorrow = factories.today() + timedelta(days=1)
    assert_refused("dates", cancel_subscription, subscription.pk, by=agent, channel="email", requested_on=tomorrow)
    assert_refused("invalid", cancel_subscription, subscription.pk, by=agent, channel="pigeon")
    assert_refused("missing", cancel_subscription, 12345, by=agent, channel="email")
    assert_refused("state", undo_cancellation, subscription.pk, by=agent, reason="x", saying="is not cancelled")
    cancel_subscription(subscription.pk, by=agent, channel="email")
    assert_refused("state", cancel_subscription, subscription.pk, by=agent, channel="email", saying="cancelled already")
    period = subscription.current_period()
    assert period is not None
    factories.bill(period.closes_on, by=factories.system_user())
    assert_refused("state", cancel_subscription, subscription.pk, by=agent, channel="email", saying="has ended")
    assert_refused("state", undo_cancellation, subscription.pk, by=agent, reason="x", saying="has taken effect")


@pytest.mark.parametrize("who", ["auditor", "administrator", "system_user"])
def test_who_may_not_cancel(who: str) -> None:
    subscription, person = factories.open_subscription(), getattr(factories, who)()
    assert_refused("permission", cancel_subscription, subscription.pk, by=person, channel="email")
    cancel_subscription(subscription.pk, by=factories.billing_clerk(), channel="email")
    assert_refused("permission", undo_cancellation, subscription.pk, by=person, reason="x")


def test_f2_while_billing_is_late_a_cancellation_takes_effect_with_the_period_it_was_asked_in() -> None:
    """The open period is over, but the run has not opened the next: the customer is in the next one all the same."""
    subscription = factories.open_subscription(activated_on=factories.months_ago(1, factories.days_ago(3)))
    stale = subscription.current_period()
    assert stale is not None
    assert stale.closes_on <= factories.today()
    cancel_subscription(subscription.pk, by=factories.agent(), channel="email")
    event = Event.objects.latest("pk")
    run_billing(factories.today(), by=factories.system_user())
    subscription.refresh_from_db()
    current = subscription.current_period()
    assert current is not None
    assert (subscription.state, current.sequence) == ("cancelled", 1)
    assert event.data["takes_effect_on"] == current.closes_on.isoformat()
    factories.bill(current.closes_on, by=factories.system_user())
    subscription.refresh_from_db()
    assert (subscription.state, subscription.ended_on) == ("ended", current.closes_on)
    assert subscription.periods.count() == 2


# --- The database -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("subscription_term_known", {"term": "weekly"}),
        ("agreed_fee_not_negative", {"agreed_fee": Decimal(-1)}),
        ("anchor_not_before_activation", {"anchor_on": factories.LONG_AGO}),
        ("subscription_state_dates", {"state": "cancelled"}),
        ("subscription_state_dates", {"state": "ended"}),
        ("subscription_state_dates", {"cancelled_on": factories.LONG_AGO}),
    ],
)
def test_the_database_refuses_subscriptions(constraint: str, given: dict[str, Any]) -> None:
    subscription = factories.open_subscription()
    for name, value in given.items():
        setattr(subscription, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        subscription.save()


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("period_ends_after_start", {"ends_on": factories.LONG_AGO}),
        ("period_closes_after_end", {"closes_on": factories.LONG_AGO}),
        ("period_extension_fits", {"extension_days": 3}),
        ("period_terms_not_negative", {"minute_cost": Decimal(-1)}),
        ("period_refunds_not_negative", {"pending": Decimal(-1)}),
        ("period_refunds_not_negative", {"refunded": Decimal(-1)}),
        ("period_refunds_within_fee", {"pending": Decimal("30.01"), "refunded": Decimal("30.00")}),
    ],
)
def test_the_database_refuses_periods(constraint: str, given: dict[str, Any]) -> None:
    period = factories.open_subscription().current_period()
    assert period is not None
    for name, value in given.items():
        setattr(period, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        period.save()


def test_the_database_keeps_one_open_period_a_subscription() -> None:
    period = factories.open_subscription().current_period()
    assert period is not None
    twin = BillingPeriod.objects.get()
    twin.pk, twin._state.adding = None, True
    twin.sequence, twin.starts_on = 1, period.ends_on
    twin.ends_on = twin.closes_on = period.ends_on + timedelta(days=30)
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()
