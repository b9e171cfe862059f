"""``upkeep``: the daily look at expiries, deadlines and overdue cases, now or by the background worker."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.staff.models import User
from audit.context import acting
from complaints.upkeep.actions import run_upkeep
from complaints.upkeep.tasks import upkeep


class Command(BaseCommand):
    help = "Expire refunds whose days are over, record missed deadlines and escalate overdue cases."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--enqueue", action="store_true", help="let the background worker do it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["enqueue"]:
            upkeep.enqueue()
            self.stdout.write("Upkeep is queued for the background worker.")
            return
        with acting(source="command"):
            result = run_upkeep(by=User.objects.system())
        self.stdout.write(
            f"{result.expired} refunds expired, {result.missed} missed deadlines recorded,"
            f" {result.escalated} cases escalated."
        )
