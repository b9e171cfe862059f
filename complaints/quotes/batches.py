"""What many quotes have to know, gathered at once: as often asked of the database for a thousand periods as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from billing.subscriptions.models import BillingPeriod
from billing.usage.models import UsageDay, UsageKind
from complaints.incidents.models import Incident
from complaints.quotes.inputs import Interval, Operation
from complaints.quotes.quoting import bounds_of, operations_of
from complaints.refunds.models import Refund

type Used = tuple[date, str, str, int, Decimal]
type Counted = tuple[int, list[list[str]]]


class BatchFacts:
    """``complaints.quotes.quoting.Facts`` of the given periods, in at most four queries.

    Of the periods it is asked about, their subscription has to be at hand (``select_related``). A period that was not
    given has no usage, no incidents and no earlier refunds.
    """

    def __init__(self, *, usage_of: Collection[BillingPeriod], outages_of: Collection[BillingPeriod]) -> None:
        self._usage: Mapping[int, list[Used]] = _usage(usage_of)
        self._incidents = _Incidents(outages_of)
        self._counted: Mapping[int, list[Counted]] = _counted(outages_of)
        self._hitting: dict[int, tuple[tuple[Interval, ...], tuple[Interval, ...]]] = {}

    def usage_until(self, period: BillingPeriod, end: date) -> tuple[int, tuple[Operation, ...]]:
        return self._sums(period, [used for used in self._own_days(period) if used[0] < end])

    def usage_on(self, period: BillingPeriod, day: date) -> tuple[int, tuple[Operation, ...]]:
        """The same for one day of the period; nothing for a day that is none of its own."""
        return self._sums(period, [used for used in self._own_days(period) if used[0] == day])

    def interruptions_of(self, period: BillingPeriod) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
        if period.pk not in self._hitting:
            self._hitting[period.pk] = self._incidents.hitting(period)
        return self._hitting[period.pk]

    def compensated_in(self, period: BillingPeriod, leaving_out: Refund | None = None) -> tuple[Interval, ...]:
        return tuple(
            Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
            for pk, counted in self._counted.get(period.pk, ())
            if leaving_out is None or pk != leaving_out.pk
            for start, end in counted
        )

    def _own_days(self, period: BillingPeriod) -> list[Used]:
        return [used for used in self._usage.get(period.pk, ()) if period.starts_on <= used[0] < period.ends_on]

    def _sums(self, period: BillingPeriod, found: Iterable[Used]) -> tuple[int, tuple[Operation, ...]]:
        seconds = 0
        quantities: dict[str, Decimal] = {}
        for _, kind, operation, used_seconds, quantity in found:
            if kind == UsageKind.CALL:
                seconds += used_seconds
            else:
                quantities[operation] = quantities.get(operation, Decimal(0)) + quantity
        return seconds, operations_of(period, quantities)


def _usage(periods: Collection[BillingPeriod]) -> dict[int, list[Used]]:
    found: dict[int, list[Used]] = defaultdict(list)
    if periods:
        days = UsageDay.objects.filter(period__in=[period.pk for period in periods]).order_by()
        columns = ("period_id", "local_day", "kind", "operation", "seconds", "quantity")
        for pk, day, kind, operation, seconds, quantity in days.values_list(*columns):
            found[pk].append((day, kind, operation, seconds, quantity))
    return found


def _counted(periods: Collection[BillingPeriod]) -> dict[int, list[Counted]]:
    found: dict[int, list[Counted]] = defaultdict(list)
    if periods:
        standing = Refund.objects.counting().filter(
            basis=Refund.Basis.INTERRUPTION, period__in=[period.pk for period in periods]
        )
        for period_id, pk, counted in standing.order_by("pk").values_list("period_id", "pk", "counted"):
            found[period_id].append((pk, counted))
    return found


class _Incidents:
    """The ended incidents that overlap any of the periods, by whom they hit."""

    def __init__(self, periods: Collection[BillingPeriod]) -> None:
        self._everybody: list[Incident] = []
        self._by_plan: dict[int, list[Incident]] = defaultdict(list)
        self._by_subscription: dict[int, list[Incident]] = defaultdict(list)
        if not periods:
            return
        bounds = [bounds_of(period) for period in periods]
        first, last = min(start for start, _ in bounds), max(end for _, end in bounds)
        known = Incident.objects.overlapping(first, last).filter(ends_at__isnull=False).prefetch_related("scopes")
        for incident in known.order_by("starts_at", "pk"):
            if incident.hits_everybody:
                self._everybody.append(incident)
            for scope in incident.scopes.all():
                if scope.plan_id is not None:
                    self._by_plan[scope.plan_id].append(incident)
                elif scope.subscription_id is not None:
                    self._by_subscription[scope.subscription_id].append(incident)

    def hitting(self, period: BillingPeriod) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
        """(interruptions, scheduled maintenance) that hit the period's subscription, each once, in order."""
        start, end = bounds_of(period)
        near = {
            incident.pk: incident
            for incident in (
                *self._everybody,
                *self._by_plan.get(period.subscription.plan_id, ()),
                *self._by_subscription.get(period.subscription_id, ()),
            )
            if incident.starts_at < end and incident.ends_at is not None and incident.ends_at > start
        }
        found: dict[bool, list[Interval]] = {False: [], True: []}
        for incident in sorted(near.values(), key=lambda each: (each.starts_at, each.pk)):
            found[incident.scheduled].append(Interval(incident.starts_at, incident.ends_at))
        return tuple(found[False]), tuple(found[True])
