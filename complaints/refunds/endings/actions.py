"""Other ends of a refund: withdrawn, revoked, expired, or gone with its complaint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Refused, act
from audit.vocabulary import Refusal
from billing.payouts.models import Payout
from billing.subscriptions.cancellations.actions import register_refunds
from billing.subscriptions.models import BillingPeriod
from complaints.cases.models import Complaint
from complaints.notices.owed.actions import owe_ended
from complaints.refunds.approvals.rules import deciding_right, revoke_obstacle
from complaints.refunds.common import end, lock_refund, name_right
from complaints.refunds.models import Refund, Remedy
from complaints.refunds.rules import withdraw_refund_obstacle
from complaints.vocabulary import ComplaintVerb
from core.text import say

State = Refund.State


def withdraw_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """Take back one's own draft or proposal; a lead may take back another's."""
    with act(ComplaintVerb.REFUND_WITHDRAW, by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(withdraw_refund_obstacle(refund, by))
        action.require_reason()
        end(refund, State.WITHDRAWN)
        owe_ended(refund)
        return refund


def revoke_refund(refund_id: int, *, by: User, reason: str) -> Refund:
    """End a refund that was approved once and waits for its second approval."""
    with act(ComplaintVerb.REFUND_REVOKE, by=by, reason=reason, target=(Refund, refund_id)) as action:
        refund = lock_refund(action, refund_id)
        action.refuse_if(revoke_obstacle(refund, by))
        name_right(action, deciding_right(refund, by))
        action.require_reason()
        end(refund, State.REVOKED)
        owe_ended(refund)
        return refund


def expire_refund(refund_id: int, *, by: User, today: date | None = None) -> Refund:
    """End an open refund whose days, by the policy, are over. For the daily job."""
    with act(ComplaintVerb.REFUND_EXPIRE, by=by, target=(Refund, refund_id)) as action:
        if by.username != User.SYSTEM:
            require(by, May.WITHDRAW_REFUNDS_OF_OTHERS)
        refund = lock_refund(action, refund_id)
        if refund.state not in Refund.OPEN_STATES or refund.expires_on > (today or timezone.localdate()):
            raise Refused(say("{refund} has not expired.", refund=refund.code), code=Refusal.STATE)
        end(refund, State.EXPIRED)
        owe_ended(refund)
        return refund


def lock_periods_of_open_refunds(action: Action, complaint_id: int) -> dict[int, BillingPeriod]:
    """The periods that a complaint's open refunds stand on, locked before the complaint is."""
    pks = Refund.objects.open().filter(complaint=complaint_id).order_by("period_id").values_list("period_id", flat=True)
    return {pk: action.lock(BillingPeriod, pk) for pk in pks}


def withdraw_open_refunds(complaint: Complaint, periods: Mapping[int, BillingPeriod]) -> list[str]:
    """End every open refund of a (locked) complaint that is withdrawn; returns their codes."""
    ended = []
    for refund in Refund.objects.open().select_for_update(no_key=True).filter(complaint=complaint).order_by("pk"):
        if refund.period_id not in periods:
            raise Refused(say("A refund was started on this case just now. Please try again."), code=Refusal.BUSY)
        refund.period = periods[refund.period_id]
        end(refund, State.WITHDRAWN)
        ended.append(refund.code)
    return ended


class _Refunds:
    """What a cancellation asks of the refunds on the periods that it voids."""

    def end_open(self, period_ids: Sequence[int], *, by: User, reason: str) -> list[str]:
        ended = []
        for pk in Refund.objects.open().filter(period__in=period_ids).order_by("pk").values_list("pk", flat=True):
            with act(ComplaintVerb.REFUND_WITHDRAW, by=by, reason=reason, target=(Refund, pk)) as action:
                refund = lock_refund(action, pk)
                end(refund, State.REVOKED if refund.state == State.APPROVED else State.WITHDRAWN)
                owe_ended(refund)
                ended.append(refund.code)
        return ended

    def given_in_money(self, period: BillingPeriod) -> Decimal:
        charged = Refund.objects.filter(reversals__charge__isnull=False)
        rows = Remedy.objects.filter(refund__period=period).exclude(refund__in=charged)
        return sum(map(_in_money, rows.select_related("credit", "payout__credit")), Decimal(0))


def _in_money(remedy: Remedy) -> Decimal:
    """What of the remedy the customer has as credit or cash. Cash that failed may have become a credit."""
    payout = remedy.payout
    credit = remedy.credit if payout is None else payout.credit
    if credit is not None:
        return Decimal(remedy.amount - credit.reversed)
    going_out = payout is not None and payout.state != Payout.State.CANCELLED
    return Decimal(remedy.amount if going_out else 0)


register_refunds(_Refunds())
