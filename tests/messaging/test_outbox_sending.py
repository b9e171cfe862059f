"""Sending against a real mail server: it accepts, refuses, delays, drops the connection; nobody is told twice."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from messaging.bounces.actions import record_bounce
from messaging.outbox.actions import be_done_with, confirm_arrival, send_again
from messaging.outbox.models import Delivery, DeliveryAttempt, OutgoingMessage
from messaging.sending.actions import BACKOFF, STALE_AFTER, claim_next, complete_try, send_due
from messaging.sending.transport import SendResult, message_id_of, message_named
from tests import factories
from tests.complaints.refusals import assert_refused
from tests.messaging.mail_server import MailServer, mail_server

pytestmark = pytest.mark.django_db

State = Delivery.State


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def standing(message: OutgoingMessage) -> Delivery:
    return Delivery.objects.get(message=message)


def tried(message: OutgoingMessage) -> list[tuple[str, str]]:
    """Each try's outcome and the beginning of what was said."""
    return [(attempt.outcome, attempt.detail[:3]) for attempt in message.attempts.all()]


def later(minutes: float) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


# --- Accepted -----------------------------------------------------------------------------------


def test_a_message_is_sent_once_to_the_letter(server: MailServer) -> None:
    customer = factories.CustomerFactory.create(email="rossi@example.com", name="Caffè Rossi", language="it")
    message = factories.outgoing_message(customer)

    assert send_due().sent == 1
    assert send_due().sent == 0

    [mail] = server.mails
    assert (mail["To"], mail["From"]) == ("rossi@example.com", "Desk <desk@example.org>")
    assert mail["Message-ID"] == message_id_of(message)
    assert mail.get_content_type() == "text/plain"
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().replace("\r\n", "\n").strip() == message.body
    delivery = standing(message)
    assert (delivery.state, delivery.tries, delivery.next_attempt_at) == (State.SENT, 1, None)
    assert delivery.sent_at is not None
    assert tried(message) == [("accepted", "")]
    event = Event.objects.about(message).get()
    assert (event.verb, event.actor.username, event.customer_id) == ("message.sent", "system", customer.pk)


