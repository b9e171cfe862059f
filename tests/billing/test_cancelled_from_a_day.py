"""A cancellation counts from the day on which the customer asked, whenever it is typed in or billing ran (F2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format

from accounts.staff.models import User
from audit.actions import Refused
from audit.ledger_checks import run_checks
from audit.models import Event
from billing.credits.models import Credit
from billing.invoices.models import CreditNote, Invoice
from billing.payments.disputes.actions import record_chargeback
from billing.payments.models import Payment
from billing.payouts.actions import mark_payout_failed, mark_payout_paid, turn_payout_into_credit
from billing.payouts.models import Payout
from billing.remedies.models import Extension
from billing.residual_credits.actions import propose_residual_payout
from billing.runs.actions import run_billing
from billing.subscriptions.cancellations.actions import (
    cancel_subscription,
    decide_voided_days,
    undo_cancellation,
)
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.subscriptions.plan_changes.actions import schedule_plan_change
from complaints.refunds.models import Refund
from complaints.reversals.actions import approve_reversal, propose_reversal
from demo.clock import Clock
from messaging.outbox.models import OutgoingMessage
from reports.management.commands.check_ledger import CHECKS
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk, again, decided, draft, propose, settled, take_back
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

ASKED = date(2026, 4, 20)
TYPED = date(2026, 5, 10)
NOTHING = Decimal(0)


@pytest.fixture
def clock() -> Iterator[Clock]:
    with clock_on(TYPED) as running:
        yield running


@pytest.fixture
def desk(clock: Clock) -> Desk:
    return Desk(limits=True)


@pytest.fixture
def clerk(clock: Clock) -> User:
    return factories.billing_clerk()


def subscribed(*, paid: bool = True, billed: bool = True, on: date = date(2026, 4, 1)) -> Subscription:
    """Since April, 60.00 a month; May is billed as well unless billing is late."""
    subscription = factories.open_subscription(activated_on=on)
    if billed:
        run_billing(TYPED, by=factories.system_user())
    if paid:
        for invoice in Invoice.objects.filter(period__subscription=subscription):
            factories.pay(invoice)
    return subscription


def cancel(subscription: Subscription, by: User, asked_on: date = ASKED) -> Subscription:
    return cancel_subscription(subscription.pk, by=by, channel="letter", requested_on=asked_on)


def periods_of(subscription: Subscription) -> list[tuple[str, str]]:
    return [(f"{period.starts_on:%b}", period.state) for period in subscription.periods.order_by("sequence")]


def breaches() -> list[tuple[str, str]]:
    return [(breach.rule, breach.row) for breach in run_checks(CHECKS)]


def costs(subscription: Subscription) -> Decimal:
    """What the customer has paid or owes for the service, less the credit that is left."""
    invoices = Invoice.objects.filter(period__subscription=subscription)
    left = sum((credit.remaining for credit in Credit.objects.filter(subscription=subscription)), NOTHING)
    return sum((invoice.settled + invoice.due for invoice in invoices), NOTHING) - left


# --- The day counts, not the typing -------------------------------------------------------------


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("billed", [True, False], ids=["billed before", "billed after"])
def test_a_letter_costs_the_same_whether_billing_ran_before_or_after_it_was_typed(
    desk: Desk, paid: bool, billed: bool
) -> None:
    subscription = subscribed(paid=paid, billed=billed)
    cancel(subscription, desk.clerk)
    run_billing(TYPED, by=factories.system_user())
    subscription.refresh_from_db()
    assert (subscription.state, subscription.cancelled_on, subscription.ended_on) == ("ended", ASKED, date(2026, 5, 1))
    assert costs(subscription) == Decimal("60.00")
    assert not subscription.periods.filter(state="open").exists()
    assert breaches() == []


def test_what_was_billed_since_is_voided(desk: Desk) -> None:
    subscription = subscribed()
    cancel(subscription, desk.clerk)
    assert periods_of(subscription) == [("Apr", "ended"), ("May", "voided")]
    may = subscription.periods.get(state="voided")
    note, credit = CreditNote.objects.get(), Credit.objects.get()
    assert (note.kind, note.gross, note.net, note.tax) == ("void", may.fee, may.invoice.net, may.invoice.tax)
    assert (note.set_off, credit.granted, credit.voided_period) == (NOTHING, Decimal("60.00"), may)
    event = Event.objects.get(verb="subscription.cancel")
    assert event.data["voided"] == [may.in_figures]
    assert event.data["takes_effect_on"] == "2026-05-01"


def test_of_an_unpaid_period_nothing_is_due_any_more(desk: Desk) -> None:
    subscription = subscribed(paid=False)
    cancel(subscription, desk.clerk)
    invoice = Invoice.objects.get(period__state="voided")
    assert (invoice.due, invoice.set_off, invoice.state) == (NOTHING, Decimal("60.00"), "paid")
    assert CreditNote.objects.get().set_off == Decimal("60.00")
    assert not Credit.objects.exists()
    assert breaches() == []


def test_of_a_period_paid_in_part_the_rest_is_due_no_more_and_the_part_is_left(desk: Desk) -> None:
    subscription = subscribed(paid=False)
    invoice = Invoice.objects.get(period__starts_on=date(2026, 5, 1))
    factories.pay(invoice, Decimal("45.00"))
    cancel(subscription, desk.clerk)
    invoice.refresh_from_db()
    assert (invoice.due, invoice.set_off) == (NOTHING, Decimal("15.00"))
    assert Credit.objects.get().granted == Decimal("45.00")
    assert breaches() == []


def test_the_period_of_the_day_counts_with_the_extension_it_had(desk: Desk) -> None:
    with clock_on(date(2026, 3, 20)):
        subscription = factories.paid_subscription(activated_on=date(2026, 3, 1))
        settled(
            desk,
            decided(desk, subscription=subscription, received_on=date(2026, 3, 20)),
            remedies=[{"kind": "extension"}],
        )
    march = subscription.periods.get()
    assert march.closes_on > march.ends_on
    run_billing(TYPED, by=factories.system_user())
    cancel(subscription, desk.lead, march.ends_on)
    subscription.refresh_from_db()
    assert subscription.ended_on == march.closes_on
    assert breaches() == []


@pytest.mark.parametrize("begun", [False, True], ids=["begins later", "began meanwhile"])
def test_what_had_not_begun_never_begins_and_nothing_is_due(desk: Desk, begun: bool) -> None:
    activated_on = date(2026, 5, 5) if begun else date(2026, 5, 20)
    subscription = factories.open_subscription(activated_on=activated_on)
    cancel(subscription, desk.clerk, date(2026, 5, 2))
    subscription.refresh_from_db()
    assert (subscription.state, subscription.ended_on) == ("ended", activated_on)
    assert {state for _, state in periods_of(subscription)} == {"voided"}
    assert costs(subscription) == NOTHING
    run_billing(TYPED, by=factories.system_user())
    # Its invoice is dated on the day on which it was to begin.
    assert {rule for rule, _ in breaches()} <= {"invoice-day"}


def test_a_cancellation_that_voids_nothing_waits_for_its_day_and_can_be_undone(desk: Desk) -> None:
    subscription = subscribed()
    cancel(subscription, desk.clerk, TYPED)
    subscription.refresh_from_db()
    assert (subscription.state, subscription.ended_on) == ("cancelled", None)
    assert not CreditNote.objects.exists()
    undo_cancellation(subscription.pk, by=desk.clerk, reason="They stay")
    assert breaches() == []


def test_one_that_voided_a_period_cannot_be_undone(desk: Desk) -> None:
    subscription = subscribed()
    cancel(subscription, desk.clerk)
    assert_refused(
        "state", undo_cancellation, subscription.pk, by=desk.clerk, reason="They stay", saying="open a new subscription"
    )


def test_a_change_of_plan_that_waits_is_taken_back(desk: Desk) -> None:
    subscription = subscribed()
    plan = factories.PlanFactory.create()
    factories.price(plan)
    schedule_plan_change(
        subscription.pk, by=desk.clerk, plan_id=plan.pk, effective_on=date(2026, 6, 1), channel="email"
    )
    cancel(subscription, desk.clerk)
    assert subscription.plan_changes.get().state == "withdrawn"
    assert breaches() == []


# --- Who, and how far back ----------------------------------------------------------------------


@pytest.mark.parametrize(("days", "goes"), [(30, True), (31, False)])
def test_a_day_further_back_than_the_policy_allows_needs_a_lead(desk: Desk, days: int, goes: bool) -> None:
    subscription = factories.paid_subscription(activated_on=date(2026, 3, 1))
    run_billing(TYPED, by=factories.system_user())
    asked = TYPED - timedelta(days=days)
    if goes:
        assert cancel(subscription, desk.clerk, asked).cancelled_on == asked
        return
    for person in (desk.clerk, desk.agent):
        with pytest.raises(Refused, match="more than 30 days ago: Team lead or Manager can cancel"):
            cancel(subscription, person, asked)
    assert cancel(subscription, desk.lead, asked).cancelled_on == asked


def test_nobody_asks_tomorrow(desk: Desk) -> None:
    subscription = subscribed()
    with pytest.raises(Refused, match="in the future"):
        cancel(subscription, desk.manager, TYPED + timedelta(days=1))


# --- Refunds on what is voided ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["credit", "cash"])
def test_what_refunds_gave_as_money_comes_off_the_credit(desk: Desk, kind: str) -> None:
    subscription = subscribed()
    may = subscription.periods.get(starts_on=date(2026, 5, 1))
    refund = settled(desk, decided(desk, period=may, received_on=TYPED), remedies=[{"kind": kind}])
    cancel(subscription, desk.clerk)
    left = Decimal("60.00") - refund.total
    assert CreditNote.objects.get(kind="void").gross == left
    assert Credit.objects.get(voided_period=may).granted == left
    assert breaches() == []


def test_minutes_that_were_given_stay_and_do_not_come_off(desk: Desk) -> None:
    subscription = subscribed()
    may = subscription.periods.get(starts_on=date(2026, 5, 1))
    refund = settled(desk, decided(desk, period=may, received_on=TYPED), remedies=[{"kind": "minutes"}])
    cancel(subscription, desk.clerk)
    assert CreditNote.objects.get(kind="void").gross == Decimal("60.00") - refund.total
    assert Credit.objects.get(voided_period=may).granted == Decimal("60.00")
    assert breaches() == []


def test_drafts_and_proposals_on_it_end_and_it_is_quoted_no_more(desk: Desk) -> None:
    subscription = subscribed()
    may = subscription.periods.get(starts_on=date(2026, 5, 1))
    first = draft(desk, decided(desk, period=may, received_on=TYPED))
    case = decided(desk, period=may, received_on=TYPED)
    second = propose(desk, case, unusual_reason="Each case of a test stands for itself.")
    cancel(subscription, desk.clerk)
    assert {again(refund).state for refund in (first, second)} == {Refund.State.WITHDRAWN}
    may.refresh_from_db()
    assert (may.pending, may.refundable) == (NOTHING, NOTHING)
    refused = propose_again(desk, case)
    assert "The period is voided" in str(refused.message)
    assert breaches() == []


def propose_again(desk: Desk, case: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        propose(desk, case)
    return refused.value


def test_days_that_it_had_received_are_listed_until_somebody_decides(desk: Desk, client: Client) -> None:
    subscription = subscribed()
    april = subscription.periods.get(starts_on=date(2026, 4, 1))
    settled(desk, decided(desk, period=april, received_on=ASKED), remedies=[{"kind": "extension"}])
    extension = Extension.objects.get()
    assert extension.period.starts_on == date(2026, 5, 1)
    cancel(subscription, desk.clerk)
    assert list(Extension.objects.waiting()) == [extension]
    client.force_login(desk.lead, backend="accounts.staff.auth.StaffBackend")
    assert subscription.number in home_card(client)
    assert_refused("permission", decide_voided_days, subscription.pk, by=desk.clerk, reason="No")
    assert_refused("reason_missing", decide_voided_days, subscription.pk, by=desk.lead, reason=" ")
    decide_voided_days(subscription.pk, by=desk.lead, reason="20.00 as a special refund")
    assert not Extension.objects.waiting().exists()
    assert subscription.number not in home_card(client)
    assert_refused("state", decide_voided_days, subscription.pk, by=desk.lead, reason="Again")
    assert breaches() == []


def home_card(client: Client) -> str:
    page = client.get("/").content.decode()
    found = re.search(r"Days of voided periods.*?</section>", page, re.DOTALL)
    return found[0] if found else ""


def test_what_is_left_is_paid_out_under_four_eyes(desk: Desk) -> None:
    subscription = subscribed()
    cancel(subscription, desk.clerk)
    payout = propose_residual_payout(Credit.objects.get().pk, by=desk.clerk, reason="They asked for it")
    assert payout.amount == Decimal("60.00")


# --- The page -----------------------------------------------------------------------------------


def test_the_page_says_what_it_comes_to_before(desk: Desk, client: Client) -> None:
    subscription = subscribed()
    client.force_login(desk.clerk, backend="accounts.staff.auth.StaffBackend")
    url = reverse("admin:billing_subscription_act", args=("cancel",)) + f"?ids={subscription.pk}"
    typed = {"channel": "letter", "requested_on": ASKED.isoformat(), "reason": ""}
    shown = client.post(url, typed | {"_preview": "1"}).content.decode()
    last, end = date_format(date(2026, 4, 30)), date_format(date(2026, 5, 1))
    assert f"the service goes on through {last} and ends on {end}" in " ".join(shown.split())
    assert "Credit left: 60.00 EUR" in shown
    assert not Subscription.objects.get().cancelled_on
    assert client.post(url, typed).status_code == 302
    assert Subscription.objects.get().state == "ended"
    page = client.get(reverse("admin:billing_subscription_change", args=(subscription.pk,))).content.decode()
    assert "Voided" in page


# --- Planted ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "where", "change", "rule"),
    [
        ("billing_billingperiod", "state = 'voided'", "state = 'ended'", "period-voided"),
        ("billing_billingperiod", "state = 'ended'", "state = 'voided'", "period-voided"),
        ("billing_subscription", "1 = 1", "cancelled_on = NULL", "period-voided"),
        ("billing_creditnote", "kind = 'void'", "gross = gross - 100, net = net - 100", "void-note"),
        ("billing_creditnote", "kind = 'void'", "set_off = set_off + 100", "invoice-set-off"),
        ("billing_credit", "1 = 1", "granted = granted + 100", "void-credit"),
        ("billing_credit", "1 = 1", "voided_period_id = NULL", "credit-source"),
    ],
)
def test_what_is_planted_is_found(desk: Desk, table: str, where: str, change: str, rule: str) -> None:
    cancel(subscribed(), desk.clerk)
    assert breaches() == []
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change} WHERE {where}")  # noqa: S608
        assert cursor.rowcount == 1
    assert rule in {found for found, _ in breaches()}


def test_a_note_that_is_missing_is_found(desk: Desk) -> None:
    cancel(subscribed(), desk.clerk)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_creditnote WHERE kind = 'void'")
    assert "void-note" in {found for found, _ in breaches()}


def test_the_database_keeps_one_note_of_a_kind_and_nothing_pending_on_what_is_voided(desk: Desk) -> None:
    cancel(subscribed(), desk.clerk)
    period = BillingPeriod.objects.get(state="voided")
    columns = "customer_id, period_id, currency, issued_on, tax_rate, net, tax, gross, set_off"
    copied = f"SELECT 'CN-X', kind, {columns} FROM billing_creditnote WHERE period_id = %s"  # noqa: S608
    pending = "UPDATE billing_billingperiod SET pending = 100 WHERE id = %s"
    for statement in (pending, f"INSERT INTO billing_creditnote (number, kind, {columns}) {copied}"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [period.pk])


def test_a_settled_refund_on_what_is_voided_is_not_reversed(desk: Desk) -> None:
    subscription = subscribed()
    may = subscription.periods.get(starts_on=date(2026, 5, 1))
    refund = settled(desk, decided(desk, period=may, received_on=TYPED))
    other = settled(desk, decided(desk, period=may, received_on=TYPED), "special", special_amount=Decimal("5.00"))
    waiting = propose_reversal(other.pk, by=desk.agent, reason="Wrong")
    cancel(subscription, desk.clerk)
    assert_refused("state", approve_reversal, waiting.pk, by=desk.director, charge_used=True, saying="is void by now")
    assert_refused("state", propose_reversal, refund.pk, by=desk.agent, reason="Wrong", saying="is void by now")


def test_minutes_of_a_fee_that_the_bank_took_back_leave_right_books(clock: Clock, desk: Desk) -> None:
    subscription = subscribed(paid=False)
    may = subscription.periods.get(starts_on=date(2026, 5, 1))
    factories.pay(may.invoice, Decimal("10.00"))
    factories.pay(Invoice.objects.get(pk=may.invoice.pk), Decimal("50.00"))
    settled(desk, decided(desk, period=may, received_on=TYPED), remedies=[{"kind": "minutes"}])
    clock.now = factories.at(TYPED, 15)
    taken = Payment.objects.latest("pk")
    assert taken.amount == Decimal("50.00")
    record_chargeback(taken.pk, by=desk.clerk, taken_back_on=TYPED, reason="No mandate")
    cancel(subscription, desk.clerk)
    assert Credit.objects.get(voided_period=may).granted == Decimal("10.00")
    assert breaches() == []


@pytest.mark.parametrize("gone", ["charged", "failed"])
def test_what_was_taken_back_in_money_is_no_part_of_what_was_given(desk: Desk, gone: str) -> None:
    """20.00 of May were given in cash and came back, as a charge or out of the credit that failed cash became."""
    subscription = subscribed()
    may = subscription.periods.get(starts_on=date(2026, 5, 1))
    given: dict[str, Any] = {"special_amount": Decimal("20.00"), "remedies": [{"kind": "cash"}]}
    refund = settled(desk, decided(desk, period=may, received_on=TYPED), "special", **given)
    payout = Payout.objects.get()
    if gone == "charged":
        mark_payout_paid(payout.pk, by=desk.clerk, reference="B-1", paid_on=TYPED)
    else:
        mark_payout_failed(payout.pk, by=desk.clerk, reason="Closed")
        turn_payout_into_credit(payout.pk, by=desk.clerk, reason="Closed")
    take_back(desk, refund, charge_used=gone == "charged")
    cancel(subscription, desk.clerk)
    assert Credit.objects.get(voided_period=may).granted == Decimal("60.00")
    assert breaches() == []


# --- Told ---------------------------------------------------------------------------------------


def letter_of(subscription: Subscription) -> str:
    body: str = OutgoingMessage.objects.get(kind="cancellation_confirmed", customer=subscription.customer).body
    return body


def test_the_letter_says_what_is_void(desk: Desk) -> None:
    subscription = subscribed()
    invoice = Invoice.objects.get(period__starts_on=date(2026, 5, 1))
    cancel(subscription, desk.clerk)
    letter = letter_of(subscription)
    assert f"What we had invoiced since is void ({invoice.number})" in letter
    assert "If you change your mind" not in letter


def test_the_letter_of_what_never_begins_names_no_last_day(desk: Desk) -> None:
    subscription = factories.open_subscription(activated_on=date(2026, 5, 20))
    cancel(subscription, desk.clerk, date(2026, 5, 2))
    assert "It never begins, and you owe us nothing for it." in letter_of(subscription)
