"""A real mail server in the tests' own process, which can be told how to behave."""

from __future__ import annotations

import asyncio
import email
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from django.test import override_settings


@dataclass
class MailServer:
    """What it got, and how it answers. ``answers`` are given one after the other; then it says yes."""

    mails: list[Message] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    #: Answers to the recipient's address, in the same way.
    to_recipient: list[str] = field(default_factory=list)
    #: Seconds between keeping a message and saying so.
    slow: float = 0
    #: Seconds before it takes a recipient's address.
    slow_before: float = 0
    #: Whether it is waiting just now, before or after it took a message.
    speaking: bool = False
    #: Close the connection: "" never, "before" the message is read, "after" it was kept, "instead" of an answer.
    drop: str = ""
    connections: int = 0
    port: int = 0

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, rcpt_options: list[str]
    ) -> str:
        if self.slow_before:
            self.speaking = True
            await asyncio.sleep(self.slow_before)
        if self.drop == "before":
            server.transport.close()
            return "421 closing"
        if self.to_recipient:
            return self.to_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.drop == "instead":
            server.transport.close()
            return "451 never seen"
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("2"):
            self.mails.append(email.message_from_bytes(envelope.content))
        if self.slow:
            self.speaking = True
            await asyncio.sleep(self.slow)
        if self.drop == "after":
            server.transport.close()
        return answer

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]


class _AnyPort(Controller):
    """Takes whatever port is free."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server(*, timeout: float = 5) -> Iterator[MailServer]:
    """A server on a free port of this machine, and the settings that send to it."""
    server = MailServer()
    controller = _AnyPort(server, hostname="127.0.0.1", port=0, ready_timeout=10)
    controller.start()
    server.port, server.connections = controller.port, 0
    try:
        with override_settings(
            MAILERS={"default": smtp_mailer(server.port, timeout=timeout)}, DEFAULT_FROM_EMAIL="Desk <desk@example.org>"
        ):
            yield server
    finally:
        controller.stop()


def smtp_mailer(port: int, *, timeout: float = 5) -> dict[str, Any]:
    """The setting for a server on this machine."""
    return {
        "BACKEND": "messaging.sending.transport.TwoPhaseBackend",
        "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": timeout},
    }