def test_a_line_that_begins_with_a_dot_arrives_whole(server: MailServer) -> None:
    customer = factories.CustomerFactory.create()
    text = "One\n.\n..two\n.three"
    factories.outgoing_message(customer, text=text)
    send_due()
    payload = server.mails[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().replace("\r\n", "\n").strip() == text


def test_many_messages_share_one_connection(server: MailServer) -> None:
    messages = [factories.outgoing_message() for _ in range(5)]
    assert send_due().sent == 5
    assert server.connections == 1
    assert sorted(server.ids) == sorted(message_id_of(message) for message in messages)


def test_a_round_is_no_longer_than_asked_and_tells_what_is_left(server: MailServer) -> None:
    for _ in range(3):
        factories.outgoing_message()
    first = send_due(limit=2)
    assert (first.sent, first.next_at is not None) == (2, True)
    second = send_due(limit=2)
    assert (second.sent, second.next_at) == (1, None)


# --- Refused and put off ------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["answers", "to_recipient"])
def test_a_no_for_good_fails_at_once_and_is_not_tried_again(server: MailServer, where: str) -> None:
    setattr(server, where, ["550 No such person here"])
    message = factories.outgoing_message()
    assert send_due().failed == 1
    assert send_due(now=later(60 * 24 * 30)).sent == 0
    delivery = standing(message)
    assert (delivery.state, delivery.next_attempt_at) == (State.FAILED, None)
    assert "No such person here" in delivery.note
    assert tried(message) == [("refused", "550")]
    assert Event.objects.about(message).get().verb == "message.failed"


def test_one_refused_message_does_not_keep_the_next_from_being_sent(server: MailServer) -> None:
    server.answers = ["554 Not this one"]
    first, second = factories.outgoing_message(), factories.outgoing_message()
    result = send_due()
    assert (result.failed, result.sent) == (1, 1)
    assert (standing(first).state, standing(second).state) == (State.FAILED, State.SENT)


@pytest.mark.parametrize("answer", ["451 Try later", "421 Too busy"])
def test_not_now_is_tried_again_ever_later(server: MailServer, answer: str) -> None:
    server.answers = [answer] * len(BACKOFF)
    message = factories.outgoing_message()
    now = timezone.now()
    for tries, wait in enumerate(BACKOFF, start=1):
        assert send_due(now=now).deferred == 1
        delivery = standing(message)
        assert (delivery.state, delivery.tries, delivery.next_attempt_at) == (State.QUEUED, tries, now + wait)
        assert send_due(now=now + wait - timedelta(seconds=1)).deferred == 0
        now += wait
    assert send_due(now=now).sent == 1
    assert tried(message) == [("deferred", answer[:3])] * len(BACKOFF) + [("accepted", "")]
    assert len(server.mails) == 1


def test_it_is_given_up_after_the_last_try(server: MailServer) -> None:
    server.answers = ["451 Try later"] * (len(BACKOFF) + 1)
    message = factories.outgoing_message()
    now = timezone.now()
    for wait in (*BACKOFF, timedelta(days=1)):
        send_due(now=now)
        now += wait
    delivery = standing(message)
    assert delivery.state == State.FAILED
    assert delivery.note == "Given up after 8 tries. 451 Try later"
    assert server.mails == []


def test_no_server_at_all_is_only_put_off() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        from django.test import override_settings

        from tests.messaging.mail_server import smtp_mailer

        with override_settings(MAILERS={"default": smtp_mailer(nobody.getsockname()[1])}):
            message = factories.outgoing_message()
            assert send_due().deferred == 1
    assert standing(message).state == State.QUEUED
    assert "refused" in message.attempts.get().detail


# --- Dropped ------------------------------------------------------------------------------------


def test_a_connection_lost_before_the_message_is_only_put_off(server: MailServer) -> None:
    server.drop = "before"
    message = factories.outgoing_message()
    assert send_due().deferred == 1
    server.drop = ""
    assert send_due(now=later(2)).sent == 1
    assert len(server.mails) == 1
    assert [outcome for outcome, _ in tried(message)] == ["deferred", "accepted"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_connection_lost_after_the_message_leaves_it_to_a_person(server: MailServer, *, kept: bool) -> None:
    server.drop = "after" if kept else "instead"
    message = factories.outgoing_message()
    assert send_due().uncertain == 1
    server.drop = ""
    assert send_due(now=later(60 * 24 * 30)).sent == 0
    assert standing(message).state == State.UNCERTAIN
    assert [outcome for outcome, _ in tried(message)] == ["unknown"]
    assert len(server.mails) == int(kept)


def test_a_server_that_answers_too_late_leaves_it_to_a_person() -> None:
    with mail_server(timeout=0.3) as server:
        server.slow = 0.8
        message = factories.outgoing_message()
        assert send_due().uncertain == 1
    assert standing(message).state == State.UNCERTAIN


# --- A process that died ------------------------------------------------------------------------


def test_a_try_that_died_is_found_and_never_repeated_by_itself(server: MailServer) -> None:
    message = factories.outgoing_message()
    began = timezone.now()
    assert claim_next(now=began) is not None  # and then the process is gone

    assert send_due(now=began + STALE_AFTER - timedelta(seconds=1)).uncertain == 0
    assert standing(message).state == State.SENDING
    assert send_due(now=began + STALE_AFTER + timedelta(seconds=1)).uncertain == 1
    assert send_due(now=began + timedelta(days=30)).sent == 0

    assert standing(message).state == State.UNCERTAIN
    assert [outcome for outcome, _ in tried(message)] == ["unknown"]
    assert server.mails == []


def test_a_try_given_up_for_dead_that_answers_after_all_is_believed() -> None:
    message = factories.outgoing_message()
    attempt = claim_next()
    assert attempt is not None
    send_due(now=later(16))
    assert standing(message).state == State.UNCERTAIN
    complete_try(attempt.pk, SendResult("accepted"), by=factories.system_user())
    assert standing(message).state == State.SENT


def test_a_try_that_answers_after_somebody_decided_changes_only_itself() -> None:
    message = factories.outgoing_message()
    attempt = claim_next()
    assert attempt is not None
    send_due(now=later(16))
    be_done_with(message.pk, by=factories.agent(), reason="Told on the phone")
    complete_try(attempt.pk, SendResult("accepted"), by=factories.system_user())
    assert standing(message).state == State.CANCELLED
    assert DeliveryAttempt.objects.get(pk=attempt.pk).outcome == "accepted"


# --- What people decide -------------------------------------------------------------------------


def uncertain(server: MailServer) -> OutgoingMessage:
    server.drop = "instead"
    message = factories.outgoing_message()
    send_due()
    server.drop = ""
    return message


def test_somebody_says_that_it_arrived(server: MailServer) -> None:
    message = uncertain(server)
    agent = factories.agent()
    assert_refused("reason_missing", lambda: confirm_arrival(message.pk, by=agent, reason=" "))
    confirm_arrival(message.pk, by=agent, reason="They answered it")
    assert standing(message).state == State.SENT
    send_due(now=later(60))
    assert server.mails == []
    assert_refused("state", lambda: confirm_arrival(message.pk, by=agent, reason="They answered it"))


def test_somebody_sends_it_again_as_the_very_same_message(server: MailServer) -> None:
    message = uncertain(server)
    assert send_again(message.pk, by=factories.agent(), reason="They have nothing").pk == message.pk
    assert send_due().sent == 1
    assert server.ids == [message_id_of(message)]
    assert [attempt.number for attempt in message.attempts.all()] == [1, 2]
    agent = factories.agent()
    assert_refused("state", lambda: send_again(message.pk, by=agent, reason="Once more"))


def test_another_address_gets_a_message_of_its_own_and_the_first_is_done_with(server: MailServer) -> None:
    server.to_recipient = ["550 Unknown"]
    message = factories.outgoing_message()
    send_due()
    agent = factories.agent()
    assert_refused("recipient", lambda: send_again(message.pk, by=agent, reason="Typo", recipient="nobody"))

    copy = send_again(message.pk, by=agent, reason="Typo", recipient="right@example.com")

    assert (copy.subject, copy.body, copy.recipient) == (message.subject, message.body, "right@example.com")
    assert copy.key != message.key
    assert standing(message).state == State.CANCELLED
    assert send_due().sent == 1
    assert [str(mail["To"]) for mail in server.mails] == ["right@example.com"]
    assert_refused("state", lambda: send_again(message.pk, by=agent, reason="Typo"))


def test_a_message_that_waits_can_be_stopped(server: MailServer) -> None:
    message = factories.outgoing_message()
    be_done_with(message.pk, by=factories.agent(), reason="Told on the phone")
    assert send_due().sent == 0
    assert server.mails == []
    agent = factories.agent()
    assert_refused("state", lambda: be_done_with(message.pk, by=agent, reason="Again"))


def test_a_bounce_is_recorded_by_hand(server: MailServer) -> None:
    message = factories.outgoing_message()
    clerk = factories.billing_clerk()
    assert_refused("state", lambda: record_bounce(message.pk, by=clerk, reason="Mailbox full"))
    send_due()
    record_bounce(message.pk, by=clerk, reason="Mailbox\nfull")
    delivery = standing(message)
    assert (delivery.state, delivery.note) == (State.BOUNCED, "Mailbox full")


@pytest.mark.parametrize("person", ["auditor", "administrator"])
def test_who_may_not_handle_messages(person: str) -> None:
    message = factories.outgoing_message()
    by = getattr(factories, person)()
    for attempt in (confirm_arrival, send_again, be_done_with, record_bounce):
        assert_refused("permission", lambda attempt=attempt: attempt(message.pk, by=by, reason="Because"))


def test_nobody_handles_messages_to_themself() -> None:
    customer = factories.CustomerFactory.create()
    message = factories.outgoing_message(customer)
    by = factories.agent(customer=customer)
    assert_refused("linked", lambda: be_done_with(message.pk, by=by, reason="Because"))


# --- Ids ----------------------------------------------------------------------------------------


def test_an_id_names_its_message_and_a_made_up_one_names_none() -> None:
    message = factories.outgoing_message()
    own = message_id_of(message)
    assert message_named(own) == message
    assert message_named(f"  {own} ") == message
    assert message_named(own.replace(f".{message.pk}.", f".{message.pk + 1}.")) is None
    assert message_named(own.replace("redress.", "other.")) is None
    assert message_named("") is None
