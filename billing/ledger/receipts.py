"""Money that came in and went out, checked against what says so: the events of its recording, the account's holder, the
bank's reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

from django.db.models import Exists, F, OuterRef, Q, Subquery

from accounts.customers.models import BankDetailsChange, Customer
from accounts.vocabulary import AccountVerb
from audit.event_checks import Facts, amount_in, as_recorded, day_in
from audit.ledger_checks import Breach, Check, each
from audit.models import Event
from audit.tracked import Tracked
from billing.invoices.models import Invoice
from billing.payments.models import Chargeback, Payment, SurplusCredit, Unbooking
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
    # What came before its invoice is told of its prepayment.
    lambda: Payment.objects.filter(prepayment__isnull=True).values_list(
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


def _paid(event: Any) -> Iterator[Facts]:
    """A payout that the bank made, as the event of it says."""
    yield event.data["reference"], day_in(event.data, "paid_on")


def _by(event: Any) -> Iterator[Facts]:
    yield (event.actor_id,)


paid_payouts = as_recorded(
    "payout-recorded",
    Payout,
    lambda: Payout.objects.filter(state=Payout.State.PAID).values_list("pk", "reference", "paid_on"),
    {BillingVerb.PAYOUT_PAID: _paid},
)
confirmed_accounts = as_recorded(
    "confirmation-recorded",
    BankDetailsChange,
    lambda: BankDetailsChange.objects.filter(confirmed_by__isnull=False).values_list("pk", "confirmed_by_id"),
    {AccountVerb.BANK_DETAILS_CONFIRM: _by},
)


def accounts() -> Iterator[Breach]:
    """A customer's bank details are those of their newest change; a payout goes to an account that its customer had,
    and was paid while no change waited for its second person.
    """
    changes = BankDetailsChange.objects.filter(customer=OuterRef("pk")).order_by("-changed_at", "-pk")
    newest = {
        "iban_now": Subquery(changes.values("iban_after")[:1]),
        "holder_now": Subquery(changes.values("holder_after")[:1]),
    }
    rows: Any = Customer.objects.filter(merged_into__isnull=True).annotate(**newest)
    changed = rows.filter(iban_now__isnull=False)
    for customer in each(changed.filter(~Q(iban=F("iban_now")) | ~Q(account_holder=F("holder_now")))):
        yield Breach(
            "customer-account",
            f"customer {customer.number}",
            "has other bank details than the newest change of them says: look at both histories",
        )
    yield from _payouts_elsewhere()
    yield from _paid_unconfirmed()


def _payouts_elsewhere() -> Iterator[Breach]:
    had = _history(Customer).filter(id=OuterRef("customer_id"), iban=OuterRef(OuterRef("iban")))
    theirs = _history(Payout).filter(id=OuterRef("pk")).order_by()
    for payout in each(Payout.objects.filter(~Exists(theirs.filter(Exists(had)))).select_related("customer")):
        yield Breach(
            "payout-account",
            f"payout {payout.key}",
            f"goes to an account that {payout.customer.number} never had: look at its history",
        )


def _paid_unconfirmed() -> Iterator[Breach]:
    paid = Event.objects.filter(
        target_type=Payout._meta.label_lower, target_id=OuterRef("pk"), verb=BillingVerb.PAYOUT_PAID, outcome="done"
    ).order_by("-pk")
    first = {"id": OuterRef("pk"), "history_type": "+"}
    # Of those who were merged later each had changes of their own.
    changes = (
        BankDetailsChange.objects.annotate(
            of=Subquery(_history(BankDetailsChange).filter(**first).values("customer_id")[:1])
        )
        .filter(of=OuterRef("of"), changed_at__lte=OuterRef("paid_at"))
        .order_by("-changed_at", "-pk")
    )
    rows = (
        Payout.objects.filter(state=Payout.State.PAID)
        .annotate(
            paid_at=Subquery(paid.values("at")[:1]),
            of=Subquery(_history(Payout).filter(**first).values("customer_id")[:1]),
        )
        .annotate(change=Subquery(changes.values("pk")[:1]), confirmed=Subquery(changes.values("confirmed_at")[:1]))
        .filter(Q(confirmed__isnull=True) | Q(confirmed__gt=F("paid_at")), change__isnull=False)
    )
    for payout in each(rows):
        yield Breach(
            "payout-unconfirmed",
            f"payout {payout.key}",
            f"was paid on {payout.paid_on}, before anybody confirmed the change {payout.change} of bank details",
        )


def _history(model: type[Tracked]) -> Any:
    return cast("Any", model).history.model._base_manager.all()


def _unbooking(event: Any) -> Iterator[Facts]:
    """What was taken off an invoice again, as the event of it says."""
    yield amount_in(event.data, "amount"), event.actor_id


recorded_unbookings = as_recorded(
    "unbooking-recorded",
    Payment,
    lambda: Unbooking.objects.values_list("payment_id", "amount", "recorded_by_id"),
    {BillingVerb.PAYMENT_TAKE_OFF: _unbooking},
)


def unbooked_once() -> Iterator[Breach]:
    """No payment has two counter-entries, and none that has one is still a bank line's."""
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


CHECKS: tuple[Check, ...] = (
    recorded_payments,
    recorded_chargebacks,
    paid_payouts,
    confirmed_accounts,
    accounts,
    recorded_unbookings,
    unbooked_once,
    surplus,
    payouts_of_their_own,
)
