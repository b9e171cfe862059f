"""Credit that a subscription left when it ended: its payout is proposed by one person and approved by another."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from accounts.customers.links import linked_obstacle
from accounts.customers.models import Customer
from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import May, role_words
from accounts.staff.rules import permission_obstacle, require
from audit.actions import Action, Obstacle, Refused, act
from billing.credits.models import Credit
from billing.money import is_whole_minor
from billing.remedies.effects import cash_obstacle, order_payout
from billing.residual_credits.models import LeftoverPayout
from billing.subscriptions.models import Subscription
from core.amounts import money_text
from core.text import say

State = LeftoverPayout.State
SUBJECT = ApprovalLimit.Subject.LEFTOVER_CREDIT

#: An approver's limit covers the amount with what of this kind the customer was granted in so many days before.
WINDOW_DAYS = 90


def _allowed(by: User, may: May) -> Obstacle | None:
    sentence = permission_obstacle(by, may)
    return Obstacle(sentence, "permission") if sentence else None


def _proposed(leftover: LeftoverPayout) -> Obstacle | None:
    if leftover.state == State.PROPOSED:
        return None
    return Obstacle(
        say("This payout is “{state}”: it waits for nobody any more.", state=leftover.get_state_display()), "state"
    )


# --- Guards -------------------------------------------------------------------------------------


def propose_obstacle(credit: Credit, by: User) -> Obstacle | None:
    """Why no payout of the credit can be proposed, or None. Whether one waits already, the action looks up."""
    found = _allowed(by, May.HANDLE_MONEY) or linked_obstacle(by, credit.customer_id)
    if found:
        return found
    if credit.subscription.state != Subscription.State.ENDED:
        return Obstacle(
            say(
                "{subscription} has not ended: its credit goes to the next invoice.",
                subscription=credit.subscription.number,
            ),
            "not_ended",
        )
    if credit.remaining == 0:
        return Obstacle(say("Nothing is left of this credit."), "nothing_left")
    if sentence := cash_obstacle(credit.customer):
        return Obstacle(sentence, "no_bank_details")
    return None


def approve_obstacle(leftover: LeftoverPayout, by: User) -> Obstacle | None:
    """Everything about the person and the rows; the limit comes on top (``limit_obstacle``)."""
    found = (
        _proposed(leftover)
        or _allowed(by, May.APPROVE_LEFTOVER)
        or (
            Obstacle(say("This is your own proposal: somebody else has to approve it."), "own_proposal")
            if leftover.proposed_by_id == by.pk
            else None
        )
        or linked_obstacle(by, leftover.credit.customer_id)
    )
    if found:
        return found
    if leftover.amount > leftover.credit.remaining:
        return Obstacle(
            say(
                "Only {amount} is left of this credit by now.",
                amount=money_text(leftover.credit.remaining, leftover.credit.currency),
            ),
            "cap",
        )
    if sentence := cash_obstacle(leftover.credit.customer):
        return Obstacle(sentence, "no_bank_details")
    return None


def limit_obstacle(leftover: LeftoverPayout, by: User) -> Obstacle | None:
    """Whether the person's published limit covers the amount with what the customer was paid lately. Queries."""
    credit = leftover.credit
    limit = (
        ApprovalLimit.objects.in_force(timezone.localdate())
        .filter(role=by.role, subject=SUBJECT, currency=credit.currency)
        .first()
    )
    if limit is None:
        return Obstacle(
            say(
                "No published limit lets a {role} approve payouts of leftover credit in {currency}.",
                role=role_words(by.role_name),
                currency=credit.currency,
            ),
            "no_limit",
        )
    granted = granted_lately(credit.customer, credit.currency, since=timezone.now() - timedelta(days=WINDOW_DAYS))
    if leftover.amount + granted > limit.amount:
        amount, most = money_text(leftover.amount, credit.currency), money_text(limit.amount, credit.currency)
        if not granted:
            return Obstacle(say("{amount} is above your limit of {limit}.", amount=amount, limit=most), "over_limit")
        return Obstacle(
            say(
                "{amount} with {granted} of the last {days} days is above your limit of {limit}.",
                amount=amount,
                granted=money_text(granted, credit.currency),
                days=WINDOW_DAYS,
                limit=most,
            ),
            "over_limit",
        )
    return None


def granted_lately(customer: Customer, currency: str, *, since: datetime) -> Decimal:
    """What of leftover credit was approved for the customer since then."""
    found = LeftoverPayout.objects.filter(
        credit__customer=customer, credit__currency=currency, state=State.APPROVED, decided_at__gte=since
    )
    return found.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def reject_obstacle(leftover: LeftoverPayout, by: User) -> Obstacle | None:
    """Rejecting is for those who could approve, one's own proposal is withdrawn instead."""
    own = Obstacle(say("This is your own proposal: withdraw it instead."), "own_proposal")
    return (
        _proposed(leftover)
        or _allowed(by, May.APPROVE_LEFTOVER)
        or (own if leftover.proposed_by_id == by.pk else None)
        or linked_obstacle(by, leftover.credit.customer_id)
    )


