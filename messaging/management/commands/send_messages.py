"""``send_messages``: what is due in the outbox, when no background worker has done it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from audit.context import acting
from messaging.sending.actions import AT_A_TIME, send_due


class Command(BaseCommand):
    help = (
        "Send every message that is due, and find those whose sender died. Run it every few minutes: it catches what"
        " the background worker has not done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=100_000, help="at most so many messages")

    def handle(self, *args: Any, **options: Any) -> None:
        left: int = options["limit"]
        sent = deferred = failed = uncertain = 0
        with acting(source="command"):
            while left > 0:
                part = send_due(limit=min(left, AT_A_TIME))
                tried = part.sent + part.deferred + part.failed + part.uncertain
                sent, deferred = sent + part.sent, deferred + part.deferred
                failed, uncertain = failed + part.failed, uncertain + part.uncertain
                left -= max(tried, 1)
                if tried == 0 or part.next_at is None or part.next_at > timezone.now():
                    break
        self.stdout.write(f"{sent} sent, {deferred} put off, {failed} failed, {uncertain} perhaps sent.")
