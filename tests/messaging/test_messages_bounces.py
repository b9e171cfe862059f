"""What came back, from files of delivery status notifications."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from messaging.bounces.reading import read_notification
from messaging.outbox.models import Delivery, OutgoingMessage
from messaging.sending.actions import send_due
from messaging.sending.transport import message_id_of
from tests import factories

pytestmark = pytest.mark.django_db

STATUS = """\
Reporting-MTA: dns; mail.example.com

Final-Recipient: rfc822; office@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}
"""
WHOLE = "Content-Type: message/rfc822\n\nMessage-ID: {id}\nSubject: We have paid you\n\nDear customer\n"
HEADERS = "Content-Type: text/rfc822-headers\n\nMessage-ID: {id}\nSubject: We have paid you\n"
NEITHER = "Content-Type: text/plain\n\nSorry.\n"
REPORT = """\
From: MAILER-DAEMON@example.com
To: desk@example.org
Subject: Undelivered Mail Returned to Sender
{more}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver it.

--b
Content-Type: message/delivery-status

{status}
--b
{original}
--b--
"""


def report(
    message_id: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "550 no such user",
    original: str = WHOLE,
    more: str = "",
) -> str:
    return REPORT.format(
        status=STATUS.format(action=action, status=status, said=said),
        original=original.format(id=message_id),
        more=more.format(id=message_id),
    )


@pytest.fixture
def sent() -> OutgoingMessage:
    message = factories.outgoing_message()
    assert send_due().sent == 1
    return message


def read(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("import_bounces", str(path))
    return capsys.readouterr().out


def mail(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bounce.eml"
    path.write_text(text)
    return path


def state(message: OutgoingMessage) -> Delivery:
    return Delivery.objects.get(message=message)


@pytest.mark.parametrize(
    ("original", "more"),
    [(WHOLE, ""), (HEADERS, ""), (NEITHER, "In-Reply-To: {id}\n")],
    ids=["the whole message", "its headers", "an answer to it"],
)
def test_a_bounce_is_recorded_once(
    sent: OutgoingMessage, tmp_path: Path, capsys: pytest.CaptureFixture[str], original: str, more: str
) -> None:
    path = mail(tmp_path, report(message_id_of(sent), original=original, more=more))
    assert read(path, capsys).startswith("1 messages came back, 0 were on file already")
    delivery = state(sent)
    assert (delivery.state, delivery.note) == ("bounced", "5.1.1 smtp; 550 no such user")
    event = Event.objects.about(sent).first()
    assert event is not None
    assert (event.verb, event.actor.username, event.source) == ("message.bounced", "system", "command")

    assert read(path, capsys).startswith("0 messages came back, 1 were on file already")
    assert Event.objects.about(sent).filter(verb="message.bounced").count() == 1


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed"])
def test_what_is_only_delayed_has_not_come_back(
    sent: OutgoingMessage, tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    path = mail(tmp_path, report(message_id_of(sent), action=action, status="4.0.0"))
    assert "1 are only delayed or delivered" in read(path, capsys)
    assert state(sent).state == "sent"


def test_a_mailbox_of_many_is_read_through(
    sent: OutgoingMessage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = factories.outgoing_message()
    send_due()
    path = tmp_path / "inbox"
    box = mailbox.mbox(path)
    for text in (
        report(message_id_of(sent)),
        "Subject: Out of office\n\nI am away.\n",
        report("<someone.else@example.com>"),
        report(message_id_of(other), action="delayed"),
        report(message_id_of(sent).replace(f".{sent.pk}.", f".{other.pk}.")),  # made up
    ):
        box.add(text)
    box.close()
    out = read(path, capsys)
    assert out.strip() == (
        "1 messages came back, 0 were on file already, 1 are only delayed or delivered,"
        " 3 e-mails are about no message of ours."
    )
    assert (state(sent).state, state(other).state) == ("bounced", "sent")


def test_a_message_that_was_not_sent_cannot_come_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = factories.outgoing_message()
    assert read(mail(tmp_path, report(message_id_of(message))), capsys).startswith("0 messages came back")
    assert state(message).state == "queued"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_bounces", str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n--b--",
        b"Content-Type: message/delivery-status\n\nAction",
        b"Content-Type: message/rfc822\n\n",
        b"In-Reply-To: " + b"<" * 5000,
    ],
)
def test_rubbish_is_no_notification(raw: bytes) -> None:
    assert read_notification(raw).action == ""
