"""Money that came in and went out, checked against what says so: the events of its recording, the account's holder, the
bank's reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Window

from audit.event_checks import Facts, amount_in, as_recorded, day_in
from audit.ledger_checks import CHUNK, Breach, Check, each
from billing.invoices.models import Invoice
from billing.payments.models import Chargeback, Payment
from billing.payouts.models import Payout
from billing.residual_credits.models import ResidualCreditPayout
from billing.vocabulary import BillingVerb


def _payment(event: Any) -> Iterator[Facts]:
    """A payment as the event of its recording says."""
    data = event.data
    surplus = amount_in(data, "surplus") or Decimal(0)
    yield amount_in(data, "amount"), surplus, day_in(data, "received_on"), data["reference"], event.actor_id


def _chargeback(event: Any) -> Iterator[Facts]:
    """What a bank took back, as the event of its recording says."""
    yield amount_in(event.data, "amount"), day_in(event.data, "taken_back_on"), event.actor_id


recorded_payments = as_recorded(
    "payment-recorded",
    Invoice,
    lambda: Payment.objects.values_list(
        "invoice_id", "amount", "surplus", "received_on", "reference", "recorded_by_id"
    ),
    {BillingVerb.PAYMENT_RECORD: _payment},
)
recorded_chargebacks = as_recorded(
    "chargeback-recorded",
    Payment,
    lambda: Chargeback.objects.values_list("payment_id", "amount", "taken_back_on", "recorded_by_id"),
    {BillingVerb.PAYMENT_CHARGE_BACK: _chargeback},
)


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
