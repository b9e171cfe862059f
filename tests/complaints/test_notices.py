"""Every outcome owes the customer a notice, until they are told or somebody without a hand in it says why not (R5)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.staff.models import User
from audit.models import Event
from billing.subscriptions.cancellations.actions import cancel_subscription
from complaints.cases.actions import acknowledge_complaint, record_customer_message
from complaints.cases.correspondence.actions import read_customer_message, write_message
from complaints.cases.deadlines.actions import record_missed_deadlines
from complaints.cases.deadlines.status import deadline_statuses_of, near_deadline
from complaints.cases.decisions.actions import (
    close_complaint,
    communicate_decision,
    merge_complaints,
    reopen_complaint,
)
from complaints.cases.models import Complaint, Message
from complaints.letters.outcomes import outcome_text
from complaints.notices.actions import dismiss_notice, tell_outcome
from complaints.notices.models import Notice
from complaints.refunds.approvals.actions import approve_refund, reject_refund
from complaints.refunds.endings.actions import expire_refund, withdraw_refund
from complaints.refunds.models import Refund
from messaging.bounces.actions import record_bounce
from messaging.outbox.actions import be_done_with, send_again
from messaging.outbox.models import OutgoingMessage
from messaging.sending.actions import send_due
from messaging.templates.reader import Reader
from tests import factories
from tests.complaints.cases import (
    LONG_LATER,
    Desk,
    again,
    communicate,
    complaint_in,
    decide,
    decided,
    draft,
    partly_paid,
    propose,
    register,
    settled,
    special,
    spring_subscription,
    take_back,
    take_up,
)
from tests.complaints.refusals import assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return Desk(limits=True)


def standing(complaint: Complaint) -> list[tuple[str, str]]:
    return list(Notice.objects.filter(complaint=complaint).values_list("outcome", "state"))


def close(desk: Desk, complaint: Complaint) -> Complaint:
    return close_complaint(complaint.pk, by=desk.agent, today=LONG_LATER)


def test_a_decision_is_owed_until_it_is_told_and_a_later_one_takes_it_over(desk: Desk) -> None:
    complaint = decided(desk)
    assert standing(complaint) == [("decision", "owed")]
    complaint = decide(desk, complaint, "partly_upheld")
    assert standing(complaint) == [("decision", "taken_over"), ("decision", "owed")]
    # A decided case is told by its own action.
    assert_refused("no_notice_owed", tell_outcome, complaint.pk, by=desk.agent, text="You are right.")
    complaint = communicate(desk, complaint)
    assert standing(complaint) == [("decision", "taken_over"), ("decision", "told")]
    assert Notice.objects.get(state="told").message == Message.objects.get()
    assert close(desk, complaint).state == "closed"


def test_a_letter_about_an_upheld_decision_tells_the_refunds_settled_before(desk: Desk) -> None:
    complaint = decided(desk)
    settled(desk, complaint)
    assert standing(complaint) == [("decision", "owed"), ("settled", "owed")]
    communicate(desk, complaint)
    assert standing(complaint) == [("decision", "told"), ("settled", "told")]


def test_a_rejection_does_not_tell_a_refund_at_discretion(desk: Desk) -> None:
    complaint = decided(desk, "rejected")
    settled(desk, complaint, "full_month")
    complaint = communicate(desk, complaint)
    assert standing(complaint) == [("decision", "told"), ("settled", "owed")]


def test_a_settled_refund_is_told_before_the_case_closes(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    refund = settled(desk, complaint)
    assert_refused("notice_owed", close, desk, complaint, saying=refund.code)
    text = outcome_text(Notice.objects.owed().get())
    assert "40.00 EUR" in text
    assert refund.code in text
    assert_refused("text_missing", tell_outcome, complaint.pk, by=desk.agent, text=" ")
    message = tell_outcome(complaint.pk, by=desk.agent, text=text)
    assert message.outgoing is not None
    assert message.outgoing.kind == "refund_settled"
    notice = Notice.objects.get(refund=refund)
    assert (notice.state, notice.message, notice.met_by) == ("told", message, desk.agent)
    assert close(desk, complaint).state == "closed"
    event = Event.objects.get(verb="complaint.tell", outcome="done")
    assert event.data == {"notice": notice.pk, "outcome": "settled"}


def test_the_letter_names_the_set_off_with_its_invoice(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk, subscription=partly_paid("35.00")))
    refund = settled(desk, complaint)
    text = outcome_text(Notice.objects.owed().get())
    assert f"25.00 EUR less to pay on invoice {refund.period.invoice.number}" in text
    assert "15.00 EUR" in text


def test_days_given_and_taken_back_are_told_with_the_end_of_the_service(desk: Desk) -> None:
    subscription = factories.paid_subscription(activated_on=factories.days_ago(10))
    complaint = communicate(desk, decided(desk, subscription=subscription, received_on=factories.days_ago(1)))
    cancel_subscription(subscription.pk, by=desk.agent, channel="phone")
    before = subscription.current_period()
    assert before is not None
    refund = special(desk, complaint, "10.00", remedies=[{"kind": "extension"}])
    approve_refund(refund.pk, by=desk.manager)
    reader = Reader("en")

    def last_day() -> str:
        period = subscription.current_period()
        assert period is not None
        return reader.day(period.closes_on - timedelta(days=1))

    longer = last_day()
    text = outcome_text(Notice.objects.owed().get(outcome="settled"))
    assert f"the service of {subscription.number} now ends after {longer}" in text
    tell_outcome(complaint.pk, by=desk.agent, text=text)
    take_back(desk, again(refund))
    assert last_day() == reader.day(before.closes_on - timedelta(days=1)) != longer
    text = outcome_text(Notice.objects.owed().get(outcome="reversed"))
    assert f"the service of {subscription.number} now ends after {last_day()}" in text


def test_told_by_telephone_or_letter_is_on_record_and_sends_nothing(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    settled(desk, complaint)
    message = tell_outcome(complaint.pk, by=desk.agent, text="Told on the telephone.", channel="phone")
    assert (message.outgoing, message.channel) == (None, "phone")
    assert standing(complaint)[-1] == ("settled", "told")


@pytest.mark.parametrize("outcome", ["decision", "settled"])
def test_a_letter_that_is_given_up_has_told_nobody(desk: Desk, outcome: str) -> None:
    complaint = communicate(desk, decided(desk))
    if outcome == "settled":
        settled(desk, complaint)
        text = outcome_text(Notice.objects.owed().get())
        letter = tell_outcome(complaint.pk, by=desk.agent, text=text).outgoing
    else:
        letter = Message.objects.get().outgoing
    assert letter is not None
    be_done_with(letter.pk, by=desk.agent, reason="They know")
    assert (outcome, "owed") in standing(complaint)
    assert_refused("notice_owed", close, desk, complaint)
    # It is told anew, by a letter of its own; and a copy to another address counts as the letter.
    again_told = tell_outcome(complaint.pk, by=desk.agent, text="Once more.").outgoing
    assert again_told is not None
    assert again_told.pk != letter.pk
    assert (outcome, "told") in standing(complaint)
    record_bounce(sent(again_told).pk, by=desk.agent, reason="No such mailbox")
    copy = send_again(again_told.pk, by=desk.agent, reason="Asked", recipient="new@example.com")
    assert (outcome, "told") in standing(complaint)
    be_done_with(copy.pk, by=desk.agent, reason="They know")
    assert (outcome, "owed") in standing(complaint)
    tell_outcome(complaint.pk, by=desk.agent, text="By telephone then.", channel="phone")
    assert close(desk, complaint).state == "closed"


def sent(letter: OutgoingMessage) -> OutgoingMessage:
    send_due()
    return letter


def test_a_reversal_is_told_with_what_came_back(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    refund = settled(desk, complaint)
    tell_outcome(complaint.pk, by=desk.agent, text="You get 40.00 EUR.")
    close(desk, complaint)
    take_back(desk, again(refund))
    assert standing(complaint)[-1] == ("reversed", "owed")
    text = outcome_text(Notice.objects.owed().get())
    assert "we took back 40.00 EUR" in text
    # In every state, a closed one included.
    tell_outcome(complaint.pk, by=desk.agent, text=text)
    assert standing(complaint)[-1] == ("reversed", "told")


@pytest.mark.parametrize(
    ("said", "owes"),
    [
        ("You will get 40.00 EUR.", True),
        ("Riceverà 40,00 EUR.", True),
        ("You will get 140.00 EUR.", False),
        ("You will hear from us.", False),
    ],
)
def test_what_ends_without_being_given_owes_a_notice_if_its_amount_was_told(desk: Desk, said: str, owes: bool) -> None:
    complaint = communicate(desk, decided(desk))
    refund = propose(desk, complaint)
    write_message(complaint.pk, by=desk.agent, text=said)
    reject_refund(refund.pk, by=desk.manager, reason="Too much")
    assert Notice.objects.owed().filter(refund=refund, outcome="ended").exists() is owes
    if owes:
        assert "40.00 EUR" in outcome_text(Notice.objects.owed().get())


def test_an_expired_one_owes_too(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    refund = propose(desk, complaint)
    write_message(complaint.pk, by=desk.agent, text="You will get 40.00 EUR.")
    expire_refund(refund.pk, by=desk.system, today=LONG_LATER)
    assert standing(complaint)[-1] == ("ended", "owed")


@pytest.mark.parametrize("ending", ["settled", "rejected", "withdrawn"])
def test_a_linked_retry_takes_the_notice_over_and_owes_its_own_end(desk: Desk, ending: str) -> None:
    complaint = communicate(desk, decided(desk))
    first = propose(desk, complaint)
    write_message(complaint.pk, by=desk.agent, text="You will get 40.00 EUR.")
    reject_refund(first.pk, by=desk.manager, reason="Too much")
    retry = propose(desk, complaint, retry_of_id=first.pk)
    assert standing(complaint)[-1] == ("ended", "taken_over")
    if ending == "settled":
        approve_refund(retry.pk, by=desk.manager)
    elif ending == "rejected":
        reject_refund(retry.pk, by=desk.manager, reason="No")
    else:
        withdraw_refund(retry.pk, by=desk.agent, reason="No")
    assert Notice.objects.owed().get().refund == retry


def test_only_somebody_without_a_hand_in_it_leaves_an_outcome_untold(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    settled(desk, complaint)
    for person in (desk.agent, desk.manager):
        assert_refused("own_hand", dismiss_notice, complaint.pk, by=person, reason="They know")
    assert_refused("reason_missing", dismiss_notice, complaint.pk, by=desk.lead, reason=" ")
    assert_refused("permission", dismiss_notice, complaint.pk, by=desk.auditor, reason="They know")
    dismiss_notice(complaint.pk, by=desk.lead, reason="The customer asked to hear nothing.")
    notice = Notice.objects.get(outcome="settled")
    assert (notice.state, notice.dismissed_reason) == ("dismissed", "The customer asked to hear nothing.")
    assert close(desk, complaint).state == "closed"


def test_the_database_keeps_one_notice_an_outcome(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    refund = settled(desk, complaint)
    for wrong in (
        Notice(complaint=complaint, outcome="settled", refund=refund, arose_at=timezone.now()),
        Notice(complaint=complaint, outcome="decision", decision=complaint.decision, arose_at=timezone.now()),
        Notice(complaint=complaint, outcome="reversed", arose_at=timezone.now()),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong.save()


def test_what_is_owed_of_a_merged_case_is_owed_on_the_survivor(desk: Desk) -> None:
    one = communicate(desk, decided(desk))
    refund = settled(desk, one)
    two = register(desk, one.subscription)
    merge_complaints(one.pk, by=desk.lead, into_id=two.pk, reason="The same")
    assert standing(two) == [("settled", "owed")]
    # What happens to it later, too.
    tell_outcome(two.pk, by=desk.agent, text="You get 40.00 EUR.")
    take_back(desk, again(refund))
    assert standing(two) == [("settled", "told"), ("reversed", "owed")]


def test_of_two_decisions_in_one_case_each_is_told_by_its_own_letter(desk: Desk) -> None:
    survivor = communicate(desk, decided(desk))
    merged = decided(desk, "rejected", subscription=survivor.subscription)
    merge_complaints(merged.pk, by=desk.lead, into_id=survivor.pk, reason="The same")
    text = outcome_text(Notice.objects.owed().get())
    assert merged.code in text
    assert survivor.code not in text
    message = tell_outcome(survivor.pk, by=desk.agent, text=text)
    assert message.outgoing is not None
    assert (message.outgoing.kind, message.outgoing.complaint_id) == ("decision_rejected", survivor.pk)
    assert not Notice.objects.owed().exists()


# --- The deadline to tell -----------------------------------------------------------------------


def test_the_clock_runs_until_the_outcome_is_told(desk: Desk) -> None:
    subscription = spring_subscription()
    timezone.localdate()
    complaint = register(desk, subscription, received_at=timezone.now())
    assert complaint.tell_due_at - complaint.decide_due_at >= timedelta(days=2, hours=23)
    acknowledge_complaint(complaint.pk, by=desk.agent, text=complaint.code)
    complaint = decide(desk, take_up(desk, complaint))
    [due] = deadline_statuses_of(complaint)
    assert (due.deadline, due.due_at) == ("tell", complaint.tell_due_at)
    late = complaint.tell_due_at + timedelta(seconds=1)
    assert complaint in Complaint.objects.overdue(late)
    assert complaint in Complaint.objects.filter(near_deadline(complaint.tell_due_at - timedelta(minutes=1)))
    [breach] = record_missed_deadlines(complaint.pk, by=desk.lead, now=late)
    assert (breach.deadline, breach.due_at) == ("tell", complaint.tell_due_at)
    assert_refused("state", record_missed_deadlines, complaint.pk, by=desk.lead, now=late)


def test_telling_late_leaves_the_breach_and_ends_the_clock(desk: Desk) -> None:
    complaint = decided(desk)
    communicate_decision(complaint.pk, by=desk.agent, text="You are right.")
    complaint = again(complaint)
    assert [breach.deadline for breach in complaint.breaches.all()].count("tell") == 1
    assert deadline_statuses_of(complaint) == []


@pytest.mark.parametrize("survivor_met", [True, False])
def test_an_acknowledgement_in_time_survives_a_merge(desk: Desk, survivor_met: bool) -> None:
    subscription = spring_subscription()
    today = timezone.localdate()
    early = register(desk, subscription, received_on=today - timedelta(days=9))
    late = register(desk, subscription, received_at=timezone.now())
    record_missed_deadlines(early.pk, by=desk.lead)
    met, other = late, early
    acknowledge_complaint(met.pk, by=desk.agent, text=met.code)
    into, gone = (met, other) if survivor_met else (other, met)
    before = set(into.breaches.values_list("pk", flat=True))
    survivor = merge_complaints(gone.pk, by=desk.lead, into_id=into.pk, reason="The same")
    assert survivor.acknowledged_at == again(met).acknowledged_at
    assert set(survivor.breaches.values_list("pk", flat=True)) == before
    assert survivor.decide_due_at == min(early.decide_due_at, late.decide_due_at)
    assert again(gone).received_at == gone.received_at


# --- Messages in every state --------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in Complaint.State if state != "merged"])
def test_a_customer_is_written_to_in_every_state(desk: Desk, state: str) -> None:
    complaint = complaint_in(desk, state)
    message = write_message(complaint.pk, by=desk.agent, text="One thing more.")
    assert (message.text, message.kind, again(complaint).state) == ("One thing more.", "other", state)
    # Another one is another message.
    assert write_message(complaint.pk, by=desk.agent, text="And another.").outgoing != message.outgoing


def wrote(desk: Desk, complaint: Complaint) -> None:
    record_customer_message(complaint.pk, by=desk.agent, text="But…", channel="email", received_at=timezone.now())


def seen_by(person: User) -> list[Complaint]:
    return list(Complaint.objects.customer_wrote().of_owner_or_lead(person))


def test_a_message_on_a_closed_case_is_put_before_its_owner_or_a_lead(desk: Desk) -> None:
    complaint = complaint_in(desk, "closed")
    wrote(desk, complaint)
    assert (seen_by(desk.agent), seen_by(desk.lead)) == ([complaint], [])
    desk.agent.is_active = False
    desk.agent.save()
    assert seen_by(desk.lead) == [complaint]
    write_message(complaint.pk, by=desk.lead, text="We are sorry.")
    assert seen_by(desk.lead) == []


def test_a_message_on_a_merged_case_is_put_before_the_owner_of_the_survivor(desk: Desk) -> None:
    complaint = complaint_in(desk, "merged")
    assert complaint.merged_into is not None
    survivor = take_up(desk, complaint.merged_into)
    wrote(desk, complaint)
    assert seen_by(desk.agent) == [survivor]
    assert_refused("state", write_message, complaint.pk, by=desk.agent, text="Yes.")
    read_customer_message(survivor.pk, by=desk.agent)
    assert seen_by(desk.agent) == []
    assert_refused("nothing", read_customer_message, survivor.pk, by=desk.agent)


def test_reopening_answers_by_working_on_it(desk: Desk) -> None:
    complaint = complaint_in(desk, "closed")
    wrote(desk, complaint)
    reopen_complaint(complaint.pk, by=desk.lead, reason="New facts")
    assert again(complaint).customer_wrote_at is None


def test_a_draft_that_was_never_told_owes_nothing(desk: Desk) -> None:
    complaint = communicate(desk, decided(desk))
    refund = draft(desk, complaint)
    withdraw_refund(refund.pk, by=desk.agent, reason="A mistake")
    assert not Notice.objects.owed().exists()
    assert (again(refund).state, refund.total) == (Refund.State.WITHDRAWN, Decimal(0))
