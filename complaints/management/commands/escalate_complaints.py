"""``escalate_complaints``: overdue cases rise by a level, and their lead is told. ``upkeep`` does it, too."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.staff.models import User
from audit.context import acting
from complaints.upkeep.actions import escalate_complaints


class Command(BaseCommand):
    help = "Raise undecided cases that are overdue for as long as the policy says, and tell their leads."

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(source="command"):
            escalated = escalate_complaints(by=User.objects.system())
        for code in escalated:
            self.stdout.write(code)
        self.stdout.write(f"{len(escalated)} cases escalated.")
