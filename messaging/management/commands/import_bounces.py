"""``import_bounces FILE``: messages that came back, from the notifications in the mailbox of the sender's address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.staff.models import User
from audit.actions import Refused
from audit.context import acting
from messaging.bounces.actions import record_bounce
from messaging.bounces.reading import Notification, read_notifications
from messaging.outbox.models import Delivery
from messaging.sending.transport import message_named


class Command(BaseCommand):
    help = (
        "Record the messages that came back. FILE is one e-mail (.eml) or a mailbox (mbox) of delivery status"
        " notifications (RFC 3464). Reading a file again changes nothing more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        counts = {"recorded": 0, "known": 0, "delayed": 0, "strange": 0}
        system = User.objects.system()
        try:
            with acting(source="command"):
                for notification in read_notifications(path):
                    counts[self._take(notification, system)] += 1
        except OSError as problem:
            raise CommandError(f"{path} cannot be read: {problem.strerror or problem}") from None
        self.stdout.write(
            f"{counts['recorded']} messages came back, {counts['known']} were on file already, {counts['delayed']} are"
            f" only delayed or delivered, {counts['strange']} e-mails are about no message of ours."
        )

    def _take(self, notification: Notification, system: User) -> str:
        message = message_named(notification.message_id)
        if message is None:
            self.stderr.write(f"About no message of ours: “{notification.subject}”.")
            return "strange"
        if notification.action != "failed":
            return "delayed"
        if message.delivery.state == Delivery.State.BOUNCED:
            return "known"
        try:
            record_bounce(message.pk, by=system, reason=notification.reason or "The server gave no reason.")
        except Refused as refused:
            self.stderr.write(f"{message}: {refused.message}")
            return "known"
        return "recorded"
