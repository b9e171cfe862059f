"""The books of billing, checked against each other: credits, invoices, periods, usage, numbers.

Each check is a query or two over all rows, however many there are; only what breaks a rule comes back. Amounts in the
sentences are as stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, IntegerField, Max, OuterRef, Q, Subquery, Sum, Value, Window
from django.db.models.functions import Cast, Coalesce, ExtractYear, Lag, Substr

from accounts.fields import FixedPointField, MoneyField
from accounts.models import NumberSeries
from audit.breaches import CHUNK, Breach, Check, each
from billing.models import (
    BillingPeriod,
    Charge,
    Chargeback,
    Credit,
    CreditApplication,
    CreditNote,
    Extension,
    Invoice,
    InvoiceLine,
    LeftoverPayout,
    Payment,
    Payout,
    Subscription,
    UsageDay,
    UsageRecord,
)
from billing.periods import Period, Term, nth_period


def sum_of(rows: models.QuerySet[Any], by: str, amount: str = "amount") -> Any:
    """The sum of ``amount`` over the rows whose ``by`` is the outer row; 0 without any."""
    found = rows.filter(**{by: OuterRef("pk")}).order_by().values(by).annotate(sum=Sum(amount)).values("sum")
    return Coalesce(Subquery(found, output_field=MoneyField()), Value(Decimal(0), output_field=MoneyField()))


# --- Credits ------------------------------------------------------------------------------------


def credits() -> Iterator[Breach]:
    """Granted = applied + remaining + reversed + paid out; each of the parts is what its rows add up to."""
    # A payout that the bank could not make went back to its credit.
    approved = LeftoverPayout.objects.filter(state=LeftoverPayout.State.APPROVED).exclude(
        payout__state=Payout.State.CREDITED
    )
    rows = Credit.objects.annotate(
        used=sum_of(CreditApplication.objects.all(), "credit"), given_out=sum_of(approved, "credit")
    ).filter(
        ~Q(applied=F("used"))
        | ~Q(paid_out=F("given_out"))
        | Q(granted__lt=F("applied") + F("reversed") + F("paid_out"))
    )
    for row in each(rows.select_related("subscription")):
        name = f"credit {row.pk} of {row.subscription.number}"
        if row.remaining < 0:
            parts = f"{row.applied:f} applied, {row.reversed:f} reversed and {row.paid_out:f} paid out"
            yield Breach("credit-overdrawn", name, f"granted {row.granted:f}, but {parts}")
        if row.applied != row.used:
            yield Breach("credit-applied", name, f"applied {row.applied:f}, its applications add up to {row.used:f}")
        if row.paid_out != row.given_out:
            yield Breach(
                "credit-paid-out", name, f"paid out {row.paid_out:f}, approved payouts add up to {row.given_out:f}"
            )


# --- Invoices -----------------------------------------------------------------------------------


def invoices() -> Iterator[Breach]:
    """Gross, net and tax are the lines'; credited, paid and charged back are what their rows add up to."""
    lines = InvoiceLine.objects.all()
    rows = Invoice.objects.annotate(
        lines_gross=sum_of(lines, "invoice", "gross"),
        lines_net=sum_of(lines, "invoice", "net"),
        lines_tax=sum_of(lines, "invoice", "tax"),
        lines_fee=sum_of(lines.filter(charge__isnull=True), "invoice", "gross"),
        used=sum_of(CreditApplication.objects.all(), "invoice"),
        received=sum_of(Payment.objects.all(), "invoice"),
        taken_back=sum_of(Chargeback.objects.all(), "payment__invoice"),
    ).filter(
        ~Q(gross=F("lines_gross"))
        | ~Q(net=F("lines_net"))
        | ~Q(tax=F("lines_tax"))
        | ~Q(period__fee=F("lines_fee"))
        | ~Q(credited=F("used"))
        | ~Q(paid=F("received") - F("taken_back"))
        | ~Q(charged_back=F("taken_back"))
    )
    for row in each(rows.select_related("period")):
        name = f"invoice {row.number}"
        for what, is_, should in (
            ("gross", row.gross, row.lines_gross),
            ("net", row.net, row.lines_net),
            ("tax", row.tax, row.lines_tax),
        ):
            if is_ != should:
                yield Breach(f"invoice-{what}", name, f"{what} {is_:f}, its lines add up to {should:f}")
        if row.period.fee != row.lines_fee:
            yield Breach("invoice-fee", name, f"asks {row.lines_fee:f} for a period that costs {row.period.fee:f}")
        if row.credited != row.used:
            yield Breach("invoice-credited", name, f"credited {row.credited:f}, applications add up to {row.used:f}")
        if row.paid != row.received - row.taken_back:
            yield Breach(
                "invoice-paid",
                name,
                f"paid {row.paid:f}, payments are {row.received:f} less {row.taken_back:f} charged back",
            )
        if row.charged_back != row.taken_back:
            yield Breach(
                "invoice-charged-back", name, f"charged back {row.charged_back:f}, its rows say {row.taken_back:f}"
            )


