"""Money that came before its invoice, checked: what became of it adds up, and what came of it is what it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Coalesce

from audit.event_checks import Facts, amount_in, as_recorded, day_in
from audit.ledger_checks import NOTHING, Breach, Check, each, sum_of
from billing.payments.models import BankLine, Payment, Unbooking
from billing.payments.prepayments.models import Prepayment, PrepaymentTakenOff
from billing.subscriptions.models import Subscription
from billing.vocabulary import BillingVerb
from core.fields import MoneyField


def _recorded(event: Any) -> Iterator[Facts]:
    """A prepayment as the event of its recording says."""
    yield amount_in(event.data, "amount"), day_in(event.data, "received_on"), event.data["reference"], event.actor_id


def _taken_off(event: Any) -> Iterator[Facts]:
    yield amount_in(event.data, "amount"), event.actor_id


recorded_prepayments = as_recorded(
    "prepayment-recorded",
    Subscription,
    lambda: Prepayment.objects.values_list("subscription_id", "amount", "received_on", "reference", "recorded_by_id"),
    {BillingVerb.PREPAYMENT_RECORD: _recorded},
)
taken_off_prepayments = as_recorded(
    "prepayment-taken-off",
    Prepayment,
    lambda: PrepaymentTakenOff.objects.values_list("prepayment_id", "amount", "recorded_by_id"),
    {BillingVerb.PREPAYMENT_TAKE_OFF: _taken_off},
)


def parts() -> Iterator[Breach]:
    """Amount = applied + remaining + taken off + credited; each of the parts is what its rows add up to. It is in its
    subscription's currency.
    """
    rows = Prepayment.objects.annotate(
        used=sum_of(Payment.objects.all(), "prepayment"),
        unbooked=sum_of(Unbooking.objects.all(), "payment__prepayment"),
        off=sum_of(PrepaymentTakenOff.objects.all(), "prepayment"),
    ).filter(
        ~Q(applied=F("used") - F("unbooked"))
        | ~Q(taken_off=F("unbooked") + F("off"))
        | Q(amount__lt=F("applied") + F("taken_off") + F("credited"))
        | ~Q(currency=F("subscription__currency"))
    )
    for row in each(rows.select_related("subscription")):
        yield Breach(
            "prepayment-parts",
            f"prepayment {row.pk} of {row.subscription.number}",
            f"{row.amount:f} {row.currency}: {row.applied:f} applied, {row.taken_off:f} taken off and {row.credited:f} "
            f"made a credit; its payments are {row.used:f}, of which {row.unbooked:f} was taken off, and {row.off:f} "
            f"was before; the subscription pays in {row.subscription.currency}",
        )


def payments_of_their_own() -> Iterator[Breach]:
    """What an invoice used of a prepayment is of its own subscription, in its currency, received when that was, as
    whoever recorded it said.
    """
    rows = (
        Payment.objects.filter(prepayment__isnull=False)
        .annotate(of=Coalesce("invoice__period__subscription", "invoice__charges_of"))
        .exclude(
            of=F("prepayment__subscription"),
            invoice__currency=F("prepayment__currency"),
            received_on=F("prepayment__received_on"),
            reference=F("prepayment__reference"),
            recorded_by=F("prepayment__recorded_by"),
        )
    )
    for row in each(rows.select_related("invoice", "prepayment__subscription")):
        yield Breach(
            "prepayment-payment",
            f"payment {row.pk} of {row.invoice.number}",
            f"is {row.amount:f} of {row.received_on}; its prepayment, {row.prepayment_id} of "
            f"{row.prepayment.subscription.number}, is of {row.prepayment.received_on}, or by somebody else",
        )


def credits_of_their_own() -> Iterator[Breach]:
    """What a prepayment left is a credit of its subscription, which has ended, over that amount: a line of a bank
    proves the money, or a second person does. Of what was taken off, what was left came back out of the credit, and
    what was used is charged.
    """
    proved = BankLine.objects.filter(prepayment=OuterRef("pk"))
    off = Coalesce("unbooking__from_credit", NOTHING)
    charged = Coalesce("unbooking__charge__amount", NOTHING)
    credits = Prepayment.objects.filter(credit__isnull=False).annotate(
        of_credit=ExpressionWrapper(F("credited") + off, output_field=MoneyField()),
        back=ExpressionWrapper(off - charged, output_field=MoneyField()),
    )
    rows = credits.filter(
        ~Q(of_credit=F("credit__granted"))
        | ~Q(back=F("credit__reversed"))
        | ~Q(subscription=F("credit__subscription"))
        | ~Q(subscription__state=Subscription.State.ENDED)
        | Q(credited_by=F("recorded_by"), credited__gt=0) & ~Exists(proved)
    )
    for row in each(rows.select_related("subscription", "credit")):
        assert row.credit is not None
        yield Breach(
            "prepayment-credit",
            f"prepayment {row.pk} of {row.subscription.number}",
            f"{row.of_credit:f} of it became credit {row.credit_id} over {row.credit.granted:f}, of which "
            f"{row.credit.reversed:f} came back and {row.back:f} should have; the subscription is "
            f"{row.subscription.state}, and a line of a bank or a second person has to prove it",
        )


def lines_of_their_own() -> Iterator[Breach]:
    """A line of a bank that is matched to a prepayment is that money, and something of it stands."""
    rows = BankLine.objects.filter(prepayment__isnull=False).filter(
        ~Q(amount=F("prepayment__amount"))
        | ~Q(currency=F("prepayment__currency"))
        | ~Q(booked_on=F("prepayment__received_on"))
        | Q(prepayment__taken_off=F("prepayment__amount"))
    )
    for line in each(rows.select_related("prepayment")):
        assert line.prepayment is not None
        yield Breach(
            "prepayment-line",
            f"bank line {line.pk}",
            f"{line.amount:f} {line.currency} of {line.booked_on}; its prepayment is {line.prepayment.amount:f} "
            f"{line.prepayment.currency} of {line.prepayment.received_on}, {line.prepayment.taken_off:f} taken off",
        )


CHECKS: tuple[Check, ...] = (
    recorded_prepayments,
    taken_off_prepayments,
    parts,
    payments_of_their_own,
    credits_of_their_own,
    lines_of_their_own,
)
