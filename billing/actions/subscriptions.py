"""A subscription's life: opening it, its periods one after another, cancelling and undoing it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.guards import require
from accounts.models import Customer, User, next_number
from accounts.permissions import May
from audit.actions import Refused, act, checked
from billing.invoicing import issue_invoice
from billing.models import BillingPeriod, OperationCost, Plan, Price, Subscription
from billing.periods import Term, nth_period


def open_subscription(
    *,
    by: User,
    customer_id: int,
    plan_id: int,
    term: str,
    activated_on: date,
    currency: str = "",
    agreed_fee: Decimal | None = None,
    taken_over_on: date | None = None,
) -> Subscription:
    """Open a subscription with its first period and invoice (F9). ``currency`` defaults to the customer's.

    ``taken_over_on`` is for a customer who comes from another system: periods are counted from the activation as
    always, but the first one opened here is the one that contains this day.

    Raises:
        Refused: no published price holds on the period's first day, or a value is invalid.
    """
    with act("subscription.open", by=by, target=(Subscription, None)) as action:
        require(by, May.OPEN_SUBSCRIPTIONS)
        customer = action.lock(Customer, customer_id)
        plan = action.lock(Plan, plan_id)
        if not plan.active:
            raise Refused(f"The plan {plan.name} is not sold any more.", code="plan_inactive")
        if taken_over_on is not None and taken_over_on < activated_on:
            raise Refused("A subscription cannot be taken over before its activation.", code="dates")
        subscription = checked(
            Subscription(
                number=f"S-{next_number('subscription'):06d}",
                customer=customer,
                plan=plan,
                term=term,
                currency=currency or customer.currency,
                agreed_fee=agreed_fee,
                activated_on=activated_on,
                anchor_on=activated_on,
            )
        )
        subscription.save()
        sequence = 0
        if taken_over_on is not None:
            while nth_period(activated_on, Term(term), sequence).ends_on <= taken_over_on:
                sequence += 1
        period = open_period(subscription, sequence)
        issue_invoice(period)
        action.about(subscription, customer_id=customer.pk)
        return subscription


def open_period(subscription: Subscription, sequence: int) -> BillingPeriod:
    """Open the period with the number, its terms copied from those in force on its first day.

    For use inside an action that holds the subscription. Raises ``Refused`` when no price is in force.
    """
    term = Term(subscription.term)
    own = nth_period(subscription.anchor_on, term, sequence - subscription.anchor_sequence)
    price = (
        Price.objects.in_force(own.starts_on)
        .filter(plan=subscription.plan_id, term=term, currency=subscription.currency)
        .first()
    )
    if price is None:
        raise Refused(
            f"{subscription.number}: no published price of {subscription.plan.name} ({term}, {subscription.currency})"
            f" holds on {own.starts_on}.",
            code="no_price",
        )
    fee = price.fee if subscription.agreed_fee is None else subscription.agreed_fee
    period = BillingPeriod(
        subscription=subscription,
        sequence=sequence,
        starts_on=own.starts_on,
        ends_on=own.ends_on,
        closes_on=own.ends_on,
        plan_id=subscription.plan_id,
        term=term,
        currency=subscription.currency,
        fee=fee,
        tax_rate=price.tax_rate,
        included_minutes=price.included_minutes,
        minute_cost=price.minute_cost,
        operation_costs=_operation_costs(own.starts_on, subscription.currency),
    )
    period.save()
    return period


def _operation_costs(day: date, currency: str) -> list[dict[str, str]]:
    newest: dict[int, OperationCost] = {}
    for cost in OperationCost.objects.in_force(day).filter(currency=currency).select_related("operation"):
        newest.setdefault(cost.operation_id, cost)
    return [
        {"code": cost.operation.code, "name": cost.operation.name, "unit_cost": f"{cost.unit_cost:f}"}
        for cost in sorted(newest.values(), key=lambda cost: cost.operation.code)
    ]


def cancellation_obstacle(subscription: Subscription) -> str | None:
    """Why the subscription cannot be cancelled now, or None."""
    if subscription.state == Subscription.State.ENDED:
        return f"{subscription.number} has ended already."
    if subscription.state == Subscription.State.CANCELLED:
        return f"{subscription.number} is cancelled already."
    return None


def cancel_subscription(
    subscription_id: int, *, by: User, channel: str, reason: str = "", requested_on: date | None = None
) -> Subscription:
    """Cancel on the customer's word: the service and all it includes go on to the period's last day (F1, F2), nothing
    is paid back for it (F3), and phones are not touched (F7).
    """
    with act("subscription.cancel", by=by, reason=reason, target=(Subscription, subscription_id)) as action:
        require(by, May.CANCEL_SUBSCRIPTIONS)
        subscription = action.lock(Subscription, subscription_id)
        action.about(subscription, customer_id=subscription.customer_id)
        action.refuse_if(cancellation_obstacle(subscription), code="state")
        requested = requested_on or timezone.localdate()
        if requested > timezone.localdate():
            raise Refused("A cancellation cannot have been asked for in the future.", code="dates")
        subscription.state = Subscription.State.CANCELLED
        subscription.cancelled_on = requested
        subscription.cancellation_channel = channel
        checked(subscription).save()
        period = subscription.current_period()
        if period is not None:
            action.data["takes_effect_on"] = period.closes_on.isoformat()
            action.message = f"The service runs to the end of {period}; it stops on {period.closes_on}."
        return subscription


def undo_obstacle(subscription: Subscription) -> str | None:
    """Why a cancellation cannot be undone now, or None."""
    if subscription.state == Subscription.State.ENDED:
        return f"{subscription.number} has ended: the cancellation has taken effect."
    if subscription.state != Subscription.State.CANCELLED:
        return f"{subscription.number} is not cancelled."
    return None


def undo_cancellation(subscription_id: int, *, by: User, reason: str) -> Subscription:
    """Take a cancellation back before it takes effect."""
    with act("subscription.undo_cancellation", by=by, reason=reason, target=(Subscription, subscription_id)) as action:
        require(by, May.CANCEL_SUBSCRIPTIONS)
        action.require_reason()
        subscription = action.lock(Subscription, subscription_id)
        action.about(subscription, customer_id=subscription.customer_id)
        action.refuse_if(undo_obstacle(subscription), code="state")
        subscription.state = Subscription.State.ACTIVE
        subscription.cancelled_on = None
        subscription.cancellation_channel = ""
        subscription.save()
        return subscription
