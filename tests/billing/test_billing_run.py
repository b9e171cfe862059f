"""The billing run: what a day brings, one batch after another, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.actions import Refused
from audit.bulk import update_tracked
from audit.models import Event
from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import Charge, Invoice, InvoiceLine
from billing.periods import Term, nth_period
from billing.plans.models import Plan
from billing.remedies import effects as giving
from billing.runs import actions as run_module
from billing.runs.actions import run_billing
from billing.runs.models import BillingRun
from billing.subscriptions.cancellations.actions import cancel_subscription
from billing.subscriptions.models import BillingPeriod, Subscription
from tests import factories
from tests.billing.end_state import State, end_state
from tests.complaints.refusals import assert_refused, rows_of_every_table

pytestmark = pytest.mark.django_db

TODAY = date(2024, 6, 1)
BILLING_TABLES = ("billing", "accounts", "messaging")


def bill(day: date = TODAY) -> run_module.BillingResult:
    return run_billing(day, by=factories.system_user())


def charge(subscription: Subscription, amount: str, reason: str = "A credit taken back") -> Charge:
    row = Charge(
        customer=subscription.customer,
        subscription=subscription,
        currency=subscription.currency,
        amount=Decimal(amount),
        tax_rate=Decimal(22),
        reason=reason,
        charged_on=date(2024, 4, 20),
    )
    row.save()
    return row


def credit(subscription: Subscription, amount: str, on: date = date(2024, 4, 10)) -> Credit:
    return giving.give_credit(subscription, Decimal(amount), reason="A refund", on=on)


def company() -> dict[str, Subscription]:
    """One of everything, due on several days; in batches of two."""
    plan = factories.PlanFactory.create()
    factories.OperationCostFactory.create()
    factories.price(plan)
    factories.price(plan, "annual")
    opened = {
        "on the 31st": factories.open_subscription(plan=plan, activated_on=date(2024, 1, 31)),
        "annual": factories.open_subscription(plan=plan, term="annual", activated_on=date(2023, 5, 10)),
        "cancelled": factories.open_subscription(plan=plan, activated_on=date(2024, 4, 15)),
        "charged": factories.open_subscription(plan=plan, activated_on=date(2024, 5, 1)),
        "without price": factories.open_subscription(plan=plan, activated_on=date(2024, 5, 1)),
        "plain": factories.open_subscription(plan=plan, activated_on=date(2024, 5, 1)),
        "extended": factories.open_subscription(plan=plan, activated_on=date(2024, 4, 28)),
        "not due": factories.open_subscription(plan=plan, activated_on=date(2024, 5, 20)),
    }
    credit(opened["on the 31st"], "25.00", on=date(2024, 3, 2))
    credit(opened["on the 31st"], "100.00", on=date(2024, 2, 2))
    credit(opened["cancelled"], "40.00")
    credit(opened["charged"], "5.00")
    charge(opened["charged"], "12.20")
    giving.give_days(opened["extended"], 3, reason="A refund", on=date(2024, 4, 29))
    cancel_subscription(opened["cancelled"].pk, by=factories.lead(), channel="phone", requested_on=date(2024, 4, 20))
    update_tracked(Subscription.objects.filter(pk=opened["without price"].pk), currency="USD")
    disputed = Invoice.objects.filter(period__subscription=opened["plain"])
    update_tracked(disputed, disputed_on=date(2024, 5, 3), dispute_reason="Not what was agreed")
    for paid in ("annual", "cancelled"):
        factories.pay(Invoice.objects.get(period__subscription=opened[paid]))
    return opened


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "BATCH", 2)


def starts(subscription: Subscription) -> list[date]:
    return list(subscription.periods.order_by("sequence").values_list("starts_on", flat=True))


def begins(invoice: Invoice) -> date:
    assert invoice.period is not None
    return invoice.period.starts_on


def invoices_of(subscription: Subscription) -> list[tuple[date, Decimal, Decimal, str]]:
    return [
        (invoice.issued_on, invoice.gross, invoice.credited, invoice.state)
        for invoice in Invoice.objects.filter(period__subscription=subscription).order_by("number")
    ]


# --- What a run does ----------------------------------------------------------------------------


def test_a_run_catches_up_missed_days_in_order(small_batches: None) -> None:
    opened = company()
    result = bill()

    assert starts(opened["on the 31st"]) == [
        date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31),
    ]  # fmt: skip
    assert invoices_of(opened["on the 31st"]) == [
        (date(2024, 1, 31), Decimal(60), Decimal(0), "overdue"),
        # All that was missed is written, and dated, on the day of the run.
        (TODAY, Decimal(60), Decimal(60), "paid"),
        (TODAY, Decimal(60), Decimal(60), "paid"),
        (TODAY, Decimal(60), Decimal(5), "issued"),
        (TODAY, Decimal(60), Decimal(0), "issued"),
    ]
    assert starts(opened["extended"]) == [date(2024, 4, 28), date(2024, 5, 31)]
    assert starts(opened["not due"]) == [date(2024, 5, 20)]
    # One number after another as the days went by, whatever the subscription.
    numbered = Invoice.objects.filter(issued_on=TODAY).order_by("number").values_list("period__starts_on", flat=True)
    assert len(numbered) > 4
    assert list(numbered) == sorted(numbered)
    assert result.opened == result.invoiced == 4 + 1 + 0 + 1 + 1 + 1
    assert result.ended == 1
    assert result.gross == {"EUR": 4 * Decimal(60) + 720 + Decimal("72.20") + 60 + 60}
    assert result.credited == {"EUR": Decimal("130.00")}
    assert result.charged == {"EUR": Decimal("12.20")}
    assert result.leftover == 1


def test_credits_go_to_the_oldest_first_and_carry_over(small_batches: None) -> None:
    opened = company()
    bill()
    uses = CreditApplication.objects.filter(credit__subscription=opened["on the 31st"]).order_by("pk")
    assert [(use.credit.granted_on, begins(use.invoice), use.amount) for use in uses] == [
        (date(2024, 2, 2), date(2024, 2, 29), Decimal(60)),
        (date(2024, 2, 2), date(2024, 3, 31), Decimal(40)),
        (date(2024, 3, 2), date(2024, 3, 31), Decimal(20)),
        (date(2024, 3, 2), date(2024, 4, 30), Decimal(5)),
    ]
    assert [each.remaining for each in Credit.objects.filter(subscription=opened["on the 31st"])] == [0, 0]


def test_a_charge_is_a_line_of_its_own_on_the_next_invoice_only() -> None:
    opened = company()
    waiting = Charge.objects.get()
    bill(date(2024, 7, 1))

    june, july = Invoice.objects.filter(
        period__subscription=opened["charged"], period__starts_on__gte=date(2024, 6, 1)
    ).order_by("period__starts_on")
    lines = [(line.position, line.text, line.net, line.tax, line.gross) for line in june.lines.all()]
    assert lines[1] == (2, "A credit taken back", Decimal("10.00"), Decimal("2.20"), Decimal("12.20"))
    assert (june.net, june.tax, june.gross) == (Decimal("59.18"), Decimal("13.02"), Decimal("72.20"))
    assert june.credited == Decimal("5.00")
    waiting.refresh_from_db()
    assert (waiting.invoiced_on, waiting.line.invoice) == (date(2024, 7, 1), june)
    assert [line.charge for line in july.lines.all()] == [None]
    # What is paid goes to the fee first: the charge makes nothing more refundable.
    paid = factories.pay(june).period
    assert paid is not None
    assert paid.fee_paid == Decimal("60.00")


def test_a_charge_in_another_currency_waits() -> None:
    subscription = factories.open_subscription(activated_on=date(2024, 5, 1))
    update_tracked(Charge.objects.filter(pk=charge(subscription, "10.00").pk), currency="CHF")
    bill()
    assert InvoiceLine.objects.filter(charge__isnull=False).count() == 0
    assert Charge.objects.get().invoiced_on is None


def test_terms_are_those_in_force_on_each_periods_first_day() -> None:
    plan = factories.PlanFactory.create()
    operation = factories.OperationFactory.create()
    factories.OperationCostFactory.create(operation=operation, unit_cost=Decimal("0.50"))
    factories.price(plan)
    subscription = factories.open_subscription(plan=plan, activated_on=date(2024, 1, 15))
    factories.price(plan, valid_from=date(2024, 3, 15), fee=Decimal("70.00"), tax_rate=Decimal(10))
    factories.price(plan, valid_from=date(2024, 4, 16), fee=Decimal("80.00"), minute_cost=Decimal("0.03"))
    factories.price(plan, valid_from=date(2024, 4, 1), fee=Decimal("99.00"), state="draft")
    factories.OperationCostFactory.create(operation=operation, valid_from=date(2024, 4, 15), unit_cost=Decimal("0.60"))
    bill()
    found = [
        (period.fee, period.tax_rate, period.minute_cost, period.operation_costs[0]["unit_cost"])
        for period in subscription.periods.order_by("sequence")
    ]
    assert found == [
        (Decimal(60), Decimal(22), Decimal("0.02"), "0.50"),
        (Decimal(60), Decimal(22), Decimal("0.02"), "0.50"),
        (Decimal(70), Decimal(10), Decimal("0.02"), "0.50"),
        (Decimal(70), Decimal(10), Decimal("0.02"), "0.60"),
        (Decimal(80), Decimal(22), Decimal("0.03"), "0.60"),
    ]


def test_a_subscription_without_a_price_is_named_and_left_and_the_others_go_on(small_batches: None) -> None:
    opened = company()
    lonely = opened["without price"]
    result = bill()
    sentence = f"{lonely.number}: no published price of {lonely.plan.name} (monthly, USD) holds on 2024-06-01."
    assert result.problems == [sentence]
    assert starts(lonely) == [date(2024, 5, 1)]
    assert starts(opened["plain"]) == [date(2024, 5, 1), date(2024, 6, 1)]
    refused = Event.objects.get(outcome="refused")
    assert (refused.verb, refused.target_id, refused.message) == ("subscription.bill", lonely.pk, sentence)
    assert refused.data["code"] == "no_price"
    run = BillingRun.objects.get()
    assert (run.state, run.problems) == ("finished", [sentence])

    factories.price(Plan.objects.get(pk=lonely.plan_id), currency="USD")
    assert bill().problems == []
    assert starts(lonely) == [date(2024, 5, 1), date(2024, 6, 1)]


def test_a_row_beyond_repair_is_found_and_the_others_go_on() -> None:
    plan = factories.PlanFactory.create()
    rows = [factories.open_subscription(plan=plan, activated_on=date(2024, 5, 1)) for _ in range(5)]
    # Half a cent is no amount of euros: no invoice can be written.
    update_tracked(Subscription.objects.filter(pk=rows[2].pk), agreed_fee=Decimal("10.005"))
    result = bill()
    assert result.opened == 4
    assert [problem.partition(":")[0] for problem in result.problems] == [rows[2].number]
    assert starts(rows[2]) == [date(2024, 5, 1)]
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == [f"2024-{n:06d}" for n in range(1, 10)]


def test_the_customers_timeline_shows_what_happened() -> None:
    opened = company()
    bill()
    subscription = opened["charged"]
    told = Event.objects.of_customer(subscription.customer_id).get(verb="subscription.bill")
    invoice = Invoice.objects.get(period=subscription.current_period())
    assert told.message == (
        f"Invoice {invoice.number} for 2024-06-01 to 2024-06-30: 72.20 EUR, of which credits bear 5.00."
    )
    assert told.target_label == subscription.number
    ended = Event.objects.of_customer(opened["cancelled"].customer_id).get(verb="subscription.bill")
    assert ended.message == "It ended with its period, on 2024-05-15."
    run = Event.objects.get(verb="billing.run")
    assert (run.target_id, run.data["opened"]) == (BillingRun.objects.get().pk, 8)
    # All of it is one request.
    assert {told.request_id, ended.request_id} == {run.request_id}


def test_overdue_but_not_in_dispute(small_batches: None) -> None:
    opened = company()
    result = bill()
    assert result.overdue == Invoice.objects.filter(state="overdue").count()
    disputed = Invoice.objects.get(period__subscription=opened["plain"], issued_on=date(2024, 5, 1))
    assert disputed.state == "issued"
    late = Invoice.objects.filter(due_on__lt=TODAY, state="issued")
    assert list(late) == [disputed]


def test_credit_that_an_ended_subscription_leaves_is_listed() -> None:
    opened = company()
    assert not Credit.objects.left_by_ended_subscriptions().exists()
    bill()
    left = Credit.objects.left_by_ended_subscriptions().get()
    assert (left.subscription, left.remaining) == (opened["cancelled"], Decimal("40.00"))
    update_tracked(Credit.objects.filter(pk=left.pk), paid_out=Decimal("40.00"))
    assert not Credit.objects.left_by_ended_subscriptions().exists()


def test_a_run_without_permission_is_refused() -> None:
    clerk, agent = factories.billing_clerk(), factories.agent()
    assert run_billing(TODAY, by=clerk).opened == 0
    assert_refused("permission", run_billing, TODAY, by=agent)
    with pytest.raises(Refused):
        run_billing(TODAY, by=agent, dry_run=True)


def test_statements_do_not_grow_with_the_subscriptions() -> None:
    plan = factories.PlanFactory.create()
    counts = []
    for month, size in ((1, 3), (2, 12)):
        for _ in range(size):
            made = factories.open_subscription(plan=plan, activated_on=date(2023 + month, 1, 15))
            credit(made, "5.00", on=date(2023, 1, 1))
            charge(made, "1.00")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert bill(date(2023 + month, 2, 15)).opened >= size
        counts.append(len(captured) / BillingRun.objects.order_by("-pk")[0].batches)
        for row in Subscription.objects.running():
            update_tracked(Subscription.objects.filter(pk=row.pk), state="ended", ended_on=date(2024, 2, 15))
    assert counts[0] == pytest.approx(counts[1], abs=1)


# --- Nothing twice, nothing lost ----------------------------------------------------------------


class Killed(BaseException):
    """Not an Exception: nothing may catch it, as nothing catches a SIGKILL."""


class KillAt:
    """Stops everything before the n-th statement that writes."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE")):
            if self.left == 0:
                self.left = -1
                raise Killed
            self.left -= 1
        return execute(sql, params, many, context)


