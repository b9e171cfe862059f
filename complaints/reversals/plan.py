"""What taking a settled refund back comes to: what returns by itself, and what was used.

``plan_reversal`` only reads and serves the page; ``carry_out`` writes the counter-entries, inside the action, on locked
rows. Originals stay as they are: a credit keeps its grant and its applications, a grant its minutes, an extension its
days. A past period never becomes shorter, even if it is still open because billing is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.staff.models import User
from billing.credits.models import Credit
from billing.money import exact, format_amount, round_money
from billing.payouts.models import Payout
from billing.remedies.models import Extension, MinutesGrant
from billing.residual_credits.models import LeftoverPayout
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.quotes.quoting import usage_until
from complaints.refunds.models import Refund, Remedy
from core.text import Text, in_english, lower, say

NOT_PAID = (Payout.State.PENDING, Payout.State.FAILED)


@dataclass(frozen=True)
class Entry:
    """One remedy's part: ``recovered`` and ``used`` add up to its amount; ``undone`` is the minutes or days undone."""

    remedy: Remedy
    recovered: Decimal
    undone: int
    why: Text

    @property
    def used(self) -> Decimal:
        rest: Decimal = self.remedy.amount - self.recovered
        return rest

    def as_data(self, currency: str) -> dict[str, Any]:
        """The form that a reversal keeps."""
        return {
            "kind": self.remedy.kind,
            "amount": format_amount(self.remedy.amount, currency),
            "recovered": format_amount(self.recovered, currency),
            "used": format_amount(self.used, currency),
            "undone": self.undone,
            "why": in_english(self.why),
        }


@dataclass(frozen=True)
class ReversalPlan:
    """What a reversal made now would bring back."""

    entries: tuple[Entry, ...]

    @property
    def recovered(self) -> Decimal:
        return sum((entry.recovered for entry in self.entries), Decimal(0))

    @property
    def used(self) -> Decimal:
        return sum((entry.used for entry in self.entries), Decimal(0))


def plan_reversal(refund: Refund, *, today: date | None = None) -> ReversalPlan:
    """What of a settled refund returns by itself today, remedy by remedy; the rest was used."""
    day = today or timezone.localdate()
    found = refund.remedies.select_related("credit", "minutes_grant__period", "extension__period", "payout__credit")
    return ReversalPlan(tuple(_entry(remedy, refund.currency, day) for remedy in found))


def _entry(remedy: Remedy, currency: str, today: date) -> Entry:
    if remedy.credit is not None:
        return _of_credit(remedy, remedy.credit)
    if remedy.minutes_grant is not None:
        return _of_minutes(remedy, remedy.minutes_grant, currency, today)
    if remedy.extension is not None:
        return _of_extension(remedy, remedy.extension, currency, today)
    assert remedy.payout is not None
    return _of_payout(remedy, remedy.payout)


def _of_credit(remedy: Remedy, credit: Credit) -> Entry:
    """What is left of the credit, and what of it was to be paid out after the subscription's end and is not yet."""
    on_its_way = sum((payout.amount for payout in _leftover_payouts(credit)), Decimal(0))
    left = min(credit.remaining + on_its_way, remedy.amount)
    if on_its_way:
        why = (
            say("nothing of the credit is left, its payout is stopped")
            if left == 0
            else say("what is left of the credit is taken back, its payout is stopped")
        )
    else:
        why = say("nothing of the credit is left") if left == 0 else say("what is left of the credit is taken back")
    return Entry(remedy, left, 0, why)


def _leftover_payouts(credit: Credit) -> QuerySet[Payout]:
    """Payouts of what an ended subscription left of the credit that the bank has not made."""
    return Payout.objects.filter(leftover__credit=credit, state__in=NOT_PAID).order_by("pk")


def _is_over(period: BillingPeriod, today: date) -> bool:
    """Whether the period has ended, though billing may be late and it is still open."""
    return period.state != BillingPeriod.State.OPEN or period.closes_on <= today


