"""What a quote has to know beyond its period's own row: which terms, payments, usage, incidents and earlier refunds
count.

The one place that asks for it: for the live quote on a case, the proposal, the approval that computes it again, the
back-test and the what-if. A fact is read when it is first asked for, and then for all the periods at once, so that a
thousand ask as often as one. Reads only.

Amounts are gross, in the period's currency.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Self, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Prefetch, Q
from django.utils import timezone

from billing.money import left_to_refund
from billing.periods import local_midnight
from billing.remedies.granted_minutes import NOTHING_GRANTED, GrantedUse, granted_use
from billing.subscriptions.models import BillingPeriod
from billing.usage.models import UsageDay, UsageKind
from complaints.incidents.models import Incident, IncidentScope
from complaints.quotes.earlier_refunds import EarlierRefund, unused_by
from complaints.quotes.inputs import Interval, Operation
from complaints.quotes.inputs_json import inputs_from_json
from complaints.refund_calculation import Line
from complaints.refunds.models import Refund
from complaints.reversals.rules import uncollected
from policies.agreements.models import Agreement
from policies.choices import Basis
from policies.versions.models import GoverningTerms, Policy, PolicyVersion, in_force

type Used = tuple[date, str, str, int, Decimal]
type Intervals = tuple[Interval, ...]
type Hit = tuple[str, int | None]

#: The key of those incidents that hit everybody; the others are kept by ("plan", pk) and ("subscription", pk).
_EVERYBODY: Hit = ("everybody", None)


class QuoteFacts:
    """The facts of the periods that it was loaded for, each by a method of its own. Of a period, its subscription has
    to be at hand (``select_related``); asking about a period that was not loaded is a ``KeyError``.
    """

    def __init__(self, periods: Iterable[BillingPeriod]) -> None:
        self._periods = {period.pk: period for period in periods}
        self._without: Collection[int] = ()

    @classmethod
    def load(cls, periods: Iterable[BillingPeriod]) -> Self:
        """The facts of these periods, as the rows say them now; one period is a batch of one."""
        return cls(periods)

    def without(self, incidents: Collection[int]) -> QuoteFacts:
        """The same, as if these incidents (by key) had not been."""
        if not incidents:
            return self
        twin = copy.copy(self)
        twin._without = incidents
        return twin

    # --- The terms ---

    def terms_of(self, period: BillingPeriod) -> GoverningTerms:
        """What judges the period: both policies' versions in force on the day it began, and the agreement with the
        customer that holds on that day, if any (F10, R1).
        """
        day = period.starts_on
        agreements = self._agreements[period.subscription.customer_id]
        return GoverningTerms(
            refund=in_force(self._versions[Policy.Kind.REFUND], day),
            fulfilment=in_force(self._versions[Policy.Kind.FULFILMENT], day),
            agreement=next((agreement for agreement in agreements if agreement.holds_on(day)), None),
        )

    @cached_property
    def _versions(self) -> Mapping[str, list[PolicyVersion]]:
        found = defaultdict(list)
        published = PolicyVersion.objects.published_by_day().select_related("policy")
        # Few documents judge all periods, and their text plays no part in it.
        for version in published.defer("text"):
            found[version.policy.kind].append(version)
        return found

    @cached_property
    def _agreements(self) -> Mapping[int, list[Agreement]]:
        found: dict[int, list[Agreement]] = {period.subscription.customer_id: [] for period in self._periods.values()}
        for agreement in Agreement.objects.published_with(found).select_related("customer"):
            found[agreement.customer_id].append(agreement)
        return found

    # --- Money ---

    def fee_paid(self, period: BillingPeriod) -> Decimal:
        """What was paid for the period, up to the fee: payments and credits on its invoice, and set-offs that stand.

        A pending one pays nothing yet: if it is withdrawn the debt is still there, and what was refunded meanwhile as
        if it were not would have gone out. Whichever is approved second is quoted again then.
        """
        paid: Decimal = min(period.fee, period.fee_paid + period.set_off)
        return paid

    def already_refunded(self, period: BillingPeriod, leaving_out: Refund | None = None) -> Decimal:
        """What refunds take of the period: settled ones, and what proposals hold, but for the one that is left out; and
        what was charged for one taken back and has not come in.
        """
        taken: Decimal = period.refunded + period.pending + self.uncollected(period)
        if (
            leaving_out is not None
            and leaving_out.state in Refund.PENDING_STATES
            and leaving_out.period_id == period.pk
        ):
            taken -= leaving_out.total
        return taken

    def refundable(self, period: BillingPeriod, leaving_out: Refund | None = None) -> Decimal:
        """What of the fee can still be given back: a quote's cap."""
        if period.fee_is_void:
            return Decimal(0)
        return left_to_refund(period.fee, self.already_refunded(period, leaving_out))

    def uncollected(self, period: BillingPeriod) -> Decimal:
        """What a reversal charged and nobody has paid: until then it counts as given."""
        return self._uncollected.get(period.pk, Decimal(0))

    @cached_property
    def _uncollected(self) -> Mapping[int, Decimal]:
        reversed_on = {
            pk for pk, given in self._given.items() if any(refund.state == Refund.State.REVERSED for refund in given)
        }
        return uncollected(reversed_on) if reversed_on else {}

    # --- Usage ---

    def usage_until(self, period: BillingPeriod, end: date) -> tuple[int, tuple[Operation, ...]]:
        """Call seconds and operations used from the period's first day until before ``end``, by local day, at the
        period's frozen costs (R3).

        Minutes and operations count over the same days as time. Operations never used are left out, and so are the
        seconds spoken on granted minutes.
        """
        return self._used_between(period, period.starts_on, end)

    def usage_on(self, period: BillingPeriod, day: date) -> tuple[int, tuple[Operation, ...]]:
        """The same for one day of the period; nothing for a day that is none of its own."""
        is_own = period.starts_on <= day < period.ends_on
        return self._used_between(period, day, day + timedelta(days=int(is_own)))

    def granted_until(self, period: BillingPeriod, end: date) -> int:
        """Seconds spoken on granted minutes from the period's first day until before ``end``."""
        return self._granted_between(period, period.starts_on, end)

    def _used_between(self, period: BillingPeriod, start: date, end: date) -> tuple[int, tuple[Operation, ...]]:
        seconds, operations = _sums(period, (used for used in self._usage[period.pk] if start <= used[0] < end))
        return seconds - self._granted_between(period, start, end), operations

    def _granted_between(self, period: BillingPeriod, start: date, end: date) -> int:
        if not any(kind == UsageKind.CALL for _, kind, *_ in self._usage[period.pk]):
            return 0
        return self._granted.get(period.subscription_id, NOTHING_GRANTED).between(start, end)

    @cached_property
    def _granted(self) -> Mapping[int, GrantedUse]:
        return granted_use({period.subscription_id for period in self._periods.values()})

    @cached_property
    def _usage(self) -> Mapping[int, list[Used]]:
        found: dict[int, list[Used]] = {pk: [] for pk in self._periods}
        columns = ("period_id", "local_day", "kind", "operation", "seconds", "quantity")
        for pk, *used in UsageDay.objects.filter(period__in=found).order_by().values_list(*columns):
            found[pk].append(tuple(used))
        return found

    # --- Incidents ---

    def incidents_of(self, period: BillingPeriod) -> list[Incident]:
        """All that hit the period's subscription in the days of the period, by name, by the plan that the period was
        billed with, or because they hit everybody: those that still run and announced maintenance too, by their
        beginning.
        """
        start, end = self._bounds[period.pk]
        return [incident for incident in self._reaching(period) if incident.overlaps(start, end)]

    def incidents_around(self, period: BillingPeriod) -> list[Incident]:
        """Those, and what is one outage with them across the period's bounds: outages that touch or overlap one of
        them, by way of others too, with the maintenance meanwhile.
        """
        hits = self._reaching(period)
        start, end = _grown(*self._bounds[period.pk], hits)
        return [incident for incident in hits if incident.touches(start, end)]

    def nameable(self, period: BillingPeriod, until: datetime) -> list[Incident]:
        """Those that a complaint received at ``until`` can be about: no maintenance, and begun before."""
        return [incident for incident in self.incidents_of(period) if _counts(incident, until)]

    def interruptions_of(self, period: BillingPeriod, until: datetime) -> tuple[Intervals, Intervals]:
        """(interruptions, scheduled maintenance) that hit the period's subscription, whole, as far as they reach beyond
        the period.

        An interruption counts to its end if it began before ``until``, when the complaint was received. One that still
        runs counts up to now, or to the period's end if that is past (``running_in``).
        """
        found: dict[bool, list[Interval]] = {False: [], True: []}
        for incident in self.incidents_around(period):
            if incident.scheduled or _counts(incident, until):
                found[incident.scheduled] += self.times_of(incident, period)
        return tuple(found[False]), tuple(found[True])

    def versions_around(self, period: BillingPeriod) -> list[tuple[int, datetime, datetime | None]]:
        """(incident, start, end) of every version, older ones too, that hit the period, or what is one outage with it,
        wherever the incident is now; an outage that ran reached as far as its first end. Queries.
        """
        start, end = _grown(*self._bounds[period.pk], self._reaching(period))
        scopes = IncidentScope.objects.reaching([period]).order_by()
        versions = cast("Any", Incident).history.model.objects.filter(
            Q(hits_everybody=True) | Q(id__in=scopes.values("incident")),
            Q(ends_at__gt=start) | Q(ends_at__isnull=True),
            starts_at__lt=end,
        )
        found: list[tuple[int, datetime, datetime | None]] = []
        ends: dict[int, datetime] = {}
        columns = ("id", "starts_at", "ends_at", "scheduled")
        for pk, starts_at, ends_at, scheduled in versions.order_by("-history_id").values_list(*columns):
            if ends_at is not None:
                ends[pk] = ends_at
            found.append((pk, starts_at, ends_at if scheduled else ends.get(pk)))
        return found

    def times_of(self, incident: Incident, period: BillingPeriod) -> Intervals:
        """When it was down; while it still runs, up to this minute or to the period's end, whichever came first."""
        end = incident.ends_at or min(timezone.now().replace(second=0, microsecond=0), self._bounds[period.pk][1])
        return (Interval(incident.starts_at, end),) if incident.starts_at < end else ()

    def running_in(self, period: BillingPeriod, until: datetime) -> Incident | None:
        """One that counts and still runs while the period goes on: what it comes to is provisional."""
        if not self.goes_on(period):
            return None
        return next(
            (incident for incident in self.nameable(period, until) if incident.ends_at is None),
            None,
        )

    def goes_on(self, period: BillingPeriod) -> bool:
        """Whether the period's own end lies ahead."""
        return self._bounds[period.pk][1] > timezone.now()

    @cached_property
    def _bounds(self) -> Mapping[int, tuple[datetime, datetime]]:
        return {pk: bounds_of(period) for pk, period in self._periods.items()}

    def _reaching(self, period: BillingPeriod) -> list[Incident]:
        """What was read of those that hit the period's subscription, whenever that was, by their beginning."""
        reached_by: tuple[Hit, ...] = (
            _EVERYBODY,
            ("plan", period.plan_id),
            ("subscription", period.subscription_id),
        )
        hits = {
            incident.pk: incident
            for key in reached_by
            for incident in self._incidents.get(key, ())
            if incident.pk not in self._without
        }
        return sorted(hits.values(), key=lambda incident: (incident.starts_at, incident.pk))

    @cached_property
    def _incidents(self) -> Mapping[Hit, list[Incident]]:
        """Those that touch any of the periods, or one that does, by whom they hit: one statement more for each time
        that an outage leads beyond what was read.
        """
        found: dict[Hit, list[Incident]] = defaultdict(list)
        if not self._periods:
            return found
        first = min(start for start, _ in self._bounds.values())
        last = max(end for _, end in self._bounds.values())
        scopes = IncidentScope.objects.reaching(self._periods.values()).order_by()
        hitting = Incident.objects.hitting(scopes).prefetch_related(Prefetch("scopes", scopes))
        hits = list(hitting.touching(first, last))
        while (grown := _grown(first, last, hits)) != (first, last):
            first, last = grown
            hits = list(hitting.touching(first, last))
        for incident in hits:
            if incident.hits_everybody:
                found[_EVERYBODY].append(incident)
            for scope in incident.scopes.all():
                found["plan", scope.plan_id].append(incident)
                found["subscription", scope.subscription_id].append(incident)
        return found

    # --- Earlier refunds ---

    def earlier_refunds(self, period: BillingPeriod, leaving_out: Refund | None = None) -> list[EarlierRefund]:
        """What was given back on the period, pending or settled, less what was taken back, in the order of the
        refunds (R3, R7).
        """
        return [earlier_refund(refund) for refund in self._given[period.pk] if not _same(refund, leaving_out)]

    @cached_property
    def _given(self) -> Mapping[int, list[Refund]]:
        found: dict[int, list[Refund]] = {pk: [] for pk in self._periods}
        columns = ("period", "state", "basis", "currency", "inputs", "lines", "counted", "total", "set_off")
        for refund in Refund.objects.given().filter(period__in=found).only(*columns).order_by("pk"):
            found[refund.period_id].append(refund)
        return found