def kills() -> Iterator[int]:
    """Every statement that a run writes, one after another."""
    counter = KillAt(10**6)
    with transaction.atomic(), connection.execute_wrapper(counter):
        bill()
        transaction.set_rollback(True)
    yield from range(10**6 - counter.left)


@pytest.mark.slow
def test_a_kill_before_any_statement_and_a_run_again_come_to_the_same_end(small_batches: None) -> None:
    company()
    with transaction.atomic():
        bill()
        undisturbed = end_state()
        transaction.set_rollback(True)
    tried = 0
    for n in kills():
        with transaction.atomic():
            with pytest.raises(Killed), connection.execute_wrapper(KillAt(n)):
                bill()
            bill()
            after = end_state()
            states = list(BillingRun.objects.order_by("pk").values_list("state", flat=True))
            transaction.set_rollback(True)
        # The price that is missing is missed again: one more refused event.
        after["Event"] = list(dict.fromkeys(after["Event"]))
        assert after == undisturbed, f"killed before statement {n}"
        assert states in (["finished"], ["interrupted", "finished"])
        tried += 1
    assert tried > 50


def test_a_second_run_changes_nothing(small_batches: None) -> None:
    company()
    bill()
    before = end_state()
    again = bill()
    assert (again.opened, again.ended, again.invoiced, again.overdue) == (0, 0, 0, 0)
    after = end_state()
    assert len(after["Event"]) == len(before["Event"]) + len(again.problems)
    del before["Event"], after["Event"]
    assert after == before


