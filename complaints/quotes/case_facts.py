"""What the rows say about a case, its period and its customer, each thing asked for once: for the pages that show it.

Made for one request and forgotten with it. Evidence, quote and obstacles of one page are told from the same facts, and
whatever no card needs is never asked for. Reads only: what is proposed is quoted from the rows anew.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import OuterRef, Q, Subquery, Sum

from billing.remedies.models import MinutesGrant
from billing.subscriptions.models import BillingPeriod
from billing.usage.models import UsageDay, UsageKind
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident
from complaints.quotes.inputs import Interval, Operation
from complaints.quotes.quoting import LiveFacts, bounds_of, operations_of
from complaints.refunds.models import Refund
from hardware.purchases.models import Purchase
from policies.agreements.models import Agreement
from policies.versions.models import GoverningTerms, Policy, PolicyVersion

#: So many of the customer's earlier complaints and refunds are looked at.
EARLIER = 20
#: So many periods of the subscription can be chosen for a quote.
PERIODS = 36
#: An indemnity in one of these states stands: its fault is made good, or about to be.
STANDING = (*Refund.OPEN_STATES, Refund.State.SETTLED)


class PublishedPolicies:
    """Every published version of both policies, without its text: few documents judge all cases."""

    def __init__(self) -> None:
        published = PolicyVersion.objects.filter(state=PolicyVersion.State.PUBLISHED)
        self._versions: dict[int, PolicyVersion] = {
            version.pk: version for version in published.select_related("policy").defer("text")
        }

    def get(self, pk: int) -> PolicyVersion | None:
        return self._versions.get(pk)

    def governing(self, kind: str, day: date) -> PolicyVersion:
        """As ``PolicyVersionQuerySet.governing``."""
        chain = [version for version in self._versions.values() if version.policy.kind == kind]
        in_force = [version for version in chain if version.effective_from <= day]
        if in_force:
            return max(in_force, key=lambda version: (version.effective_from, version.number))
        return min(chain, key=lambda version: version.number)


class PeriodFacts(LiveFacts):
    """``complaints.quotes.quoting.Facts`` of one period. Its subscription and its customer have to be at hand."""

    def __init__(self, period: BillingPeriod, policies: PublishedPolicies) -> None:
        self.period = period
        self.policies = policies

    @cached_property
    def terms(self) -> GoverningTerms:
        """As ``complaints.quotes.quoting.terms_for``."""
        day = self.period.starts_on
        return GoverningTerms(
            refund=self.policies.governing(Policy.Kind.REFUND, day),
            fulfilment=self.policies.governing(Policy.Kind.FULFILMENT, day),
            agreement=self._agreement(),
        )

    def _agreement(self) -> Agreement | None:
        return Agreement.objects.in_force(self.period.subscription.customer, self.period.starts_on).first()

    @cached_property
    def incidents(self) -> list[Incident]:
        """All that hit the subscription in the period, those that still run and announced maintenance too."""
        hits = Incident.objects.hitting(self.period.subscription).overlapping(*bounds_of(self.period))
        return list(hits.order_by("starts_at", "pk"))

    @cached_property
    def _usage(self) -> list[tuple[date, str, str, int, Decimal]]:
        days = UsageDay.objects.filter(period=self.period, local_day__gte=self.period.starts_on).order_by()
        return list(days.values_list("local_day", "kind", "operation", "seconds", "quantity"))

    @cached_property
    def _compensated(self) -> list[tuple[int, Any]]:
        """The interruption refunds that stand against the period, with what each counted."""
        others = Refund.objects.counting().filter(period=self.period, basis=Refund.Basis.INTERRUPTION)
        return list(others.order_by("pk").values_list("pk", "counted"))

    def usage_until(self, period: BillingPeriod, end: date) -> tuple[int, tuple[Operation, ...]]:
        seconds = 0
        quantities: dict[str, Decimal] = {}
        for day, kind, operation, used_seconds, quantity in self._usage:
            if day >= end:
                continue
            if kind == UsageKind.CALL:
                seconds += used_seconds
            else:
                quantities[operation] = quantities.get(operation, Decimal(0)) + quantity
        return seconds, operations_of(self.period, quantities)

    def interruptions_of(
        self, period: BillingPeriod, without: Collection[int] = ()
    ) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
        found: dict[bool, list[Interval]] = {False: [], True: []}
        for incident in self.incidents:
            if incident.ends_at is not None and incident.pk not in without:
                found[incident.scheduled].append(Interval(incident.starts_at, incident.ends_at))
        return tuple(found[False]), tuple(found[True])

    def compensated_in(self, period: BillingPeriod, leaving_out: Refund | None = None) -> tuple[Interval, ...]:
        return tuple(
            Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
            for pk, counted in self._compensated
            if leaving_out is None or pk != leaving_out.pk
            for start, end in counted
        )


class CaseFacts(PeriodFacts):
    """The facts of a case's own period, and what else is known of its customer. For rows read ``with_case_facts``."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.period, PublishedPolicies())
        self.complaint = complaint
        # One row each, however many ways lead to it.
        subscription = complaint.subscription
        if subscription.customer_id == complaint.customer_id:
            subscription.customer = complaint.customer
        if complaint.period.subscription_id == subscription.pk:
            complaint.period.subscription = subscription
        if complaint.agreement is not None and complaint.agreement.customer_id == complaint.customer_id:
            complaint.agreement.customer = complaint.customer
        for name in ("refund_policy", "fulfilment_policy"):
            version = self.policies.get(getattr(complaint, f"{name}_id"))
            if version is not None:
                setattr(complaint, name, version)

    def of(self, period: BillingPeriod) -> PeriodFacts:
        """The facts of this or another period."""
        return self if period.pk == self.period.pk else PeriodFacts(period, self.policies)

    def _agreement(self) -> Agreement | None:
        known = self.complaint.agreement
        pk: int | None = self.complaint.agreement_in_force  # type: ignore[attr-defined]
        if pk is None or (known is not None and known.pk == pk):
            return known if pk is not None else None
        return super()._agreement()

    @property
    def granted_minutes(self) -> int:
        """Minutes given on top of the period's allowance."""
        return self.complaint.granted_minutes or 0  # type: ignore[attr-defined]

    @cached_property
    def periods(self) -> list[BillingPeriod]:
        """The newest periods of the subscription, the newest first."""
        own = BillingPeriod.objects.filter(subscription=self.complaint.subscription_id)
        return list(own.order_by("-sequence")[:PERIODS])

    # --- Refunds ---

    @cached_property
    def _refunds(self) -> list[Refund]:
        """Those of the case, of the period, the customer's latest settled ones, and indemnities that stand."""
        case = self.complaint
        settled = Refund.objects.filter(customer=case.customer_id, state=Refund.State.SETTLED)
        latest = settled.exclude(complaint=case.pk).order_by("-settled_at", "-pk").values("pk")[:EARLIER]
        wanted = (
            Q(complaint=case.pk)
            | Q(period=self.period)
            | Q(customer=case.customer_id, pk__in=latest)
            | Q(customer=case.customer_id, indemnity_for__isnull=False, state__in=STANDING)
        )
        found = Refund.objects.filter(wanted).select_related("period").defer("inputs", "lines")
        return list(found.order_by("-drafted_at", "-pk"))

    @property
    def refunds(self) -> list[Refund]:
        """Those of the case."""
        return [refund for refund in self._refunds if refund.complaint_id == self.complaint.pk]

    @property
    def earlier_refunds(self) -> list[Refund]:
        """The customer's latest settled ones, of other cases."""
        others = [
            refund
            for refund in self._refunds
            if refund.customer_id == self.complaint.customer_id
            and refund.complaint_id != self.complaint.pk
            and refund.state == Refund.State.SETTLED
        ]
        return sorted(others, key=lambda refund: (refund.settled_at, refund.pk), reverse=True)[:EARLIER]

    @property
    def indemnities(self) -> list[Refund]:
        """The customer's indemnities that stand, the latest first."""
        return [refund for refund in self._refunds if refund.indemnity_for_id is not None and refund.state in STANDING]

    @cached_property
    def _compensated(self) -> list[tuple[int, Any]]:
        counting = (*Refund.PENDING_STATES, Refund.State.SETTLED)
        found = [
            (refund.pk, refund.counted)
            for refund in self._refunds
            if refund.period_id == self.period.pk
            and refund.basis == Refund.Basis.INTERRUPTION
            and refund.state in counting
        ]
        return sorted(found, key=lambda each: each[0])

    # --- Complaints and phones ---

    @cached_property
    def _complaints(self) -> list[Complaint]:
        """The customer's latest earlier ones, and those merged into the case."""
        case = self.complaint
        before = Complaint.objects.filter(customer=case.customer_id, received_at__lt=case.received_at)
        latest = before.exclude(pk=case.pk).order_by("-received_at", "-pk").values("pk")[:EARLIER]
        wanted = Q(customer=case.customer_id, pk__in=latest) | Q(merged_into=case.pk)
        found = Complaint.objects.filter(wanted).select_related("decision", "subscription", "period")
        return list(found.defer("text").order_by("-received_at", "-pk"))

    @property
    def earlier_complaints(self) -> list[Complaint]:
        """The customer's latest ones that came before this one."""
        case = self.complaint
        found = [
            other
            for other in self._complaints
            if other.customer_id == case.customer_id and other.received_at < case.received_at
        ]
        return found[:EARLIER]

    @property
    def merged(self) -> list[Complaint]:
        """Those merged into the case itself, not by way of another."""
        return [other for other in self._complaints if other.merged_into_id == self.complaint.pk]

    @cached_property
    def purchases(self) -> list[Purchase]:
        """The customer's phones, the newest first."""
        kept = Purchase.objects.kept().filter(customer=self.complaint.customer_id)
        return list(kept.select_related("phone__model").order_by("-bought_on"))


def with_case_facts(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Complaints with what ``CaseFacts`` finds on the row itself."""
    minutes = MinutesGrant.objects.filter(period=OuterRef("period")).order_by().values("period")
    customer: Any = OuterRef("subscription__customer")
    day: Any = OuterRef("period__starts_on")
    found: models.QuerySet[Any] = rows.select_related(
        "customer", "subscription", "period__plan", "period__invoice", "agreement"
    ).annotate(
        granted_minutes=Subquery(minutes.annotate(total=Sum("minutes")).values("total")),
        agreement_in_force=Subquery(Agreement.objects.in_force(customer, day).values("pk")[:1]),
    )
    return found


def facts_of(complaint: Complaint) -> CaseFacts:
    """The facts that go with a row that a page has read: asked for once, however many parts of the page want them."""
    known: CaseFacts | None = complaint.__dict__.get("_facts")
    if known is None:
        known = complaint.__dict__["_facts"] = CaseFacts(complaint)
    return known


def known_facts(complaint: Complaint) -> CaseFacts | None:
    """The same, for what also works on rows that were read for something else."""
    known: CaseFacts | None = complaint.__dict__.get("_facts")
    return known
