"""``send_digests``: put the digests whose time has come into the outbox, now or by the background worker."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.staff.models import User
from audit.context import acting
from complaints.digests.actions import send_digests
from complaints.upkeep.tasks import digests


class Command(BaseCommand):
    help = "Tell staff by e-mail what waits for them, at the times they chose. Run it every few minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--enqueue", action="store_true", help="let the background worker do it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["enqueue"]:
            digests.enqueue()
            self.stdout.write("The digests are queued for the background worker.")
            return
        with acting(source="command"):
            result = send_digests(by=User.objects.system())
        self.stdout.write(f"{result.told} people are told, there was nothing to say to {result.nothing}.")
