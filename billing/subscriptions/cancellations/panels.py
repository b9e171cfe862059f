"""What a cancellation from a day comes to, before it is done; and days of voided periods that wait for a decision."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.subscriptions.cancellations.actions import given_in_money
from billing.subscriptions.cancellations.rules import effect_of, leftover_of
from billing.subscriptions.models import Subscription
from core.amounts import money_text


def cancellation_context(subscription: Subscription, asked_on: date) -> dict[str, Any]:
    """The last day of service, each period that is voided with what is paid and given back, and the credit left."""
    periods = list(subscription.periods.select_related("invoice").order_by("sequence"))
    effect = effect_of(subscription, periods, asked_on)
    unit, rows, left = subscription.currency, [], Decimal(0)
    for period in effect.voided:
        given = given_in_money(period)
        credit = leftover_of(period, given)
        left += credit
        amounts = (period.fee, period.fee_paid, given, credit)
        rows.append((period, *(money_text(amount, unit) for amount in amounts)))
    return {
        "asked_on": asked_on,
        "ends_on": effect.ends_on,
        "last_day": effect.ends_on - timedelta(days=1),
        "never_begins": effect.ends_on <= subscription.activated_on,
        "voided": rows,
        "left": money_text(left, unit),
    }
