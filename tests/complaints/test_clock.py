"""A case's clock through the actions: deadlines, breaches with one event each, warnings, escalation (R5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.staff.models import Team
from audit.models import Event
from complaints.cases.actions import acknowledge_complaint, correct_complaint
from complaints.cases.deadlines.actions import escalate_overdue_complaint, record_missed_deadlines
from complaints.cases.deadlines.status import DUE_RELATIONS, deadline_statuses_of, most_urgent, near_deadline
from complaints.cases.decisions.actions import (
    close_complaint,
    decide_complaint,
    escalate_complaint,
    merge_complaints,
    reopen_complaint,
    withdraw_complaint,
)
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.upkeep.actions import escalate_complaints, run_upkeep
from messaging.outbox.models import OutgoingMessage
from tests import factories
from tests.company_life import clock_on
from tests.complaints.cases import (
    LONG_LATER,
    Desk,
    State,
    again,
    communicate,
    complaint_in,
    decide,
    decided,
    noon,
    register,
    spring_subscription,
    take_up,
)
from tests.complaints.refusals import assert_refused, rows_of_every_table
from tests.complaints.terms import agreed

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk()


def midnight(day: date) -> datetime:
    return factories.at(day, hour=0)


def breaches_of(complaint: Complaint) -> list[tuple[str, datetime]]:
    return sorted(DeadlineBreach.objects.filter(complaint=complaint).values_list("deadline", "due_at"))


def assert_one_event_a_breach() -> None:
    """Every breach has its own done event, and no event is without a breach."""
    told = [
        (event.target_id, event.data["deadline"], event.data["due_at"], event.data["breach"])
        for event in Event.objects.filter(verb="complaint.deadline_missed", outcome="done")
    ]
    rows = [
        (breach.complaint_id, breach.deadline, breach.due_at.isoformat(), breach.pk)
        for breach in DeadlineBreach.objects.all()
    ]
    assert sorted(told) == sorted(rows)
    assert rows


# --- Deadlines of a case ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "terms", "received_at", "acknowledge", "decide"),
    [
        # Calendar days by default, Easter or not.
        ("IT", {}, noon(29, 3), date(2024, 3, 31), date(2024, 4, 12)),
        # Two and five working days from Maundy Thursday 2024.
        ("IT", {"deadline_days": "working", "decide_within_days": 5}, noon(28, 3), date(2024, 4, 2), date(2024, 4, 5)),
        ("DE", {"deadline_days": "working", "decide_within_days": 5}, noon(28, 3), date(2024, 4, 3), date(2024, 4, 8)),
        # The policy names the country, whatever the customer's is.
        (
            "DE",
            {"deadline_days": "working", "decide_within_days": 5, "holidays_of": "IT"},
            noon(28, 3),
            date(2024, 4, 2),
            date(2024, 4, 5),
        ),
        # 25 April and 1 May are holidays in Italy alone, and in both.
        ("IT", {"deadline_days": "working", "decide_within_days": 5}, noon(24), date(2024, 4, 29), date(2024, 5, 3)),
        ("SE", {"deadline_days": "working", "decide_within_days": 5}, noon(24), date(2024, 4, 26), date(2024, 5, 2)),
    ],
)
def test_deadlines_count_the_days_that_the_terms_say(
    desk: Desk, country: str, terms: dict[str, Any], received_at: datetime, acknowledge: date, decide: date
) -> None:
    subscription = spring_subscription(
        customer=factories.CustomerFactory.create(country=country), activated_on=date(2024, 3, 1)
    )
    agreed(desk, subscription=subscription, **(terms or {"warn_before_days": 3}))
    complaint = register(desk, subscription, received_at=received_at)
    assert complaint.acknowledge_due_at == midnight(acknowledge + timedelta(days=1))
    assert complaint.decide_due_at == midnight(decide + timedelta(days=1))


def test_a_country_whose_holidays_nobody_knows_is_named(desk: Desk) -> None:
    subscription = agreed(desk, country="TA", deadline_days="working")  # Tristan da Cunha has no calendar
    assert_refused("holidays_unknown", register, desk, subscription, saying="“TA”")
    elsewhere = agreed(desk, country="TA", deadline_days="working", holidays_of="GB")
    assert register(desk, elsewhere).decide_due_at > noon(10)


# --- Breaches -----------------------------------------------------------------------------------

type Step = Callable[[Desk, Complaint], object]

#: What ends or meets a deadline, on a case that is long overdue: each notes what was missed by then.
STEPS: dict[str, tuple[Step, set[str]]] = {
    "look": (lambda desk, c: record_missed_deadlines(c.pk, by=desk.lead), {"acknowledge", "decide", "tell"}),
    "upkeep": (lambda desk, c: run_upkeep(by=desk.system), {"acknowledge", "decide", "tell"}),
    "acknowledge": (
        lambda desk, c: acknowledge_complaint(c.pk, by=desk.agent, text=c.code),
        {"acknowledge", "decide", "tell"},
    ),
    "decide": (lambda desk, c: decide(desk, take_up(desk, c)), {"acknowledge", "decide", "tell"}),
    "close": (
        lambda desk, c: close_complaint(
            communicate(desk, decide(desk, take_up(desk, c))).pk, by=desk.agent, today=LONG_LATER
        ),
        {"acknowledge", "decide", "tell"},
    ),
    "withdraw": (
        lambda desk, c: withdraw_complaint(c.pk, by=desk.agent, channel="phone", reason="“Never mind”"),
        {"acknowledge", "decide", "tell"},
    ),
    "reopen": (
        lambda desk, c: reopen_complaint(decide(desk, take_up(desk, c)).pk, by=desk.lead, reason="New facts"),
        {"acknowledge", "decide", "tell"},
    ),
    "correct": (
        lambda desk, c: correct_complaint(c.pk, by=desk.agent, reason="Typing", received_at=noon(12)),
        {"acknowledge", "decide", "tell"},
    ),
    "escalate": (lambda desk, c: escalate_overdue_complaint(c.pk, by=desk.system), {"acknowledge", "decide", "tell"}),
    "merge": (
        lambda desk, c: merge_complaints(
            c.pk, by=desk.lead, into_id=register(desk, c.subscription).pk, reason="The same matter"
        ),
        {"acknowledge", "decide", "tell"},
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_each_breach_leaves_exactly_one_event_whichever_step_notices_it(desk: Desk, step: str) -> None:
    complaint = register(desk, late=True)
    due = complaint.acknowledge_due_at, complaint.decide_due_at, complaint.tell_due_at
    do, missed = STEPS[step]
    do(desk, complaint)
    assert {deadline for deadline, _ in breaches_of(complaint)} == missed
    assert breaches_of(complaint) == [("acknowledge", due[0]), ("decide", due[1]), ("tell", due[2])]
    assert_one_event_a_breach()
    # Looking again, and doing more, adds nothing for a deadline that is on record.
    run_upkeep(by=desk.system)
    assert [found for found in breaches_of(complaint) if found[1] in due] == [
        ("acknowledge", due[0]),
        ("decide", due[1]),
        ("tell", due[2]),
    ]
    assert_one_event_a_breach()


def test_the_event_names_who_noticed_and_the_case(desk: Desk) -> None:
    complaint = take_up(desk, register(desk))
    decide_complaint(complaint.pk, by=desk.agent, outcome="upheld", reasons="The log")
    events = Event.objects.filter(verb="complaint.deadline_missed").order_by("pk")
    assert [(event.actor, event.complaint_id, event.customer_id) for event in events] == [
        (desk.agent, complaint.pk, complaint.customer_id)
    ] * 3


def test_a_step_that_is_refused_notes_nothing(desk: Desk) -> None:
    complaint = register(desk)
    assert_refused("reason_missing", reopen_complaint, decided(desk).pk, by=desk.lead, reason=" ")
    assert_refused(
        "channel_missing", withdraw_complaint, complaint.pk, by=desk.agent, channel="", reason="“Never mind”"
    )
    assert breaches_of(complaint) == []


def test_a_case_that_ended_in_time_missed_nothing_when_it_is_reopened_later(desk: Desk) -> None:
    subscription = factories.paid_subscription()
    complaint = register(desk, subscription, received_on=factories.days_ago(1))
    withdraw_complaint(complaint.pk, by=desk.agent, channel="phone", reason="“Never mind”")
    reopen_complaint(complaint.pk, by=desk.lead, reason="They mind", now=timezone.now() + timedelta(days=30))
    assert breaches_of(complaint) == []


# --- The clock through reopening, merging and correcting ----------------------------------------


def test_a_merge_keeps_the_earlier_of_both_promises(desk: Desk) -> None:
    """(received, reopened on) of the one merged and of the survivor -> what the survivor goes on with."""
    table: list[tuple[tuple[int, int | None], tuple[int, int | None], int, int]] = [
        ((5, None), (12, None), 12, 5),
        ((12, None), (5, None), 5, 5),
        # Reopened, its clock restarted; each keeps its own receipt.
        ((5, 15), (12, None), 12, 12),
        ((12, None), (5, 15), 5, 12),
        ((5, 15), (12, 20), 12, 15),
        ((5, 15), (16, None), 16, 15),
    ]
    for merged, surviving, received, counted_from in table:
        subscription = spring_subscription()
        cases = []
        for day, reopened_on in (merged, surviving):
            complaint = register(desk, subscription, received_on=date(2024, 4, day))
            if reopened_on is not None:
                decide(desk, take_up(desk, complaint))
                reopen_complaint(complaint.pk, by=desk.lead, reason="New facts", now=noon(reopened_on))
            cases.append(complaint)
        survivor = merge_complaints(cases[0].pk, by=desk.lead, into_id=cases[1].pk, reason="The same matter")
        found = again(survivor)
        assert timezone.localdate(found.received_at) == date(2024, 4, received)
        assert found.decide_due_at == midnight(date(2024, 4, counted_from) + timedelta(days=15)), (merged, surviving)
        assert found.acknowledge_due_at == midnight(date(2024, 4, counted_from) + timedelta(days=3))
    assert_one_event_a_breach()


def test_a_merge_keeps_the_higher_level(desk: Desk) -> None:
    subscription = spring_subscription()
    one, two = register(desk, subscription), register(desk, subscription)
    escalate_complaint(one.pk, by=desk.lead, reason="The press called")
    assert merge_complaints(one.pk, by=desk.lead, into_id=two.pk, reason="The same").escalation_level == 1


def test_breaches_stay_through_reopening_and_merging(desk: Desk) -> None:
    subscription = spring_subscription()
    complaint = decide(desk, take_up(desk, register(desk, subscription)))
    first = breaches_of(complaint)
    reopen_complaint(complaint.pk, by=desk.lead, reason="New facts", now=noon(1, month=9))
    record_missed_deadlines(complaint.pk, by=desk.lead)
    twice = breaches_of(complaint)
    assert len(first) == 3
    assert len(twice) == 6
    assert set(first) < set(twice)
    other = register(desk, subscription)
    merge_complaints(complaint.pk, by=desk.lead, into_id=other.pk, reason="The same matter")
    assert breaches_of(complaint) == twice
    assert_one_event_a_breach()


def test_a_correction_does_not_wind_a_restarted_clock_back(desk: Desk) -> None:
    complaint = decided(desk, late=True)
    reopened = reopen_complaint(complaint.pk, by=desk.lead, reason="New facts")
    corrected = correct_complaint(complaint.pk, by=desk.agent, reason="Typing", received_at=noon(11))
    assert corrected.received_at == noon(11)
    assert corrected.decide_due_at == reopened.decide_due_at


# --- Warnings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "acknowledged", "warned", "now", "said"),
    [
        # Received on 10 April: to be acknowledged by the end of the 12th, decided by the end of the 24th.
        (State.REGISTERED, False, 0, noon(10), ["Acknowledge in 2 d", "Decide in 14 d"]),
        (State.REGISTERED, False, 1, noon(10), ["Acknowledge in 2 d", "Decide in 14 d"]),
        (State.REGISTERED, False, 2, noon(10), ["! Acknowledge in 2 d", "Decide in 14 d"]),
        (State.REGISTERED, False, 0, noon(12, hour=23), ["! Acknowledge today", "Decide in 12 d"]),
        (State.REGISTERED, False, 0, noon(13, hour=0), ["!! Acknowledge: 1 d late", "Decide in 11 d"]),
        (State.IN_REVIEW, True, 3, noon(20), ["Decide in 4 d"]),
        (State.IN_REVIEW, True, 3, noon(21, hour=0), ["! Decide in 3 d"]),
        (State.WAITING, True, 3, noon(24), ["! Decide today"]),
        (State.WAITING, True, 3, noon(25, hour=0), ["!! Overdue by 1 d"]),
        (State.WAITING, True, 3, noon(30), ["!! Overdue by 6 d"]),
        (State.DECIDED, False, 2, noon(24), ["Tell in 3 d"]),
        (State.DECIDED, False, 3, noon(24), ["! Tell in 3 d"]),
        (State.DECIDED, False, 0, noon(27), ["! Tell today"]),
        (State.DECIDED, False, 60, noon(30), ["!! Tell: 3 d late"]),
        (State.COMMUNICATED, False, 60, noon(30), []),
        (State.WITHDRAWN, False, 60, noon(30), []),
    ],
)
def test_what_is_near_by_the_terms_is_said(
    desk: Desk, state: str, acknowledged: bool, warned: int, now: datetime, said: list[str]
) -> None:
    complaint = complaint_in(desk, state, subscription=agreed(desk, warn_before_days=warned))
    if acknowledged:
        acknowledge_complaint(complaint.pk, by=desk.agent, text=complaint.code)
    complaint = again(complaint)
    dues = deadline_statuses_of(complaint, now)
    assert [f"{'!! ' if due.is_missed else '! ' if due.is_near else ''}{due.in_words}" for due in dues] == said
    # The list's filter finds the same.
    found = Complaint.objects.filter(near_deadline(now)).exists()
    assert found == any(due.is_near for due in dues)


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        (noon(10), "Decide in 14 d"),
        (noon(11), "Acknowledge in 1 d"),
        (noon(14), "Acknowledge: 2 d late"),
        (noon(23), "Acknowledge: 11 d late"),
        (noon(26), "Overdue by 2 d"),
    ],
)
def test_where_there_is_room_for_one_the_most_urgent_is_shown(desk: Desk, now: datetime, shown: str) -> None:
    complaint = register(desk, agreed(desk, warn_before_days=1))
    due = most_urgent(deadline_statuses_of(complaint, now))
    assert due is not None
    assert str(due.in_words) == shown


def test_the_policy_warns_where_no_agreement_does(desk: Desk) -> None:
    by_policy, by_agreement = register(desk), register(desk, agreed(desk, warn_before_days=6))
    for each in (by_policy, by_agreement):
        acknowledge_complaint(each.pk, by=desk.agent, text=each.code)

    def near(now: datetime) -> list[Complaint]:
        return list(Complaint.objects.filter(near_deadline(now)).order_by("pk"))

    assert near(noon(17)) == []
    assert near(noon(18)) == [by_agreement]
    assert near(noon(21)) == [by_policy, by_agreement]
    assert near(noon(25)) == []


def test_many_cases_ask_as_often_as_few(desk: Desk, django_assert_num_queries: Any) -> None:
    agreed_subscription = agreed(desk, warn_before_days=6)

    def read() -> int:
        from django.db import connection

        with CaptureQueriesContext(connection) as captured:
            for complaint in Complaint.objects.prefetch_related(*DUE_RELATIONS):
                assert deadline_statuses_of(complaint)
            list(Complaint.objects.filter(near_deadline()))
        return len(captured)

    register(desk, agreed_subscription)
    register(desk)
    few = read()
    for _ in range(4):
        register(desk, agreed_subscription)
        register(desk)
    assert read() == few


# --- Escalation ---------------------------------------------------------------------------------


def test_an_overdue_case_rises_once_for_each_so_many_days(desk: Desk) -> None:
    complaint = register(desk, agreed(desk, escalate_after_days=3))
    levels = {}
    for day in range(24, 35):
        now = midnight(date(2024, 4, 1) + timedelta(days=day - 1)) + timedelta(hours=2)
        for _ in range(2):  # a second run on the day does nothing
            escalate_complaints(by=desk.system, now=now)
        levels[day] = again(complaint).escalation_level
    # The deadline ends with the 24th: three days overdue as the 28th begins, six as the 31st would.
    assert levels == {24: 0, 25: 0, 26: 0, 27: 0, 28: 1, 29: 1, 30: 1, 31: 2, 32: 2, 33: 2, 34: 3}
    events = Event.objects.filter(verb="complaint.escalate_overdue").order_by("pk")
    assert [(event.outcome, event.actor, event.data["level"]) for event in events] == [
        ("done", desk.system, level) for level in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("state", "terms", "day"),
    [
        (State.REGISTERED, {"escalate_after_days": None}, 31),
        (State.REGISTERED, {"escalate_after_days": 8}, 31),
        (State.DECIDED, {"escalate_after_days": 1}, 31),
        (State.WITHDRAWN, {"escalate_after_days": 1}, 31),
        (State.MERGED, {"escalate_after_days": 1}, 24),
    ],
)
def test_what_does_not_rise_by_itself(desk: Desk, state: str, terms: dict[str, Any], day: int) -> None:
    complaint = complaint_in(desk, state, subscription=agreed(desk, **terms))
    now = midnight(date(2024, 4, 1) + timedelta(days=day - 1))
    before = rows_of_every_table()
    assert escalate_complaints(by=desk.system, now=now) == []
    assert rows_of_every_table() == before
    assert_refused("state", escalate_overdue_complaint, complaint.pk, by=desk.system, now=now)


def test_whoever_raised_it_the_days_count_anew(desk: Desk) -> None:
    # At noon: near midnight, the change to summer time would move the last day.
    with clock_on(date(2024, 6, 12)):
        complaint = register(desk, agreed(desk, escalate_after_days=1000))
        escalate_complaint(complaint.pk, by=desk.lead, reason="The press called")
        assert escalate_complaints(by=desk.system, now=timezone.now() + timedelta(days=999)) == []
        assert escalate_complaints(by=desk.system, now=timezone.now() + timedelta(days=1001)) == [complaint.code]
    assert again(complaint).escalation_level == 2


def test_after_a_reopening_it_is_overdue_anew(desk: Desk) -> None:
    complaint = decide(desk, take_up(desk, register(desk, agreed(desk, escalate_after_days=2))))
    reopen_complaint(complaint.pk, by=desk.lead, reason="New facts", now=noon(1, month=9))
    due = again(complaint).decide_due_at
    assert escalate_complaints(by=desk.system, now=due + timedelta(days=1, hours=23)) == []
    assert escalate_complaints(by=desk.system, now=due + timedelta(days=2)) == [complaint.code]


def test_the_lead_of_the_team_is_told(desk: Desk) -> None:
    complaint = take_up(desk, register(desk, agreed(desk, escalate_after_days=1)))
    told = Event.objects.filter(verb="complaint.tell_lead", outcome="done")
    team = Team.objects.create(name="North desk", lead=factories.lead(email="lead@example.com"))
    desk.agent.team = team
    desk.agent.save()
    escalate_overdue_complaint(complaint.pk, by=desk.system)
    event = told.get()
    assert team.lead is not None
    assert event.data["told"] == [team.lead.username]
    message = OutgoingMessage.objects.get(staff=team.lead)
    assert (message.kind, message.complaint_id, message.recipient) == (
        "staff_escalation",
        complaint.pk,
        team.lead.email,
    )
    assert f"{complaint.code} is on level 1 now" in message.subject
    assert "It had to be decided by 24 April 2024 and is not." in message.body
    assert event.message == f"{complaint.code} is on level 1. It had to be decided by 24 April 2024 and is not."
    # A lead who is the customer is not told about their own case; where a team has no other lead, every lead is.
    team.lead.customer = complaint.customer
    team.lead.save()
    escalate_overdue_complaint(complaint.pk, by=desk.lead, now=timezone.now() + timedelta(days=2))
    assert told.order_by("-pk")[0].data["told"] == [desk.lead.username]
    assert OutgoingMessage.objects.count() == 2


def test_only_leads_and_the_job_escalate_for_age(desk: Desk) -> None:
    complaint = register(desk)
    for person in (desk.agent, desk.clerk, desk.auditor, desk.administrator):
        assert_refused("permission", escalate_overdue_complaint, complaint.pk, by=person)
    assert escalate_overdue_complaint(complaint.pk, by=desk.lead).escalation_level == 1


def test_the_command_lists_what_it_raised(desk: Desk) -> None:
    factories.system_user()
    complaint = register(desk)
    register(desk, factories.paid_subscription(), received_on=factories.days_ago(1))
    output = StringIO()
    call_command("escalate_complaints", stdout=output)
    assert output.getvalue() == f"{complaint.code}\n1 cases escalated.\n"
    assert Event.objects.get(verb="complaint.escalate_overdue").source == "command"
    output = StringIO()
    call_command("escalate_complaints", stdout=output)
    assert output.getvalue() == "0 cases escalated.\n"


def test_escalating_many_asks_first_once_for_all(desk: Desk) -> None:
    from django.db import connection

    def reading() -> int:
        with CaptureQueriesContext(connection) as captured:
            escalate_complaints(by=desk.system, now=noon(26))
        return len(captured)

    register(desk)
    few = reading()
    for _ in range(4):
        register(desk)
    assert reading() == few
