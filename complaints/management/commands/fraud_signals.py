"""``fraud_signals``: the daily report of patterns that the rules allow and that are worth a look."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.staff.models import User
from audit.context import acting
from complaints.signals.actions import report_signals
from complaints.signals.job_kinds import SIGNALS
from complaints.signals.kinds import in_words
from core.text import in_english, say_count
from jobs.actions import start_job


class Command(BaseCommand):
    help = "Look for patterns that the rules allow and that are worth a look, and keep what was found as a report."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--enqueue", action="store_true", help="let the background worker do it, as a job")

    def handle(self, *args: Any, **options: Any) -> None:
        system = User.objects.system()
        with acting(source="command"):
            if options["enqueue"]:
                start_job(SIGNALS.name, SIGNALS.label, {}, by=system)
                self.stdout.write("The report is queued for the background worker.")
                return
            report = report_signals(by=system)
        for finding in report.findings:
            named = ", ".join(label for label, _, _ in finding["rows"])
            sentence = in_english(in_words(finding["signal"], finding["values"]))
            self.stdout.write(f"{finding['signal']}: {sentence} {named}")
        found = len(report.findings)
        self.stdout.write(in_english(say_count("{count} pattern found.", "{count} patterns found.", found)))
