"""What the phone systems were used for: invented calls and operations, uploaded as a switch would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from django.db.models import Max, Min

from billing.plans.models import Plan
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.usage.actions import Usage, record_usage, record_usages
from demo.company import Company

#: How many days back usage is known.
KNOWN = 62
#: (fewest calls a day, most, share of working days with any, operations a week)
HABITS = {
    "LINE": (1, 3, 0.35, 0.3),
    "OFFICE": (1, 4, 0.45, 1.0),
    "CONTACT": (3, 7, 0.75, 2.5),
    "heavy": (14, 20, 1.0, 3.0),
}
OPERATIONS = (("FORWARDING", 1, 6), ("TRUNK", 2, 8), ("VOICEMAIL", 1, 5))


@dataclass
class UsageBook:
    """Uploads each subscription's usage up to the evening before, and remembers how far it came.

    What happened on a day depends on the subscription and the day alone, however often it is uploaded.
    """

    company: Company
    _until: dict[int, date] = field(default_factory=dict)
    _habits: dict[int, str] = field(default_factory=dict)

    def has_habit(self, subscription: Subscription, habit: str) -> None:
        """Let a subscription be used otherwise than its plan suggests."""
        self._habits[subscription.pk] = habit

    def upload_all(self) -> None:
        """Every phone system's usage until today."""
        self._upload(Subscription.objects.order_by("pk").select_related("plan"))

    def upload(self, subscription: Subscription) -> None:
        """One phone system's usage of the days before today that are not uploaded yet."""
        self._upload([subscription])

    def _upload(self, subscriptions: Iterable[Subscription]) -> None:
        systems = [each for each in subscriptions if each.plan.kind == Plan.Kind.PHONE_SYSTEM]
        covered = BillingPeriod.objects.filter(subscription__in=systems).order_by().values_list("subscription")
        spans = {pk: (first, end) for pk, first, end in covered.annotate(Min("starts_on"), Max("closes_on"))}
        usage = {each.pk: self._new(each, *spans[each.pk]) for each in systems}
        record_usages({pk: rows for pk, rows in usage.items() if rows}, by=self.company.person("billing"))

    def _new(self, subscription: Subscription, first: date, last: date) -> list[Usage]:
        """What was used on the days until today that are not uploaded yet."""
        start = max(self._until.get(subscription.pk, first), self.company.days.ago(KNOWN))
        end = min(self.company.today, last)
        if end <= start:
            return []
        self._until[subscription.pk] = end
        return [row for n in range((end - start).days) for row in self._day(subscription, start + timedelta(days=n))]

    def forgotten_calls(self, subscription: Subscription, day: date, seconds: int) -> None:
        """Calls that the switch delivers late."""
        rows = [
            Usage(
                external_id=f"late-{subscription.number}-{day:%Y%m%d}-{hour}",
                occurred_at=self.company.days.at(day, hour, 12),
                seconds=seconds,
            )
            for hour in (9, 11, 16)
        ]
        record_usage(subscription.pk, rows, by=self.company.person("billing"))

    def _day(self, subscription: Subscription, day: date) -> list[Usage]:
        fewest, most, share, weekly = HABITS[self._habits.get(subscription.pk, subscription.plan.code)]
        rng = Random(f"usage {subscription.number} {day}")
        if day.weekday() >= 5 or rng.random() > share:
            return []
        name = f"{subscription.number}-{day:%Y%m%d}"
        rows = [
            Usage(
                external_id=f"call-{name}-{n}",
                occurred_at=self.company.days.at(day, rng.randint(8, 18), rng.randrange(60)),
                seconds=rng.randint(20, 900),
            )
            for n in range(rng.randint(fewest, most))
        ]
        if rng.random() < weekly / 5:
            code, low, high = rng.choice(OPERATIONS)
            rows.append(
                Usage(
                    external_id=f"op-{name}",
                    occurred_at=self.company.days.at(day, rng.randint(8, 18), rng.randrange(60)),
                    operation=code,
                    quantity=Decimal(rng.randint(low, high)),
                )
            )
        return rows
