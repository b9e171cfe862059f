"""Cancelling on the customer's word, from the day on which they asked, and undoing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import act, checked
from audit.vocabulary import Refusal
from billing.credits.actions import set_off_at_once
from billing.credits.models import Credit
from billing.invoices.credit_notes.actions import issue_credit_note, uncredited
from billing.invoices.models import CreditNote, Invoice
from billing.money import format_amount
from billing.remedies.effects import give_credit, set_off
from billing.remedies.models import Extension
from billing.subscriptions.cancellations.rules import (
    cancellation_obstacle,
    day_obstacle,
    effect_of,
    leftover_of,
    undo_obstacle,
    voided_days_obstacle,
)
from billing.subscriptions.models import BillingPeriod, Subscription
from billing.subscriptions.notifications import notify_cancellation, notify_end_moved
from billing.subscriptions.plan_changes.actions import scheduled_changes, settle_plan_changes
from billing.vocabulary import BillingVerb
from core.text import say


class RefundsOfPeriods(Protocol):
    """What an app above knows of the refunds on periods that are voided."""

    def end_open(self, period_ids: Sequence[int], *, by: User, reason: str) -> list[str]:
        """End drafts and proposals on the (locked) periods; returns their codes."""

    def given_in_money(self, period: BillingPeriod) -> Decimal:
        """What settled refunds of the period gave as credit or cash, and nothing took back or charged."""


_refunds: list[RefundsOfPeriods] = []


def register_refunds(refunds: RefundsOfPeriods) -> None:
    """Say who knows the refunds on periods."""
    _refunds[:] = [refunds]


def given_in_money(period: BillingPeriod) -> Decimal:
    """What refunds of the period gave as credit or cash, and nothing took back or charged."""
    return _refunds[0].given_in_money(period) if _refunds else Decimal(0)


def cancel_subscription(
    subscription_id: int, *, by: User, channel: str, reason: str = "", requested_on: date | None = None
) -> Subscription:
    """Cancel on the customer's word, from the local day on which they asked (today if left out): the service and all it
    includes go on to the last day of the period that was current then (F1, F2), nothing is paid back for it (F3), and
    phones are not touched (F7).

    Periods that were opened since are voided: nobody owes their fee, and what was paid of it, less what refunds gave of
    it as money, is a leftover credit. A subscription that had not begun on the day never begins.

    Raises:
        Refused: it has ended or is cancelled, the day is in the future, or too long ago for this person.
    """
    with act(BillingVerb.SUBSCRIPTION_CANCEL, by=by, reason=reason, target=(Subscription, subscription_id)) as action:
        require(by, May.CANCEL_SUBSCRIPTIONS)
        subscription = action.lock(Subscription, subscription_id, "customer", "customer__invoices", "plan", "periods")
        action.about(subscription, customer_id=subscription.customer_id)
        action.refuse_if(cancellation_obstacle(subscription), code=Refusal.STATE)
        today = timezone.localdate()
        requested = requested_on or today
        action.refuse_if(day_obstacle(requested, today, by))
        locked = subscription.periods.select_for_update(no_key=True).order_by("pk")
        periods = sorted(locked, key=lambda period: period.sequence)
        effect = effect_of(subscription, periods, requested)
        subscription.cancelled_on = requested
        subscription.cancellation_channel = channel
        subscription.state = Subscription.State.CANCELLED
        action.data |= {"requested_on": requested.isoformat(), "takes_effect_on": effect.ends_on.isoformat()}
        action.message = f"The service goes on to the end of the period; it stops on {effect.ends_on}."
        if effect.voided:
            subscription.state, subscription.ended_on = Subscription.State.ENDED, effect.ends_on
            ended = _end_refunds(effect.voided, by=by)
            credits = [void_period(period) for period in effect.voided]
            settle_plan_changes(scheduled_changes([subscription.pk]), [], [subscription.pk])
            for credit in filter(None, credits):
                set_off_at_once(credit, by=by)
            action.data["voided"] = [period.in_figures for period in effect.voided]
            if ended:
                action.data["refunds"] = ended
            left = sum((credit.granted for credit in credits if credit is not None), Decimal(0))
            if left:
                action.data["left"] = format_amount(left, subscription.currency)
            action.message = f"The service ended on {effect.ends_on}; {len(effect.voided)} later periods are voided."
        checked(subscription).save()
        invoices = Invoice.objects.filter(period__in=effect.voided).order_by("number").values_list("number", flat=True)
        notify_cancellation(subscription, ends_on=effect.ends_on, by=by, voided=[*invoices] if effect.voided else ())
        return subscription


def _end_refunds(periods: Sequence[BillingPeriod], *, by: User) -> list[str]:
    if not _refunds:
        return []
    ended = _refunds[0].end_open(
        [period.pk for period in periods], by=by, reason="The subscription was cancelled from an earlier day."
    )
    for period in periods:
        period.refresh_from_db()
    return ended


def void_period(period: BillingPeriod) -> Credit | None:
    """Void the (locked) period: a credit note covers what no note has credited of its fee, what is unpaid of it is no
    longer due, and what was paid and not given back yet is a credit. Minutes and days that it received stay.
    """
    invoice = Invoice.objects.select_for_update(no_key=True).filter(period=period).order_by("pk").first()
    period.__dict__.pop("invoice", None)
    left = leftover_of(period, given_in_money(period))
    rest = uncredited(period)
    off = min(period.unpaid, rest)
    if rest:
        issue_credit_note(period, rest, kind=CreditNote.Kind.VOID, set_off=off)
    if invoice is not None and off:
        set_off(invoice, off)
    period.state = BillingPeriod.State.VOIDED
    period.save()
    if not left:
        return None
    subscription = period.subscription
    return give_credit(
        subscription, left, reason=f"Paid for {period.in_figures}, cancelled before", voided_period=period
    )


def undo_cancellation(subscription_id: int, *, by: User, reason: str) -> Subscription:
    """Take a cancellation back before the day it takes effect, which no late billing puts off (F2).

    Raises:
        Refused: not cancelled, in effect since today or earlier, or no reason.
    """
    with act(
        BillingVerb.SUBSCRIPTION_UNDO_CANCELLATION, by=by, reason=reason, target=(Subscription, subscription_id)
    ) as action:
        require(by, May.CANCEL_SUBSCRIPTIONS)
        action.require_reason()
        subscription = action.lock(Subscription, subscription_id)
        action.about(subscription, customer_id=subscription.customer_id)
        obstacle = undo_obstacle(subscription, subscription.current_period(), timezone.localdate())
        action.refuse_if(obstacle, code=Refusal.STATE)
        subscription.state = Subscription.State.ACTIVE
        subscription.cancelled_on = None
        subscription.cancellation_channel = ""
        subscription.save()
        notify_end_moved(subscription, ends_on=None, by=by)
        return subscription


def decide_voided_days(subscription_id: int, *, by: User, reason: str) -> Subscription:
    """Note what was decided on days that a voided period had received as a refund: they were given and never came.

    Raises:
        Refused: there is none to decide on, or no reason.
    """
    with act(
        BillingVerb.SUBSCRIPTION_DECIDE_DAYS, by=by, reason=reason, target=(Subscription, subscription_id)
    ) as action:
        require(by, May.CANCEL_FOR_OLD_DAYS)
        subscription = action.lock(Subscription, subscription_id)
        action.about(subscription, customer_id=subscription.customer_id)
        days = Extension.objects.waiting().filter(subscription=subscription).order_by("pk")
        waiting = list(days.select_for_update(of=("self",), no_key=True))
        action.refuse_if(voided_days_obstacle(subscription))
        action.require_reason(say("what was decided, and why"))
        for extension in waiting:
            extension.decided_on_void_by, extension.decided_on_void_at = by, timezone.now()
            extension.save()
        return subscription
