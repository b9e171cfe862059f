"""``check_ledger``: the books of everything, checked against each other, against their history, and against where each
row came from. Runs daily.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit.ledger_checks import run_checks
from billing.ledger import money as billing_ledger
from billing.usage import ledger as usage_ledger
from complaints.refunds import ledger as complaints_ledger
from hardware.purchases import ledger as hardware_ledger

CHECKS = (*billing_ledger.CHECKS, *usage_ledger.CHECKS, *complaints_ledger.CHECKS, *hardware_ledger.CHECKS)


class Command(BaseCommand):
    help = "Check credits, invoices, periods, usage, numbers, refunds and purchases. Exit status 1 names each breach."

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        # One transaction: server-side cursors need it, and a run of billing between two checks is not a breach.
        with transaction.atomic():
            for breach in run_checks(CHECKS):
                found += 1
                self.stdout.write(str(breach))
        self.stdout.write(f"{len(CHECKS)} checks, {found} breaches.")
        if found:
            raise CommandError("The books do not add up.")
