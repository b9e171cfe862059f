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
from billing.payments.models import Chargeback, Payment
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


CHECKS: tuple[Check, ...] = (recorded_payments, recorded_chargebacks, payouts_of_their_own, references)
