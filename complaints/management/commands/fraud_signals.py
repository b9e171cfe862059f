"""``fraud_signals``: the daily report of patterns that the rules allow and that are worth a look."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.staff.models import User
from audit.context import acting
from complaints.signals.actions import report_signals
from complaints.signals.kinds import in_words
from complaints.signals.tasks import signals
from core.text import in_english, say_count


class Command(BaseCommand):
    help = "Look for patterns that the rules allow and that are worth a look, and keep what was found as a report."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--enqueue", action="store_true", help="let the background worker do it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["enqueue"]:
            signals.enqueue()
            self.stdout.write("The report is queued for the background worker.")
            return
        with acting(source="command"):
            report = report_signals(by=User.objects.system())
        for finding in report.findings:
            named = ", ".join(label for label, _, _ in finding["rows"])
            sentence = in_english(in_words(finding["signal"], finding["values"]))
            self.stdout.write(f"{finding['signal']}: {sentence} {named}")
        found = len(report.findings)
        self.stdout.write(in_english(say_count("{count} pattern found.", "{count} patterns found.", found)))
