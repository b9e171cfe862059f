"""How the work went lately: decisions, how long they took, what was given. Two queries, whatever the size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import (
    Case,
    Count,
    DateField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Sum,
    Value,
    When,
)
from django.db.models.functions import TruncDate, TruncWeek
from django.utils import timezone

from complaints.cases.models import Decision
from complaints.refunds.models import Remedy

WEEKS = 12


@dataclass(frozen=True, slots=True)
class Statistics:
    """Numbers by week, the oldest first; ``as_of`` is when they were counted.

    ``days`` are whole days from receipt to the first decision, weekends included: for each week how many decisions
    took how many. ``given`` is gross, by kind of remedy and currency.
    """

    as_of: datetime
    weeks: Sequence[date]
    outcomes: Mapping[str, Sequence[int]]
    bases: Mapping[str, Sequence[int]]
    days: Sequence[Mapping[int, int]]
    given: Mapping[tuple[str, str], Decimal]

    @property
    def decided(self) -> list[int]:
        """Decisions of each week."""
        return [sum(week) for week in zip(*self.outcomes.values(), strict=True)] if self.outcomes else []

    def share_upheld(self, at: int | None = None) -> int | None:
        """Decisions that upheld the complaint, wholly or partly, in whole per cent: of one week, or of all."""
        places = range(len(self.weeks)) if at is None else (at,)
        decided = sum(self.decided[place] for place in places) if self.outcomes else 0
        rejected = sum(self.outcomes[Decision.Outcome.REJECTED][place] for place in places) if self.outcomes else 0
        return None if not decided else (200 * (decided - rejected) + decided) // (2 * decided)

    def days_to_decide(self, percent: int, at: int | None = None) -> int | None:
        """So many days sufficed for ``percent`` of the decisions, of one week or of all (nearest rank)."""
        took: Counter[int] = Counter()
        for week in self.days if at is None else (self.days[at],):
            took.update(week)
        return percentile(took, percent)


def percentile(took: Mapping[int, int], percent: int) -> int | None:
    """The smallest value that at least ``percent`` of the counted ones do not exceed; ``None`` of nothing."""
    rank = -(-sum(took.values()) * percent // 100)
    for value in sorted(took):
        rank -= took[value]
        if rank <= 0:
            return value if took else None
    return None


def statistics(now: datetime | None = None, *, weeks: int = WEEKS) -> Statistics:
    """The figures of this week and those before it. A week begins on Monday in the business's time zone."""
    now = now or timezone.now()
    today = timezone.localdate(now)
    monday = today - timedelta(days=today.weekday())
    starts = [monday - timedelta(weeks=back) for back in reversed(range(weeks))]
    place = {start: at for at, start in enumerate(starts)}
    since = timezone.make_aware(datetime.combine(starts[0], datetime.min.time()))

    outcomes = {outcome: [0] * weeks for outcome in Decision.Outcome.values}
    days: list[Counter[int]] = [Counter() for _ in starts]
    took = ExpressionWrapper(TruncDate("at") - TruncDate("complaint__received_at"), output_field=DurationField())
    decided = (
        Decision.objects.filter(at__gte=since, at__lte=now)
        .order_by()
        .values(
            "outcome",
            week=TruncWeek("at", output_field=DateField()),
            took=took,
            first=Case(When(supersedes__isnull=True, then=Value(1)), default=Value(0)),
        )
        .annotate(number=Count("pk"))
    )
    for row in decided:
        at = place[row["week"]]
        outcomes[row["outcome"]][at] += row["number"]
        if row["first"]:
            days[at][row["took"].days] += row["number"]

    bases: dict[str, list[int]] = {}
    given: dict[tuple[str, str], Decimal] = {}
    # A refund with several remedies is one decision: only the first of them counts it.
    earlier = Remedy.objects.filter(refund=OuterRef("refund"), pk__lt=OuterRef("pk"))
    settled = (
        Remedy.objects.filter(at__gte=since, at__lte=now)
        .order_by()
        .values(
            "kind",
            week=TruncWeek("at", output_field=DateField()),
            basis=F("refund__basis"),
            currency=F("refund__currency"),
            first=Case(When(Exists(earlier), then=Value(0)), default=Value(1)),
        )
        .annotate(number=Count("pk"), amount=Sum("amount"))
    )
    for remedy in settled:
        of_basis = bases.setdefault(remedy["basis"], [0] * weeks)
        of_basis[place[remedy["week"]]] += remedy["number"] * remedy["first"]
        key = (remedy["kind"], remedy["currency"])
        given[key] = given.get(key, Decimal(0)) + remedy["amount"]
    return Statistics(now, starts, outcomes, bases, days, given)
