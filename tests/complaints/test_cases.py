"""A complaint's steps: which are open in which state and to whom, and what each one leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.models import Event
from complaints.cases.actions import (
    acknowledge_complaint,
    add_note,
    ask_customer,
    assess_complaint,
    assign_complaint,
    attach_file,
    correct_complaint,
    record_customer_message,
    resume_complaint,
)
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
from complaints.cases.files.models import Attachment
from complaints.cases.models import Complaint, DeadlineBreach, Message, Note
from complaints.incidents.actions import record_incident
from complaints.refunds.endings.actions import withdraw_refund
from complaints.refunds.proposals.actions import draft_refund
from policies.versions.models import PolicyVersion
from tests import factories
from tests.complaints.cases import (
    AS_OF,
    LONG_LATER,
    Desk,
    State,
    again,
    complaint_in,
    decided,
    draft,
    noon,
    register,
    settled,
    spring_subscription,
    take_up,
)
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db

OPEN = Complaint.OPEN_STATES


@pytest.fixture
def desk() -> Desk:
    return Desk()


def text_file(content: bytes = b"09:12 line lost", name: str = "log.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/plain")


# --- Every step in every state ------------------------------------------------------------------

type Step = Callable[[User, Complaint], object]


def unchanged(*states: str) -> dict[str, str]:
    return {state: state for state in states}


def into_other(by: User, complaint: Complaint) -> object:
    return merge_complaints(complaint.pk, by=by, into_id=twin(complaint).pk, reason="The same matter")


def from_other(by: User, complaint: Complaint) -> object:
    return merge_complaints(twin(complaint).pk, by=by, into_id=complaint.pk, reason="The same matter")


def twin(complaint: Complaint) -> Complaint:
    """The open complaint that ``test_every_step_from_every_state`` put beside it."""
    return Complaint.objects.get(customer=complaint.customer, subject="Twin")


STEPS: Mapping[str, Step] = {
    "acknowledge": lambda by, c: acknowledge_complaint(c.pk, by=by, text=f"Here it is: {c.code}"),
    "assign": lambda by, c: assign_complaint(c.pk, by=by, owner_id=by.pk),
    "assess": lambda by, c: assess_complaint(c.pk, by=by, severity="high", findings="Noise"),
    "note": lambda by, c: add_note(c.pk, by=by, text="Called the exchange"),
    "customer message": lambda by, c: record_customer_message(
        c.pk, by=by, text="Well?", channel="phone", received_at=noon(20)
    ),
    "ask": lambda by, c: ask_customer(c.pk, by=by, text="Since when?"),
    "resume": lambda by, c: resume_complaint(c.pk, by=by),
    "correct": lambda by, c: correct_complaint(c.pk, by=by, reason="Misheard", subject="Noise"),
    "attach": lambda by, c: attach_file(c.pk, by=by, file=text_file()),
    "decide": lambda by, c: decide_complaint(c.pk, by=by, outcome="upheld", reasons="The log"),
    "communicate": lambda by, c: communicate_decision(c.pk, by=by, text="You are right."),
    "close": lambda by, c: close_complaint(c.pk, by=by, today=LONG_LATER),
    "withdraw": lambda by, c: withdraw_complaint(c.pk, by=by, channel="phone", reason="“Never mind”"),
    "merge into another": into_other,
    "take another in": from_other,
    "reopen": lambda by, c: reopen_complaint(c.pk, by=by, reason="New facts"),
    "escalate": lambda by, c: escalate_complaint(c.pk, by=by, reason="The press called"),
    "refer": lambda by, c: refer_complaint(
        c.pk, by=by, scheme="Conciliation board", reference="17/24", referred_on=date(2024, 12, 10)
    ),
    "consent": lambda by, c: give_consent(c.pk, by=by, reason="They were in hospital"),
    "draft a refund": lambda by, c: draft_refund(c.pk, by=by, basis="usage"),
}

#: step -> {state: state afterwards}; from every other state it is refused.
AFTER: Mapping[str, Mapping[str, str]] = {
    "acknowledge": unchanged(*OPEN),
    "assign": {**unchanged(*OPEN), State.REGISTERED: State.IN_REVIEW},
    "assess": {**unchanged(*OPEN), State.REGISTERED: State.IN_REVIEW},
    "note": unchanged(*State.values),
    "customer message": unchanged(*State.values),
    "ask": {State.REGISTERED: State.WAITING, State.IN_REVIEW: State.WAITING},
    "resume": {State.WAITING: State.IN_REVIEW},
    "correct": unchanged(*OPEN),
    "attach": unchanged(*OPEN),
    "decide": dict.fromkeys((State.IN_REVIEW, State.WAITING, State.DECIDED, State.COMMUNICATED), State.DECIDED),
    "communicate": {State.DECIDED: State.COMMUNICATED},
    "close": {State.COMMUNICATED: State.CLOSED},
    "withdraw": dict.fromkeys(OPEN, State.WITHDRAWN),
    "merge into another": dict.fromkeys(OPEN, State.MERGED),
    "take another in": unchanged(*OPEN),
    "reopen": dict.fromkeys((State.DECIDED, State.COMMUNICATED, State.CLOSED, State.WITHDRAWN), State.IN_REVIEW),
    "escalate": unchanged(*(state for state in State.values if state != State.MERGED)),
    "refer": unchanged(*(state for state in State.values if state != State.MERGED)),
    "consent": unchanged(*OPEN),
    "draft a refund": unchanged(State.IN_REVIEW, State.WAITING, State.DECIDED, State.COMMUNICATED),
}


@pytest.mark.parametrize("state", State.values)
def test_every_step_from_every_state(desk: Desk, state: str, subtests: pytest.Subtests) -> None:
    assert set(AFTER) == set(STEPS)
    # So late that a lead has to consent to a refund.
    complaint = complaint_in(desk, state, received_on=date(2024, 12, 1))
    register(desk, complaint.subscription, received_on=date(2024, 12, 2), subject="Twin")
    for name, step in STEPS.items():
        with subtests.test(step=name):
            if state not in AFTER[name]:
                assert_refused("state", step, desk.lead, complaint, saying=complaint.code)
                continue
            with transaction.atomic():
                step(desk.lead, complaint)
                assert again(complaint).state == AFTER[name][state]
                event = Event.objects.order_by("-pk")[0]
                assert (event.outcome, event.actor_name) == ("done", "Lena Example")
                assert (event.actor_role, event.customer_id) == (Role.LEAD, complaint.customer_id)
                transaction.set_rollback(True)


LEADS_ONLY = {"merge into another", "take another in", "reopen", "escalate", "refer", "consent"}
WHERE = {  # a state in which a lead may take the step
    "reopen": State.CLOSED,
    "close": State.COMMUNICATED,
    "communicate": State.DECIDED,
    "resume": State.WAITING,
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_refused_to_whom_the_role_or_a_link_forbids_it(desk: Desk, name: str) -> None:
    complaint = complaint_in(desk, WHERE.get(name, State.IN_REVIEW), received_on=date(2024, 12, 1))
    register(desk, complaint.subscription, received_on=date(2024, 12, 2), subject="Twin")
    step = STEPS[name]
    denied = [desk.clerk, desk.auditor, desk.administrator, desk.system]
    if name in LEADS_ONLY or name == "assign":  # the case has an owner: this re-assigns it
        denied.append(desk.colleague)
    denied.append(factories.manager(is_active=False))
    denied.append(factories.UserFactory.create(role=None, is_superuser=True, is_staff=True))
    for person in denied:
        assert_refused("permission", step, person, complaint)
    linked = factories.manager(customer=complaint.customer)
    assert_refused("linked", lambda: step(linked, complaint))
    step(desk.manager, complaint)


def test_a_case_that_does_not_exist(desk: Desk) -> None:
    for name, step in STEPS.items():
        if "another" not in name:
            assert_refused("missing", step, desk.lead, Complaint(pk=987654), saying="exist")


# --- Registering --------------------------------------------------------------------------------


def test_registering_keeps_what_was_said_and_starts_the_deadlines(desk: Desk) -> None:
    complaint = register(desk, received_at=noon(10, hour=9), attachments=[text_file(), text_file(b"More", "b.txt")])
    assert (complaint.code, complaint.state) == ("C-00001", State.REGISTERED)
    assert complaint.received_at == noon(10, hour=9)
    assert complaint.registered_by == desk.agent
    assert complaint.refund_policy == PolicyVersion.objects.get(policy__kind="refund")
    assert complaint.fulfilment_policy == PolicyVersion.objects.get(policy__kind="fulfilment")
    kept = Attachment.objects.filter(complaint=complaint)
    assert [(file.name, file.size) for file in kept] == [("log.txt", 15), ("b.txt", 4)]
    assert len({file.sha256 for file in kept}) == 2
    with kept[0].file.open() as file:
        assert file.read() == b"09:12 line lost"
    event = Event.objects.get(verb="complaint.register")
    assert (event.target_id, event.complaint_id, event.customer_id) == (
        complaint.pk,
        complaint.pk,
        complaint.customer_id,
    )
    row = complaint.history.get()
    assert (row.history_type, row.history_user, row.history_request_id) == ("+", desk.agent, event.request_id)


def test_what_cannot_be_registered(desk: Desk) -> None:
    subscription = spring_subscription()
    other = spring_subscription()
    theirs = other.periods.get()

    def attempt(**changes: Any) -> Callable[[], Complaint]:
        return lambda: register(desk, subscription, **changes)

    assert_refused("dates", attempt(received_at=timezone.now() + timedelta(minutes=5)), saying="future")
    assert_refused("naive_time", attempt(received_at=noon(10).replace(tzinfo=None)), saying="time zone")
    assert_refused("dates", attempt(received_at=noon(31, month=3)), saying="1 Apr 2024")
    for field in ("channel", "category", "sought"):
        assert_refused("invalid", attempt(**{field: "pigeon"}), saying=field.replace("sought", "remedy sought"))
    for field in ("subject", "text"):
        assert_refused("invalid", attempt(**{field: ""}), saying=field)
    subscription_id = subscription.pk
    theirs.subscription_id = subscription_id
    assert_refused("period", lambda: register(desk, period=theirs), saying=subscription.number)
    theirs.subscription_id = 987654
    assert_refused("missing", lambda: register(desk, period=theirs))
    for person in (desk.clerk, desk.auditor, desk.administrator, desk.system):
        assert_refused("permission", register, desk, subscription, by=person)
    linked = factories.agent(customer=subscription.customer)
    assert_refused("linked", lambda: register(desk, subscription, by=linked))
    # None of these has used up a number.
    assert register(desk, subscription).code == "C-00001"


@pytest.mark.parametrize(
    ("file", "saying"),
    [
        (text_file(b""), "empty"),
        (text_file(b"x" * (10 * 1024 * 1024 + 1)), "10 MB"),
        (
            SimpleUploadedFile("a.exe", b"MZ", content_type="application/x-msdownload"),
            "application/x-msdownload",
        ),
        (text_file(b"the same", "first.txt"), "already"),
    ],
)
def test_a_file_that_is_not_taken_keeps_the_whole_registration_out(
    desk: Desk, file: SimpleUploadedFile, saying: str
) -> None:
    subscription = spring_subscription()
    first = text_file(b"the same", "other name.txt")
    assert_refused("attachment", lambda: register(desk, subscription, attachments=[first, file]), saying=saying)
    complaint = register(desk, subscription, attachments=[text_file(b"the same")])
    assert_refused("attachment", lambda: attach_file(complaint.pk, by=desk.agent, file=file), saying=saying)


def test_a_files_name_loses_its_folders(desk: Desk) -> None:
    complaint = register(desk)
    attachment = attach_file(complaint.pk, by=desk.agent, file=text_file(name="C:\\Users\\me\\log.txt"))
    assert attachment.name == "log.txt"
    assert str(attachment.file).startswith("complaints/")


# --- Working on it ------------------------------------------------------------------------------


def test_acknowledging(desk: Desk) -> None:
    complaint = register(desk)
    assert_refused(
        "code_missing",
        lambda: acknowledge_complaint(complaint.pk, by=desk.agent, text="We have it."),
        saying=complaint.code,
    )
    message = acknowledge_complaint(complaint.pk, by=desk.agent, text=f"We have it: {complaint.code}.")
    assert (message.direction, message.kind, message.channel) == ("out", "acknowledgement", "email")
    assert message.correspondent == complaint.customer.email
    assert again(complaint).acknowledged_at == message.at
    # Two years late: the breach stays, though the deadline is met now.
    assert [b.due_at for b in DeadlineBreach.objects.filter(deadline="acknowledge")] == [complaint.acknowledge_due_at]
    assert_refused("state", lambda: acknowledge_complaint(complaint.pk, by=desk.agent, text=complaint.code))


def test_acknowledging_in_time_breaches_nothing(desk: Desk) -> None:
    subscription = factories.paid_subscription()
    complaint = register(desk, subscription, received_on=factories.days_ago(1))
    acknowledge_complaint(complaint.pk, by=desk.agent, text=complaint.code, recipient="Ms Rossi", channel="phone")
    message = Message.objects.get()
    assert (message.correspondent, message.channel) == ("Ms Rossi", "phone")
    assert not DeadlineBreach.objects.exists()
    assert_refused("state", lambda: record_missed_deadlines(complaint.pk, by=desk.lead))


def test_assigning(desk: Desk) -> None:
    complaint = register(desk)
    assert complaint.owner is None
    for nobody in (desk.clerk.pk, desk.auditor.pk, factories.agent(is_active=False).pk, 987654):
        assert_refused("owner", assign_complaint, complaint.pk, by=desk.agent, owner_id=nobody)
    linked = factories.agent(customer=complaint.customer)
    assert_refused("linked", lambda: assign_complaint(complaint.pk, by=desk.agent, owner_id=linked.pk))

    assign_complaint(complaint.pk, by=desk.agent, owner_id=desk.agent.pk)
    assert again(complaint).owner == desk.agent
    assert again(complaint).state == State.IN_REVIEW
    assert_refused("state", lambda: assign_complaint(complaint.pk, by=desk.lead, owner_id=desk.agent.pk))
    assert_refused("permission", lambda: assign_complaint(complaint.pk, by=desk.colleague, owner_id=desk.colleague.pk))
    assign_complaint(complaint.pk, by=desk.lead, owner_id=desk.colleague.pk, reason="Holidays")
    assert again(complaint).owner == desk.colleague
    event = Event.objects.filter(verb="complaint.assign", outcome="done").order_by("-pk")[0]
    assert event.data == {"from": "Ada Example", "to": "Bela Example"}
    assert event.reason == "Holidays"


def test_assessing_copies_the_evidence_as_it_stands(desk: Desk) -> None:
    factories.approval_limits()
    operation = factories.OperationFactory.create(code="TRUNK")
    factories.OperationCostFactory.create(operation=operation)
    subscription = spring_subscription()
    factories.phone_purchase(subscription.customer)
    factories.usage(subscription, day=AS_OF, seconds=600)
    factories.usage(subscription, day=AS_OF, operation="TRUNK", quantity=Decimal("2.5"))
    record_incident(by=desk.lead, title="Down", starts_at=noon(2), ends_at=noon(3), hits_everybody=True)
    earlier = decided(desk, subscription=subscription, received_on=date(2024, 4, 5))
    refund = settled(desk, earlier, "special", special_amount=Decimal("5.00"))
    complaint = register(desk, subscription)
    assert_refused(
        "findings_missing",
        lambda: assess_complaint(complaint.pk, by=desk.agent, severity="high", findings="  "),
    )
    assert_refused("invalid", lambda: assess_complaint(complaint.pk, by=desk.agent, severity="dire", findings="Noise"))

    assessment = assess_complaint(complaint.pk, by=desk.agent, severity="high", findings=" Noise ")
    assert (assessment.findings, assessment.severity, assessment.by) == ("Noise", "high", desk.agent)
    assert again(complaint).severity == "high"
    assert again(complaint).owner == desk.agent
    evidence = assessment.evidence
    assert evidence["fee"] == evidence["fee_paid"] == "60.00"
    assert (evidence["seconds_used"], evidence["minutes_included"]) == (600, 500)
    assert evidence["operations"] == [{"code": "TRUNK", "quantity": "2.50"}]
    assert [incident["scheduled"] for incident in evidence["incidents"]] == [False]
    assert evidence["earlier_complaints"] == [earlier.code]
    assert evidence["earlier_refunds"] == [{"code": refund.code, "amount": "5.00", "currency": "EUR"}]
    assert [phone["owed"] for phone in evidence["phones"]] == ["120.00"]

    factories.usage(subscription, day=AS_OF, seconds=60)
    assessment.refresh_from_db()
    assert assessment.evidence == evidence


def test_notes_and_messages_are_never_mixed_up(desk: Desk) -> None:
    complaint = register(desk)
    pk = complaint.pk
    add_note(pk, by=desk.agent, text=" Difficult customer ")
    record_customer_message(pk, by=desk.agent, text="Any news?", channel="phone", received_at=noon(11))
    ask_customer(pk, by=desk.agent, text="Which number?")
    assert [note.text for note in Note.objects.all()] == ["Difficult customer"]
    assert {(m.direction, m.text) for m in Message.objects.all()} == {
        ("in", "Any news?"),
        ("out", "Which number?"),
    }

    assert_refused("text_missing", lambda: add_note(pk, by=desk.agent, text=" "))

    def heard(**changes: object) -> Callable[[], Message]:
        given: dict[str, Any] = {"text": "Hello?", "channel": "phone", "received_at": noon(12), **changes}
        return lambda: record_customer_message(pk, by=desk.agent, **given)

    assert_refused("text_missing", heard(text=""))
    assert_refused("dates", heard(received_at=timezone.now() + timedelta(minutes=1)))
    assert_refused("dates", heard(received_at=noon(12).replace(tzinfo=None)))
    assert_refused("invalid", heard(channel="pigeon"))


def test_waiting_for_the_customer_does_not_stop_the_clock(desk: Desk) -> None:
    complaint = take_up(desk, register(desk))
    due = (complaint.acknowledge_due_at, complaint.decide_due_at)
    assert_refused("text_missing", lambda: ask_customer(complaint.pk, by=desk.agent, text=" "))
    ask_customer(complaint.pk, by=desk.agent, text="Since when?")
    waiting = again(complaint)
    assert (waiting.acknowledge_due_at, waiting.decide_due_at) == due
    record_missed_deadlines(complaint.pk, by=desk.lead)
    assert DeadlineBreach.objects.filter(complaint=complaint).count() == 3
    resume_complaint(complaint.pk, by=desk.agent)
    resumed = again(complaint)
    assert (resumed.acknowledge_due_at, resumed.decide_due_at) == due


# --- Correcting ---------------------------------------------------------------------------------


def test_correcting_keeps_the_old_values_in_the_history(desk: Desk) -> None:
    complaint = register(desk)
    pk = complaint.pk
    assert_refused("reason_missing", lambda: correct_complaint(pk, by=desk.agent, reason=" ", subject="Noise"))
    assert_refused("nothing", lambda: correct_complaint(pk, by=desk.agent, reason="?", subject=complaint.subject))
    assert_refused("invalid", lambda: correct_complaint(pk, by=desk.agent, reason="?", category="pigeon"))
    with pytest.raises(ValueError, match="state"):
        correct_complaint(pk, by=desk.agent, reason="To be quick", state="closed")
    assert again(complaint).state == State.REGISTERED

    correct_complaint(pk, by=desk.agent, reason="It was about an invoice", category="billing", subject="Invoice")
    newest, oldest = complaint.history.order_by("-history_id")
    assert (oldest.category, oldest.subject) == ("quality", "Calls break off")
    assert (newest.category, newest.subject) == ("billing", "Invoice")
    assert newest.history_change_reason == "It was about an invoice"
    assert Event.objects.order_by("-pk")[0].data == {"changed": ["category", "subject"]}


def test_deadlines_follow_a_corrected_day_of_receipt(desk: Desk) -> None:
    complaint = register(desk, received_at=noon(10))
    correct_complaint(complaint.pk, by=desk.agent, reason="It came on the 8th", received_at=noon(8))
    corrected = again(complaint)
    assert complaint.decide_due_at - corrected.decide_due_at == timedelta(days=2)
    # The old deadlines had passed unmet before anybody noticed the mistake.
    assert {b.due_at for b in DeadlineBreach.objects.all()} == {
        complaint.acknowledge_due_at,
        complaint.decide_due_at,
        complaint.tell_due_at,
    }
    for wrong in (noon(31, month=3), timezone.now() + timedelta(days=1)):
        assert_refused(
            "dates",
            correct_complaint,
            complaint.pk,
            by=desk.agent,
            reason="?",
            received_at=wrong,
        )


def test_a_case_moves_only_among_its_customers_subscriptions(desk: Desk) -> None:
    complaint = register(desk)
    same = spring_subscription(customer=complaint.customer)
    other = spring_subscription()

    def move(subscription: Any, period: Any) -> Callable[[], Complaint]:
        return lambda: correct_complaint(
            complaint.pk,
            by=desk.agent,
            reason="Another line",
            subscription_id=subscription.pk,
            period_id=period.pk,
        )

    assert_refused("customer", move(other, other.periods.get()))
    assert_refused("period", move(same, other.periods.get()))
    move(same, same.periods.get())()
    assert again(complaint).subscription == same

    refund = draft(desk, take_up(desk, complaint))
    for changes in (
        {"received_at": noon(9)},
        {"category": "billing"},
        {"subscription_id": other.pk, "period_id": other.periods.get().pk},
    ):
        assert_refused(
            "open_refund",
            correct_complaint,
            complaint.pk,
            by=desk.agent,
            reason="?",
            **changes,
            saying=refund.code,
        )
    correct_complaint(complaint.pk, by=desk.agent, reason="Typing", text="Calls break off after 2 minutes.")
    withdraw_refund(refund.pk, by=desk.agent, reason="Moved")
    third = spring_subscription(customer=complaint.customer)
    assert_refused("has_refunds", move(third, third.periods.get()))


# --- Deadlines ----------------------------------------------------------------------------------


def test_a_missed_deadline_is_written_down_once(desk: Desk) -> None:
    complaint = register(desk)
    assert_refused("permission", lambda: record_missed_deadlines(complaint.pk, by=desk.agent))
    breaches = record_missed_deadlines(complaint.pk, by=desk.system)
    assert {b.deadline for b in breaches} == {"acknowledge", "decide", "tell"}
    events = Event.objects.filter(verb="complaint.deadline_missed", outcome="done")
    assert sorted((event.data for event in events), key=lambda data: data["breach"]) == [
        {"deadline": breach.deadline, "due_at": breach.due_at.isoformat(), "breach": breach.pk} for breach in breaches
    ]
    assert_refused("state", lambda: record_missed_deadlines(complaint.pk, by=desk.system))


def test_a_deadline_is_missed_at_its_very_instant(desk: Desk) -> None:
    complaint = register(desk)
    due = complaint.acknowledge_due_at
    early = due - timedelta(microseconds=1)
    assert_refused("state", lambda: record_missed_deadlines(complaint.pk, by=desk.lead, now=early))
    assert [b.deadline for b in record_missed_deadlines(complaint.pk, by=desk.lead, now=due)] == ["acknowledge"]
