"""The billing run: what a day brings to every subscription."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from accounts.guards import permission_obstacle, require
from accounts.models import User
from accounts.permissions import May
from audit.actions import Refused, act
from audit.bulk import update_tracked
from billing.actions.subscriptions import open_period
from billing.invoicing import issue_invoice
from billing.models import BillingPeriod, Invoice, Subscription


@dataclass
class BillingResult:
    """What a run did; ``problems`` are sentences about subscriptions that could not be billed."""

    opened: int = 0
    ended: int = 0
    invoiced: int = 0
    overdue: int = 0
    credited: dict[str, Decimal] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        return {
            "opened": self.opened,
            "ended": self.ended,
            "invoiced": self.invoiced,
            "overdue": self.overdue,
            "credited": {currency: f"{amount:f}" for currency, amount in self.credited.items()},
            "problems": self.problems,
        }


def run_billing(today: date, *, by: User) -> BillingResult:
    """End every period that is over, open and invoice the next, apply credits (R6), end cancelled
    subscriptions (F4) and mark overdue invoices, as of the local day.

    Each subscription is its own transaction, so a kill loses nothing and a second run finds nothing to do. A
    subscription that cannot be billed is reported and left as it was.

    Raises:
        Refused: the person may not run billing.
    """
    result = BillingResult()
    if permission_obstacle(by, May.HANDLE_MONEY):
        with act("billing.run", by=by, target=(Invoice, None)):
            require(by, May.HANDLE_MONEY)
    for pk in Subscription.objects.due_for_billing(today).order_by("pk").values_list("pk", flat=True):
        try:
            _bill_subscription(pk, today, by=by, result=result)
        except Refused as refused:
            result.problems.append(refused.message)
    with act("billing.run", by=by, target=(Invoice, None)) as action:
        result.overdue = update_tracked(
            Invoice.objects.due_before(today), reason="Past its due date", state=Invoice.State.OVERDUE
        )
        action.target_label = f"Billing run of {today}"
        action.data = {"today": today.isoformat(), **result.as_data()}
    return result


def _bill_subscription(pk: int, today: date, *, by: User, result: BillingResult) -> None:
    step = BillingResult()
    with act("subscription.bill", by=by, target=(Subscription, pk)) as action:
        subscription = action.lock(Subscription, pk)
        action.about(subscription, customer_id=subscription.customer_id)
        while (period := _over(subscription, today)) is not None:
            period.state = BillingPeriod.State.ENDED
            period.save()
            if _ends_with(subscription, period):
                subscription.state = Subscription.State.ENDED
                subscription.ended_on = period.closes_on
                subscription.save()
                step.ended += 1
                break
            opened = open_period(subscription, period.sequence + 1)
            invoice = issue_invoice(opened)
            step.opened += 1
            step.invoiced += 1
            if invoice.credited:
                step.credited[invoice.currency] = step.credited.get(invoice.currency, Decimal(0)) + invoice.credited
        action.data = step.as_data()
    result.opened += step.opened
    result.ended += step.ended
    result.invoiced += step.invoiced
    for currency, amount in step.credited.items():
        result.credited[currency] = result.credited.get(currency, Decimal(0)) + amount


def _ends_with(subscription: Subscription, period: BillingPeriod) -> bool:
    """Whether a cancellation takes effect at the period's end: one that was asked for after it (while
    billing was late) takes effect at the end of a later one (F2, F4).
    """
    asked_on = subscription.cancelled_on
    return asked_on is not None and asked_on < period.closes_on


def _over(subscription: Subscription, today: date) -> BillingPeriod | None:
    return (
        BillingPeriod.objects.select_for_update(no_key=True)
        .filter(subscription=subscription, state=BillingPeriod.State.OPEN, closes_on__lte=today)
        .first()
    )
