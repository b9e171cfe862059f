"""One batch of a billing run: subscriptions whose periods close on one day, each brought one cycle further."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import User
from audit.actions import Refused
from audit.bulk import CHUNK, create_tracked, update_tracked
from audit.models import Event
from billing.actions.plan_changes import scheduled_changes, settle_plan_changes
from billing.actions.subscriptions import TermsInForce, ends_with
from billing.invoicing import Draft, issue_invoices
from billing.models import BillingPeriod, Plan, Subscription
from billing.money import format_amount

type Sums = dict[str, Decimal]


@dataclass
class BillingResult:
    """What a run, or one batch of it, did. Sums are by currency.

    ``problems`` are sentences about subscriptions that could not be billed; each names its subscription.
    ``leftover`` counts credits that ended subscriptions have left, for somebody to propose their payout.
    """

    batches: int = 0
    opened: int = 0
    ended: int = 0
    invoiced: int = 0
    overdue: int = 0
    leftover: int = 0
    gross: Sums = field(default_factory=dict)
    charged: Sums = field(default_factory=dict)
    credited: Sums = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def plus(self, other: BillingResult) -> BillingResult:
        """Both together."""

        def both(mine: Sums, more: Sums) -> Sums:
            return {unit: mine.get(unit, Decimal(0)) + more.get(unit, Decimal(0)) for unit in mine | more}

        return BillingResult(
            batches=self.batches + other.batches,
            opened=self.opened + other.opened,
            ended=self.ended + other.ended,
            invoiced=self.invoiced + other.invoiced,
            overdue=self.overdue + other.overdue,
            leftover=self.leftover + other.leftover,
            gross=both(self.gross, other.gross),
            charged=both(self.charged, other.charged),
            credited=both(self.credited, other.credited),
            problems=[*self.problems, *other.problems],
        )

    @property
    def amounts(self) -> dict[str, dict[str, str]]:
        """``{"gross": {"EUR": "60.00"}, "charged": ..., "credited": ...}``."""
        return {
            name: {currency: format_amount(amount, currency) for currency, amount in sorted(sums.items())}
            for name, sums in (("gross", self.gross), ("charged", self.charged), ("credited", self.credited))
        }

    def as_data(self) -> dict[str, object]:
        counts = ("batches", "opened", "ended", "invoiced", "overdue", "leftover")
        return {**{name: getattr(self, name) for name in counts}, **self.amounts, "problems": self.problems}


def bill_batch(subscription_ids: Sequence[int], day: date, *, by: User) -> BillingResult:
    """Bring each of the subscriptions whose open period closes on the day one cycle further, in the caller's
    transaction: end the period; end a cancelled subscription with it (F4), or open the next period and invoice it.

    A subscription without a price in force is named in the result and left as it was. One that somebody else has
    billed or extended meanwhile is passed over. Each that changed gets an event.
    """
    result = BillingResult(batches=1)
    subscriptions = _locked(subscription_ids)
    # Locked after their subscriptions, so that an extension being granted is waited for and then seen.
    over = (
        BillingPeriod.objects.filter(subscription__in=subscriptions, state=BillingPeriod.State.OPEN, closes_on=day)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    closing: dict[int, BillingPeriod] = {period.subscription_id: period for period in over}
    changes = scheduled_changes(subscriptions)
    terms = TermsInForce(day, {subscription.plan_id for subscription in subscriptions.values()}, changes)
    events: list[Event] = []
    ending: list[Subscription] = []
    opening: list[BillingPeriod] = []
    over_now: list[int] = []
    tell = _Teller(by)
    for pk, subscription in subscriptions.items():
        period = closing.get(pk)
        if period is None or subscription.state == Subscription.State.ENDED:
            continue
        if ends_with(subscription, period):
            ending.append(subscription)
            message = f"It ended with its period, on {day}."
            events.append(tell.done(subscription, message, {"period": period.pk, "ended_on": day.isoformat()}))
        else:
            try:
                opening.append(terms.period(subscription, period.sequence + 1))
            except Refused as refused:
                result.problems.append(refused.message)
                events.append(tell.refused(subscription, refused))
                continue
        over_now.append(period.pk)

    update_tracked(BillingPeriod.objects.filter(pk__in=over_now), state=BillingPeriod.State.ENDED)
    update_tracked(
        Subscription.objects.filter(pk__in=[subscription.pk for subscription in ending]),
        state=Subscription.State.ENDED,
        ended_on=day,
    )
    create_tracked(BillingPeriod, opening)
    settle_plan_changes(changes, opening, ending)
    for draft in issue_invoices(opening):
        _count(result, draft)
        events.append(tell.billed(draft))
    Event.objects.bulk_create(events, batch_size=CHUNK)
    result.opened = result.invoiced = len(opening)
    result.ended = len(ending)
    return result


def _locked(ids: Iterable[int]) -> Mapping[int, Subscription]:
    """The subscriptions by key, locked in its order, with their plans."""
    rows = list(Subscription.objects.filter(pk__in=list(ids)).order_by("pk").select_for_update(no_key=True))
    plans = Plan.objects.in_bulk({subscription.plan_id for subscription in rows})
    for subscription in rows:
        subscription.plan = plans[subscription.plan_id]
    return {subscription.pk: subscription for subscription in rows}


def _count(result: BillingResult, draft: Draft) -> None:
    invoice = draft.invoice
    _add(result.gross, invoice.currency, invoice.gross)
    if invoice.credited:
        _add(result.credited, invoice.currency, invoice.credited)
    for charge in draft.charges:
        _add(result.charged, charge.currency, charge.amount)


def _add(sums: Sums, currency: str, amount: Decimal) -> None:
    sums[currency] = sums.get(currency, Decimal(0)) + amount


class _Teller:
    """Makes the events of a batch: who acts is looked up once."""

    def __init__(self, by: User) -> None:
        self._shared: dict[str, Any] = {
            "at": timezone.now(),
            "actor_id": by.pk,
            "actor_name": by.get_full_name() or by.get_username(),
            "actor_role": by.role_name or "",
            "verb": "subscription.bill",
            "target_type": Subscription._meta.label_lower,
        }

    def billed(self, draft: Draft) -> Event:
        invoice = draft.invoice
        unit = invoice.currency
        message = f"Invoice {invoice.number} for {invoice.period}: {format_amount(invoice.gross, unit)} {unit}"
        if invoice.credited:
            message += f", of which credits bear {format_amount(invoice.credited, unit)}"
        data = {
            "period": invoice.period_id,
            "invoice": invoice.number,
            "gross": format_amount(invoice.gross, unit),
            "credited": format_amount(invoice.credited, unit),
            "currency": unit,
        }
        return self.done(invoice.period.subscription, f"{message}.", data)

    def done(self, subscription: Subscription, message: str, data: dict[str, Any]) -> Event:
        return self._event(subscription, Event.Outcome.DONE, message, data)

    def refused(self, subscription: Subscription, refused: Refused) -> Event:
        return self._event(subscription, Event.Outcome.REFUSED, refused.message, {"code": refused.code, **refused.data})

    def _event(self, subscription: Subscription, outcome: str, message: str, data: dict[str, Any]) -> Event:
        return Event(
            target_id=subscription.pk,
            target_label=subscription.number,
            customer_id=subscription.customer_id,
            outcome=outcome,
            message=message,
            data=data,
            **self._shared,
        )
