"""Several senders at once, and one that is killed: real connections, real commits, a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.customers.models import Customer
from accounts.staff.models import User
from messaging.outbox.models import Delivery, DeliveryAttempt, OutgoingMessage
from messaging.outbox.queue import queue_message
from messaging.sending.actions import STALE_AFTER, send_due
from messaging.sending.tasks import send_due_messages
from messaging.sending.transport import message_id_of
from messaging.templates.actions import send_test
from messaging.templates.models import MessageTemplate
from tests import factories
from tests.concurrency.racing import race, refusals_of
from tests.messaging.mail_server import mail_server

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]
FIELDS = {"amount": "40.00 EUR", "paid_on": "2 May 2024", "reference": "SEPA-1"}


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_two_senders_send_each_message_once() -> None:
    with mail_server() as server:
        ids = sorted(message_id_of(factories.outgoing_message()) for _ in range(12))
        race([send_due, send_due, send_due])
    assert sorted(server.ids) == ids
    assert states() == ["sent"] * 12
    assert DeliveryAttempt.objects.count() == 12


def test_two_who_queue_the_same_occasion_at_once_queue_one_message() -> None:
    customer, by = factories.CustomerFactory.create(), factories.billing_clerk()

    def queue() -> None:
        with transaction.atomic():
            queue_message(kind="payout_made", key="payout_made:1", by=by, customer=customer, fields=FIELDS)

    assert refusals_of(race([queue, queue])) == []
    assert OutgoingMessage.objects.count() == 1
    assert states() == ["queued"]


def test_the_sender_is_started_after_the_commit_alone() -> None:
    customer, by = factories.CustomerFactory.create(), factories.billing_clerk()
    with transaction.atomic():
        factories.outgoing_message(customer, by=by)
        assert DBTaskResult.objects.count() == 0
    assert [task.task_path for task in DBTaskResult.objects.all()] == ["messaging.sending.tasks.send_due_messages"]


def test_what_is_rolled_back_was_never_queued() -> None:
    customer, by = factories.CustomerFactory.create(), factories.billing_clerk()

    def fail() -> None:
        with transaction.atomic():
            factories.outgoing_message(customer, by=by)
            raise RuntimeError("the action failed")

    with mail_server() as server:
        with pytest.raises(RuntimeError):
            fail()
        send_due()
    assert (OutgoingMessage.objects.count(), Delivery.objects.count(), DBTaskResult.objects.count()) == (0, 0, 0)
    assert server.mails == []


def test_an_action_stands_though_the_queue_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: object) -> None:
        raise ConnectionError("no queue")

    monkeypatch.setattr(type(send_due_messages), "enqueue", broken)
    factories.outgoing_message()
    assert "wait for send_messages" in caplog.text
    with mail_server() as server:
        assert send_due().sent == 1
    assert len(server.mails) == 1


def test_the_task_comes_back_for_what_was_put_off() -> None:
    with mail_server() as server:
        server.answers = ["451 Later"]
        factories.outgoing_message()
        DBTaskResult.objects.all().delete()
        assert send_due_messages.call() == {"sent": 0, "deferred": 1, "failed": 0, "uncertain": 0}
        again = DBTaskResult.objects.get()
        due_at = Delivery.objects.get().next_attempt_at
        assert due_at is not None
        assert again.run_after is not None
        assert again.run_after >= due_at - timedelta(seconds=1)
        DBTaskResult.objects.all().delete()
        assert send_due_messages.call()["sent"] == 0  # not due yet
        assert not DBTaskResult.objects.exists()


def test_a_test_send_goes_to_the_editor_alone() -> None:
    by = factories.lead(email="lena@example.com")
    template = MessageTemplate.objects.get(kind="decision_upheld", language="it")
    with mail_server() as server:
        message = send_test(template.pk, by=by)
        send_due()
    assert (message.staff, message.customer, message.language) == (by, None, "it")
    [mail] = server.mails
    assert mail["To"] == "lena@example.com"
    assert message.subject == "Test: La nostra decisione sul suo reclamo C-00042"


SENDER = """
import sys
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from tests.messaging.mail_server import smtp_mailer
settings.MAILERS = {"default": smtp_mailer(int(sys.argv[2]), timeout=60)}
from messaging.sending.actions import send_due
print("sending", flush=True)
send_due()
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["after the server has it", "before it has it"])
def test_a_sender_killed_in_the_middle_leaves_its_message_to_a_person(moment: str) -> None:
    with mail_server(timeout=30) as server:
        server.slow = 30
        if moment == "before it has it":
            server.slow_before = 30
        message = factories.outgoing_message(Customer.objects.create(number="K-1", name="Rossi", email="r@example.com"))
        began = timezone.now()
        name = str(connection.settings_dict["NAME"])
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", SENDER, name, str(server.port)],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)},
        )
        try:
            _wait_for(lambda: server.speaking)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        kept = moment == "after the server has it"
        assert len(server.mails) == int(kept)
        assert states() == ["sending"]

        server.slow = server.slow_before = 0
        assert send_due(now=began + timedelta(minutes=1)).sent == 0
        assert states() == ["sending"]
        found = send_due(now=timezone.now() + STALE_AFTER + timedelta(seconds=1))
        assert (found.uncertain, found.sent) == (1, 0)
        assert send_due(now=began + timedelta(days=30)).sent == 0
        assert states() == ["uncertain"]
        assert [attempt.outcome for attempt in message.attempts.all()] == ["unknown"]
        assert len(server.mails) == int(kept)
    assert User.objects.system().pk == message.queued_by_id


def _wait_for(happened: object, *, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if callable(happened) and happened():
            return
        time.sleep(0.05)
    raise AssertionError("the sender has not spoken to the server")