def withdraw_obstacle(leftover: LeftoverPayout, by: User) -> Obstacle | None:
    """Withdrawing is for billing, one's own or a colleague's."""
    return _proposed(leftover) or _allowed(by, May.HANDLE_MONEY) or linked_obstacle(by, leftover.credit.customer_id)


# --- Actions ------------------------------------------------------------------------------------


def propose_leftover(credit_id: int, *, by: User, reason: str, amount: Decimal | None = None) -> LeftoverPayout:
    """Propose to pay out what an ended subscription's credit has left, all of it unless ``amount`` says less.

    Raises:
        Refused: not ended, nothing left, more than that, one waits already, no bank details, no reason.
    """
    with act("leftover.propose", by=by, reason=reason, target=(Credit, credit_id)) as action:
        require(by, May.HANDLE_MONEY)
        credit = _locked_credit(action, credit_id)
        action.about(credit, customer_id=credit.customer_id)
        action.refuse_if(propose_obstacle(credit, by))
        action.require_reason()
        if LeftoverPayout.objects.filter(credit=credit, state=State.PROPOSED).exists():
            raise Refused(say("A payout of this credit waits for approval already."), code="duplicate")
        wanted = credit.remaining if amount is None else amount
        if not 0 < wanted <= credit.remaining or not is_whole_minor(wanted, credit.currency):
            raise Refused(
                say(
                    "{part} is no part of the {amount} left of this credit.",
                    part=money_text(wanted, credit.currency),
                    amount=money_text(credit.remaining, credit.currency),
                ),
                code="amount",
            )
        leftover = LeftoverPayout(
            credit=credit, amount=wanted, reason=reason.strip(), proposed_by=by, proposed_at=timezone.now()
        )
        leftover.save()
        action.about(leftover, customer_id=credit.customer_id)
        return leftover


def approve_leftover(leftover_id: int, *, by: User, reason: str = "", on: date | None = None) -> LeftoverPayout:
    """Approve as the second person: the credit is paid out, and a payout under a key of its own waits for the bank.

    Raises:
        Refused: one's own proposal, linked to the customer, above the limit, less is left by now, no bank details.
    """
    with act("leftover.approve", by=by, reason=reason, target=(LeftoverPayout, leftover_id)) as action:
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
        _decide(leftover, State.APPROVED, by)
        return leftover


def reject_leftover(leftover_id: int, *, by: User, reason: str) -> LeftoverPayout:
    """Say no to a proposal, with the reason; the credit stays as it is."""
    with act("leftover.reject", by=by, reason=reason, target=(LeftoverPayout, leftover_id)) as action:
        require(by, May.APPROVE_LEFTOVER)
        leftover = _locked(action, leftover_id)
        action.refuse_if(reject_obstacle(leftover, by))
        action.require_reason()
        _decide(leftover, State.REJECTED, by)
        return leftover


def withdraw_leftover(leftover_id: int, *, by: User, reason: str = "") -> LeftoverPayout:
    """Take a proposal back."""
    with act("leftover.withdraw", by=by, reason=reason, target=(LeftoverPayout, leftover_id)) as action:
        require(by, May.HANDLE_MONEY)
        leftover = _locked(action, leftover_id)
        action.refuse_if(withdraw_obstacle(leftover, by))
        _decide(leftover, State.WITHDRAWN, by)
        return leftover


def _decide(leftover: LeftoverPayout, state: str, by: User) -> None:
    leftover.state = state
    leftover.decided_by = by
    leftover.decided_at = timezone.now()
    leftover.save()


def _locked_credit(action: Action, credit_id: int) -> Credit:
    """The credit, locked after its customer and its subscription, both attached."""
    found = Credit.objects.filter(pk=credit_id).values("customer_id", "subscription_id").first()
    if found is None:
        raise Refused(say("This credit does not exist (any more)."), code="missing")
    customer = action.lock(Customer, found["customer_id"])
    subscription = action.lock(Subscription, found["subscription_id"])
    credit = action.lock(Credit, credit_id)
    credit.customer = subscription.customer = customer
    credit.subscription = subscription
    return credit


def _locked(action: Action, leftover_id: int) -> LeftoverPayout:
    credit_id = LeftoverPayout.objects.values_list("credit_id", flat=True).filter(pk=leftover_id).first()
    if credit_id is None:
        raise Refused(say("This payout of leftover credit does not exist (any more)."), code="missing")
    credit = _locked_credit(action, credit_id)
    leftover = action.lock(LeftoverPayout, leftover_id)
    leftover.credit = credit
    action.about(leftover, customer_id=credit.customer_id)
    return leftover
