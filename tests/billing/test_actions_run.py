"""The billing run: what is due is done once, on any day, however late, and one bad subscription stops no other."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from accounts.staff.models import User
from audit.models import Event
from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import Invoice
from billing.payments.actions import record_payment
from billing.remedies import effects as giving
from billing.runs.actions import run_billing
from billing.runs.batch import BillingResult
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import Subscription
from messaging.outbox.models import OutgoingMessage
from tests import factories
from tests.complaints.refusals import assert_refused, rows_of_every_table

pytestmark = pytest.mark.django_db

JAN_31 = date(2025, 1, 31)


@pytest.fixture
def clerk() -> User:
    return factories.billing_clerk()


def spans(subscription: Subscription) -> list[tuple[date, date]]:
    return [(period.starts_on, period.closes_on) for period in subscription.periods.order_by("sequence")]


def invoices_of(subscription: Subscription) -> list[Invoice]:
    return list(Invoice.objects.filter(period__subscription=subscription).order_by("period__sequence"))


# --- Periods ------------------------------------------------------------------------------------


def test_months_are_counted_from_the_31st_of_january(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    for day in (date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 30), date(2025, 5, 31)):
        result = run_billing(day, by=clerk)
        assert (result.opened, result.invoiced, result.ended) == (1, 1, 0)
    assert spans(subscription) == [
        (date(2025, 1, 31), date(2025, 2, 28)),
        (date(2025, 2, 28), date(2025, 3, 31)),
        (date(2025, 3, 31), date(2025, 4, 30)),
        (date(2025, 4, 30), date(2025, 5, 31)),
        (date(2025, 5, 31), date(2025, 6, 30)),
    ]
    assert [period.state for period in subscription.periods.order_by("sequence")] == ["ended"] * 4 + ["open"]
    assert [invoice.issued_on for invoice in invoices_of(subscription)] == [start for start, _ in spans(subscription)]


def test_years_are_counted_from_the_29th_of_february(clerk: User) -> None:
    subscription = factories.open_subscription(term="annual", activated_on=date(2020, 2, 29))
    run_billing(date(2024, 2, 29), by=clerk)
    assert [start for start, _ in spans(subscription)] == [
        date(2020, 2, 29),
        date(2021, 2, 28),
        date(2022, 2, 28),
        date(2023, 2, 28),
        date(2024, 2, 29),
    ]


def test_the_day_before_the_end_nothing_is_due(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    assert run_billing(date(2025, 2, 27), by=clerk).opened == 0
    assert subscription.periods.count() == 1


def test_a_late_run_catches_up_as_daily_runs_would_have(clerk: User) -> None:
    late = factories.open_subscription(activated_on=JAN_31)
    result = run_billing(date(2025, 6, 15), by=clerk)
    assert (result.opened, result.invoiced) == (4, 4)
    daily = factories.open_subscription(activated_on=JAN_31)
    for day in range((date(2025, 6, 15) - JAN_31).days + 1):
        run_billing(JAN_31 + timedelta(days=day), by=clerk)
    assert spans(late) == spans(daily)

    def amounts(subscription: Subscription) -> list[tuple[object, ...]]:
        return [(row.gross, row.credited) for row in invoices_of(subscription)]

    assert amounts(late) == amounts(daily)
    # A document is dated on the day on which it is written, and due some days later.
    assert [row.issued_on for row in invoices_of(late)] == [JAN_31] + [date(2025, 6, 15)] * 4
    assert {row.state for row in invoices_of(late)[1:]} == {"issued"}


def test_a_second_run_of_the_day_changes_nothing_more(clerk: User) -> None:
    factories.open_subscription(activated_on=JAN_31)
    run_billing(date(2025, 4, 1), by=clerk)
    before = rows_of_every_table()
    result = run_billing(date(2025, 4, 1), by=clerk)
    assert result == BillingResult()
    after = rows_of_every_table()
    # But for its own event and record, every table is as it was.
    changed = {table for table in after if after[table] != before[table]}
    assert {table for table in changed if "billingrun" not in table} == {Event._meta.db_table}
    assert Event.objects.latest("pk").verb == "billing.run"


def test_an_extension_is_the_anchor_of_what_follows(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 10))
    giving.give_days(subscription, 5, reason="A refund", on=date(2025, 1, 20))
    run_billing(date(2025, 2, 14), by=clerk)
    assert spans(subscription) == [(date(2025, 1, 10), date(2025, 2, 15))]
    run_billing(date(2025, 3, 20), by=clerk)
    assert spans(subscription) == [
        (date(2025, 1, 10), date(2025, 2, 15)),
        (date(2025, 2, 15), date(2025, 3, 15)),
        (date(2025, 3, 15), date(2025, 4, 15)),
    ]
    first, second = subscription.periods.order_by("sequence")[:2]
    assert (first.days, first.extension_days, first.ends_on) == (31, 5, date(2025, 2, 10))
    assert (second.days, second.extension_days) == (28, 0)
    subscription.refresh_from_db()
    assert (subscription.activated_on, subscription.anchor_on, subscription.anchor_sequence) == (
        date(2025, 1, 10),
        date(2025, 2, 15),
        1,
    )


def test_an_extension_to_a_31st_keeps_the_31st(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2024, 12, 28))
    giving.give_days(subscription, 3, reason="A refund")
    run_billing(date(2025, 4, 1), by=clerk)
    assert [start for start, _ in spans(subscription)] == [
        date(2024, 12, 28),
        date(2025, 1, 31),
        date(2025, 2, 28),
        date(2025, 3, 31),
    ]


# --- Terms --------------------------------------------------------------------------------------


def test_a_new_price_holds_for_periods_that_begin_on_its_date_or_later(clerk: User) -> None:
    price = factories.price()
    operation = factories.OperationFactory.create(code="FORWARD")
    factories.OperationCostFactory.create(operation=operation, unit_cost=Decimal("0.10"))
    subscription = factories.open_subscription(plan=price.plan, activated_on=date(2025, 1, 15))
    factories.price(price.plan, valid_from=date(2025, 3, 15), fee=Decimal("70.00"), included_minutes=600)
    factories.price(price.plan, valid_from=date(2025, 4, 16), fee=Decimal("80.00"))
    factories.price(price.plan, valid_from=date(2025, 2, 1), fee=Decimal("99.00"), state="draft")
    factories.OperationCostFactory.create(operation=operation, valid_from=date(2025, 4, 1), unit_cost=Decimal("0.20"))
    run_billing(date(2025, 5, 20), by=clerk)
    periods = list(subscription.periods.order_by("sequence"))
    assert [(period.fee, period.included_minutes) for period in periods] == [
        (Decimal("60.00"), 500),
        (Decimal("60.00"), 500),
        (Decimal("70.00"), 600),
        (Decimal("70.00"), 600),
        (Decimal("80.00"), 500),
    ]
    costs = [period.operation_costs[0]["unit_cost"] for period in periods]
    assert costs == ["0.10", "0.10", "0.10", "0.20", "0.20"]


# --- Cancelling ---------------------------------------------------------------------------------


def test_f4_a_cancelled_subscription_ends_by_itself_without_another_invoice(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=JAN_31)
    cancel_subscription(subscription.pk, by=factories.lead(), channel="email", requested_on=date(2025, 2, 1))
    result = run_billing(date(2025, 2, 27), by=clerk)
    assert (result.ended, Subscription.objects.get().state) == (0, "cancelled")
    result = run_billing(date(2025, 2, 28), by=clerk)
    assert (result.ended, result.opened, result.invoiced) == (1, 0, 0)
    ended = Subscription.objects.get()
    assert (ended.state, ended.ended_on) == ("ended", date(2025, 2, 28))
    assert ended.current_period() is None
    result = run_billing(date(2026, 1, 1), by=clerk)
    assert (result.ended, result.opened) == (0, 0)
    assert (ended.periods.count(), Invoice.objects.count()) == (1, 1)


def test_a_cancelled_subscription_keeps_its_extension(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 10))
    cancel_subscription(subscription.pk, by=factories.lead(), channel="email", requested_on=date(2025, 1, 12))
    giving.give_days(Subscription.objects.get(), 5, reason="A refund")
    run_billing(date(2025, 2, 14), by=clerk)
    assert Subscription.objects.get().state == "cancelled"
    run_billing(date(2025, 2, 15), by=clerk)
    assert Subscription.objects.get().ended_on == date(2025, 2, 15)


# --- Credits ------------------------------------------------------------------------------------


def test_r6_a_credit_larger_than_a_fee_is_carried_on(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 15))
    credit = giving.give_credit(subscription, Decimal("150.00"), reason="A refund", on=date(2025, 1, 20))
    result = run_billing(date(2025, 5, 20), by=clerk)
    assert result.credited == {"EUR": Decimal("150.00")}
    found = [(row.credited, row.due, row.state) for row in invoices_of(subscription)]
    assert found == [
        (Decimal(0), Decimal("60.00"), "overdue"),
        (Decimal("60.00"), Decimal(0), "paid"),
        (Decimal("60.00"), Decimal(0), "paid"),
        (Decimal("30.00"), Decimal("30.00"), "issued"),
        (Decimal(0), Decimal("60.00"), "issued"),
    ]
    credit.refresh_from_db()
    assert (credit.applied, credit.remaining) == (Decimal("150.00"), Decimal(0))
    uses = list(CreditApplication.objects.values_list("amount", "applied_on"))
    assert uses == [
        (Decimal("60.00"), date(2025, 5, 20)),
        (Decimal("60.00"), date(2025, 5, 20)),
        (Decimal("30.00"), date(2025, 5, 20)),
    ]
    assert credit.history.count() == 4


def test_the_oldest_credit_is_used_first_and_the_next_fills_up(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 15))
    newer = giving.give_credit(subscription, Decimal("50.00"), reason="Second", on=date(2025, 1, 25))
    older = giving.give_credit(subscription, Decimal("20.00"), reason="First", on=date(2025, 1, 20))
    run_billing(date(2025, 2, 15), by=clerk)
    uses = list(CreditApplication.objects.order_by("pk").values_list("credit_id", "amount"))
    assert uses == [(older.pk, Decimal("20.00")), (newer.pk, Decimal("40.00"))]
    assert Credit.objects.get(pk=newer.pk).remaining == Decimal("10.00")


def test_a_credit_is_not_spent_on_a_fee_of_nothing_nor_on_another_subscription(clerk: User) -> None:
    customer = factories.CustomerFactory.create()
    free = factories.open_subscription(customer, activated_on=date(2025, 1, 15), agreed_fee=Decimal(0))
    factories.open_subscription(customer, activated_on=date(2025, 1, 15))
    credit = giving.give_credit(free, Decimal("50.00"), reason="A refund")
    run_billing(date(2025, 3, 20), by=clerk)
    credit.refresh_from_db()
    assert credit.applied == 0
    assert not CreditApplication.objects.exists()


def test_a_credit_of_an_ended_subscription_stays_what_it_is(clerk: User) -> None:
    subscription = factories.paid_subscription(activated_on=date(2025, 1, 15))
    credit = giving.give_credit(subscription, Decimal("50.00"), reason="A refund")
    cancel_subscription(subscription.pk, by=factories.lead(), channel="email", requested_on=date(2025, 1, 20))
    run_billing(date(2025, 6, 1), by=clerk)
    credit.refresh_from_db()
    assert credit.remaining == Decimal("50.00")


def test_what_is_left_at_the_end_goes_against_what_is_owed(clerk: User) -> None:
    """Before any of it is paid out, by the run itself; twice does it once (RULES 7)."""
    subscription = factories.open_subscription(activated_on=date(2025, 1, 15))
    credit = giving.give_credit(subscription, Decimal("50.00"), reason="A refund")
    cancel_subscription(subscription.pk, by=factories.lead(), channel="email", requested_on=date(2025, 1, 20))
    run_billing(date(2025, 2, 14), by=clerk)
    credit.refresh_from_db()
    assert credit.remaining == Decimal("50.00")
    assert run_billing(date(2025, 2, 15), by=clerk, dry_run=True).leftover == 0
    for _ in range(2):
        assert run_billing(date(2025, 2, 15), by=clerk).leftover == 0
    credit.refresh_from_db()
    (invoice,) = invoices_of(subscription)
    assert (credit.remaining, invoice.credited, invoice.due) == (Decimal(0), Decimal("50.00"), Decimal("10.00"))
    assert Event.objects.filter(verb="credit.set_off").count() == 1
    told = OutgoingMessage.objects.get(kind="credit_applied")
    assert f"50.00 EUR of your credit off invoice {invoice.number}" in told.body
    assert "kept for later" not in told.body


def test_ones_own_customers_credit_waits_for_anothers_run(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 15))
    credit = giving.give_credit(subscription, Decimal("50.00"), reason="A refund")
    cancel_subscription(subscription.pk, by=factories.lead(), channel="email", requested_on=date(2025, 1, 20))
    run_billing(date(2025, 2, 15), by=factories.billing_clerk(customer=subscription.customer))
    credit.refresh_from_db()
    assert credit.remaining == Decimal("50.00")
    run_billing(date(2025, 2, 15), by=clerk)
    credit.refresh_from_db()
    assert credit.remaining == Decimal(0)


# --- Overdue ------------------------------------------------------------------------------------


def test_an_invoice_is_overdue_the_day_after_its_due_date(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 15))
    paid = factories.open_subscription(activated_on=date(2025, 1, 15))
    factories.pay(invoices_of(paid)[0])
    due_on = date(2025, 1, 29)
    assert run_billing(due_on, by=clerk).overdue == 0
    assert run_billing(due_on + timedelta(days=1), by=clerk).overdue == 1
    invoice = invoices_of(subscription)[0]
    assert invoice.state == Invoice.State.OVERDUE
    row = invoice.history.first()
    assert (row.state, row.history_user_id, row.history_change_reason) == ("overdue", clerk.pk, "Past its due date")
    record_payment(invoice.pk, by=clerk, amount=Decimal("60.00"), received_on=date(2025, 2, 1))
    assert invoices_of(subscription)[0].state == Invoice.State.PAID
    assert run_billing(due_on + timedelta(days=5), by=clerk).overdue == 0


# --- When things go wrong -----------------------------------------------------------------------


def test_a_subscription_that_cannot_be_billed_stops_no_other(clerk: User) -> None:
    first = factories.open_subscription(activated_on=date(2025, 1, 15))
    broken = factories.open_subscription(activated_on=date(2025, 1, 15))
    last = factories.open_subscription(activated_on=date(2025, 1, 15))
    broken.plan = factories.PlanFactory.create(name="Without a price")
    broken.save()
    result = run_billing(date(2025, 2, 15), by=clerk)
    assert (result.opened, first.periods.count(), last.periods.count()) == (2, 2, 2)
    assert len(result.problems) == 1
    assert broken.number in result.problems[0]
    assert "Without a price" in result.problems[0]
    assert [period.state for period in broken.periods.all()] == ["open"]
    refused = Event.objects.get(outcome="refused")
    assert (refused.verb, refused.target_id) == ("subscription.bill", broken.pk)
    # Once there is a price, the next run makes up for it.
    factories.price(broken.plan)
    result = run_billing(date(2025, 2, 16), by=clerk)
    assert (result.opened, result.problems) == (1, [])


def test_invoice_numbers_have_no_gap_within_their_year(clerk: User) -> None:
    factories.open_subscription(activated_on=date(2024, 11, 20))
    factories.open_subscription(activated_on=date(2024, 12, 5))
    run_billing(date(2024, 12, 21), by=clerk)
    run_billing(date(2025, 3, 1), by=clerk)
    found: dict[str, list[int]] = {}
    for number in Invoice.objects.order_by("number").values_list("number", flat=True):
        year, _, place = number.partition("-")
        found.setdefault(year, []).append(int(place))
    assert found == {"2024": [1, 2, 3], "2025": [1, 2, 3, 4]}


@pytest.mark.parametrize("who", ["agent", "lead", "manager", "auditor", "administrator"])
def test_only_billing_runs_billing(who: str) -> None:
    factories.open_subscription(activated_on=date(2025, 1, 15))
    assert_refused("permission", run_billing, date(2025, 2, 15), by=getattr(factories, who)())


def test_the_run_and_each_subscription_leave_an_event(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 15))
    run_billing(date(2025, 2, 15), by=clerk)
    one, whole = Event.objects.get(verb="subscription.bill"), Event.objects.get(verb="billing.run")
    assert (one.target_id, one.customer_id) == (subscription.pk, subscription.customer_id)
    assert "2025-02-15" in whole.target_label
    wanted = {"today": "2025-02-15", "opened": 1, "ended": 0, "overdue": 1, "credited": {}, "problems": []}
    assert {name: whole.data[name] for name in wanted} == wanted
    assert {one.actor_id, whole.actor_id} == {clerk.pk}


# --- The command --------------------------------------------------------------------------------


def test_the_command_runs_in_the_systems_name(capsys: pytest.CaptureFixture[str]) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 15))
    giving.give_credit(subscription, Decimal("20.00"), reason="A refund")
    call_command("run_billing", "--today", "2025-02-15")
    said = capsys.readouterr().out
    assert said.startswith(
        "2025-02-15: 1 periods opened, 1 invoices, credits applied: 20.00 EUR, 0 subscriptions ended, "
        "1 invoices overdue."
    )
    event = Event.objects.latest("pk")
    assert (event.actor.username, event.source) == (User.SYSTEM, "command")
    assert subscription.periods.latest("sequence").history.get().history_source == "command"


def test_the_command_fails_loudly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="no date"):
        call_command("run_billing", "--today", "15.2.2025")
    broken = factories.open_subscription(activated_on=date(2025, 1, 15))
    broken.plan = factories.PlanFactory.create()
    broken.save()
    with pytest.raises(CommandError, match="1 subscriptions could not be billed") as caught:
        call_command("run_billing", "--today", "2025-02-15")
    assert caught.value.returncode == 1
    assert broken.number in capsys.readouterr().err


# --- The database -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("invoice_adds_up", {"net": Decimal(1)}),
        ("invoice_not_negative", {"paid": Decimal(-1)}),
        ("invoice_not_overpaid", {"paid": Decimal("60.01")}),
        ("invoice_not_overpaid", {"paid": Decimal("30.00"), "credited": Decimal("30.01")}),
        ("invoice_state_fits", {"state": "paid"}),
        ("invoice_state_fits", {"paid": Decimal("60.00")}),
    ],
)
def test_the_database_refuses_invoices(constraint: str, given: dict[str, Any]) -> None:
    factories.open_subscription()
    invoice = Invoice.objects.get()
    for name, value in given.items():
        setattr(invoice, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        invoice.save()


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("credit_granted_positive", {"granted": Decimal(0)}),
        ("credit_not_negative", {"reversed": Decimal(-1)}),
        ("credit_not_overdrawn", {"applied": Decimal("10.01")}),
        ("credit_not_overdrawn", {"applied": Decimal("5.00"), "paid_out": Decimal("5.01")}),
    ],
)
def test_the_database_refuses_credits(constraint: str, given: dict[str, Any]) -> None:
    credit = giving.give_credit(factories.open_subscription(), Decimal("10.00"), reason="A refund")
    for name, value in given.items():
        setattr(credit, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        credit.save()


def test_the_database_applies_a_credit_once_to_an_invoice(clerk: User) -> None:
    subscription = factories.open_subscription(activated_on=date(2025, 1, 15))
    giving.give_credit(subscription, Decimal("10.00"), reason="A refund")
    run_billing(date(2025, 2, 15), by=clerk)
    use = CreditApplication.objects.get()
    for twin in (
        CreditApplication(credit=use.credit, invoice=use.invoice, amount=Decimal(1), applied_on=use.applied_on),
        CreditApplication(
            credit=use.credit, invoice=invoices_of(subscription)[0], amount=Decimal(0), applied_on=use.applied_on
        ),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            twin.save()
