"""Which calls were made on granted minutes: the company's own gift, so nobody pays for them (R3, R4).

From the local day of its grant until it ends, a grant is used up before anything else, the one that ends first at the
front. It is never worth more than what was approved: where a minute costs more than in the period that received it, as
after a change of plan, a call uses up as much more of it. The quote, the evidence and a reversal share this one figure.
Reads only; amounts are seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from types import MappingProxyType
from typing import Final

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from billing.remedies.models import MinutesGrant
from billing.subscriptions.models import BillingPeriod
from billing.usage.models import UsageDay, UsageKind


@dataclass(frozen=True, slots=True)
class Grant:
    """Seconds that can be spoken from ``granted_on`` until before ``until``; None: its end is not known yet.
    ``last_period`` is the number of the period with which it ends, ``cost`` that of a minute when it was granted.
    """

    pk: int
    seconds: int
    granted_on: date
    last_period: int
    until: date | None = None
    cost: Decimal = Decimal(0)

    def holds_on(self, day: date) -> bool:
        return self.granted_on <= day and (self.until is None or day < self.until)

    def spends(self, cost: Decimal) -> Fraction | None:
        """How many of its seconds one second takes where a minute has this cost: one, or more where it is dearer; None
        if it was worth nothing and so buys nothing.
        """
        if cost <= self.cost:
            return Fraction(1)
        return Fraction(cost) / Fraction(self.cost) if self.cost else None


@dataclass(frozen=True, slots=True)
class GrantedUse:
    """Seconds spoken on granted minutes of each local day; and of each grant, by its key, how many of its own seconds
    that took, begun ones counted.
    """

    by_day: Mapping[date, int] = field(default_factory=dict)
    by_grant: Mapping[int, int] = field(default_factory=dict)

    def between(self, start: date, end: date) -> int:
        """Of the days from ``start`` until before ``end``."""
        return sum(seconds for day, seconds in self.by_day.items() if start <= day < end)


NOTHING_GRANTED: Final = GrantedUse()


def spend(
    grants: Iterable[Grant], calls: Mapping[date, int], costs: Mapping[date, Decimal] = MappingProxyType({})
) -> GrantedUse:
    """Let the calls of each local day, in seconds, use the grants up. ``costs`` are those of a minute on each day.

    Whatever the costs: seconds spoken x their cost <= seconds granted x the cost of then. What is left is cut down to
    whole seconds of the call.
    """
    in_turn = sorted(grants, key=lambda grant: (grant.last_period, grant.granted_on, grant.pk))
    left = {grant: Fraction(grant.seconds) for grant in in_turn}
    by_day: dict[date, int] = {}
    for day, called in sorted(calls.items()):
        wanted = called
        for grant in in_turn:
            each = grant.spends(costs.get(day, grant.cost))
            if each is not None and grant.holds_on(day):
                spoken = min(floor(left[grant] / each), wanted)
                left[grant] -= spoken * each
                wanted -= spoken
        if called > wanted:
            by_day[day] = called - wanted
    return GrantedUse(by_day, {grant.pk: ceil(grant.seconds - rest) for grant, rest in left.items()})


def granted_use(subscription_ids: Collection[int]) -> Mapping[int, GrantedUse]:
    """By subscription, those alone that were ever granted minutes; the number of queries does not grow with them."""
    return _use_of(_grants(subscription_ids))


def _use_of(grants: Mapping[int, Sequence[Grant]]) -> Mapping[int, GrantedUse]:
    if not grants:
        return {}
    first = min(grant.granted_on for of_one in grants.values() for grant in of_one)
    calls: dict[int, dict[date, int]] = {pk: defaultdict(int) for pk in grants}
    costs: dict[int, dict[date, Decimal]] = {pk: {} for pk in grants}
    rows = UsageDay.objects.filter(
        kind=UsageKind.CALL, local_day__gte=first, period__in=BillingPeriod.objects.filter(subscription__in=grants)
    ).order_by()
    columns = ("period__subscription", "local_day", "seconds", "period__minute_cost")
    for pk, day, seconds, cost in rows.values_list(*columns):
        calls[pk][day] += seconds
        costs[pk][day] = cost
    return {pk: spend(of_one, calls[pk], costs[pk]) for pk, of_one in grants.items()}


def _grants(subscription_ids: Collection[int]) -> Mapping[int, Sequence[Grant]]:
    rows = (
        MinutesGrant.objects.filter(subscription__in=subscription_ids)
        .annotate(last_period=F("period__sequence") + F("further_periods"))
        .annotate(
            until=Coalesce(
                Subquery(
                    BillingPeriod.objects.filter(
                        subscription=OuterRef("subscription"), sequence=OuterRef("last_period")
                    )
                    .order_by()
                    .values("closes_on")
                ),
                "subscription__ended_on",
            )
        )
        .order_by()
    )
    found: dict[int, list[Grant]] = defaultdict(list)
    columns = ("subscription", "pk", "minutes", "reversed_minutes", "granted_on", "last_period", "until")
    for subscription, pk, minutes, taken, day, last, until, cost in rows.values_list(*columns, "period__minute_cost"):
        found[subscription].append(Grant(pk, 60 * (minutes - taken), day, last, until, cost))
    return found


def grant_of(row: MinutesGrant) -> tuple[Grant, int]:
    """The grant as it stands, and how many of its seconds were used up."""
    grants = _grants([row.subscription_id])
    (grant,) = (each for each in grants[row.subscription_id] if each.pk == row.pk)
    return grant, _use_of(grants)[row.subscription_id].by_grant[row.pk]
