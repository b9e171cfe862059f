"""Credit that a subscription left when it ended: its payout is proposed by one person and approved by another."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from accounts.customers.bank_details.rules import paid_alike
from accounts.customers.models import Customer
from accounts.four_eyes.actions import Endings
from accounts.four_eyes.rules import decide
from accounts.staff.limits.rules import limit_of
from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle, require
from audit.actions import Action, Obstacle, Refused, act
from audit.vocabulary import Refusal
from billing.credits.models import Credit
from billing.credits.rules import owes_obstacle
from billing.money import is_whole_minor
from billing.remedies.effects import cash_obstacle, order_payout
from billing.residual_credits.models import ResidualCreditPayout
from billing.subscriptions.models import Subscription
from billing.vocabulary import BillingRefusal, BillingVerb
from core.amounts import money_text
from core.text import say

State = ResidualCreditPayout.State
SUBJECT = ApprovalLimit.Subject.LEFTOVER_CREDIT

#: An approver's limit covers the amount with what of this kind the customer was granted in so many days before.
WINDOW_DAYS = 90


# --- Guards -------------------------------------------------------------------------------------


def propose_obstacle(credit: Credit, by: User) -> Obstacle | None:
    """Why no payout of the credit can be proposed, or None. Whether one waits already, the action looks up."""
    found = permission_obstacle(by, May.HANDLE_MONEY)
    if found:
        return found
    if credit.subscription.state != Subscription.State.ENDED:
        return Obstacle(
            say(
                "{subscription} has not ended: its credit goes to the next invoice.",
                subscription=credit.subscription.number,
            ),
            BillingRefusal.NOT_ENDED,
        )
    if credit.remaining == 0:
        return Obstacle(say("Nothing is left of this credit."), BillingRefusal.NOTHING_LEFT)
    if found := owes_obstacle(credit):
        return found
    if sentence := cash_obstacle(credit.customer):
        return Obstacle(sentence, BillingRefusal.NO_BANK_DETAILS)
    return None


def approve_obstacle(leftover: ResidualCreditPayout, by: User) -> Obstacle | None:
    """Everything about the person and the rows; the limit comes on top (``limit_obstacle``)."""
    found = LEFTOVERS.decide_obstacle(leftover, by)
    if found:
        return found
    if leftover.amount > leftover.credit.remaining:
        return Obstacle(
            say(
                "Only {amount} is left of this credit by now.",
                amount=money_text(leftover.credit.remaining, leftover.credit.currency),
            ),
            BillingRefusal.CAP,
        )
    if found := owes_obstacle(leftover.credit):
        return found
    if sentence := cash_obstacle(leftover.credit.customer):
        return Obstacle(sentence, BillingRefusal.NO_BANK_DETAILS)
    return None


def limit_obstacle(leftover: ResidualCreditPayout, by: User) -> Obstacle | None:
    """Whether the person's published limit covers the amount with what the customer was paid lately. Queries."""
    credit = leftover.credit
    limit = limit_of(by, SUBJECT, credit.currency, timezone.localdate())
    granted = granted_lately(credit.customer, credit.currency, since=timezone.now() - timedelta(days=WINDOW_DAYS))
    return limit.obstacle(leftover.amount, granted, days=WINDOW_DAYS)


def granted_lately(customer: Customer, currency: str, *, since: datetime) -> Decimal:
    """What of leftover credit was approved since then for the customer and whoever is paid, or was
    since then, to the same account."""
    alike = paid_alike({customer.pk}, since)[customer.pk]
    found = ResidualCreditPayout.objects.filter(
        credit__customer__in=alike, credit__currency=currency, state=State.APPROVED, decided_at__gte=since
    )
    return found.aggregate(total=Sum("amount"))["total"] or Decimal(0)


# --- Actions ------------------------------------------------------------------------------------


def propose_residual_payout(
    credit_id: int, *, by: User, reason: str, amount: Decimal | None = None
) -> ResidualCreditPayout:
    """Propose to pay out what an ended subscription's credit has left, all of it unless ``amount`` says less.

    Raises:
        Refused: not ended, nothing left, more than that, one waits already, no bank details, no reason.
    """
    with act(BillingVerb.LEFTOVER_PROPOSE, by=by, reason=reason, target=(Credit, credit_id)) as action:
        require(by, May.HANDLE_MONEY)
        credit = action.lock(Credit, credit_id, "customer", "subscription")
        action.about(credit, customer_id=credit.customer_id)
        action.refuse_if(propose_obstacle(credit, by))
        action.require_reason()
        if ResidualCreditPayout.objects.filter(credit=credit, state=State.PROPOSED).exists():
            raise Refused(say("A payout of this credit waits for approval already."), code=Refusal.DUPLICATE)
        wanted = credit.remaining if amount is None else amount
        if not 0 < wanted <= credit.remaining or not is_whole_minor(wanted, credit.currency):
            raise Refused(
                say(
                    "{part} is no part of the {amount} left of this credit.",
                    part=money_text(wanted, credit.currency),
                    amount=money_text(credit.remaining, credit.currency),
                ),
                code=Refusal.AMOUNT,
            )
        leftover = ResidualCreditPayout(
            credit=credit, amount=wanted, reason=reason.strip(), proposed_by=by, proposed_at=timezone.now()
        )
        leftover.save()
        action.about(leftover, customer_id=credit.customer_id)
        return leftover


def approve_residual_payout(
    leftover_id: int, *, by: User, reason: str = "", on: date | None = None
) -> ResidualCreditPayout:
    """Approve as the second person: the credit is paid out, and a payout under a key of its own waits for the bank.

    Raises:
        Refused: one's own proposal, linked to the customer, above the limit, less is left by now, no bank details.
    """
    with act(BillingVerb.LEFTOVER_APPROVE, by=by, reason=reason, target=(ResidualCreditPayout, leftover_id)) as action:
        require(by, May.APPROVE_LEFTOVER)
        leftover = _locked(action, leftover_id)
        action.refuse_if(approve_obstacle(leftover, by))
        action.refuse_if(limit_obstacle(leftover, by))
        credit = leftover.credit
        credit.paid_out += leftover.amount
        credit.save()
        leftover.payout = order_payout(
            credit.subscription,
            leftover.amount,
            key=f"leftover-{leftover.pk}",
            reason=f"Credit left when {credit.subscription.number} ended",
            on=on,
        )
        decide(leftover, State.APPROVED, by=by)
        return leftover


def _locked(action: Action, leftover_id: int) -> ResidualCreditPayout:
    leftover = action.lock(ResidualCreditPayout, leftover_id, "credit__customer", "credit__subscription", "credit")
    action.about(leftover, customer_id=leftover.credit.customer_id)
    return leftover


LEFTOVERS = Endings(
    ResidualCreditPayout,
    proposing=May.HANDLE_MONEY,
    approving=May.APPROVE_LEFTOVER,
    rejected=BillingVerb.LEFTOVER_REJECT,
    withdrawn=BillingVerb.LEFTOVER_WITHDRAW,
    locked=_locked,
    why_withdrawn=say("why it is taken back"),
)


def reject_residual_payout(leftover_id: int, *, by: User, reason: str) -> ResidualCreditPayout:
    """Say no to a proposal, with the reason; the credit stays as it is."""
    return LEFTOVERS.reject(leftover_id, by=by, reason=reason)


def withdraw_residual_payout(leftover_id: int, *, by: User, reason: str) -> ResidualCreditPayout:
    """Take a proposal back."""
    return LEFTOVERS.withdraw(leftover_id, by=by, reason=reason)
