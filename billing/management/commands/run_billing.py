"""``run_billing``: the daily billing run."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from audit.context import acting
from billing.actions.run import run_billing


class Command(BaseCommand):
    help = "End, open and invoice what is due, apply credits, end cancelled subscriptions, mark overdue invoices."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--today", help="the local day to bill, YYYY-MM-DD; today if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            today = date.fromisoformat(options["today"]) if options["today"] else timezone.localdate()
        except ValueError:
            raise CommandError(f"--today: “{options['today']}” is no date (YYYY-MM-DD).") from None
        with acting(source="command"):
            result = run_billing(today, by=User.objects.system())
        credited = ", ".join(f"{amount:f} {currency}" for currency, amount in sorted(result.credited.items())) or "none"
        self.stdout.write(
            f"{today}: {result.opened} periods opened, {result.invoiced} invoices, credits applied: {credited}, "
            f"{result.ended} subscriptions ended, {result.overdue} invoices overdue."
        )
        if result.problems:
            for problem in result.problems:
                self.stderr.write(problem)
            raise CommandError(f"{len(result.problems)} subscriptions could not be billed.")