def test_many_missed_days_come_to_the_same_end_as_each_on_its_own(small_batches: None) -> None:
    company()
    with transaction.atomic():
        bill()
        at_once = end_state(with_history=False)
        transaction.set_rollback(True)
    day = date(2024, 2, 1)
    while day <= TODAY:
        bill(day)
        day += timedelta(days=1)
    day_by_day = end_state(with_history=False)
    for state in (at_once, day_by_day):
        state["Event"] = list(dict.fromkeys(state["Event"]))
    assert undated(day_by_day) == undated(at_once)
    assert day_by_day != at_once


def undated(state: State) -> State:
    """Without the days of documents, which are those on which they are written, and what follows from them."""
    days = {"issued_on", "due_on", "applied_on", "invoiced_on", "body"}
    late = {("state", "overdue"): ("state", "issued")}
    return {
        name: [tuple(late.get(cell, cell) for cell in row if cell[0] not in days) for row in rows]
        for name, rows in state.items()
        if name != "NumberSeries"
    }


def test_a_killed_run_is_told_apart(small_batches: None) -> None:
    company()
    with pytest.raises(Killed), connection.execute_wrapper(KillAt(30)):
        bill()
    killed = BillingRun.objects.get()
    assert (killed.state, killed.finished_at) == ("running", None)
    assert killed.batches > 0
    assert killed.opened + killed.ended == BillingPeriod.objects.filter(state="ended").count()
    bill()
    killed.refresh_from_db()
    assert killed.state == "interrupted"
    assert [row.state for row in killed.history.order_by("history_id")][-1] == "interrupted"