def earlier_refund(refund: Refund) -> EarlierRefund:
    """A refund of ``Refund.objects.given`` as later quotes of its period see it."""
    return EarlierRefund(
        basis=Basis(refund.basis),
        lines=tuple(Line(line["code"], Decimal(line["amount"])) for line in refund.lines),
        total=refund.total,
        taken_back=refund.taken,
        counted=tuple(
            Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in refund.counted
        ),
        unused=(
            unused_by(inputs_from_json(refund.inputs), settings.BUSINESS_TIME_ZONE)
            if refund.basis == Refund.Basis.USAGE
            else None
        ),
    )


def _counts(incident: Incident, until: datetime) -> bool:
    """Whether it is an interruption that a complaint received then can be about."""
    return not incident.scheduled and incident.starts_at < until


def _grown(start: datetime, end: datetime, incidents: Collection[Incident]) -> tuple[datetime, datetime]:
    """The time from start to end, and on through all outages that touch it; one that still runs ends nothing."""
    while True:
        outages = [each for each in incidents if not each.scheduled and each.touches(start, end)]
        first = min((each.starts_at for each in outages), default=start)
        last = max((each.ends_at or end for each in outages), default=end)
        if first >= start and last <= end:
            return start, end
        start, end = min(start, first), max(end, last)


def _same(refund: Refund, other: Refund | None) -> bool:
    return other is not None and refund.pk == other.pk


def terms_for(period: BillingPeriod) -> GoverningTerms:
    """What judges one period (``QuoteFacts.terms_of``)."""
    return QuoteFacts.load([period]).terms_of(period)


def bounds_of(period: BillingPeriod) -> tuple[datetime, datetime]:
    """The instants at which the period's own days begin and end."""
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    return local_midnight(period.starts_on, zone), local_midnight(period.ends_on, zone)


def _sums(period: BillingPeriod, usage: Iterable[Used]) -> tuple[int, tuple[Operation, ...]]:
    """Seconds called; and the operations used, at the period's frozen costs and in their order."""
    seconds = 0
    quantities: dict[str, Decimal] = defaultdict(Decimal)
    for _, kind, operation, used_seconds, quantity in usage:
        if kind == UsageKind.CALL:
            seconds += used_seconds
        else:
            quantities[operation] += quantity
    operations = tuple(
        Operation(code=cost["code"], quantity=quantities[cost["code"]], unit_cost=Decimal(cost["unit_cost"]))
        for cost in period.operation_costs
        if cost["code"] in quantities
    )
    return seconds, operations
