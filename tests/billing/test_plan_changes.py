"""Moving a subscription to another plan: from which period on, for which fee, who may, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.formats import date_format

from accounts.staff.models import User
from audit.models import Event
from billing.invoices.models import Invoice
from billing.plans.models import Plan
from billing.remedies.effects import give_days
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.subscriptions.plan_changes.actions import first_period_from, schedule_plan_change, withdraw_plan_change
from tests import factories
from tests.company_life import clock_on
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

JAN_31 = date(2024, 1, 31)
FEB_29 = date(2024, 2, 29)
MAR_31 = date(2024, 3, 31)


@pytest.fixture
def agent() -> User:
    return factories.agent()


@pytest.fixture
def bigger() -> Plan:
    """90.00 a month, 1,500 minutes."""
    return factories.price(fee=Decimal("90.00"), included_minutes=1500).plan


def schedule(subscription: Subscription, plan: Plan, effective_on: date, *, by: User, **given: Any) -> PlanChange:
    given.setdefault("channel", "email")
    return schedule_plan_change(subscription.pk, by=by, plan_id=plan.pk, effective_on=effective_on, **given)


def again(subscription: Subscription) -> Subscription:
    return Subscription.objects.select_related("plan").get(pk=subscription.pk)


def bill(day: date) -> None:
    assert factories.bill(day, by=factories.system_user()).problems == []


def periods(subscription: Subscription) -> list[tuple[date, int, Decimal]]:
    """Of each period: first day, plan, fee."""
    return list(subscription.periods.order_by("sequence").values_list("starts_on", "plan", "fee"))


# --- Taking effect ------------------------------------------------------------------------------


@pytest.mark.parametrize("effective_on", [date(2024, 2, 1), date(2024, 2, 28), FEB_29])
def test_the_first_period_that_begins_on_or_after_the_day_has_it(agent: User, bigger: Plan, effective_on: date) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    old = subscription.plan_id
    with clock_on(date(2024, 2, 1)):
        change = schedule(subscription, bigger, effective_on, by=agent, reason="Grows")
    event = Event.objects.latest("pk")
    assert event.data == {
        "plan": bigger.code,
        "effective_on": effective_on.isoformat(),
        "first_period": "2024-02-29",
        "fee": "90.00",
    }
    assert (event.target_id, event.customer_id, event.reason) == (subscription.pk, subscription.customer_id, "Grows")
    bill(date(2024, 2, 28))
    assert again(subscription).plan_id == old

    bill(MAR_31)
    assert periods(subscription) == [
        (JAN_31, old, Decimal("60.00")),
        (FEB_29, bigger.pk, Decimal("90.00")),
        (MAR_31, bigger.pk, Decimal("90.00")),
    ]
    second = subscription.periods.get(sequence=1)
    assert second.included_minutes == 1500
    assert Invoice.objects.get(period=second).lines.get().text == f"{bigger.name}, 2024-02-29 to 2024-03-30"
    change.refresh_from_db()
    assert (change.state, change.applied_period) == (PlanChange.State.APPLIED, second)
    assert again(subscription).plan_id == bigger.pk
    newest = again(subscription).history.first()
    assert (newest.plan_id, newest.history_change_reason) == (bigger.pk, "A scheduled change of plan takes effect")


def test_a_day_within_a_later_period_waits_for_the_next_and_late_billing_comes_to_the_same(
    agent: User, bigger: Plan
) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    old = subscription.plan_id
    with clock_on(date(2024, 2, 1)):
        schedule(subscription, bigger, date(2024, 3, 1), by=agent)
    bill(date(2024, 5, 1))
    assert [plan for _, plan, _ in periods(subscription)] == [old, old, bigger.pk, bigger.pk]
    bill(date(2024, 5, 1))
    assert PlanChange.objects.get().applied_period == subscription.periods.get(sequence=2)


def test_the_price_is_that_of_the_periods_first_day(agent: User, bigger: Plan) -> None:
    factories.price(bigger, fee=Decimal("95.00"), valid_from=MAR_31)
    subscription = factories.open_subscription(activated_on=JAN_31)
    with clock_on(date(2024, 2, 1)):
        schedule(subscription, bigger, date(2024, 3, 1), by=agent)
    bill(MAR_31)
    assert periods(subscription)[-1] == (MAR_31, bigger.pk, Decimal("95.00"))


@pytest.mark.parametrize(("agreed", "fee"), [(None, "90.00"), (Decimal("70.00"), "70.00")])
def test_the_agreed_fee_is_the_changes(bigger: Plan, agreed: Decimal | None, fee: str) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31, agreed_fee=Decimal("10.00"))
    with clock_on(date(2024, 2, 1)):
        schedule(subscription, bigger, FEB_29, by=factories.billing_clerk(), agreed_fee=agreed)
    bill(FEB_29)
    assert (again(subscription).agreed_fee, periods(subscription)[-1][2]) == (agreed, Decimal(fee))


def test_an_extension_moves_the_day_along(agent: User, bigger: Plan) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    with clock_on(date(2024, 2, 1)):
        schedule(subscription, bigger, FEB_29, by=agent)
        give_days(again(subscription), 3, reason="A refund")
    bill(date(2024, 3, 3))
    assert periods(subscription)[-1][:2] == (date(2024, 3, 3), bigger.pk)


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        (date(2024, 2, 1), FEB_29),
        (FEB_29, FEB_29),
        (date(2024, 3, 1), MAR_31),
        (MAR_31, MAR_31),
        (date(2024, 4, 1), date(2024, 4, 30)),
        (date(2025, 2, 28), date(2025, 2, 28)),
        (date(2025, 3, 1), date(2025, 3, 31)),
    ],
)
def test_the_first_period_told_is_counted_from_the_anchor(day: date, begins: date) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    assert first_period_from(subscription, subscription.periods.get(), day).starts_on == begins


def test_many_changes_of_a_batch_take_no_more_statements_than_few(agent: User, bigger: Plan) -> None:
    plan = factories.price().plan

    def statements(count: int) -> int:
        for _ in range(count):
            subscription = factories.open_subscription(activated_on=JAN_31, plan=plan)
            with clock_on(date(2024, 2, 1)):
                schedule(subscription, bigger, FEB_29, by=agent)
        with CaptureQueriesContext(connection) as captured:
            bill(FEB_29)
        assert not PlanChange.objects.filter(state=PlanChange.State.SCHEDULED).exists()
        return len(captured)

    statements(1)
    assert statements(2) == statements(7)


# --- Withdrawn ----------------------------------------------------------------------------------


def test_a_change_is_taken_back_until_a_period_with_it_begins(agent: User, bigger: Plan) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    old = subscription.plan_id
    with clock_on(date(2024, 2, 1)):
        first = schedule(subscription, bigger, FEB_29, by=agent)
        assert_refused("scheduled", schedule, subscription, bigger, MAR_31, by=agent)
        assert_refused("reason_missing", withdraw_plan_change, first.pk, by=agent, reason=" ")
        withdraw_plan_change(first.pk, by=agent, reason="Too dear")
        assert_refused("state", withdraw_plan_change, first.pk, by=agent, reason="Too dear")
        second = schedule(subscription, bigger, date(2024, 3, 1), by=agent)
    bill(FEB_29)
    assert again(subscription).plan_id == old
    # Billing is late: the period that has it has begun, though it is not open yet.
    with clock_on(MAR_31):
        assert_refused("in_effect", withdraw_plan_change, second.pk, by=agent, reason="Too dear")
    with clock_on(MAR_31 - timedelta(days=1)):
        withdraw_plan_change(second.pk, by=agent, reason="Too dear")
    bill(MAR_31)
    assert again(subscription).plan_id == old
    assert_refused("missing", withdraw_plan_change, 12345, by=agent, reason="x")


def test_a_change_outlives_a_cancellation_taken_back_and_not_the_subscription(agent: User, bigger: Plan) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    with clock_on(date(2024, 2, 1)):
        schedule(subscription, bigger, FEB_29, by=agent)
        cancel_subscription(subscription.pk, by=agent, channel="email")
        assert PlanChange.objects.get().state == PlanChange.State.SCHEDULED
    bill(FEB_29)
    assert (again(subscription).state, again(subscription).plan_id) == ("ended", subscription.plan_id)
    change = PlanChange.objects.get()
    assert (change.state, change.history.first().history_change_reason) == ("withdrawn", "The subscription has ended")


# --- Refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"effective_on": date(2024, 1, 31)}, "dates"),
        ({"effective_on": date(2026, 3, 1)}, "dates"),
        ({"term": "annual"}, "term"),
        ({"asked_on": date(2024, 2, 2)}, "dates"),
        ({"asked_on": date(2024, 1, 30)}, "dates"),
        ({"channel": "pigeon"}, "invalid"),
        ({"agreed_fee": Decimal("80.00")}, "permission"),
    ],
)
def test_changes_that_are_refused(agent: User, bigger: Plan, given: dict[str, Any], code: str) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    with clock_on(date(2024, 2, 1)):
        values = {"effective_on": FEB_29, "by": agent, **given}
        assert_refused(code, schedule, subscription, bigger, **values)
        schedule(subscription, bigger, FEB_29, by=agent)


def test_plans_that_nobody_can_change_to(agent: User, bigger: Plan) -> None:
    subscription = factories.open_subscription()
    today = factories.today()
    assert_refused("same_plan", schedule, subscription, subscription.plan, today, by=agent)
    assert_refused("no_price", schedule, subscription, factories.PlanFactory.create(), today, by=agent)
    assert_refused("no_price", schedule, subscription, factories.price(currency="CHF").plan, today, by=agent)
    assert_refused("no_price", schedule, subscription, factories.price(term="annual").plan, today, by=agent)
    later = factories.price(valid_from=factories.months_ago(-3)).plan
    assert_refused("no_price", schedule, subscription, later, today, by=agent)
    bigger.active = False
    bigger.save()
    assert_refused("plan_inactive", schedule, subscription, bigger, today, by=agent)


def test_a_fee_that_is_none(bigger: Plan) -> None:
    subscription, clerk = factories.open_subscription(), factories.billing_clerk()
    for fee, code in ((Decimal(-1), "amount"), (Decimal("1.005"), "decimals")):
        assert_refused(code, schedule, subscription, bigger, factories.today(), by=clerk, agreed_fee=fee)


def test_cancelled_and_ended_subscriptions_keep_their_plan(agent: User, bigger: Plan) -> None:
    subscription = factories.open_subscription()
    cancel_subscription(subscription.pk, by=agent, channel="email")
    assert_refused("state", schedule, subscription, bigger, factories.today(), by=agent, saying="is cancelled")
    bill(subscription.periods.get().closes_on)
    assert_refused("state", schedule, subscription, bigger, factories.today(), by=agent, saying="has ended")


def test_nobody_changes_their_own_plan_or_without_the_role(bigger: Plan) -> None:
    subscription = factories.open_subscription()
    own = factories.agent(customer=subscription.customer)
    assert_refused("linked", schedule, subscription, bigger, factories.today(), by=own)
    change = factories.plan_change(subscription, bigger)
    assert_refused("linked", withdraw_plan_change, change.pk, by=own, reason="x")
    for who in ("auditor", "administrator", "system_user"):
        person = getattr(factories, who)()
        assert_refused("permission", withdraw_plan_change, change.pk, by=person, reason="x")
        assert_refused("permission", schedule, factories.open_subscription(), bigger, factories.today(), by=person)


def test_the_database_keeps_one_scheduled_change_a_subscription(bigger: Plan) -> None:
    change = factories.plan_change(factories.open_subscription(), bigger)
    change.pk, change._state.adding = None, True
    with pytest.raises(IntegrityError), transaction.atomic():
        change.save()


# --- On the page --------------------------------------------------------------------------------


def test_the_page_says_from_which_day_and_for_which_fee(client: Client, agent: User, bigger: Plan) -> None:
    client.force_login(agent, backend="accounts.staff.auth.StaffBackend")
    subscription = factories.open_subscription()
    period = subscription.periods.get()
    begins = date_format(period.closes_on)
    page = reverse("admin:billing_subscription_change", args=(subscription.pk,))
    url = f"{reverse('admin:billing_subscription_act', args=('change_plan',))}?ids={subscription.pk}"
    assert "Changes of plan" not in client.get(page).content.decode()
    assert f"The next one begins on {begins}." in client.get(url).content.decode()

    typed = {"plan": bigger.pk, "effective_on": factories.today(), "channel": "email", "asked_on": factories.today()}
    previewed = client.post(url, {**typed, "_preview": "1"}).content.decode()
    assert "90.00 EUR instead of 60.00 EUR" in previewed
    assert f"First period with {bigger.name}</dt><dd>{begins}" in previewed
    nothing = client.post(url, {**typed, "plan": factories.PlanFactory.create().pk, "_preview": "1"}).content.decode()
    assert "no published price" in nothing
    assert not PlanChange.objects.exists()

    client.post(url, typed)
    change = PlanChange.objects.get()
    shown = client.get(page).content.decode()
    assert "Changes of plan" in shown
    assert begins in shown
    assert "is scheduled already: take it back first" in shown
    listed = client.get(reverse("admin:billing_planchange_changelist")).content.decode()
    assert bigger.name in listed
    assert client.get(reverse("admin:billing_planchange_change", args=(change.pk,))).status_code == 200

    back = f"{reverse('admin:billing_subscription_act', args=('take_back_change',))}?ids={subscription.pk}"
    assert "keeps the plan" in client.get(back).content.decode()
    client.post(back, {"reason": "Too dear"})
    change.refresh_from_db()
    assert change.state == PlanChange.State.WITHDRAWN
    assert "No change of plan is scheduled." in client.get(page).content.decode()


def test_whoever_is_linked_to_the_customer_is_told_so_on_the_page(client: Client) -> None:
    subscription = factories.open_subscription()
    own = factories.agent(customer=subscription.customer)
    client.force_login(own, backend="accounts.staff.auth.StaffBackend")
    shown = client.get(reverse("admin:billing_subscription_change", args=(subscription.pk,))).content.decode()
    assert "You are linked to this customer: somebody else has to do this." in shown


def test_the_page_of_an_applied_change_names_its_first_period(client: Client, agent: User, bigger: Plan) -> None:
    subscription = factories.open_subscription(activated_on=factories.months_ago(1, factories.days_ago(3)))
    factories.plan_change(subscription, bigger, effective_on=factories.today())
    # Over since three days, so that the change waits for the period after the one that billing opens now.
    bill(factories.today())
    assert PlanChange.objects.get().state == PlanChange.State.SCHEDULED
    current = subscription.current_period()
    assert current is not None
    bill(current.closes_on)
    applied = PlanChange.objects.get().applied_period
    assert applied == BillingPeriod.objects.latest("sequence")
    client.force_login(agent, backend="accounts.staff.auth.StaffBackend")
    shown = client.get(reverse("admin:billing_subscription_change", args=(subscription.pk,))).content.decode()
    assert f"/billing/billingperiod/{applied.pk}/" in shown