def charges() -> Iterator[Breach]:
    """A charge stands on an invoice of its subscription, in its currency, with its amount; or it still waits."""
    on_line = InvoiceLine.objects.filter(charge=OuterRef("pk"))
    rows = (
        Charge.objects.annotate(asked=Subquery(on_line.values("gross")[:1], output_field=MoneyField()))
        .filter(
            Q(invoiced_on__isnull=True, asked__isnull=False)
            | Q(invoiced_on__isnull=False, asked__isnull=True)
            | ~Q(asked=F("amount")) & Q(asked__isnull=False)
            | ~Q(currency=F("subscription__currency"))
            | Q(asked__isnull=False) & ~Q(subscription=F("line__invoice__period__subscription"))
        )
        .select_related("subscription", "line__invoice__period__subscription")
    )
    for row in each(rows):
        name = f"charge {row.pk} of {row.subscription.number}"
        if (row.invoiced_on is None) != (row.asked is None):
            said = "is said to wait" if row.invoiced_on is None else f"is said to be invoiced on {row.invoiced_on}"
            yield Breach("charge-invoiced", name, f"{said}, and {'no' if row.asked is None else 'a'} line asks for it")
        if row.asked is not None and row.asked != row.amount:
            yield Breach("charge-amount", name, f"amount {row.amount:f}, its line asks for {row.asked:f}")
        if row.currency != row.subscription.currency:
            yield Breach(
                "charge-currency", name, f"{row.currency}, the subscription pays in {row.subscription.currency}"
            )
        if row.asked is not None and row.line.invoice.period.subscription_id != row.subscription_id:
            yield Breach("charge-elsewhere", name, f"stands on invoice {row.line.invoice.number} of another one")


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
        closed=Max("periods__closes_on"),
    ).filter(
        ~Q(state=Subscription.State.ENDED) & ~Q(current=1)
        | Q(state=Subscription.State.ENDED) & (~Q(current=0) | ~Q(ended_on=F("closed")))
    )
    for row in each(rows):
        if row.state != Subscription.State.ENDED or row.current:
            yield Breach(
                "one-open-period", row.number, f"{row.get_state_display().lower()}, with {row.current} current periods"
            )
        if row.state == Subscription.State.ENDED and row.ended_on != row.closed:
            yield Breach("ended-with-period", row.number, f"ended on {row.ended_on}, its last period on {row.closed}")


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
            yield Breach("usage-outside", name, f"of {record.local_day} lies outside its period, {record.period}")


# --- Numbers ------------------------------------------------------------------------------------


def numbers() -> Iterator[Breach]:
    """Invoices and credit notes are numbered from 1 without a gap in each year, and the series stands at the last."""
    yield from _numbered(Invoice, "", "invoice-")
    yield from _numbered(CreditNote, "CN-", "credit-note-")


def _numbered(model: type[Invoice | CreditNote], prefix: str, series: str) -> Iterator[Breach]:
    """Numbers are the prefix, the year, a hyphen and digits; ``series`` is what the year's series begins with."""
    name = model._meta.verbose_name
    rows: models.QuerySet[Any] = model._base_manager.annotate(
        year=Substr("number", len(prefix) + 1, 4), n=Cast(Substr("number", len(prefix) + 6), IntegerField())
    ).order_by()
    before = Window(Lag("n", default=0), partition_by=F("year"), order_by=F("n").asc())
    for row in rows.annotate(before=before).exclude(n=F("before") + 1).order_by("year", "n"):
        yield Breach("number-gap", f"{name} {row.number}", f"comes after {row.before} in {row.year}")
    dated = Cast(ExtractYear("issued_on"), models.CharField())
    for row in each(rows.annotate(dated=dated).exclude(year=F("dated"))):
        yield Breach("number-year", f"{name} {row.number}", f"is dated {row.issued_on}")
    of_year = rows.filter(year=OuterRef("year")).values("year").annotate(highest=Max("n")).values("highest")
    counters: models.QuerySet[Any] = NumberSeries.objects.filter(name__startswith=series).annotate(
        year=Substr("name", len(series) + 1)
    )
    highest = Coalesce(Subquery(of_year, output_field=IntegerField()), 0)
    for counter in each(counters.annotate(highest=highest).exclude(last=F("highest"))):
        yield Breach("number-series", counter.name, f"stands at {counter.last}, the last number is {counter.highest}")
    uncounted = rows.filter(~Exists(counters.filter(year=OuterRef("year")))).values("year").annotate(highest=Max("n"))
    for lost in uncounted.order_by("year"):
        yield Breach("number-series", f"{series}{lost['year']}", f"is missing, the last number is {lost['highest']}")


CHECKS: tuple[Check, ...] = (credits, invoices, charges, periods, open_periods, usage, numbers)
