"""Messages that came back: delivery status notifications (RFC 3464), as a mail program keeps them."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from pathlib import Path

from messaging.templates.rendering import one_line


@dataclass(frozen=True, slots=True)
class Notification:
    """What one notification says: about which message, and what the other side's server did with it.

    ``action`` is "failed", "delayed", "delivered" or the like; "" if the e-mail is no such notification at all.
    """

    message_id: str
    action: str
    reason: str
    subject: str = ""


def read_notifications(path: Path) -> Iterator[Notification]:
    """The notifications in a file: one e-mail (``.eml``), or a mailbox of many (mbox)."""
    with path.open("rb") as file:
        is_mailbox = file.read(5) == b"From "
    if not is_mailbox:
        yield read_notification(path.read_bytes())
        return
    with closing(mailbox.mbox(path, create=False)) as box:
        for key in box.iterkeys():
            yield read_notification(box.get_bytes(key))


def read_notification(raw: bytes) -> Notification:
    """One e-mail as a notification. Whatever it holds, nothing of it is trusted but its words."""
    mail = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    subject = one_line(str(mail.get("Subject", "")))
    status = next((part for part in mail.walk() if part.get_content_type() == "message/delivery-status"), None)
    if status is None:
        return Notification("", "", "", subject)
    action, reason = _verdict(status)
    return Notification(_original_id(mail), action, reason, subject)


def _verdict(status: Message) -> tuple[str, str]:
    """What happened to the recipient: the gravest of those named, since each of our messages has one."""
    found: list[tuple[str, str]] = []
    blocks = status.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if not isinstance(block, Message) or "Action" not in block:
            continue
        said = [str(block[name]) for name in ("Status", "Diagnostic-Code") if block[name]]
        found.append((str(block["Action"]).strip().lower(), one_line(" ".join(said))))
    return next((entry for entry in found if entry[0] == "failed"), found[0] if found else ("", ""))


def _original_id(mail: Message) -> str:
    """The id of the message that came back, from its copy or its headers in the notification."""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822":
            inner = part.get_payload()
            if isinstance(inner, list) and inner and isinstance(inner[0], Message) and inner[0]["Message-ID"]:
                return str(inner[0]["Message-ID"])
        elif kind == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            headers = message_from_bytes(text if isinstance(text, bytes) else b"")
            if headers["Message-ID"]:
                return str(headers["Message-ID"])
        elif kind == "message/delivery-status":
            blocks = part.get_payload()
            for block in blocks if isinstance(blocks, list) else []:
                if isinstance(block, Message) and block["Original-Message-ID"]:
                    return str(block["Original-Message-ID"])
    return str(mail["In-Reply-To"] or "")
