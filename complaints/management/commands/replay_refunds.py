"""``replay_refunds``: compute every refund ever proposed again, under the version of the calculation that made it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.money import format_amount
from complaints.quotes.inputs_json import inputs_from_json
from complaints.quotes.quoting import content_hash, differing_lines, refund_content
from complaints.refund_calculation import calculate
from complaints.refunds.models import Refund

# A returned draft may be edited, so its last proposal's hash says nothing about it any more.
HASHED = (
    *Refund.PENDING_STATES,
    Refund.State.SETTLED,
    Refund.State.REJECTED,
    Refund.State.REVOKED,
    Refund.State.REVERSED,
)


class Command(BaseCommand):
    help = "Recompute every refund from its frozen inputs and list each that differs. Exit status 1 if one does."

    def handle(self, *args: Any, **options: Any) -> None:
        replayed = differing = 0
        for refund in Refund.objects.filter(inputs__isnull=False).order_by("pk").iterator(chunk_size=2000):
            replayed += 1
            problem = _difference(refund)
            if problem:
                differing += 1
                self.stdout.write(f"{refund.code}: {problem}")
        self.stdout.write(f"{replayed} refunds replayed, {differing} differ.")
        if differing:
            raise CommandError("Some refunds do not come out as they were made.")


def _difference(refund: Refund) -> str:
    try:
        quote = calculate(inputs_from_json(refund.inputs), refund.calculation_version)
    except ValueError as problem:
        return f"cannot be computed: {problem}"
    lines = [{"code": line.code, "amount": format_amount(line.amount, refund.currency)} for line in quote.lines]
    if lines != refund.lines:
        found = "; ".join(
            f"{line['code']} was {line['before'] or 'missing'}, is {line['after'] or 'missing'}"
            for line in differing_lines(refund.lines, lines)
        )
        return found or "the lines have another order"
    if quote.total != refund.total:
        return f"total was {refund.total:f}, is {quote.total:f}"
    if refund.state in HASHED and refund.content_hash != content_hash(refund_content(refund)):
        return "its contents do not match their hash"
    return ""