def test_a_dry_run_counts_the_same_and_writes_nothing(small_batches: None) -> None:
    company()
    before = rows_of_every_table()
    promised = run_billing(TODAY, by=factories.system_user(), dry_run=True)
    assert rows_of_every_table() == before
    assert bill() == promised
    assert promised.opened == 8


# --- Anchors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [2023, 2024])
@pytest.mark.parametrize("day", [28, 29, 30, 31])
def test_periods_of_late_anchors_tile_over_leap_years(year: int, day: int) -> None:
    anchor = date(year, 1, day)
    subscription = factories.open_subscription(activated_on=anchor)
    bill(date(year + 2, 1, day))
    assert starts(subscription) == [nth_period(anchor, Term.MONTHLY, n).starts_on for n in range(25)]
    february = BillingPeriod.objects.get(subscription=subscription, sequence=1).starts_on
    assert february == date(year, 2, min(day, 29 if year == 2024 else 28))
    assert starts(subscription)[2].day == day


def test_an_annual_anchor_on_the_leap_day() -> None:
    plan = factories.PlanFactory.create()
    subscription = factories.open_subscription(plan=plan, term="annual", activated_on=date(2020, 2, 29))
    bill(date(2025, 3, 1))
    assert starts(subscription) == [
        date(2020, 2, 29), date(2021, 2, 28), date(2022, 2, 28), date(2023, 2, 28), date(2024, 2, 29),
        date(2025, 2, 28),
    ]  # fmt: skip


