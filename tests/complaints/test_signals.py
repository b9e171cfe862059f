"""Signals: each pattern is found where it was planted, and not where it just is none; in the report as in the inbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.customers.actions import edit_customer
from accounts.staff.models import User
from audit.models import Event
from billing.invoices.models import Invoice
from billing.payments.bank_lines.actions import match_bank_line
from billing.payments.surplus.actions import approve_surplus, record_with_surplus
from billing.runs.actions import run_billing
from billing.subscriptions.models import Subscription
from complaints.cases.actions import correct_complaint
from complaints.cases.decisions.actions import merge_complaints
from complaints.incidents.actions import edit_incident, end_incident, record_incident
from complaints.incidents.models import Incident
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.models import Refund
from complaints.signals.actions import draft_signal_window, publish_signal_window, report_signals
from complaints.signals.kinds import KINDS, find_signals, in_words, signals_of, windows_on
from complaints.signals.models import Signal, SignalReport, SignalWindow
from complaints.signals.proposals import Finding, Proposals
from complaints.signals.tasks import signals
from demo.clock import Clock
from jobs.models import Job
from jobs.runner import run_job
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import Desk, decide, decided, noon, propose, register, special, spring_subscription, take_up
from tests.complaints.refusals import assert_refused, rows_of_every_table
from tests.every_page import signed_in

pytestmark = pytest.mark.django_db

TODAY = date(2024, 4, 20)
IBAN = "DE89370400440532013000"
CREDIT = [{"kind": "credit"}]
CASH = [{"kind": "cash"}]


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    with clock_on(TODAY) as clock:
        yield clock


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def found(signal: Signal) -> list[Finding]:
    now = timezone.now()
    return [finding for finding in find_signals(now, windows_on(timezone.localdate(now))) if finding.signal == signal]


def assert_told(signal: Signal, *refunds: Refund) -> Finding:
    """The report has the pattern once, with these refunds; and each of them says it to whoever decides on it."""
    [finding] = found(signal)
    assert finding.refunds == {refund.pk for refund in refunds}
    sentence = str(in_words(signal, finding.values))
    for refund in refunds:
        assert sentence in map(str, signals_of([refund])[refund.pk])
    return finding


def assert_quiet(signal: Signal, *refunds: Refund) -> None:
    """Neither in the report nor beside any of these refunds."""
    assert found(signal) == []
    figures = windows_on(timezone.localdate())[signal]
    for refund in refunds:
        assert KINDS[signal].find(Proposals(timezone.now(), among=[refund.pk]), figures) == []


def at(clock: Clock, day: date) -> None:
    clock.now = factories.at(day)


def proposal(desk: Desk, amount: str, by: User | None = None) -> Refund:
    """By usage, of this amount; the customer shares no account with others."""
    customer = factories.CustomerFactory.create(iban="")
    complaint = decided(desk, subscription=spring_subscription(customer=customer, agreed_fee=Decimal("2000.00")))
    less: dict[str, Any] = {"reduction": Decimal("1333.33") - Decimal(amount), "reduction_reason": "Partly used"}
    return propose(desk, complaint, by=by, **less)


# --- Just under a limit -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "is_pattern"),
    [
        (["90.00", "100.00", "95.00"], True),  # the lead's limit is 100.00
        (["499.99", "450.00", "460.00"], True),  # a second approval is due above 500.00
        (["95.00", "480.00", "950.00"], True),  # the manager's limit is 1,000.00
        (["90.00", "100.00"], False),
        (["90.00", "100.00", "89.99"], False),
        (["90.00", "100.00", "100.01"], False),
        (["449.99", "500.01", "200.00"], False),
    ],
)
def test_proposals_just_under_a_limit(desk: Desk, amounts: list[str], is_pattern: bool) -> None:
    refunds = [proposal(desk, amount) for amount in amounts]
    if not is_pattern:
        assert_quiet(Signal.NEAR_LIMIT, *refunds)
        return
    finding = assert_told(Signal.NEAR_LIMIT, *refunds)
    assert [row.label for row in finding.rows] == [refund.code for refund in refunds]
    assert str(in_words(finding.signal, finding.values)) == (
        f"{desk.agent} proposed 3 refunds within 10 per cent under a limit or threshold in 30 days."
    )


def test_proposals_of_two_people_or_of_long_ago_are_no_pattern(desk: Desk, clock: Clock) -> None:
    at(clock, TODAY - timedelta(days=8))
    old = proposal(desk, "95.00")
    at(clock, TODAY)
    refunds = [proposal(desk, "95.00") for _ in range(2)]
    other = proposal(desk, "95.00", by=desk.colleague)
    assert_told(Signal.NEAR_LIMIT, old, *refunds)
    at(clock, TODAY + timedelta(days=23))
    assert_quiet(Signal.NEAR_LIMIT, *refunds, other)


def test_a_limit_of_another_currency_or_of_later_is_none(desk: Desk) -> None:
    of_managers: dict[str, Any] = {"role": "Manager", "subject": "usage", "amount": Decimal(300)}
    factories.ApprovalLimitFactory.create(currency="USD", **of_managers)
    factories.ApprovalLimitFactory.create(currency="EUR", valid_from=TODAY + timedelta(days=1), **of_managers)
    assert_quiet(Signal.NEAR_LIMIT, *(proposal(desk, "295.00") for _ in range(3)))


# --- One account, one address -------------------------------------------------------------------


def refund_of(desk: Desk, **customer: Any) -> Refund:
    subscription = spring_subscription(customer=factories.CustomerFactory.create(**customer))
    return propose(desk, decided(desk, subscription=subscription), remedies=CREDIT)


def test_one_account_of_three_customers_with_refunds(desk: Desk) -> None:
    refunds = [refund_of(desk, iban=IBAN) for _ in range(2)]
    factories.CustomerFactory.create(iban=IBAN)  # has no refund
    other = refund_of(desk)
    assert_quiet(Signal.SHARED_ACCOUNT, *refunds, other)
    refunds.append(refund_of(desk, iban=IBAN))
    finding = assert_told(Signal.SHARED_ACCOUNT, *refunds)
    assert {row.model for row in finding.rows} == {"accounts.customer", "complaints.refund"}
    assert str(in_words(finding.signal, finding.values)).startswith("3 customers with refunds")
    assert IBAN not in str(finding)


def test_an_account_that_was_theirs_meanwhile_is_shared_too(desk: Desk) -> None:
    refunds = [refund_of(desk, iban=IBAN) for _ in range(3)]
    for refund in refunds[:2]:
        edit_customer(refund.customer_id, by=desk.agent, reason="x", iban="")
    assert_told(Signal.SHARED_ACCOUNT, *refunds)


def test_two_refunds_of_one_customer_and_merged_numbers_count_once(desk: Desk) -> None:
    refunds = [refund_of(desk, iban=IBAN) for _ in range(3)]
    survivor, merged = refunds[0].customer, refunds[1].customer
    merged.merged_into = survivor
    merged.save()
    assert_quiet(Signal.SHARED_ACCOUNT, *refunds)


def test_one_address_of_three_customers_however_it_is_written(desk: Desk) -> None:
    written = ("Via Roma 1\n20100 Milano", "via roma 1\r\n20100 MILANO", " Via Roma 1, 20100 Milano ")
    refunds = [refund_of(desk, **factories.address(text)) for text in written[:2]]
    near = refund_of(desk, **factories.address("Via Roma 11\n20100 Milano"))
    assert_quiet(Signal.SHARED_ADDRESS, *refunds, near)
    refunds.append(refund_of(desk, **factories.address(written[2])))
    assert_told(Signal.SHARED_ADDRESS, *refunds)


def test_customers_without_account_and_street_share_none(desk: Desk) -> None:
    refunds = [refund_of(desk, iban="", postal_town="Milano") for _ in range(3)]
    for signal in (Signal.SHARED_ACCOUNT, Signal.SHARED_ADDRESS):
        assert_quiet(signal, *refunds)


# --- Surplus ------------------------------------------------------------------------------------


def overpaid(desk: Desk, subscription: Subscription, *, by_line: bool) -> None:
    invoice = Invoice.objects.get(period__subscription=subscription)
    if by_line:
        line = factories.bank_line(amount="70.00")
        match_bank_line(line.pk, by=desk.clerk, invoice_number=invoice.number, surplus_to_credit=True)
        return
    paid: dict[str, Any] = {"amount": Decimal("70.00"), "received_on": TODAY, "reason": "On the statement"}
    surplus = record_with_surplus(invoice.pk, by=desk.clerk, **paid).surplus
    assert surplus is not None
    approve_surplus(surplus.pk, by=desk.director)


@pytest.mark.parametrize("by_line", [False, True])
def test_a_surplus_without_a_bank_line(desk: Desk, by_line: bool, clock: Clock) -> None:
    subscription = factories.open_subscription(activated_on=date(2024, 4, 1))
    overpaid(desk, subscription, by_line=by_line)
    refund = propose(desk, decided(desk, subscription=subscription))
    other = propose(desk, decided(desk))
    if by_line:
        assert_quiet(Signal.UNPROVEN_SURPLUS, refund, other)
        return
    finding = assert_told(Signal.UNPROVEN_SURPLUS, refund)
    assert [row.model for row in finding.rows] == ["billing.payment"]
    at(clock, TODAY + timedelta(days=91))
    assert_quiet(Signal.UNPROVEN_SURPLUS, refund)


# --- Facts that were changed --------------------------------------------------------------------


def outage(desk: Desk, day: int = 3, hours: int = 24, by: User | None = None) -> Incident:
    start = noon(day)
    end = start + timedelta(hours=hours)
    return record_incident(by=by or desk.clerk, title="Down", starts_at=start, ends_at=end, hits_everybody=True)


def edited(desk: Desk, incident: Incident, **changes: Any) -> None:
    kept = {name: getattr(incident, name) for name in ("title", "starts_at", "ends_at", "scheduled", "hits_everybody")}
    edit_incident(incident.pk, by=desk.clerk, reason="The log", **{**kept, **changes})


@pytest.mark.parametrize(
    ("corrected_on", "received", "moved_to", "basis", "is_pattern"),
    [
        (18, 10, 5, "usage", True),  # fewer days count as provided
        (13, 10, 5, "usage", True),  # seven days before
        (12, 10, 5, "usage", False),
        (18, 5, 10, "usage", False),  # moved to its own disadvantage
        (18, 5, 10, "interruption", True),  # more outages began before it
        (18, 10, 5, "interruption", False),
        (18, 10, 5, "special", False),
    ],
)
def test_the_day_of_receipt_was_corrected(
    desk: Desk, clock: Clock, corrected_on: int, received: int, moved_to: int, basis: str, is_pattern: bool
) -> None:
    outage(desk)
    at(clock, date(2024, 4, 11))
    complaint = decided(desk, received_on=date(2024, 4, received))
    at(clock, date(2024, 4, corrected_on))
    correct_complaint(complaint.pk, by=desk.agent, reason="The postmark", received_at=noon(moved_to))
    at(clock, TODAY)
    refund = special(desk, complaint, "20.00") if basis == "special" else propose(desk, complaint, basis)
    if is_pattern:
        finding = assert_told(Signal.RECEIVED_MOVED, refund)
        assert [row.label for row in finding.rows] == [refund.code, complaint.code]
    else:
        assert_quiet(Signal.RECEIVED_MOVED, refund)


@pytest.mark.parametrize(("received", "is_pattern"), [(date(2024, 3, 20), True), (date(2024, 3, 21), False)])
@pytest.mark.parametrize("merged", [False, True])
def test_a_complaint_was_registered_long_after_it_came(
    desk: Desk, received: date, is_pattern: bool, merged: bool
) -> None:
    """31 and 30 days before; in the case itself, or in one that was merged into it."""
    subscription = factories.paid_subscription(activated_on=date(2024, 3, 1))
    late = register(desk, subscription, received_on=received)
    if merged:
        complaint = decided(desk, subscription=subscription, received_on=TODAY)
        merge_complaints(late.pk, by=desk.lead, into_id=complaint.pk, reason="The same matter")
    else:
        complaint = decide(desk, take_up(desk, late))
    refund, other = special(desk, complaint, "20.00"), propose(desk, decided(desk))
    if is_pattern:
        finding = assert_told(Signal.REGISTERED_LATE, refund)
        assert [row.label for row in finding.rows] == [refund.code, late.code]
        assert "was registered on 20 Apr 2024, more than 30 days after" in str(in_words(finding.signal, finding.values))
    else:
        assert_quiet(Signal.REGISTERED_LATE, refund, other)


def test_another_correction_is_no_signal(desk: Desk) -> None:
    complaint = decided(desk)
    correct_complaint(complaint.pk, by=desk.agent, reason="A slip", subject="Calls break off at once")
    assert_quiet(Signal.RECEIVED_MOVED, propose(desk, complaint))


@pytest.mark.parametrize(
    ("corrected_on", "changes", "is_pattern"),
    [
        (18, {"ends_at": noon(5)}, True),
        (18, {"starts_at": noon(2)}, True),
        (13, {"ends_at": noon(5)}, True),  # seven days before
        (12, {"ends_at": noon(5)}, False),
        (18, {"ends_at": noon(4, hour=8)}, False),  # shorter
        (18, {"title": "Down again"}, False),
    ],
)
def test_an_incident_was_corrected(
    desk: Desk, clock: Clock, corrected_on: int, changes: dict[str, datetime], is_pattern: bool
) -> None:
    at(clock, date(2024, 4, 6))
    incident = outage(desk)
    at(clock, date(2024, 4, corrected_on))
    edited(desk, incident, **changes)
    at(clock, TODAY)
    refund = propose(desk, decided(desk), "interruption")
    usage = propose(desk, decided(desk))  # does not count it
    if is_pattern:
        finding = assert_told(Signal.INCIDENT_MOVED, refund)
        assert [row.label for row in finding.rows] == [refund.code, incident.code]
    else:
        assert_quiet(Signal.INCIDENT_MOVED, refund, usage)


@pytest.mark.parametrize(
    ("changes", "is_pattern"),
    [
        ({"starts_at": noon(20), "ends_at": noon(21)}, True),  # out of the way
        ({"starts_at": noon(3, hour=18)}, True),
        ({"ends_at": noon(3, hour=18)}, True),
        ({"scheduled": False}, True),
        ({"starts_at": noon(2)}, False),  # takes off no less
        ({"title": "Repair of the mast"}, False),
    ],
)
def test_maintenance_was_made_smaller(desk: Desk, clock: Clock, changes: dict[str, datetime], is_pattern: bool) -> None:
    outage(desk, hours=72)
    announced = record_incident(
        by=desk.clerk, title="x", starts_at=noon(3), ends_at=noon(4), scheduled=True, hits_everybody=True
    )
    edited(desk, announced, **changes)
    at(clock, TODAY + timedelta(days=1))
    refund = propose(desk, decided(desk), "interruption")
    if is_pattern:
        finding = assert_told(Signal.INCIDENT_MOVED, refund)
        assert [row.label for row in finding.rows] == [refund.code, announced.code]
    else:
        assert_quiet(Signal.INCIDENT_MOVED, refund)


def test_that_a_running_incident_ended_is_no_correction(desk: Desk, clock: Clock) -> None:
    at(clock, date(2024, 4, 4))
    running = record_incident(by=desk.clerk, title="Down", starts_at=noon(3), hits_everybody=True)
    at(clock, TODAY)
    end_incident(running.pk, by=desk.clerk, ends_at=noon(6))
    assert_quiet(Signal.INCIDENT_MOVED, propose(desk, decided(desk), "interruption"))


def test_an_incident_of_another_plan_is_another_matter(desk: Desk) -> None:
    outage(desk)
    plan = factories.PlanFactory.create()
    elsewhere = record_incident(by=desk.clerk, title="Down", starts_at=noon(3), ends_at=noon(4), plan_ids=[plan.pk])
    refund = propose(desk, decided(desk), "interruption")
    edited(desk, elsewhere, ends_at=noon(6))
    assert_quiet(Signal.INCIDENT_MOVED, refund)


@pytest.mark.parametrize(
    ("teams", "recorded_on", "is_pattern"),
    [(("A", "A"), 17, True), (("A", "A"), 16, False), (("A", "B"), 19, False), ((None, None), 19, False)],
)
def test_an_incident_recorded_in_the_proposers_team(
    desk: Desk, clock: Clock, teams: tuple[str | None, str | None], recorded_on: int, is_pattern: bool
) -> None:
    made = {name: factories.TeamFactory.create(name=name) for name in {*teams} - {None}}
    for person, team in zip((desk.lead, desk.agent), teams, strict=True):
        person.team = made.get(team)
        person.save()
    at(clock, date(2024, 4, recorded_on))
    incident = outage(desk, by=desk.lead)
    at(clock, TODAY)
    refund = propose(desk, decided(desk), "interruption")
    if is_pattern:
        finding = assert_told(Signal.TEAM_INCIDENT, refund)
        assert [row.label for row in finding.rows] == [refund.code, incident.code]
    else:
        assert_quiet(Signal.TEAM_INCIDENT, refund)


def test_who_recorded_it_and_proposes_needs_no_team(desk: Desk) -> None:
    outage(desk, by=desk.lead)
    assert_told(Signal.TEAM_INCIDENT, propose(desk, decided(desk), "interruption", by=desk.lead))


# --- People -------------------------------------------------------------------------------------


def publish(signal: Signal, **figures: int) -> SignalWindow:
    row = draft_signal_window(by=factories.administrator(), signal=signal, valid_from=TODAY, figures=figures)
    return publish_signal_window(row.pk, by=factories.manager())


def agreed_between(desk: Desk, proposer: User, approver: User) -> Refund:
    refund = special(desk, decided(desk), "1.00", by=proposer)
    approve_refund(refund.pk, by=approver)
    return refund


@pytest.mark.parametrize(("others", "is_pattern"), [(0, True), (1, False)])
def test_two_who_approve_each_other(desk: Desk, others: int, is_pattern: bool) -> None:
    """Four of four are all; four of five are 80 per cent, which is not more than that."""
    publish(Signal.MUTUAL_PAIR, count=2)
    third = factories.manager()
    for proposer, approver in ((desk.manager, desk.director), (desk.director, desk.manager)):
        for _ in range(4):
            agreed_between(desk, proposer, approver)
    for _ in range(others):
        agreed_between(desk, desk.manager, third)
    waiting = special(desk, decided(desk), "1.00", by=desk.manager)
    if not is_pattern:
        assert_quiet(Signal.MUTUAL_PAIR, waiting)
        return
    [finding] = found(Signal.MUTUAL_PAIR)
    assert (len(finding.rows), waiting.pk in finding.refunds) == (8, True)
    assert str(in_words(finding.signal, finding.values)) in map(str, signals_of([waiting])[waiting.pk])


def test_one_way_or_too_few_is_no_pair(desk: Desk) -> None:
    publish(Signal.MUTUAL_PAIR, count=2)
    for _ in range(3):
        agreed_between(desk, desk.manager, desk.director)
    agreed_between(desk, desk.director, desk.manager)
    waiting = special(desk, decided(desk), "1.00", by=desk.manager)
    assert_quiet(Signal.MUTUAL_PAIR, waiting)


# --- Accounts and plans -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed_on", "remedies", "is_pattern"),
    [
        (date(2024, 3, 21), CASH, True),
        (date(2024, 3, 20), CASH, False),
        (date(2024, 4, 19), CREDIT, False),
    ],
)
def test_cash_to_an_account_changed_lately(
    desk: Desk, clock: Clock, changed_on: date, remedies: list[dict[str, str]], is_pattern: bool
) -> None:
    customer = factories.CustomerFactory.create()
    at(clock, changed_on)
    edit_customer(customer.pk, by=desk.agent, reason="A letter", iban=IBAN)
    at(clock, TODAY)
    complaint = decided(desk, subscription=spring_subscription(customer=customer))
    refund = propose(desk, complaint, remedies=remedies)
    if is_pattern:
        finding = assert_told(Signal.NEW_ACCOUNT, refund)
        assert [row.model for row in finding.rows] == ["complaints.refund", "accounts.bankdetailschange"]
    else:
        assert_quiet(Signal.NEW_ACCOUNT, refund)


def test_an_account_changed_after_the_proposal_counts_too(desk: Desk) -> None:
    customer = factories.CustomerFactory.create(iban="FR1420041010050500013M02606")
    refund = propose(desk, decided(desk, subscription=spring_subscription(customer=customer)), remedies=CASH)
    assert_quiet(Signal.NEW_ACCOUNT, refund)
    edit_customer(customer.pk, by=desk.agent, reason="A letter", iban=IBAN)
    assert_told(Signal.NEW_ACCOUNT, refund)


@pytest.mark.parametrize(("day", "is_pattern"), [(date(2024, 4, 15), True), (date(2024, 4, 16), False)])
def test_a_refund_just_after_a_change_of_plan(desk: Desk, clock: Clock, day: date, is_pattern: bool) -> None:
    at(clock, date(2024, 3, 10))
    subscription = spring_subscription(activated_on=date(2024, 3, 1))
    factories.plan_change(subscription)
    at(clock, date(2024, 4, 1))
    run_billing(date(2024, 4, 1), by=desk.clerk)
    at(clock, day)
    refund = special(desk, decided(desk, subscription=subscription), "5.00")
    other = special(desk, decided(desk), "5.00")
    if is_pattern:
        assert_told(Signal.PLAN_CHANGE, refund)
    else:
        assert_quiet(Signal.PLAN_CHANGE, refund, other)


# --- Figures ------------------------------------------------------------------------------------


def test_every_signal_has_its_place_in_the_table() -> None:
    assert list(KINDS) == list(Signal)
    assert windows_on(TODAY) == {signal: kind.usual for signal, kind in KINDS.items()}


def test_published_figures_hold_from_their_day(desk: Desk) -> None:
    refunds = [proposal(desk, "85.00") for _ in range(2)]
    assert_quiet(Signal.NEAR_LIMIT, *refunds)
    row = draft_signal_window(
        by=desk.administrator, signal="near_limit", valid_from=TODAY, figures={"count": 2, "percent": 15, "days": None}
    )
    assert_quiet(Signal.NEAR_LIMIT, *refunds)
    publish_signal_window(row.pk, by=desk.manager)
    assert_told(Signal.NEAR_LIMIT, *refunds)
    assert windows_on(TODAY - timedelta(days=1))[Signal.NEAR_LIMIT] == KINDS[Signal.NEAR_LIMIT].usual
    assert windows_on(TODAY)[Signal.NEAR_LIMIT].days == 30


@pytest.mark.parametrize(
    ("signal", "figures", "code"),
    [
        ("near_limit", {}, "nothing"),
        ("near_limit", {"within": 3}, "invalid"),
        ("near_limit", {"percent": 101}, "invalid"),
        ("near_limit", {"days": 0}, "invalid"),
        ("near_limit", {"days": 367}, "invalid"),
        ("plan_change", {"percent": 10}, "invalid"),
        ("no_signal", {"days": 10}, "invalid"),
    ],
)
def test_figures_that_cannot_be(desk: Desk, signal: str, figures: dict[str, int], code: str) -> None:
    assert_refused(code, draft_signal_window, by=desk.administrator, signal=signal, valid_from=TODAY, figures=figures)


def test_figures_take_an_administrator_and_a_manager(desk: Desk) -> None:
    figures = {"count": 2}
    for person in (desk.agent, desk.lead, desk.manager, desk.clerk, desk.auditor):
        assert_refused(
            "permission", draft_signal_window, by=person, signal="near_limit", valid_from=TODAY, figures=figures
        )
    row = draft_signal_window(by=desk.administrator, signal="near_limit", valid_from=TODAY, figures=figures)
    for person in (desk.agent, desk.lead, desk.clerk, desk.auditor, desk.administrator):
        assert_refused("permission", publish_signal_window, row.pk, by=person)
    publish_signal_window(row.pk, by=desk.manager)
    twin = draft_signal_window(by=desk.administrator, signal="near_limit", valid_from=TODAY, figures={"count": 5})
    assert_refused("date_taken", publish_signal_window, twin.pk, by=desk.manager)
    assert_refused("state", publish_signal_window, row.pk, by=desk.manager)
    twin.state, twin.published_by, twin.valid_from = "published", desk.administrator, TODAY + timedelta(days=1)
    with pytest.raises(IntegrityError, match="published_by_another"), transaction.atomic():
        twin.save()


# --- The report ---------------------------------------------------------------------------------


def plant(desk: Desk) -> list[Refund]:
    """Something of several signals."""
    return [proposal(desk, "95.00") for _ in range(3)]


def test_the_report_keeps_what_was_found(desk: Desk) -> None:
    refunds = plant(desk)
    report = report_signals(by=desk.manager)
    [finding] = report.findings
    assert (finding["signal"], finding["refunds"]) == ("near_limit", [refund.pk for refund in refunds])
    assert finding["rows"] == [[refund.code, "complaints.refund", refund.pk] for refund in refunds]
    assert report.windows["near_limit"] == {"days": 30, "within": 0, "count": 3, "percent": 10}
    event = Event.objects.get(verb="signals.report")
    assert (event.target_id, event.data) == (report.pk, {"found": {"near_limit": 1}})


@pytest.mark.parametrize("who", ["agent", "lead", "clerk", "auditor", "administrator"])
def test_only_managers_and_the_system_have_a_report_made(desk: Desk, who: str) -> None:
    assert_refused("permission", report_signals, by=getattr(desk, who))
    report_signals(by=desk.system)


def test_the_command_names_each_pattern_and_its_rows(desk: Desk) -> None:
    refunds = plant(desk)
    out = StringIO()
    call_command("fraud_signals", stdout=out)
    first, last = out.getvalue().splitlines()
    assert first.startswith(f"near_limit: {desk.agent} proposed 3 refunds")
    assert first.endswith(", ".join(refund.code for refund in refunds))
    assert last == "1 pattern found."
    report = SignalReport.objects.get()
    assert (report.made_by, Event.objects.get(verb="signals.report").source) == (desk.system, "command")


def test_the_worker_makes_it_for_the_system(desk: Desk) -> None:
    plant(desk)
    assert signals.call() == 1
    assert SignalReport.objects.get().made_by == desk.system


def test_a_manager_has_it_made_as_a_job_and_reads_it(desk: Desk) -> None:
    [first, *_] = plant(desk)
    client = signed_in(desk.manager)
    client.post(reverse("admin:complaints_signalreport_do", args=["make"]))
    job = Job.objects.get()
    assert (job.kind, run_job.call(job.pk)) == ("fraud_signals", "finished")
    report = SignalReport.objects.get()
    assert str(report) in client.get(f"/jobs/job/{job.pk}/change/").content.decode()
    for reader in (client, signed_in(desk.auditor)):
        page = reader.get(f"/complaints/signalreport/{report.pk}/change/").content.decode()
        assert "proposed 3 refunds within 10 per cent under a limit" in page
        assert f'href="/complaints/refund/{first.pk}/change/"' in page
        assert "30 days back, at least 3, 10%" in page
    for person in (desk.agent, desk.lead, desk.clerk, desk.administrator):
        assert signed_in(person).get("/complaints/signalreport/").status_code == 403


def test_the_figures_page_shows_what_holds_and_takes_drafts(desk: Desk) -> None:
    client = signed_in(desk.administrator)
    typed = {"signal": "near_limit", "valid_from": TODAY.isoformat(), "count": "2"}
    client.post(reverse("admin:complaints_signalwindow_do", args=["draft"]), typed)
    row = SignalWindow.objects.get()
    manager = signed_in(desk.manager)
    url = f"{reverse('admin:complaints_signalwindow_act', args=['publish'])}?ids={row.pk}"
    assert "at least 2" in manager.get(url).content.decode()
    manager.post(url, {"reason": ""})
    row.refresh_from_db()
    assert row.state == "published"
    assert "Changed" in manager.get("/complaints/signalwindow/").content.decode()


def test_the_inbox_tells_signals_beside_a_proposal(desk: Desk) -> None:
    quiet = proposal(desk, "10.00")
    [first, *_] = plant(desk)
    client = signed_in(desk.manager)
    inbox = "/complaints/refund/inbox/"
    sentence = f"{desk.agent} proposed 3 refunds within 10 per cent under a limit or threshold in 30 days."
    assert sentence in client.get(f"{inbox}{first.pk}/").content.decode()
    assert "Worth a look" not in client.get(f"{inbox}{quiet.pk}/").content.decode()
    assert "1 signal<" not in client.get(inbox).content.decode()
    report_signals(by=desk.system)
    page = client.get(inbox).content.decode()
    assert page.count("1 signal<") == 3
    assert sentence in client.get(f"{inbox}?open={first.pk}").content.decode()


def test_looking_writes_nothing(desk: Desk) -> None:
    refunds = plant(desk)
    before = rows_of_every_table()
    signals_of(refunds)
    find_signals(timezone.now(), windows_on(TODAY))
    assert rows_of_every_table() == before


def test_more_rows_ask_no_more_often(desk: Desk) -> None:
    def grow() -> list[Refund]:
        outage(desk, by=desk.lead)
        refunds = plant(desk)
        customers = {"iban": IBAN, "postal_street": "Via Roma"}
        refunds += [refund_of(desk, **customers) for _ in range(3)]
        refunds += [propose(desk, decided(desk), "interruption", by=desk.lead) for _ in range(2)]
        for refund in refunds[-2:]:
            edit_customer(refund.customer_id, by=desk.agent, reason="A letter", iban="FR1420041010050500013M02606")
        agreed_between(desk, desk.manager, desk.director)
        agreed_between(desk, desk.director, desk.manager)
        return refunds

    publish(Signal.MUTUAL_PAIR, count=1)
    counts = []
    for _ in range(2):
        refunds = grow()
        with CaptureQueriesContext(connection) as report:
            find_signals(timezone.now(), windows_on(TODAY))
        with CaptureQueriesContext(connection) as beside:
            signals_of(refunds)
        counts.append((len(report), len(beside)))
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 30
