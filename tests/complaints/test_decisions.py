"""Deciding, telling the customer, and how a case ends, joins another or starts again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format

from audit.models import Event
from audit.tracked import UntrackedWrite
from billing.runs.actions import run_billing
from complaints.cases.actions import acknowledge_complaint, assign_complaint, record_customer_message
from complaints.cases.deadlines.actions import record_missed_deadlines
from complaints.cases.decisions.actions import (
    close_complaint,
    communicate_decision,
    decide_complaint,
    escalate_complaint,
    give_consent,
    merge_complaints,
    refer_complaint,
    reopen_complaint,
    withdraw_complaint,
)
from complaints.cases.models import Complaint, DeadlineBreach, Decision, Message
from complaints.notices.actions import tell_outcome
from complaints.refunds.approvals.actions import approve_refund
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import propose_refund
from tests import factories
from tests.complaints.cases import (
    LONG_LATER,
    Desk,
    State,
    again,
    communicate,
    complaint_in,
    decide,
    decided,
    draft,
    held,
    lines_of,
    noon,
    propose,
    register,
    settled,
    special,
    spring_subscription,
    take_up,
)
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

NOTHING = Decimal(0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- Decisions ----------------------------------------------------------------------------------


def test_nothing_is_decided_without_an_assessment_and_reasons(desk: Desk) -> None:
    complaint = register(desk)
    assign_complaint(complaint.pk, by=desk.agent, owner_id=desk.agent.pk)

    def attempt(outcome: str = "upheld", reasons: str = "The log") -> Callable[[], Decision]:
        return lambda: decide_complaint(complaint.pk, by=desk.agent, outcome=outcome, reasons=reasons)

    assert_refused("not_assessed", attempt())
    take_up(desk, complaint)
    assert_refused("reason_missing", attempt(reasons="  "))
    assert_refused("invalid", attempt(outcome="perhaps"))
    decision = attempt()()
    assert (decision.outcome, decision.reasons, decision.by) == ("upheld", "The log", desk.agent)
    assert decision.is_upheld
    assert again(complaint).decision == decision


def test_a_later_decision_supersedes_and_leaves_the_earlier_one_as_it_was(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    first = complaint.decision
    assert first is not None
    second = decide_complaint(complaint.pk, by=desk.lead, outcome="rejected", reasons="The log was another's")
    assert second.supersedes == first
    now = again(complaint)
    assert (now.state, now.decision, now.communicated_at) == (State.DECIDED, second, None)
    kept = Decision.objects.get(pk=first.pk)
    assert (kept.outcome, kept.reasons, kept.at) == (first.outcome, first.reasons, first.at)
    kept.reasons = "Other reasons"
    with pytest.raises(UntrackedWrite):
        kept.save()
    with pytest.raises(UntrackedWrite):
        kept.delete()
    # The database lets one decision be superseded once.
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision(
            complaint=complaint,
            outcome="upheld",
            reasons="?",
            supersedes=first,
            by=desk.lead,
            at=timezone.now(),
        ).save()


def test_settled_refunds_stay_whatever_happens_to_the_complaint(desk: Desk) -> None:
    factories.approval_limits()
    complaint = decided(desk)
    refund = settled(desk, complaint)
    decide(desk, complaint, "rejected")
    assert again(refund).state == Refund.State.SETTLED
    reopen_complaint(complaint.pk, by=desk.lead, reason="Once more")
    withdraw_complaint(complaint.pk, by=desk.agent, channel="email", reason="“Enough”")
    assert again(refund).state == Refund.State.SETTLED
    assert held(complaint.period) == (NOTHING, Decimal("40.00"))


def test_a_complaint_that_is_rejected_after_all_blocks_its_pending_refund(desk: Desk) -> None:
    factories.approval_limits()
    complaint = decided(desk)
    refund = propose(desk, complaint)
    decide(desk, complaint, "rejected")
    assert_refused("not_upheld", lambda: approve_refund(refund.pk, by=desk.manager), saying=complaint.code)
    reopen_complaint(complaint.pk, by=desk.lead, reason="New facts")
    assert_refused("state", lambda: approve_refund(refund.pk, by=desk.manager))
    decide(desk, complaint, "partly_upheld")
    approve_refund(refund.pk, by=desk.manager)


# --- Telling the customer -----------------------------------------------------------------------


def test_a_rejection_names_the_way_to_take_it_further(desk: Desk) -> None:
    complaint = decided(desk, "rejected")
    further = complaint.terms.appeal_route
    assert_refused(
        "appeal_route_missing",
        lambda: communicate_decision(complaint.pk, by=desk.agent, text="We cannot help you."),
        saying=further,
    )
    text = f"We cannot help you. You can turn to {further.upper()}."
    message = communicate_decision(complaint.pk, by=desk.agent, text=text, recipient="Ms Rossi", channel="letter")
    assert (message.text, message.kind, message.direction) == (text, "decision", "out")
    assert (message.correspondent, message.channel) == ("Ms Rossi", "letter")
    assert again(complaint).communicated_at == message.at


@pytest.mark.parametrize("outcome", ["upheld", "partly_upheld"])
def test_an_upheld_complaint_needs_no_appeal_route(desk: Desk, outcome: str) -> None:
    complaint = decided(desk, outcome)
    assert_refused("text_missing", lambda: communicate_decision(complaint.pk, by=desk.agent, text=" "))
    assert_refused("invalid", lambda: communicate_decision(complaint.pk, by=desk.agent, text="Yes.", channel="pigeon"))
    communicate_decision(complaint.pk, by=desk.agent, text="You are right.")
    assert Message.objects.get().text == "You are right."


# --- Closing ------------------------------------------------------------------------------------


def test_closing_waits_for_an_open_refund(desk: Desk) -> None:
    factories.approval_limits()
    complaint = communicate(desk, decided(desk))

    def close() -> Complaint:
        return close_complaint(complaint.pk, by=desk.agent, today=LONG_LATER)

    refund = draft(desk, complaint)
    assert_refused("open_refund", close, saying=refund.code)
    propose_refund(refund.pk, by=desk.agent, reason="The log")
    assert_refused("open_refund", close, saying=refund.code)
    approve_refund(refund.pk, by=desk.manager)
    # The remedy is settled: no waiting for the customer, once they heard of it.
    assert_refused("notice_owed", close, saying=refund.code)
    tell_outcome(complaint.pk, by=desk.agent, text="You get 40.00 EUR as a credit.")
    closed = close_complaint(complaint.pk, by=desk.agent)
    assert closed.state == State.CLOSED
    assert closed.closed_at is not None


def test_closing_without_a_remedy_waits_for_the_customers_silence(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk, "rejected"))
    silent_since = timezone.localdate()
    last_day = silent_since + timedelta(days=29)
    assert_refused("not_silent_long_enough", lambda: close_complaint(complaint.pk, by=desk.agent))
    assert_refused(
        "not_silent_long_enough",
        lambda: close_complaint(complaint.pk, by=desk.agent, today=last_day),
        saying=date_format(last_day + timedelta(days=1)),
    )
    assert close_complaint(complaint.pk, by=desk.agent, today=last_day + timedelta(days=1)).state == State.CLOSED


def test_a_word_of_the_customer_starts_the_silence_anew(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk, "rejected"))
    # As if the decision had been told long ago: only the messages count.
    complaint.communicated_at = timezone.now() - timedelta(days=100)
    complaint.save()
    record_customer_message(complaint.pk, by=desk.agent, text="Really?", channel="phone", received_at=timezone.now())
    assert_refused("not_silent_long_enough", lambda: close_complaint(complaint.pk, by=desk.agent))


# --- Withdrawing --------------------------------------------------------------------------------


def test_withdrawing_takes_the_open_refunds_along_and_releases_what_they_held(desk: Desk) -> None:
    factories.approval_limits()
    # Two periods, so that two refunds of one complaint can be open.
    subscription = spring_subscription()
    run_billing(date(2024, 5, 1), by=desk.clerk)
    april, may = subscription.periods.order_by("sequence")
    factories.pay(may.invoice)
    complaint = decided(desk, period=may, received_on=date(2024, 5, 10))
    done = settled(desk, complaint, "special", special_amount=Decimal("5.00"))
    proposed = special(desk, complaint, "7.00")
    drafted = draft(desk, complaint, "full_month", period_id=april.pk)
    assert held(may) == (Decimal("7.00"), Decimal("5.00"))

    def withdraw(channel: str = "phone", reason: str = "“Never mind”") -> Complaint:
        return withdraw_complaint(complaint.pk, by=desk.agent, channel=channel, reason=reason)

    assert_refused("reason_missing", lambda: withdraw(reason=" "))
    assert_refused("channel_missing", lambda: withdraw(channel=""))
    assert_refused("invalid", lambda: withdraw(channel="pigeon"))
    withdraw()

    assert [again(refund).state for refund in (done, proposed, drafted)] == [
        "settled",
        "withdrawn",
        "withdrawn",
    ]
    assert held(may) == (NOTHING, Decimal("5.00"))
    assert held(april) == (NOTHING, NOTHING)
    event = Event.objects.get(verb="complaint.withdraw", outcome="done")
    assert event.data == {"refunds": [proposed.code, drafted.code]}
    assert event.reason == "“Never mind”"
    assert again(complaint).withdrawal_channel == "phone"
    for refund in (proposed, drafted):
        row = refund.history.order_by("-history_id")[0]
        assert (row.history_user, row.history_change_reason) == (desk.agent, "“Never mind”")


def test_withdrawing_an_approval_that_waits_for_its_second(desk: Desk) -> None:
    factories.approval_limits()
    complaint = decided(desk, subscription=spring_subscription(agreed_fee=Decimal("2000.00")))
    refund = special(desk, complaint, "600.00")
    approve_refund(refund.pk, by=desk.manager)
    withdraw_complaint(complaint.pk, by=desk.agent, channel="phone", reason="“Never mind”")
    assert again(refund).state == Refund.State.WITHDRAWN
    assert held(complaint.period) == (NOTHING, NOTHING)
    assert_refused("state", lambda: approve_refund(refund.pk, by=desk.director))


# --- Merging ------------------------------------------------------------------------------------


def test_the_survivor_of_a_merge_takes_the_earlier_deadlines_and_each_keeps_its_receipt(desk: Desk) -> None:
    factories.approval_limits()
    early = register(desk, received_on=date(2024, 4, 5))
    late = decided(desk, subscription=early.subscription, received_on=date(2024, 4, 12))
    refund = settled(desk, late)
    record_missed_deadlines(early.pk, by=desk.lead)
    breaches = set(DeadlineBreach.objects.values_list("pk", flat=True))

    survivor = merge_complaints(early.pk, by=desk.lead, into_id=late.pk, reason="The same matter")

    assert survivor.pk == late.pk
    now = again(late)
    assert (now.state, now.received_at) == (State.DECIDED, factories.at(date(2024, 4, 12)))
    # What one has met stays met: the decision. Nobody has acknowledged either.
    assert (now.acknowledge_due_at, now.decide_due_at) == (early.acknowledge_due_at, late.decide_due_at)
    gone = again(early)
    assert (gone.state, gone.merged_into) == (State.MERGED, late)
    assert breaches <= set(DeadlineBreach.objects.values_list("pk", flat=True))
    # A refund made before keeps its as-of day.
    kept = again(refund)
    assert kept.inputs["as_of"] == "2024-04-12"
    assert lines_of(kept) == ["fee 60.00", "minutes 0.00", "time -24.00"]
    assert Event.objects.order_by("-pk")[0].data == {"into": late.code}


def test_a_later_complaint_changes_nothing_of_the_survivor(desk: Desk) -> None:
    early = register(desk, received_on=date(2024, 4, 5))
    late = register(desk, early.subscription, received_on=date(2024, 4, 12))
    merge_complaints(late.pk, by=desk.lead, into_id=early.pk, reason="The same matter")
    now = again(early)
    assert (now.received_at, now.decide_due_at) == (early.received_at, early.decide_due_at)


def test_what_cannot_be_merged(desk: Desk) -> None:
    one = decided(desk)
    two = register(desk, one.subscription)

    def merge(complaint: Complaint, into: Complaint, reason: str = "The same") -> Callable[[], Complaint]:
        return lambda: merge_complaints(complaint.pk, by=desk.lead, into_id=into.pk, reason=reason)

    assert_refused("same", merge(one, one))
    assert_refused("reason_missing", merge(one, two, ""))
    assert_refused("customer", merge(one, register(desk)))
    assert_refused("missing", merge(one, Complaint(pk=987654)))
    for make in (draft, propose):
        refund = make(desk, one)
        assert_refused("open_refund", merge(one, two), saying=refund.code)
        assert_refused("open_refund", merge(two, one), saying=refund.code)
        withdraw_refund(refund.pk, by=desk.agent, reason="To merge")
    merge(one, two)()
    assert again(one).merged_into == two
    assert_refused("state", merge(two, one))


def test_the_database_knows_what_merged_means(desk: Desk) -> None:
    complaint = register(desk)
    for state, into in (("merged", None), ("registered", complaint)):
        complaint.state, complaint.merged_into = state, into
        with pytest.raises(IntegrityError), transaction.atomic():
            complaint.save()
    for state in ("decided", "communicated", "closed", "withdrawn"):
        complaint.state, complaint.merged_into = state, None
        with pytest.raises(IntegrityError), transaction.atomic():
            complaint.save()
    assert again(complaint).state == State.REGISTERED


# --- Reopening ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.DECIDED, State.COMMUNICATED, State.CLOSED, State.WITHDRAWN])
def test_reopening_restarts_the_deadlines_and_keeps_the_breaches(desk: Desk, state: str) -> None:
    complaint = complaint_in(desk, state)
    kept = set(DeadlineBreach.objects.values_list("pk", "due_at"))
    assert_refused("reason_missing", lambda: reopen_complaint(complaint.pk, by=desk.lead, reason=" "))

    reopen_complaint(complaint.pk, by=desk.lead, reason="New facts", now=noon(1, month=9))

    now = again(complaint)
    assert now.state == State.IN_REVIEW
    assert (now.closed_at, now.communicated_at, now.withdrawal_channel) == (None, None, "")
    zone = timezone.get_default_timezone()
    assert now.acknowledge_due_at.astimezone(zone) == noon(4, month=9, hour=0)
    assert now.decide_due_at.astimezone(zone) == noon(16, month=9, hour=0)
    assert now.received_at == complaint.received_at
    assert now.decision == complaint.decision
    assert kept <= set(DeadlineBreach.objects.values_list("pk", "due_at"))
    # Missed again, it is another breach.
    before = DeadlineBreach.objects.count()
    record_missed_deadlines(complaint.pk, by=desk.lead)
    assert DeadlineBreach.objects.count() == before + 3


def test_a_breach_needs_no_second_look_to_survive(desk: Desk) -> None:
    """A deadline that nobody had noticed as missed is recorded by the step that would hide it."""
    complaint = complaint_in(desk, State.REGISTERED)
    assert not DeadlineBreach.objects.exists()
    withdraw_complaint(complaint.pk, by=desk.agent, channel="phone", reason="“Never mind”")
    assert DeadlineBreach.objects.filter(complaint=complaint).count() == 3

    acknowledged = register(desk)
    acknowledge_complaint(acknowledged.pk, by=desk.agent, text=acknowledged.code)
    decide(desk, take_up(desk, acknowledged))
    assert {b.deadline for b in DeadlineBreach.objects.filter(complaint=acknowledged)} == {
        "acknowledge",
        "decide",
        "tell",
    }


# --- Escalation, referral, consent --------------------------------------------------------------


def test_escalation_and_referral_are_no_states(desk: Desk) -> None:
    complaint = complaint_in(desk, State.CLOSED)
    pk = complaint.pk
    assert_refused("reason_missing", lambda: escalate_complaint(pk, by=desk.lead, reason=""))
    escalate_complaint(pk, by=desk.lead, reason="The press called")
    escalate_complaint(pk, by=desk.manager, reason="Again")

    refer_complaint(pk, by=desk.lead, scheme="Board", reference="", referred_on=date(2024, 6, 1))
    now = again(complaint)
    assert (now.state, now.escalation_level) == (State.CLOSED, 2)


def test_a_referral_is_recorded_with_its_end(desk: Desk) -> None:
    complaint = register(desk, received_on=date(2024, 4, 10))

    def refer(scheme: str = "Conciliation board", **end: Any) -> Complaint:
        return refer_complaint(
            complaint.pk, by=desk.lead, scheme=scheme, reference=" 17/24 ", referred_on=date(2024, 6, 1), **end
        )

    assert_refused("scheme_missing", lambda: refer(" "))
    assert_refused("invalid", lambda: refer("x" * 200))
    refer()
    found = again(complaint)
    assert (found.referral_scheme, found.referral_reference) == ("Conciliation board", "17/24")
    assert (found.referred_on, found.referral_ended_on, found.referral_outcome) == (date(2024, 6, 1), None, "")

    refer(ended_on=date(2024, 7, 1), outcome=" Settled ")
    found = again(complaint)
    assert (found.referral_ended_on, found.referral_outcome) == (date(2024, 7, 1), "Settled")
    event = Event.objects.filter(verb="complaint.refer", outcome="done").order_by("-pk")[0]
    assert (event.data["referred_on"], event.data["ended_on"]) == ("2024-06-01", "2024-07-01")


FUTURE = factories.today() + timedelta(days=2)  # far enough for a run over midnight


@pytest.mark.parametrize(
    ("referred_on", "ended_on", "outcome", "code"),
    [
        (date(2024, 4, 9), None, "", "dates"),  # a day before the complaint came
        (FUTURE, None, "", "dates"),
        (date(2024, 6, 1), date(2024, 5, 31), "Settled", "dates"),
        (date(2024, 6, 1), FUTURE, "Settled", "dates"),
        (date(2024, 6, 1), date(2024, 7, 1), "", "referral_end"),
        (date(2024, 6, 1), None, "Settled", "referral_end"),
        (date(2024, 4, 10), None, "", ""),
        (date(2024, 4, 10), date(2024, 4, 10), "Settled", ""),
    ],
)
def test_the_days_of_a_referral_are_in_order(
    desk: Desk, referred_on: date, ended_on: date | None, outcome: str, code: str
) -> None:
    complaint = register(desk, received_on=date(2024, 4, 10))

    def refer() -> Complaint:
        return refer_complaint(
            complaint.pk,
            by=desk.lead,
            scheme="Conciliation board",
            reference="",
            referred_on=referred_on,
            ended_on=ended_on,
            outcome=outcome,
        )

    if code:
        assert_refused(code, refer)
        assert again(complaint).referred_on is None
    else:
        assert refer().referred_on == referred_on


def test_a_complaint_about_a_long_past_period_needs_a_leads_consent(desk: Desk) -> None:
    # 180 days after 1 May is 28 October; the day after is too late.
    in_time = decided(desk, received_on=date(2024, 10, 28))
    assert_refused("state", lambda: give_consent(in_time.pk, by=desk.lead, reason="?"))
    late = decided(desk, received_on=date(2024, 10, 29))
    refund = draft(desk, late, "full_month")
    assert_refused("consent_missing", lambda: propose_refund(refund.pk, by=desk.agent, reason="Goodwill"))
    assert_refused("reason_missing", lambda: give_consent(late.pk, by=desk.lead, reason=" "))
    give_consent(late.pk, by=desk.lead, reason="They were in hospital")
    assert again(late).consent_by == desk.lead
    assert_refused("state", lambda: give_consent(late.pk, by=desk.manager, reason="Me too"))
    propose_refund(refund.pk, by=desk.agent, reason="Goodwill")
    assert propose(desk, in_time, "full_month").total == Decimal("60.00")


def test_what_is_registered_long_after_its_period_needs_consent_whenever_it_is_said_to_have_come(desk: Desk) -> None:
    """The period ended on 30 April 2024."""
    complaint = decide(desk, take_up(desk, register(desk, late=True)))
    assert timezone.localdate(complaint.received_at) == date(2024, 4, 10)
    refund = draft(desk, complaint)
    assert_refused("consent_missing", propose_refund, refund.pk, by=desk.agent, reason="As the log shows")
    give_consent(complaint.pk, by=desk.lead, reason="The letter lay in the post room")
    propose_refund(refund.pk, by=desk.agent, reason="As the log shows")


@pytest.mark.parametrize("consented", ["never", "before the merge", "after it"])
def test_a_merge_does_not_take_the_need_of_consent_away(desk: Desk, consented: str) -> None:
    subscription = spring_subscription()
    late = register(desk, subscription, received_at=factories.at(date(2024, 5, 1) + timedelta(days=181)))
    complaint = decided(desk, subscription=subscription)
    if consented == "before the merge":
        give_consent(late.pk, by=desk.manager, reason="They were in hospital")
    merge_complaints(late.pk, by=desk.lead, into_id=complaint.pk, reason="The same matter")
    refund = draft(desk, again(complaint))
    if consented == "after it":
        give_consent(complaint.pk, by=desk.manager, reason="They were in hospital")
    if consented == "never":
        assert_refused("consent_missing", propose_refund, refund.pk, by=desk.agent, reason="As the log shows")
    else:
        propose_refund(refund.pk, by=desk.agent, reason="As the log shows")


def test_consent_is_asked_for_the_period_that_is_refunded(desk: Desk) -> None:
    """A young complaint is no way around it to an old period of the same subscription."""
    subscription = spring_subscription()
    run_billing(date(2024, 12, 1), by=desk.clerk)
    april, december = subscription.periods.order_by("sequence")[0], subscription.periods.get(sequence=8)
    complaint = decided(desk, period=december, received_on=date(2024, 12, 10))
    refund = draft(desk, complaint, "full_month", period_id=april.pk)
    assert_refused("consent_missing", propose_refund, refund.pk, by=desk.agent, reason="Goodwill")
    give_consent(complaint.pk, by=desk.lead, reason="They were in hospital")
    propose_refund(refund.pk, by=desk.agent, reason="Goodwill")


def test_closing_notes_an_acknowledgement_that_never_came(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    complaint.acknowledge_due_at = noon(2)  # as after a reopening that nobody acknowledged either
    complaint.save()
    close_complaint(complaint.pk, by=desk.agent, today=LONG_LATER)
    assert DeadlineBreach.objects.filter(complaint=complaint, due_at=noon(2)).exists()
