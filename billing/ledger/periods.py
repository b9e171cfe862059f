"""The books of periods, checked: how they tile, which plan they have and why, what was used of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db import models
from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce

from audit.ledger_checks import CHUNK, Breach, each
from audit.models import Event
from billing.invoices.credit_notes.actions import standing_notes
from billing.invoices.models import CreditNote
from billing.periods import Period, Term, nth_period
from billing.remedies.models import Extension
from billing.subscriptions.models import BillingPeriod, PlanChange, Subscription
from billing.usage.models import UsageDay, UsageRecord
from billing.vocabulary import BillingVerb
from core.fields import FixedPointField

# --- Changes of plan ----------------------------------------------------------------------------


def plan_changes() -> Iterator[Breach]:
    """An applied change is the plan of its period, which began on its day or later; none waits on an ended
    subscription; a running subscription's plan is its open period's.
    """
    applied = Q(state=PlanChange.State.APPLIED)
    rows = PlanChange.objects.filter(
        applied
        & (
            ~Q(plan=F("applied_period__plan"))
            | ~Q(subscription=F("applied_period__subscription"))
            | Q(effective_on__gt=F("applied_period__starts_on"))
        )
        | Q(state=PlanChange.State.SCHEDULED, subscription__state=Subscription.State.ENDED)
    )
    for row in each(rows.select_related("subscription", "plan", "applied_period")):
        said = f"with {row.applied_period.in_figures}" if row.applied_period else "on a subscription that has ended"
        yield Breach("plan-change", str(row), f"is {row.get_state_display().lower()} {said}")
    strays = BillingPeriod.objects.filter(state=BillingPeriod.State.OPEN).exclude(plan=F("subscription__plan"))
    for period in each(strays.select_related("subscription")):
        name = f"{period.subscription.number}, period {period.sequence}"
        yield Breach("period-plan", name, "has another plan than its subscription")


# --- Periods ------------------------------------------------------------------------------------


def periods() -> Iterator[Breach]:
    """Periods tile: each starts where the one before it closes, with the next number; its own days are those of
    the anchor in force; it is longer by the days that were granted.
    """
    granted = Extension.objects.filter(period=OuterRef("pk")).order_by().values("period")
    days = IntegerField()
    rows = BillingPeriod.objects.order_by("subscription_id", "sequence").annotate(
        granted_days=Coalesce(Subquery(granted.annotate(sum=Sum("days")).values("sum"), output_field=days), 0),
        undone_days=Coalesce(
            Subquery(granted.annotate(sum=Sum("reversed_days")).values("sum"), output_field=days), 0
        ),
    ).values_list(
        "subscription_id", "sequence", "starts_on", "ends_on", "closes_on", "extension_days", "term",
        "plan_id", "plan_change",
        "granted_days", "undone_days", "subscription__number", "subscription__activated_on",
        "subscription__anchor_on", "subscription__anchor_sequence", named=True,
    )  # fmt: skip
    for _, of_one in groupby(rows.iterator(chunk_size=CHUNK), key=lambda row: row.subscription_id):
        yield from _tiling(of_one)


def _tiling(rows: Iterator[Any]) -> Iterator[Breach]:
    """``rows`` are one subscription's, in order."""
    before: Any = None
    anchor = date.min
    first = 0
    for row in rows:
        name = f"{row.subscription__number}, period {row.sequence}"
        if before is None:
            anchor = row.subscription__activated_on
        else:
            if row.starts_on != before.closes_on:
                yield Breach(
                    "period-tiles", name, f"starts on {row.starts_on}, the one before it closes on {before.closes_on}"
                )
            if row.sequence != before.sequence + 1:
                yield Breach("period-numbers", name, f"comes after period {before.sequence}")
            if row.plan_id != before.plan_id and row.plan_change is None:
                yield Breach("period-plan-changed", name, "has another plan than the one before it, by no change")
        own = _own(anchor, Term(row.term), row.sequence - first)
        if own is None or (row.starts_on, row.ends_on) != (own.starts_on, own.ends_on):
            should = f"{own.starts_on} to {own.ends_on}" if own else "none"
            yield Breach(
                "period-own-dates", name, f"is {row.starts_on} to {row.ends_on}, by the anchor {anchor} {should}"
            )
        longer, granted = (row.closes_on - row.ends_on).days, row.granted_days - row.undone_days
        if not longer == row.extension_days == granted:
            yield Breach(
                "period-extension",
                name,
                f"closes {longer} days after its end and counts {row.extension_days} days of extension, "
                f"{granted} were granted and not undone",
            )
        if row.extension_days:
            anchor, first = row.closes_on, row.sequence + 1
        before = row
    if (before.subscription__anchor_on, before.subscription__anchor_sequence) != (anchor, first):
        yield Breach(
            "anchor",
            before.subscription__number,
            f"counts from {before.subscription__anchor_on}, period {before.subscription__anchor_sequence}; "
            f"by its extensions from {anchor}, period {first}",
        )


def _own(anchor: date, term: Term, n: int) -> Period | None:
    try:
        return nth_period(anchor, term, n)
    except ValueError:
        return None


def open_periods() -> Iterator[Breach]:
    """A running subscription has one current period, an ended one none."""
    rows = Subscription.objects.annotate(
        current=Count("periods", filter=Q(periods__state=BillingPeriod.State.OPEN)),
        closed=Max("periods__closes_on", filter=~Q(periods__state=BillingPeriod.State.VOIDED)),
    ).filter(
        ~Q(state=Subscription.State.ENDED) & ~Q(current=1)
        # Without any that is not voided it never began, or ended before it came over from another system.
        | Q(state=Subscription.State.ENDED) & (~Q(current=0) | Q(closed__isnull=False) & ~Q(ended_on=F("closed")))
    )
    for row in each(rows):
        if row.state != Subscription.State.ENDED or row.current:
            yield Breach(
                "one-open-period", row.number, f"{row.get_state_display().lower()}, with {row.current} current periods"
            )
        if row.state == Subscription.State.ENDED and row.closed is not None and row.ended_on != row.closed:
            yield Breach("ended-with-period", row.number, f"ended on {row.ended_on}, its last period on {row.closed}")


