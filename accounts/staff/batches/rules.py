"""Who may approve several things at once, and how much in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import May, role_words
from accounts.staff.rules import permission_obstacle
from accounts.vocabulary import AccountVerb
from audit.actions import Obstacle
from audit.models import Event
from audit.vocabulary import Refusal
from core.amounts import money_text
from core.text import join, lower, say

#: What a batch is worth: the sum of each subject and currency.
type Worth = Mapping[tuple[str, str], Decimal]


def worth_of(parts: Iterable[tuple[str, str, Decimal]]) -> Worth:
    """Sums by subject and currency of (subject, currency, amount)."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for subject, currency, amount in parts:
        sums[subject, currency] += amount
    return sums


def batch_obstacle(worth: Worth, by: User, today: date) -> Obstacle | None:
    """Why this person may not approve all of it at once, or None: their role, or a sum that, together with their other
    batches of the day, is over the limit for batches. Whoever splits a batch gains nothing. Queries.
    """
    if found := permission_obstacle(by, May.APPROVE_BATCHES):
        return found
    before = _before(by, today)
    return next(
        (
            found
            for key, amount in sorted(worth.items())
            if (found := _limit_obstacle(key, amount, before.get(key, Decimal(0)), by, today))
        ),
        None,
    )


def _limit_obstacle(key: tuple[str, str], amount: Decimal, before: Decimal, by: User, today: date) -> Obstacle | None:
    subject, currency = key
    limits = ApprovalLimit.objects.in_force(today).filter(role=by.role_id, subject=subject, currency=currency)
    limit = limits.values_list("batch_amount", flat=True).first() or Decimal(0)
    if amount + before <= limit:
        return None
    said: dict[str, object] = {"amount": money_text(amount, currency), "limit": money_text(limit, currency)}
    sentence = (
        say(
            "{amount} together with {before} of your other batches of today is over your limit of {limit} for batches.",
            before=money_text(before, currency),
            **said,
        )
        if before
        else say("{amount} in one batch is over your limit of {limit} for batches.", **said)
    )
    what = lower(ApprovalLimit.Subject(subject).label)
    raised = say(
        "The limit to raise is: {limit}.",
        limit=join(", ", (role_words(by.role_name), what, currency, say("for a batch"))),
    )
    return Obstacle(join(" ", (sentence, raised)), code=Refusal.OVER_LIMIT)


def _before(by: User, today: date) -> dict[tuple[str, str], Decimal]:
    """What this person's batches of the day came to."""
    batches = Event.objects.filter(actor=by, verb=AccountVerb.BATCH_APPROVE, outcome=Event.Outcome.DONE, at__date=today)
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for data in batches.values_list("data", flat=True):
        for subject, currency, amount in data["worth"]:
            sums[subject, currency] += Decimal(amount)
    return sums
