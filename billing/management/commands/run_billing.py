"""``run_billing``: the daily billing run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Refused
from audit.context import acting
from billing.money import format_amount
from billing.runs.actions import run_billing


class Command(BaseCommand):
    help = (
        "End, open and invoice what is due, apply credits, end cancelled subscriptions, mark overdue invoices. Run it"
        " again as often as you like: it does what is left to do. The exit status is 1 if a subscription could not be"
        " billed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--today", help="the local day to bill, YYYY-MM-DD; today if left out; a later one with --dry-run"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            today = date.fromisoformat(options["today"]) if options["today"] else timezone.localdate()
        except ValueError:
            raise CommandError(f"--today: “{options['today']}” is no date (YYYY-MM-DD).") from None
        with acting(source="command"):
            try:
                result = run_billing(today, by=User.objects.system(), dry_run=options["dry_run"])
            except Refused as refused:
                raise CommandError(str(refused)) from None
        self.stdout.write(
            f"{today}: {result.opened} periods opened, {result.invoiced} invoices, credits applied: "
            f"{_amounts(result.credited)}, {result.ended} subscriptions ended, {result.overdue} invoices overdue."
        )
        self.stdout.write(f"Invoiced: {_amounts(result.gross)}; of that charges: {_amounts(result.charged)}.")
        if result.leftover:
            self.stdout.write(f"Credits that ended subscriptions have left, to be paid out: {result.leftover}.")
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was written.")
        if result.problems:
            for problem in result.problems:
                self.stderr.write(problem)
            raise CommandError(f"{len(result.problems)} subscriptions could not be billed.")


def _amounts(sums: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{format_amount(sum_, unit)} {unit}" for unit, sum_ in sorted(sums.items())) or "none"
