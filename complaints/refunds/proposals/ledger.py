"""What refunds were proposed with, checked: contents against their hash, figures against the frozen inputs, inputs
against the facts that they were taken from; and that nothing was counted twice.

Refunds are read in one stream, and the days of usage and versions of complaints that they need in one each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, cast

from django.conf import settings
from django.db.models import Count, Exists, ExpressionWrapper, F, Max, Min, OuterRef, Q, Subquery, Sum, Value, Window
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.history_checks import matches_history
from audit.ledger_checks import CHUNK, Breach, Check, each
from billing.invoices.models import Invoice
from billing.money import format_amount
from billing.payments.models import Chargeback, Payment
from billing.remedies.models import MinutesGrant
from billing.subscriptions.models import BillingPeriod
from billing.usage.models import UsageKind
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident, IncidentScope
from complaints.quotes.earlier_refunds import EarlierRefund, already_given, already_refunded, compensated, unused_by
from complaints.quotes.facts import earlier_refund
from complaints.quotes.inputs import Interval, QuoteInputs
from complaints.quotes.inputs_json import inputs_from_json
from complaints.quotes.intervals import joined, seconds_of, within
from complaints.quotes.quoting import content_hash, refund_content
from complaints.refund_calculation import Quote, calculate, days_provided
from complaints.refunds.models import Refund
from core.fields import MoneyField

#: Those whose contents have not changed since they were proposed: a returned draft may be edited.
FROZEN = (
    *Refund.PENDING_STATES,
    Refund.State.SETTLED,
    Refund.State.REJECTED,
    Refund.State.REVOKED,
    Refund.State.REVERSED,
)


#: What goes by neither the day nor the moment of receipt.
OF_NO_DAY = (Refund.Basis.FULL_MONTH, Refund.Basis.SPECIAL)


def _counted(refund: Refund, quote: Quote) -> Any:
    """A special case compensates the times of the incident that it names, which the inputs do not know."""
    if refund.incident_id is not None:
        return refund.counted
    return [[interval.start.isoformat(), interval.end.isoformat()] for interval in quote.counted]


def _lines(refund: Refund, quote: Quote) -> Any:
    return [{"code": line.code, "amount": format_amount(line.amount, refund.currency)} for line in quote.lines]


#: Every figure that a refund stores and its frozen inputs give again: its column, and as computed.
FIGURES: Final[tuple[tuple[str, Callable[[Refund, Quote], Any]], ...]] = (
    ("total", lambda refund, quote: quote.total),
    ("set_off", lambda refund, quote: quote.set_off),
    ("payable", lambda refund, quote: quote.payable),
    ("lines", _lines),
    ("counted", _counted),
)
#: Every input that is a copy of something else in the books: its name, and what it is a copy of.
COPIES: Final[tuple[tuple[str, Callable[[Refund], Any]], ...]] = (
    ("basis", lambda refund: refund.basis),
    ("currency", lambda refund: refund.period.currency),
    ("term", lambda refund: refund.period.term),
    ("fee", lambda refund: refund.period.fee),
    ("starts_on", lambda refund: refund.period.starts_on),
    ("ends_on", lambda refund: refund.period.ends_on),
    ("minute_cost", lambda refund: refund.period.minute_cost),
    ("reduction", lambda refund: refund.reduction),
    ("special_amount", lambda refund: refund.special_amount),
)


NOTHING = Value(Decimal(0), output_field=MoneyField())


# --- Contents -----------------------------------------------------------------------------------


def contents() -> Iterator[Breach]:
    """A proposal is what its hash covers, its figures are those of its inputs, its inputs those of the books."""
    used, received, outages = _Used(), _Received(), _Outages()
    minutes = MinutesGrant.objects.filter(subscription=OuterRef("subscription"))
    rows = Refund.objects.filter(state__in=FROZEN).annotate(has_minutes=Exists(minutes))
    for refund in each(rows.select_related("period", "complaint")):
        name = f"refund {refund.code}"
        if not _is_as_hashed(refund):
            yield Breach("refund-hash", name, "does not match the hash over what was proposed: look at its history")
        if refund.currency != refund.period.currency or refund.period.subscription_id != refund.subscription_id:
            yield Breach("refund-period", name, f"is about a period of another subscription: {refund.period_id}")
        if refund.subscription_id != refund.complaint.subscription_id:
            yield Breach("refund-case", name, f"is not about the subscription of {refund.complaint.code}")
        try:
            inputs = inputs_from_json(refund.inputs)
            quote = calculate(inputs, refund.calculation_version)
        except ValueError as problem:
            yield Breach("refund-inputs", name, f"cannot be computed from its inputs: {problem}")
            continue
        yield from _figures(refund, inputs, quote)
        yield from _of_outages(refund, inputs, outages, received)
        if inputs.as_of is not None:
            yield from _of_usage(refund, inputs, inputs.as_of, used, received)


def _is_as_hashed(refund: Refund) -> bool:
    try:
        return content_hash(refund_content(refund)) == refund.content_hash
    except ValueError:  # an amount that is none of the currency
        return False


def _figures(refund: Refund, inputs: QuoteInputs, quote: Quote) -> Iterator[Breach]:
    name = f"refund {refund.code}"
    for figure, computed in FIGURES:
        is_, should = getattr(refund, figure), computed(refund, quote)
        if is_ != should:
            yield Breach("refund-figures", name, f"{figure} {_shown(is_)}, its inputs give {_shown(should)}")
    for copy, original in COPIES:
        is_, should = getattr(inputs, copy), original(refund)
        if is_ != should:
            said = f"was computed from {copy} {_shown(is_)}, the books say {_shown(should)}"
            yield Breach("refund-inputs", name, said)


def _of_outages(refund: Refund, inputs: QuoteInputs, outages: _Outages, received: _Received) -> Iterator[Breach]:
    """What was settled counts times over which an incident was recorded that hit its period, and, but for maintenance,
    had begun before the case was received.
    """
    if refund.state not in Refund.GIVEN_STATES:
        return
    until = received.last_of(refund.complaint_id)
    every = [*((one, until) for one in inputs.interruptions), *((one, None) for one in inputs.maintenance)]
    for interval, before in (*every, *((one, None) for one in _intervals(refund.counted))):
        said = f"counts an outage from {interval.start.isoformat()} to {interval.end.isoformat()}"
        if not outages.cover(refund.period, interval):
            yield Breach(
                "refund-outage", f"refund {refund.code}", f"{said}: none was ever recorded that hit its period"
            )
        elif before is not None and interval.start >= before:
            yield Breach("refund-outage", f"refund {refund.code}", f"{said}: its case was received before that")


class _Outages:
    """Every incident over the times that any of its versions had, by whom it ever hit: a correction leaves earlier
    refunds as they are.
    """

    def __init__(self) -> None:
        history = cast("Any", Incident).history.model
        scopes = cast("Any", IncidentScope).history.model.objects.order_by()
        hits: dict[int, set[tuple[str, int | None]]] = defaultdict(set)
        for pk, plan, subscription in scopes.values_list("incident_id", "plan_id", "subscription_id").distinct():
            hits[pk].add(("subscription", subscription) if plan is None else ("plan", plan))
        for pk in history.objects.filter(hits_everybody=True).order_by().values_list("id", flat=True).distinct():
            hits[pk].add(("everybody", None))
        running = set(Incident.objects.filter(ends_at__isnull=True).values_list("pk", flat=True))
        times = history.objects.order_by().values_list("id").annotate(first=Min("starts_at"), last=Max("ends_at"))
        now = timezone.now()
        self._times: dict[tuple[str, int | None], list[tuple[datetime, datetime]]] = defaultdict(list)
        for pk, first, last in times:
            for hit in hits[pk]:
                self._times[hit].append((first, now if pk in running or last is None else last))

    def cover(self, period: BillingPeriod, interval: Interval) -> bool:
        by: tuple[tuple[str, int | None], ...] = (
            ("everybody", None),
            ("plan", period.plan_id),
            ("subscription", period.subscription_id),
        )
        times = (each for hit in by for each in self._times.get(hit, ()))
        return any(start <= interval.start and interval.end <= end for start, end in times)


def _shown(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _of_usage(refund: Any, inputs: QuoteInputs, as_of: date, used: _Used, received: _Received) -> Iterator[Breach]:
    """Days end with a receipt that is on file; and what was deducted is what was used of them, as was known then."""
    name = f"refund {refund.code}"
    if as_of not in (days := received.days_of(refund.complaint_id)):
        on_file = ", ".join(map(str, sorted(days)))
        yield Breach("refund-as-of", name, f"counts the days up to {as_of}; its case was received on {on_file}")
    provided = days_provided(inputs.starts_on, inputs.ends_on, as_of, inputs.as_of_day_counts)
    sums = used.until(refund, inputs.starts_on, inputs.starts_on + timedelta(days=provided))
    deducted = {"": Decimal(inputs.seconds_used), **{each.code: each.quantity for each in inputs.operations}}
    for code in {**sums, **deducted}:
        is_, there = deducted.get(code, Decimal(0)), sums.get(code, Decimal(0))
        # Minutes given on top make it less than what was there; nothing makes it more.
        if is_ > there or (is_ < there and (code or not refund.has_minutes)):
            what = code or "seconds of calls"
            yield Breach("refund-usage", name, f"deducts {is_:f} {what}, the period had {there:f} when it was proposed")
    costs = {cost["code"]: Decimal(cost["unit_cost"]) for cost in refund.period.operation_costs}
    for operation in inputs.operations:
        if costs.get(operation.code) != operation.unit_cost:
            cost = costs.get(operation.code)
            yield Breach(
                "refund-inputs",
                name,
                f"was computed with {operation.code} at {operation.unit_cost:f}, its period says "
                f"{'nothing' if cost is None else f'{cost:f}'}",
            )


class _Used:
    """What was used in the period of each usage refund, by day, of the records that were there when it was proposed: a
    correction made later leaves it as it is. Refunds are asked about by their key, in order; "" is the code of calls,
    in seconds.
    """

    def __init__(self) -> None:
        columns = ("pk", "period__usage__local_day", "period__usage__kind", "period__usage__operation")
        rows = (
            Refund.objects.filter(
                state__in=FROZEN, basis=Refund.Basis.USAGE, period__usage__recorded_at__lte=F("proposed_at")
            )
            .order_by("pk")
            .values_list(*columns)
            .annotate(Sum("period__usage__seconds"), Sum("period__usage__quantity"))
        )
        self._by_refund = groupby(rows.iterator(chunk_size=CHUNK), key=lambda row: row[0])
        self._next = next(self._by_refund, None)

    def until(self, refund: Refund, start: date, end: date) -> Mapping[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        while self._next is not None and self._next[0] < refund.pk:
            self._next = next(self._by_refund, None)
        if self._next is not None and self._next[0] == refund.pk:
            for _, day, kind, code, seconds, quantity in self._next[1]:
                is_call = kind == UsageKind.CALL
                if start <= day < end:
                    sums["" if is_call else code] += Decimal(seconds) if is_call else quantity
        return sums


class _Received:
    """The local days on which a case, or one merged into it, was ever said to be received; and the last moment."""

    def __init__(self) -> None:
        self._into = dict(Complaint.objects.filter(merged_into__isnull=False).values_list("pk", "merged_into"))
        self._days: dict[int, set[date]] = defaultdict(set)
        self._last: dict[int, datetime] = {}
        history = cast("Any", Complaint).history.model
        about = Refund.objects.filter(state__in=FROZEN).exclude(basis__in=OF_NO_DAY).values("complaint")
        rows = history.objects.filter(Q(id__in=about) | Q(merged_into__isnull=False)).order_by()
        for pk, at in rows.values_list("id", "received_at").distinct().iterator(chunk_size=CHUNK):
            self._days[pk].add(timezone.localdate(at))
            self._last[pk] = max(at, self._last.get(pk, at))
        for pk in self._into:
            root, days, last = pk, self._days[pk], self._last.get(pk)
            while (into := self._into.get(root)) is not None and into != pk:
                root = into
                self._days[root] |= days
                if last is not None:
                    self._last[root] = max(last, self._last.get(root, last))

    def days_of(self, complaint_id: int) -> set[date]:
        return self._days[complaint_id]

    def last_of(self, complaint_id: int) -> datetime | None:
        return self._last.get(complaint_id)


# --- Nothing twice ------------------------------------------------------------------------------


def counted_once() -> Iterator[Breach]:
    """No second of an outage is counted by two refunds of a period, nor by one whose days another gave back as unused.

    A reversed refund leaves what it counted up to the share that it still stands for (R3, R7).
    """
    several = Window(Count("pk"), partition_by="period")
    rows = Refund.objects.given().exclude(basis=Refund.Basis.FULL_MONTH).annotate(several=several).filter(several__gt=1)
    rows = rows.order_by("period", "proposed_at", "pk")
    for _, of_period in groupby(rows.iterator(chunk_size=CHUNK), key=lambda row: row.period_id):
        earlier: list[tuple[Refund, tuple[Interval, ...]]] = []
        for refund in of_period:
            for other, taken in earlier if refund.basis != Refund.Basis.USAGE else ():
                # A special case is an amount, and may be about days that were given back as unused.
                if refund.basis == Refund.Basis.SPECIAL and other.basis == Refund.Basis.USAGE:
                    continue
                twice = seconds_of(part for own in _intervals(refund.counted) for part in within(joined(taken), own))
                if twice:
                    yield Breach(
                        "outage-twice",
                        f"refund {refund.code}",
                        f"counts {int(twice)} seconds of an outage that refund {other.code} gave back before",
                    )
            try:
                earlier.append((refund, compensated([earlier_refund(refund)])))
            except ValueError:  # which ``contents`` tells
                continue


def _intervals(counted: Any) -> list[Interval]:
    return joined(Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in counted)


# --- What was known of the period ---------------------------------------------------------------


def known_then() -> Iterator[Breach]:
    """A proposal took off at least what refunds that still stand had given of its period before, and counted no more of
    the fee as paid than had come in.
    """
    rows: Any = Refund.objects.given().annotate(come_in=_come_in(), set_off_by_others=_set_off_by_others())
    for _, of_period in groupby(
        rows.order_by("period", "proposed_at", "pk").iterator(chunk_size=CHUNK), key=lambda row: row.period_id
    ):
        before: list[tuple[datetime, EarlierRefund]] = []
        for refund in of_period:
            try:
                inputs, seen = inputs_from_json(refund.inputs), earlier_refund(refund)
            except ValueError:  # which ``contents`` tells
                continue
            earlier = [each for at, each in before if at < refund.proposed_at]
            given = Decimal(0)
            if inputs.as_of is not None:
                unused = unused_by(inputs, settings.BUSINESS_TIME_ZONE)
                given = already_given(earlier, unused, refund.currency)
            refunded = already_refunded(earlier)
            if inputs.already_refunded < refunded or inputs.already_given < given:
                yield Breach(
                    "refund-already",
                    f"refund {refund.code}",
                    f"was computed as if {inputs.already_refunded:f} had been refunded and {inputs.already_given:f} of "
                    f"its days; earlier refunds of the period gave {refunded:f} and {given:f}",
                )
            paid = min(inputs.fee, refund.come_in + refund.set_off_by_others)
            if inputs.fee_paid > paid:
                yield Breach(
                    "refund-paid",
                    f"refund {refund.code}",
                    f"was computed with {inputs.fee_paid:f} of the fee paid; {paid:f} had come in or was set off",
                )
            before.append((refund.proposed_at, seen))


def _come_in() -> Any:
    """Payments of the period's invoice that were recorded when the refund was proposed, less what banks had taken back
    by then, and its credits.
    """
    then = {"recorded_at__lte": OuterRef("proposed_at")}
    payments = Payment.objects.filter(invoice__period=OuterRef("period"), **then).order_by().values("invoice__period")
    back = Chargeback.objects.filter(payment__invoice__period=OuterRef("period"), **then).order_by()
    parts = (
        payments.annotate(sum=_difference("amount", "surplus")).values("sum"),
        back.values("payment__invoice__period").annotate(sum=_difference("from_surplus", "amount")).values("sum"),
        Invoice.objects.filter(period=OuterRef("period")).order_by().values("credited"),
    )
    paid, back_again, credited = map(_of, parts)
    return ExpressionWrapper(paid + back_again + credited, output_field=MoneyField())


def _set_off_by_others() -> Any:
    """Of all that were there: one that was withdrawn since stood when the refund was proposed."""
    others = Refund.objects.filter(period=OuterRef("period"), drafted_at__lte=OuterRef("proposed_at"))
    return _of(others.exclude(pk=OuterRef("pk")).order_by().values("period").annotate(sum=Sum("set_off")).values("sum"))


def _difference(one: str, other: str) -> Any:
    return ExpressionWrapper(Sum(one) - Sum(other), output_field=MoneyField())


def _of(sums: Any) -> Any:
    return Coalesce(Subquery(sums, output_field=MoneyField()), NOTHING)


# --- History ------------------------------------------------------------------------------------

#: A draft may be edited in all but what it is about.
REFUND_FIXED = ("code", "complaint_id", "subscription_id", "period_id", "currency", "drafted_by_id", "drafted_at")
_CHANGING = [
    field.attname
    for field in Refund._meta.concrete_fields
    if not field.primary_key and field.attname not in REFUND_FIXED
]

CHECKS: tuple[Check, ...] = (contents, counted_once, known_then, matches_history(Refund, changing=_CHANGING))