def _of_minutes(remedy: Remedy, grant: MinutesGrant, currency: str, today: date) -> Entry:
    period = grant.period
    if _is_over(period, today):
        return Entry(remedy, Decimal(0), 0, say("the minutes ended with their period"))
    granted = period.minutes_grants.aggregate(all=Sum("minutes"), undone=Sum("reversed_minutes"))
    allowance = period.included_minutes + (granted["all"] or 0) - (granted["undone"] or 0)
    seconds, _ = usage_until(period, period.closes_on)
    unused = max(0, allowance - -(-seconds // 60))
    undone = min(unused, grant.minutes - grant.reversed_minutes)
    return Entry(
        remedy, _share(remedy, undone, grant.minutes, currency), undone, say("minutes not used yet are taken back")
    )


def _of_extension(remedy: Remedy, extension: Extension, currency: str, today: date) -> Entry:
    period = extension.period
    if _is_over(period, today):
        return Entry(remedy, Decimal(0), 0, say("the longer period is over"))
    # What is over stays: today's service is kept, and so are the days that other refunds gave.
    earliest = max(
        period.closes_on - timedelta(days=extension.days - extension.reversed_days), today + timedelta(days=1)
    )
    undone = max(0, (period.closes_on - earliest).days)
    return Entry(
        remedy, _share(remedy, undone, extension.days, currency), undone, say("days that have not begun are taken back")
    )


def _of_payout(remedy: Remedy, payout: Payout) -> Entry:
    if payout.credit is not None:
        return _of_credit(remedy, payout.credit)
    if payout.state in NOT_PAID:
        return Entry(remedy, remedy.amount, 0, say("the cash has not been paid and will not be"))
    return Entry(remedy, Decimal(0), 0, say("the payout is “{state}”", state=lower(payout.get_state_display())))


def _share(remedy: Remedy, undone: int, whole: int, currency: str) -> Decimal:
    if undone == whole:
        amount: Decimal = remedy.amount
        return amount
    share = exact(remedy.amount) * Fraction(undone, whole)
    return round_money(share, currency)


# --- Counter-entries ----------------------------------------------------------------------------


def carry_out(plan: ReversalPlan, subscription: Subscription, *, by: User) -> None:
    """Write the counter-entries of every remedy. The subscription, its periods, credits and payouts are locked."""
    for entry in plan.entries:
        remedy = entry.remedy
        # A payout that failed and became a credit gives that credit back.
        credit = remedy.payout.credit if remedy.payout is not None else remedy.credit
        if credit is not None:
            _take_credit(credit, entry.recovered, by=by)
        elif remedy.minutes_grant is not None:
            _take_minutes(remedy.minutes_grant, entry.undone)
        elif remedy.extension is not None:
            _take_days(remedy.extension, entry.undone, subscription)
        elif remedy.payout is not None:
            _stop_payout(remedy.payout, entry.recovered)


def _take_credit(credit: Credit, amount: Decimal, *, by: User) -> None:
    """Take back what is left, and what was to be paid out of it; a payout that only was proposed is withdrawn."""
    for payout in _leftover_payouts(credit):
        payout.state = Payout.State.CANCELLED
        payout.save()
        credit.paid_out -= payout.amount
    credit.reversed += amount
    credit.save()
    for leftover in credit.leftover_payouts.filter(state=LeftoverPayout.State.PROPOSED):
        leftover.state = LeftoverPayout.State.WITHDRAWN
        leftover.decided_by, leftover.decided_at = by, timezone.now()
        leftover.save()


def _take_minutes(grant: MinutesGrant, minutes: int) -> None:
    if minutes:
        grant.reversed_minutes += minutes
        grant.save()


def _take_days(extension: Extension, days: int, subscription: Subscription) -> None:
    if not days:
        return
    extension.reversed_days += days
    extension.save()
    period = BillingPeriod.objects.select_for_update(no_key=True).get(pk=extension.period_id)
    period.extension_days -= days
    period.closes_on -= timedelta(days=days)
    period.save()
    if period.extension_days:
        subscription.anchor_on, subscription.anchor_sequence = period.closes_on, period.sequence + 1
    else:
        subscription.anchor_on, subscription.anchor_sequence = _anchor_before(period, subscription)
    subscription.save()


def _anchor_before(period: BillingPeriod, subscription: Subscription) -> tuple[date, int]:
    """Where the following periods are counted from without this period's extension: an earlier one, or the start."""
    earlier = (
        BillingPeriod.objects.filter(subscription=subscription, sequence__lt=period.sequence, extension_days__gt=0)
        .order_by("-sequence")
        .first()
    )
    if earlier is None:
        return subscription.activated_on, 0
    return earlier.closes_on, earlier.sequence + 1


def _stop_payout(payout: Payout, amount: Decimal) -> None:
    if amount:
        payout.state = Payout.State.CANCELLED
        payout.save()
