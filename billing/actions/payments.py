"""Money that comes in and cash that goes out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.guards import require
from accounts.models import User
from accounts.permissions import May
from audit.actions import Obstacle, Refused, act, checked
from billing.giving import credit_obstacle, give_credit
from billing.invoicing import state_of
from billing.models import Credit, Invoice, Payment, Payout, Subscription
from billing.money import is_whole_minor


def payment_obstacle(invoice: Invoice) -> str | None:
    """Why no payment can be recorded on the invoice now, or None."""
    return f"Invoice {invoice.number} is paid." if invoice.due == 0 else None


def record_payment(invoice_id: int, *, by: User, amount: Decimal, received_on: date, reference: str = "") -> Payment:
    """Record money received for an invoice.

    Raises:
        Refused: not positive, finer than the currency, in the future, or more than is due.
    """
    with act("payment.record", by=by, target=(Invoice, invoice_id)) as action:
        require(by, May.HANDLE_MONEY)
        invoice = action.lock(Invoice, invoice_id)
        action.about(invoice, customer_id=invoice.customer_id)
        action.refuse_if(payment_obstacle(invoice), code="state")
        if amount <= 0 or not is_whole_minor(amount, invoice.currency):
            raise Refused(f"{amount:f} is no amount of {invoice.currency} that can be paid.", code="amount")
        if amount > invoice.due:
            raise Refused(
                f"Only {invoice.due:f} {invoice.currency} is due on {invoice.number}, not {amount:f}.",
                code="overpaid",
            )
        if received_on > timezone.localdate():
            raise Refused("A payment cannot have been received in the future.", code="dates")
        payment = checked(
            Payment(invoice=invoice, amount=amount, received_on=received_on, reference=reference, recorded_by=by)
        )
        payment.save()
        invoice.paid += amount
        invoice.state = state_of(invoice)
        invoice.save()
        action.data = {"amount": f"{amount:f}", "currency": invoice.currency, "reference": reference}
        return payment


def payout_obstacle(payout: Payout, *wanted: str) -> str | None:
    """Why the payout is not in one of the states that a step needs, or None."""
    if payout.state in wanted:
        return None
    return f"This payout is “{payout.get_state_display()}”: that step is not open any more."


def mark_payout_paid(payout_id: int, *, by: User, reference: str, paid_on: date) -> Payout:
    """Record that the bank has paid, with its reference."""
    with act("payout.paid", by=by, target=(Payout, payout_id)) as action:
        require(by, May.HANDLE_MONEY)
        payout = action.lock(Payout, payout_id)
        action.about(payout, customer_id=payout.customer_id)
        action.refuse_if(payout_obstacle(payout, Payout.State.PENDING), code="state")
        if not reference.strip():
            raise Refused("Please give the bank's reference.", code="reference_missing")
        if paid_on > timezone.localdate():
            raise Refused("A payout cannot have been made in the future.", code="dates")
        payout.state = Payout.State.PAID
        payout.reference = reference.strip()
        payout.paid_on = paid_on
        checked(payout).save()
        return payout


def mark_payout_failed(payout_id: int, *, by: User, reason: str) -> Payout:
    """Record that the bank could not pay, and why."""
    with act("payout.failed", by=by, reason=reason, target=(Payout, payout_id)) as action:
        require(by, May.HANDLE_MONEY)
        action.require_reason("why the payout failed")
        payout = action.lock(Payout, payout_id)
        action.about(payout, customer_id=payout.customer_id)
        action.refuse_if(payout_obstacle(payout, Payout.State.PENDING), code="state")
        payout.state = Payout.State.FAILED
        payout.failure = reason.strip()[:200]
        payout.save()
        return payout


def retry_obstacle(payout: Payout) -> Obstacle | None:
    """Why a payout cannot be tried once more, or None."""
    if obstacle := payout_obstacle(payout, Payout.State.FAILED):
        return Obstacle(obstacle, "state")
    if payout.attempts > 1:
        return Obstacle("This payout was tried again already. Turn it into a credit instead.", "retried")
    if not payout.customer.iban:
        return Obstacle("The customer has no bank details.", "no_bank_details")
    return None


def retry_payout(payout_id: int, *, by: User, reason: str = "") -> Payout:
    """Try a failed payout once more, under the same key and with the customer's bank details of now."""
    with act("payout.retry", by=by, reason=reason, target=(Payout, payout_id)) as action:
        require(by, May.HANDLE_MONEY)
        payout = action.lock(Payout, payout_id)
        action.about(payout, customer_id=payout.customer_id)
        action.refuse_if(retry_obstacle(payout))
        payout.state = Payout.State.PENDING
        payout.attempts += 1
        payout.failure = ""
        payout.iban = payout.customer.iban
        payout.account_holder = payout.customer.account_holder or payout.customer.name
        payout.save()
        return payout


def to_credit_obstacle(payout: Payout) -> Obstacle | None:
    """Why a payout cannot become a credit, or None."""
    if obstacle := payout_obstacle(payout, Payout.State.FAILED):
        return Obstacle(obstacle, "state")
    if obstacle := credit_obstacle(payout.subscription):
        return Obstacle(obstacle, "no_next_cycle")
    return None


def turn_payout_into_credit(payout_id: int, *, by: User, reason: str) -> Credit:
    """Give a failed payout's amount as a credit on the subscription's next fees instead."""
    with act("payout.to_credit", by=by, reason=reason, target=(Payout, payout_id)) as action:
        require(by, May.HANDLE_MONEY)
        action.require_reason()
        subscription_id = Payout.objects.values_list("subscription_id", flat=True).filter(pk=payout_id).first()
        if subscription_id is None:
            raise Refused("This payout does not exist (any more).", code="missing")
        subscription = action.lock(Subscription, subscription_id)
        payout = action.lock(Payout, payout_id)
        action.about(payout, customer_id=payout.customer_id)
        payout.subscription = subscription
        action.refuse_if(to_credit_obstacle(payout))
        credit = give_credit(subscription, payout.amount, reason=payout.reason)
        payout.state = Payout.State.CREDITED
        payout.save()
        return credit
