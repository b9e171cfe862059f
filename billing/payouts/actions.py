"""Cash that goes out: what became of a payout, trying it again, turning it into a credit."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from accounts.customers.bank_details.rules import unconfirmed_obstacle
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Obstacle, Refused, act, checked
from audit.vocabulary import Refusal
from billing.credits.models import Credit
from billing.payouts.models import Payout
from billing.payouts.notifications import notify_payout_made
from billing.payouts.rules import pay_now_obstacle
from billing.remedies.effects import credit_obstacle, give_credit
from billing.vocabulary import BillingRefusal, BillingVerb
from core.text import Text, say


def _locked(action: Action, payout_id: int) -> Payout:
    """The payout, locked after its customer and the invoice of what it gives back: neither bank details nor what is
    paid change meanwhile.
    """
    payout = action.lock(Payout, payout_id, "customer", "period__invoice")
    action.about(payout, customer_id=payout.customer_id)
    return payout


def payout_obstacle(payout: Payout, *wanted: str) -> Text | None:
    """Why the payout is not in one of the states that a step needs, or None."""
    if payout.state in wanted:
        return None
    return say("This payout is “{state}”: that step is not open any more.", state=payout.get_state_display())


def paid_obstacle(payout: Payout) -> Obstacle | None:
    """Why a payout cannot be paid now, or None: not pending, held, or the account awaits its second person."""
    if obstacle := payout_obstacle(payout, Payout.State.PENDING):
        return Obstacle(obstacle, Refusal.STATE)
    return pay_now_obstacle(payout)


def reference_obstacle(reference: str) -> Obstacle | None:
    """Why the bank's reference does not stand for another payout, or None: it settles one thing once."""
    other = Payout.objects.filter(state=Payout.State.PAID, reference=reference).order_by("pk").first()
    if other is None:
        return None
    return Obstacle(
        say(
            "The reference “{reference}” is that of {payout} already: each payout has its own.",
            reference=reference,
            payout=other,
        ),
        BillingRefusal.REFERENCE_TAKEN,
    )


def mark_payout_paid(payout_id: int, *, by: User, reference: str, paid_on: date, collective: bool = False) -> Payout:
    """Record that the bank has paid, with its reference. That of a ``collective`` transfer stands for several payouts:
    each keeps it with its own key behind.

    Raises:
        Refused: not pending, held since its fee is not paid, no reference or another payout's, a day before it was
            asked for or in the future, or the customer's latest change of bank details is not confirmed.
    """
    with act(BillingVerb.PAYOUT_PAID, by=by, target=(Payout, payout_id)) as action:
        require(by, May.HANDLE_MONEY)
        payout = _locked(action, payout_id)
        action.refuse_if(paid_obstacle(payout))
        if not reference.strip():
            raise Refused(say("Please give the bank's reference."), code=BillingRefusal.REFERENCE_MISSING)
        reference = f"{reference.strip()} {payout.key}" if collective else reference.strip()
        action.refuse_if(reference_obstacle(reference))
        if paid_on > timezone.localdate():
            raise Refused(say("A payout cannot have been made in the future."), code=Refusal.DATES)
        if paid_on < payout.requested_on:
            raise Refused(
                say("It was asked for on {day}, so it was not paid before.", day=payout.requested_on),
                code=Refusal.DATES,
            )
        payout.state = Payout.State.PAID
        payout.reference = reference
        payout.paid_on = paid_on
        checked(payout).save()
        action.data = {"reference": reference, "paid_on": paid_on.isoformat()}
        notify_payout_made(payout, by=by)
        return payout


def mark_payout_failed(payout_id: int, *, by: User, reason: str) -> Payout:
    """Record that the bank could not pay, and why."""
    with act(BillingVerb.PAYOUT_FAILED, by=by, reason=reason, target=(Payout, payout_id)) as action:
        require(by, May.HANDLE_MONEY)
        action.require_reason(say("why the payout failed"))
        payout = action.lock(Payout, payout_id)
        action.about(payout, customer_id=payout.customer_id)
        action.refuse_if(payout_obstacle(payout, Payout.State.PENDING), code=Refusal.STATE)
        payout.state = Payout.State.FAILED
        payout.failure = reason.strip()[:200]
        payout.save()
        return payout


def retry_obstacle(payout: Payout) -> Obstacle | None:
    """Why a payout cannot be tried once more, or None."""
    if obstacle := payout_obstacle(payout, Payout.State.FAILED):
        return Obstacle(obstacle, Refusal.STATE)
    if payout.attempts > 1:
        return Obstacle(
            say("This payout was tried again already. Turn it into a credit instead."), BillingRefusal.RETRIED
        )
    if not payout.customer.iban:
        return Obstacle(say("The customer has no bank details."), BillingRefusal.NO_BANK_DETAILS)
    return unconfirmed_obstacle(payout.customer)


def retry_payout(payout_id: int, *, by: User, reason: str = "") -> Payout:
    """Try a failed payout once more, under the same key and with the customer's bank details of now."""
    with act(BillingVerb.PAYOUT_RETRY, by=by, reason=reason, target=(Payout, payout_id)) as action:
        require(by, May.HANDLE_MONEY)
        payout = _locked(action, payout_id)
        action.refuse_if(retry_obstacle(payout))
        payout.state = Payout.State.PENDING
        payout.attempts += 1
        payout.failure = ""
        payout.iban = payout.customer.iban
        payout.account_holder = payout.customer.account_holder or payout.customer.name
        payout.save()
        return payout


def to_credit_obstacle(payout: Payout) -> Obstacle | None:
    """Why a payout cannot become a credit, or None. Leftover credit goes back to where it was, next cycle or not."""
    if obstacle := payout_obstacle(payout, Payout.State.FAILED):
        return Obstacle(obstacle, Refusal.STATE)
    if hasattr(payout, "leftover"):
        return None
    if obstacle := credit_obstacle(payout.subscription):
        return Obstacle(obstacle, BillingRefusal.NO_NEXT_CYCLE)
    return None


def turn_payout_into_credit(payout_id: int, *, by: User, reason: str) -> Credit:
    """Give a failed payout's amount as a credit on the subscription's next fees instead.

    A failed payout of leftover credit goes back to that credit: it is left again, and can be proposed anew.
    """
    with act(BillingVerb.PAYOUT_TO_CREDIT, by=by, reason=reason, target=(Payout, payout_id)) as action:
        require(by, May.HANDLE_MONEY)
        action.require_reason()
        payout = action.lock(Payout, payout_id, "subscription", "leftover__credit", "leftover")
        action.about(payout, customer_id=payout.customer_id)
        action.refuse_if(to_credit_obstacle(payout))
        if (leftover := getattr(payout, "leftover", None)) is None:
            credit = give_credit(payout.subscription, payout.amount, reason=payout.reason)
            payout.credit = credit
        else:
            credit = leftover.credit
            credit.paid_out -= payout.amount
            credit.save()
        payout.state = Payout.State.CREDITED
        payout.save()
        return credit