# --- The command --------------------------------------------------------------------------------


def test_the_command_tells_what_was_done_and_who_was_left() -> None:
    opened = company()
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match="1 subscriptions could not be billed"):
        call_command("run_billing", today="2024-06-01", dry_run=True, stdout=out, stderr=err)
    assert "Dry run: nothing was written." in out.getvalue()
    assert not BillingRun.objects.exists()
    promised = out.getvalue().splitlines()[:3]

    out = StringIO()
    with pytest.raises(CommandError):
        call_command("run_billing", today="2024-06-01", stdout=out, stderr=err)
    assert out.getvalue().splitlines()[:3] == promised
    assert promised[0].startswith("2024-06-01: 8 periods opened, 8 invoices, credits applied: 130.00 EUR, 1 subscr")
    assert promised[1] == "Invoiced: 1152.20 EUR; of that charges: 12.20 EUR."
    assert opened["without price"].number in err.getvalue()
    with pytest.raises(CommandError, match="is no date"):
        call_command("run_billing", today="June")


def test_nothing_is_billed_ahead_of_its_day() -> None:
    """What is invoiced stays invoiced: a slip of the year would write thousands."""
    clerk = factories.billing_clerk()
    factories.open_subscription()
    tomorrow = factories.today() + timedelta(days=1)
    assert_refused("future", run_billing, tomorrow, by=clerk)
    far = factories.today() + timedelta(days=400)
    promised = run_billing(far, by=clerk, dry_run=True)
    assert promised.opened >= 12
    with pytest.raises(CommandError, match="is after today: bill it on its day"):
        call_command("run_billing", today=far.isoformat())
    assert Invoice.objects.count() == 1
    call_command("run_billing", today=far.isoformat(), dry_run=True, stdout=StringIO())
    assert Invoice.objects.count() == 1
