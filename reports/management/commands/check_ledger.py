"""``check_ledger``: the books of everything, checked against each other, against their history, and against where each
row came from. Runs daily.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit.history_checks import matches_history
from audit.ledger_checks import Check, run_checks
from audit.tracked import Tracked
from billing.ledger import money as billing_ledger
from billing.usage import ledger as usage_ledger
from complaints.refunds import ledger as complaints_ledger
from hardware.purchases import ledger as hardware_ledger

ROOMS: tuple[Check, ...] = (
    *billing_ledger.CHECKS,
    *usage_ledger.CHECKS,
    *complaints_ledger.CHECKS,
    *hardware_ledger.CHECKS,
)


def unnamed(rooms: tuple[Check, ...]) -> Iterator[Check]:
    """That the rows of each tracked model whose room says nothing closer are what their history says."""
    named = {check.__name__ for check in rooms}
    for model in apps.get_models():
        if issubclass(model, Tracked):
            check = matches_history(model)
            if check.__name__ not in named:
                yield check


CHECKS = (*ROOMS, *unnamed(ROOMS))


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
