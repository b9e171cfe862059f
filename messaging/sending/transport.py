"""Handing one message to the mail server, and saying what became of it as far as that can be known.

Django's own backend cannot tell a connection that was lost before the message from one that was lost after it. This
one can, and that decides whether trying again could tell somebody twice.
"""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from dataclasses import dataclass
from email import policy
from email.utils import parseaddr
from typing import Any, Self

from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from messaging.outbox.models import DeliveryAttempt, OutgoingMessage

Outcome = DeliveryAttempt.Outcome


@dataclass(frozen=True, slots=True)
class SendResult:
    """How one try ended: an outcome, and what the server or the connection said."""

    outcome: str
    detail: str = ""


class SendError(Exception):
    """A try that did not end with the server's yes; carries how it ended."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(detail)
        self.handed = SendResult(outcome, detail)


class SmtpSession:
    """A way to the mail server, kept open from one message to the next while all goes well. Use with ``with``."""

    def __init__(self) -> None:
        self._server: BaseEmailBackend | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._hang_up()

    def hand_over(self, message: OutgoingMessage) -> SendResult:
        """Give the message to the mail server. Never raises: whatever happened is in what is returned.

        A yes is ``accepted``; a no for good (5xx about this message) is ``refused``; what may pass (4xx, no
        connection, a wrong password of ours) is ``deferred``; a connection that was lost after the message had been
        handed over is ``unknown``.
        """
        handed = self._try(message)
        if handed.outcome != Outcome.ACCEPTED:
            self._hang_up()
        return handed

    def _try(self, message: OutgoingMessage) -> SendResult:
        try:
            if self._server is None:
                self._server = mailers.default
                self._server.open()
            taken = self._server.send_messages([as_email(message)])
        except SendError as trouble:
            return trouble.handed
        except (smtplib.SMTPException, OSError) as problem:
            return SendResult(Outcome.DEFERRED, _said(problem))
        except ValueError as problem:
            # The message itself cannot be written as an e-mail; trying again would end in the same way.
            return SendResult(Outcome.REFUSED, _said(problem))
        return SendResult(Outcome.ACCEPTED) if taken else SendResult(Outcome.DEFERRED, "The mail server took nothing.")

    def _hang_up(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()


def as_email(message: OutgoingMessage) -> EmailMessage:
    """The message as an e-mail: always the same one, with the same id, however often it is built."""
    return EmailMessage(
        subject=message.subject,
        body=message.body,
        to=[message.recipient],
        headers={"Message-ID": message_id_of(message)},
    )


# --- The id -------------------------------------------------------------------------------------

_OWN_ID = re.compile(r"<?redress\.(\d{1,18})\.([0-9a-f]{24})@[^\s>]+>?")


def message_id_of(message: OutgoingMessage) -> str:
    """The Message-ID: it follows from the key, so that a receiver recognises a repeat."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<redress.{message.pk}.{_digest(message.key)}@{domain}>"


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def message_named(message_id: str) -> OutgoingMessage | None:
    """The message of ours that an id names, or None: also for one that was made up."""
    found = _OWN_ID.search(message_id)
    if found is None:
        return None
    message = OutgoingMessage.objects.filter(pk=int(found[1])).first()
    return message if message is not None and _digest(message.key) == found[2] else None


# --- SMTP ---------------------------------------------------------------------------------------


class TwoPhaseBackend(EmailBackend):
    """SMTP step by step, so that a lost connection is told apart by when it was lost."""

    connection: Any

    def _send(self, email_message: EmailMessage) -> bool:
        sender = self.prep_address(email_message.from_email)
        [recipient] = [self.prep_address(address) for address in email_message.recipients()]
        whole = email_message.message(policy=policy.SMTP).as_bytes()
        server = self.connection
        server.ehlo_or_helo_if_needed()
        _step(server.mail(sender, [f"size={len(whole)}"] if server.has_extn("size") else []))
        _step(server.rcpt(recipient))
        _step(server.docmd("DATA"), wanted=3)
        try:
            server.send(_dotted(whole))
            # From here on the server has it all: only its answer tells whether it keeps it.
        except (OSError, smtplib.SMTPServerDisconnected) as lost:
            raise SendError(Outcome.DEFERRED, f"The connection was lost within the message. {_said(lost)}") from lost
        try:
            answer = server.getreply()
        except (OSError, smtplib.SMTPException) as lost:
            raise SendError(
                Outcome.UNKNOWN, f"The server had the message and did not say whether it keeps it. {_said(lost)}"
            ) from lost
        _step(answer)
        return True

    def _close_connection(self, connection: Any) -> None:
        """Say goodbye. The message's fate is known by then: trouble here must not change it."""
        try:
            connection.quit()
        except (smtplib.SMTPException, OSError, ssl.SSLError):
            connection.close()


def _step(answer: tuple[int, bytes], *, wanted: int = 2) -> None:
    """Go on if the server says yes.

    Raises:
        Trouble: it says no for good (5xx), or anything else.
    """
    code, text = answer
    if code // 100 == wanted:
        return
    said = f"{code} {text.decode(errors='replace')}"[:1000]
    # 421 closes the connection; whatever is not a clear 5xx may pass.
    raise SendError(Outcome.REFUSED if code // 100 == 5 else Outcome.DEFERRED, said)


def _dotted(whole: bytes) -> bytes:
    """The message as DATA wants it: lines end in CRLF, a leading dot is doubled, a lone dot ends it."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", whole)
    stuffed = re.sub(rb"(?m)^\.", b"..", lines)
    return stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _said(problem: BaseException) -> str:
    if isinstance(problem, smtplib.SMTPResponseException):
        said = problem.smtp_error
        return f"{problem.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"[:1000]
    return f"{type(problem).__name__}: {problem}"[:1000]
