"""Money that came in and went out, checked against what says so: the events of its recording, the account's holder, the
bank's reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from heapq import merge
from itertools import groupby

from django.db.models import Count, F, Q, Window

from audit.ledger_checks import CHUNK, Breach, Check, each
from audit.models import Event
from billing.invoices.models import Invoice
from billing.payments.models import Chargeback, Payment, SurplusCredit, Unbooking
from billing.payouts.models import Payout
from billing.residual_credits.models import ResidualCreditPayout
from billing.vocabulary import BillingVerb


def recorded_payments() -> Iterator[Breach]:
    """Every payment was recorded by somebody, once, and every recorded one is there with its amount."""
    yield from _as_recorded(
        "payment-recorded",
        "invoice",
        Payment.objects.order_by("invoice_id", "pk").values_list("invoice_id", "amount"),
        BillingVerb.PAYMENT_RECORD,
        Invoice,
    )


def recorded_chargebacks() -> Iterator[Breach]:
    """As ``recorded_payments``, for what a bank took back."""
    yield from _as_recorded(
        "chargeback-recorded",
        "payment",
        Chargeback.objects.order_by("payment_id", "pk").values_list("payment_id", "amount"),
        BillingVerb.PAYMENT_CHARGE_BACK,
        Payment,
    )


def recorded_unbookings() -> Iterator[Breach]:
    """As ``recorded_payments``, for what was taken off an invoice again. No payment has two counter-entries, and none
    that has one is still a bank line's.
    """
    yield from _as_recorded(
        "unbooking-recorded",
        "payment",
        Unbooking.objects.order_by("payment_id", "pk").values_list("payment_id", "amount"),
        BillingVerb.PAYMENT_TAKE_OFF,
        Payment,
    )
    twice = Unbooking.objects.filter(Q(payment__chargeback__isnull=False) | Q(payment__bank_line__isnull=False))
    for row in each(twice.select_related("payment")):
        yield Breach(
            "unbooking-twice",
            f"payment {row.payment_id}",
            "is off its invoice, and a bank took it back or a line of one still stands for it",
        )


def surplus() -> Iterator[Breach]:
    """What was paid beyond what was due is proved by a line of a bank, or approved by a second person as proposed. A
    line that was matched and taken off again is free: its payment's counter-entry stands for it.
    """
    rows = Payment.objects.filter(
        surplus__gt=Decimal(0), bank_line=None, unbooking=None, approved_surplus=None
    ).select_related("invoice")
    for row in each(rows):
        yield Breach(
            "payment-unproved",
            f"payment {row.pk} of {row.invoice.number}",
            f"{row.surplus:f} of it became a credit; no line of a bank and no approval says that it came",
        )
    approved = SurplusCredit.objects.filter(payment__isnull=False).exclude(
        amount=F("payment__amount"),
        invoice=F("payment__invoice"),
        received_on=F("payment__received_on"),
        reference=F("payment__reference"),
        payment__recorded_by=F("decided_by"),
    )
    for one in each(approved.select_related("payment")):
        yield Breach(
            "surplus-approved",
            f"payment {one.payment_id}",
            f"is {one.payment.amount:f}; what was approved is {one.amount:f} of {one.received_on}",
        )


def _as_recorded(rule: str, of: str, rows: object, verb: str, target: type[Invoice | Payment]) -> Iterator[Breach]:
    """Two streams in the same order, side by side: neither is ever in the memory as a whole."""
    events = Event.objects.filter(
        target_type=target._meta.label_lower, verb=verb, outcome=Event.Outcome.DONE, target_id__isnull=False
    ).order_by("target_id", "pk")
    there = ((pk, 0, amount) for pk, amount in rows.iterator(chunk_size=CHUNK))  # type: ignore[attr-defined]
    said = (
        (pk, 1, Decimal(data["amount"]))
        for pk, data in events.values_list("target_id", "data").iterator(chunk_size=CHUNK)
    )
    for pk, both in groupby(merge(there, said), key=lambda one: one[0]):
        found: tuple[list[Decimal], list[Decimal]] = ([], [])
        for _, side, amount in both:
            found[side].append(amount)
        rows_are, events_say = map(sorted, found)
        if rows_are != events_say:
            yield Breach(
                rule,
                f"{of} {pk}",
                f"has {_amounts(rows_are)}; the audit trail has recordings of {_amounts(events_say)}",
            )


def _amounts(amounts: list[Decimal]) -> str:
    return ", ".join(f"{amount:f}" for amount in amounts) or "nothing"


def payouts_of_their_own() -> Iterator[Breach]:
    """A payout goes to its subscription's customer in its currency; leftover goes out as approved, for its credit."""
    rows = Payout.objects.exclude(customer=F("subscription__customer"), currency=F("subscription__currency"))
    for row in each(rows.select_related("customer", "subscription__customer")):
        yield Breach(
            "payout-whose",
            f"payout {row.key}",
            f"pays {row.amount:f} {row.currency} to {row.customer.number}; {row.subscription.number} is "
            f"{row.subscription.customer.number}'s and in {row.subscription.currency}",
        )
    leftovers = ResidualCreditPayout.objects.filter(payout__isnull=False).exclude(
        amount=F("payout__amount"), payout__subscription=F("credit__subscription"), state="approved"
    )
    for leftover in each(leftovers.select_related("payout")):
        yield Breach(
            "payout-leftover",
            f"payout {leftover.payout.key}",
            f"pays {leftover.payout.amount:f}; its proposal, {leftover.state}, is over {leftover.amount:f} of credit "
            f"{leftover.credit_id}",
        )


def references() -> Iterator[Breach]:
    """A bank's reference stands for one payout."""
    same = Window(Count("pk"), partition_by=F("reference"))
    rows = Payout.objects.filter(~Q(reference=""), state=Payout.State.PAID).annotate(same=same).filter(same__gt=1)
    for row in rows.order_by("reference", "pk").iterator(chunk_size=CHUNK):
        yield Breach(
            "payout-reference", f"payout {row.key}", f"was paid by “{row.reference}”, and so was another payout"
        )


CHECKS: tuple[Check, ...] = (
    recorded_payments,
    recorded_chargebacks,
    recorded_unbookings,
    surplus,
    payouts_of_their_own,
    references,
)