def cancellations() -> Iterator[Breach]:
    """A subscription is cancelled since the day that the customer asked for, as the event of it says, or it is not."""
    events = Event.objects.filter(
        target_type=Subscription._meta.label_lower,
        target_id=OuterRef("pk"),
        verb__in=(BillingVerb.SUBSCRIPTION_CANCEL, BillingVerb.SUBSCRIPTION_UNDO_CANCELLATION),
        outcome=Event.Outcome.DONE,
    ).order_by("-pk")
    rows = Subscription.objects.annotate(told=Subquery(events.values("data")[:1])).filter(
        Q(cancelled_on__isnull=False) | Exists(events)
    )
    for row in each(rows):
        asked = (row.told or {}).get("requested_on")
        is_ = None if row.cancelled_on is None else row.cancelled_on.isoformat()
        if is_ != asked:
            yield Breach(
                "cancelled-on",
                row.number,
                f"is cancelled since {is_ or 'never'}; by the audit trail the customer asked for it on "
                f"{asked or 'no day'}",
            )


def voids() -> Iterator[Breach]:
    """A period is voided exactly where its subscription was cancelled from a day before it, and one credit note of that
    covers what no other note has credited of its fee.
    """
    voided = Q(state=BillingPeriod.State.VOIDED)
    founded = Q(subscription__cancelled_on__isnull=False, starts_on__gte=F("subscription__ended_on"))
    notes = CreditNote.objects.filter(period=OuterRef("pk"), kind=CreditNote.Kind.VOID)
    rows = BillingPeriod.objects.filter(voided | founded | Exists(notes)).select_related("subscription", "invoice")
    for period in each(rows.prefetch_related("credit_notes")):
        name = f"{period.subscription.number}, period {period.sequence}"
        asked_on, ended_on = period.subscription.cancelled_on, period.subscription.ended_on
        is_voided = period.state == BillingPeriod.State.VOIDED
        is_later = asked_on is not None and ended_on is not None and period.starts_on >= ended_on
        if is_voided != is_later:
            yield Breach(
                "period-voided",
                name,
                f"is {period.get_state_display().lower()} and starts on {period.starts_on}; the subscription ended on "
                f"{ended_on or 'no day'}, cancelled on {asked_on or 'no day'}",
            )
        note = next((one for one in period.credit_notes.all() if one.kind == CreditNote.Kind.VOID), None)
        others = standing_notes(period).gross - (note.gross if note is not None else Decimal(0))
        # A void invoice has its own note over the rest of the fee.
        should = period.fee - others if is_voided and not period.invoice_is_void else Decimal(0)
        if (note.gross if note is not None else Decimal(0)) != should:
            yield Breach(
                "void-note",
                name,
                f"has {f'{note.number} over {note.gross:f}' if note else 'no credit note'} as voided; of its fee, "
                f"{period.fee:f}, other notes credit {others:f}: look at the cancellation",
            )


# --- Usage --------------------------------------------------------------------------------------


def usage() -> Iterator[Breach]:
    """Each day's sum is what its records add up to, and every record is in a day's sum, of its own period's days."""
    same = UsageRecord.objects.filter(
        period=OuterRef("period"),
        kind=OuterRef("kind"),
        operation=OuterRef("operation"),
        local_day=OuterRef("local_day"),
    ).order_by()
    quantity = FixedPointField(places=4)

    def summed(of: Any, output: models.Field[Any, Any]) -> Any:
        found = same.values("period").annotate(sum=of).values("sum")
        return Coalesce(Subquery(found, output_field=output), Value(0, output_field=output))

    days = (
        UsageDay.objects.annotate(
            all_seconds=summed(Sum("seconds"), models.BigIntegerField()),
            all_quantity=summed(Sum("quantity"), quantity),
            all_records=summed(Count("pk"), IntegerField()),
        )
        .filter(~Q(seconds=F("all_seconds")) | ~Q(quantity=F("all_quantity")) | ~Q(records=F("all_records")))
        .select_related("period__subscription")
    )
    for day in each(days):
        yield Breach(
            "usage-sums",
            f"{day.period.subscription.number}, {day}",
            f"{day.seconds} seconds, {day.quantity:f} uses, {day.records} records; its records add up to "
            f"{day.all_seconds} seconds, {day.all_quantity:f} uses, {day.all_records} records",
        )
    summed_up = UsageDay.objects.filter(
        period=OuterRef("period"),
        kind=OuterRef("kind"),
        operation=OuterRef("operation"),
        local_day=OuterRef("local_day"),
    )
    loose = UsageRecord.objects.filter(
        ~Exists(summed_up) | Q(local_day__lt=F("period__starts_on")) | Q(local_day__gte=F("period__closes_on"))
    ).annotate(counted=Exists(summed_up))
    for record in each(loose.select_related("period__subscription")):
        name = f"{record.period.subscription.number}, usage {record.external_id}"
        if not record.counted:
            yield Breach("usage-uncounted", name, f"of {record.local_day} is in no day's sum")
        if not record.period.starts_on <= record.local_day < record.period.closes_on:
            yield Breach(
                "usage-outside", name, f"of {record.local_day} lies outside its period, {record.period.in_figures}"
            )
