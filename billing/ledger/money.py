"""The books of billing, checked against each other: credits, invoices, periods, usage, numbers.

Each check is a query or two over all rows, however many there are; only what breaks a rule comes back. Amounts in the
sentences are as stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import (
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    Subquery,
    Window,
)
from django.db.models.functions import Cast, Coalesce, ExtractYear, Lag, Substr

from accounts.numbers.models import NumberSeries
from audit.ledger_checks import NOTHING, Breach, Check, each, sum_of
from billing.credits.models import Credit, CreditApplication
from billing.invoices.models import Charge, CreditNote, Invoice, InvoiceLine, WriteOff
from billing.ledger import history, invoice_voids, prepayments, receipts, terms
from billing.ledger.periods import cancellations, open_periods, periods, plan_changes, usage, voids
from billing.payments.models import BankLine, Chargeback, Payment, Unbooking
from billing.payouts.models import Payout
from billing.residual_credits.models import ResidualCreditPayout
from core.fields import MoneyField

# --- Credits ------------------------------------------------------------------------------------


def credits() -> Iterator[Breach]:
    """Granted = applied + remaining + reversed + paid out; each of the parts is what its rows add up to."""
    # A payout that the bank could not make, or that a reversal stopped, went back to its credit.
    approved = ResidualCreditPayout.objects.filter(state=ResidualCreditPayout.State.APPROVED).exclude(
        payout__state__in=(Payout.State.CREDITED, Payout.State.CANCELLED)
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
    rows = (
        Invoice.objects.annotate(
            lines_gross=sum_of(lines, "invoice", "gross"),
            lines_net=sum_of(lines, "invoice", "net"),
            lines_tax=sum_of(lines, "invoice", "tax"),
            lines_fee=sum_of(lines.filter(charge__isnull=True), "invoice", "gross"),
            used=sum_of(CreditApplication.objects.all(), "invoice"),
            came_in=sum_of(Payment.objects.all(), "invoice"),
            too_much=sum_of(Payment.objects.all(), "invoice", "surplus"),
            went_back=sum_of(Chargeback.objects.all(), "payment__invoice"),
            from_surplus=sum_of(Chargeback.objects.all(), "payment__invoice", "from_surplus"),
            unbooked=sum_of(Unbooking.objects.all(), "payment__invoice"),
            surplus_unbooked=sum_of(Unbooking.objects.all(), "payment__invoice", "from_surplus"),
            given_up=sum_of(WriteOff.objects.filter(state=WriteOff.State.APPROVED), "invoice"),
            # What is no period's has no fee.
            fee=Coalesce("period__fee", NOTHING),
        )
        .annotate(
            received=ExpressionWrapper(F("came_in") - F("too_much"), output_field=MoneyField()),
            taken_back=ExpressionWrapper(F("went_back") - F("from_surplus"), output_field=MoneyField()),
            taken_off=ExpressionWrapper(F("unbooked") - F("surplus_unbooked"), output_field=MoneyField()),
        )
        .filter(
            ~Q(gross=F("lines_gross"))
            | ~Q(net=F("lines_net"))
            | ~Q(tax=F("lines_tax"))
            | ~Q(fee=F("lines_fee"))
            | ~Q(credited=F("used"))
            | ~Q(paid=F("received") - F("taken_back") - F("taken_off"))
            | ~Q(charged_back=F("taken_back"))
            | Q(written_off__gt=F("given_up"))
        )
    )
    for row in each(rows):
        name = f"invoice {row.number}"
        for what, is_, should in (
            ("gross", row.gross, row.lines_gross),
            ("net", row.net, row.lines_net),
            ("tax", row.tax, row.lines_tax),
        ):
            if is_ != should:
                yield Breach(f"invoice-{what}", name, f"{what} {is_:f}, its lines add up to {should:f}")
        if row.fee != row.lines_fee:
            yield Breach("invoice-fee", name, f"asks {row.lines_fee:f} for a period that costs {row.fee:f}")
        if row.credited != row.used:
            yield Breach("invoice-credited", name, f"credited {row.credited:f}, applications add up to {row.used:f}")
        if row.paid != row.received - row.taken_back - row.taken_off:
            yield Breach(
                "invoice-paid",
                name,
                f"paid {row.paid:f}, payments are {row.received:f} less {row.taken_back:f} charged back and "
                f"{row.taken_off:f} taken off",
            )
        if row.written_off > row.given_up:
            yield Breach(
                "invoice-written-off", name, f"written off {row.written_off:f}, approvals allow {row.given_up:f}"
            )
        if row.charged_back != row.taken_back:
            yield Breach(
                "invoice-charged-back", name, f"charged back {row.charged_back:f}, its rows say {row.taken_back:f}"
            )


def charges() -> Iterator[Breach]:
    """A charge stands on an invoice of its subscription, in its currency, with its amount; or it still waits."""
    on_line = InvoiceLine.objects.filter(charge=OuterRef("pk"))
    rows = (
        Charge.objects.annotate(
            asked=Subquery(on_line.values("gross")[:1], output_field=MoneyField()),
            asked_of=Coalesce("line__invoice__period__subscription", "line__invoice__charges_of"),
        )
        .filter(
            Q(invoiced_on__isnull=True, asked__isnull=False)
            | Q(invoiced_on__isnull=False, asked__isnull=True)
            | ~Q(asked=F("amount")) & Q(asked__isnull=False)
            | ~Q(currency=F("subscription__currency"))
            | Q(asked__isnull=False) & ~Q(subscription=F("asked_of"))
        )
        .select_related("subscription", "line__invoice")
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
        if row.asked is not None and row.asked_of != row.subscription_id:
            yield Breach("charge-elsewhere", name, f"stands on invoice {row.line.invoice.number} of another one")


# --- Payments -----------------------------------------------------------------------------------


def payments() -> Iterator[Breach]:
    """What was paid beyond what was due is a credit of the invoice's subscription; of it a chargeback takes what it
    says, back from the credit or as a charge. A matched line of a bank is its payment.
    """
    rows = Payment.objects.filter(credit__isnull=False).select_related(
        "credit", "chargeback__charge", "unbooking__charge", "invoice__period__subscription", "invoice__charges_of"
    )
    for row in each(rows):
        name = f"payment {row.pk} of {row.invoice.number}"
        credit = row.credit
        if (credit.granted, credit.subscription_id) != (row.surplus, row.invoice.subscription.pk):
            yield Breach("payment-surplus", name, f"{row.surplus:f} was too much, its credit grants {credit.granted:f}")
        back = row.counter_entry
        taken = Decimal(0) if back is None else back.from_surplus
        charged = Decimal(0) if back is None or back.charge is None else back.charge.amount
        if taken != credit.reversed + charged:
            yield Breach(
                "payment-charged-back",
                name,
                f"{taken:f} of the surplus was taken back, {credit.reversed:f} from its credit and {charged:f} charged",
            )
    lines = BankLine.objects.filter(payment__isnull=False).exclude(
        amount=F("payment__amount"), currency=F("payment__invoice__currency")
    )
    for line in each(lines.select_related("payment__invoice")):
        paid = f"{line.payment.amount:f} {line.payment.invoice.currency}"
        yield Breach("bank-line", f"bank line {line.pk}", f"{line.amount:f} {line.currency}, its payment is {paid}")


def payouts() -> Iterator[Breach]:
    """A payout that became a credit is that credit's amount; nothing else has one. What was leftover went back."""
    became = Q(state=Payout.State.CREDITED, leftover__isnull=True)
    rows = Payout.objects.filter(
        became & Q(credit__isnull=True)
        | ~became & Q(credit__isnull=False)
        | Q(credit__isnull=False) & (~Q(credit__granted=F("amount")) | ~Q(credit__subscription=F("subscription")))
    )
    for row in each(rows.select_related("credit")):
        credit = "no credit" if row.credit is None else f"credit {row.credit_id} over {row.credit.granted:f}"
        yield Breach("payout-credit", f"payout {row.key}", f"{row.get_state_display()}, {row.amount:f}, with {credit}")


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
    # Whoever takes a number holds its series to the end of the transaction, so keys rise with numbers.
    written = Window(Lag("pk", default=0), partition_by=F("year"), order_by=F("n").asc())
    for row in rows.annotate(written=written).filter(pk__lt=F("written")).order_by("year", "n"):
        yield Breach("number-order", f"{name} {row.number}", "was written before the number that it follows")
    dated_before = Window(Lag("issued_on"), order_by=(F("year").asc(), F("n").asc()))
    earlier = rows.annotate(dated_before=dated_before).filter(issued_on__lt=F("dated_before"))
    for row in earlier.order_by("year", "n"):
        yield Breach("number-day", f"{name} {row.number}", f"is dated {row.issued_on}, before the one that it follows")
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


CHECKS: tuple[Check, ...] = (
    credits,
    invoices,
    charges,
    payments,
    payouts,
    plan_changes,
    periods,
    open_periods,
    cancellations,
    voids,
    usage,
    numbers,
    *invoice_voids.CHECKS,
    *terms.CHECKS,
    *receipts.CHECKS,
    *prepayments.CHECKS,
    *history.CHECKS,
)
