"""What waits for whom: the rows behind the home page, the numbers of the navigation, and the inbox."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django.utils import timezone

from accounts.staff.models import Delegation, DelegationQuerySet, User
from complaints.refunds.approvals.rules import approvable_by
from complaints.refunds.models import Refund, RefundQuerySet


def waiting_for_approval_of(user: User) -> RefundQuerySet:
    """Proposals that this person may approve, in their own right or in somebody's place; limits are not looked at."""
    return _waiting(user, user.is_active, user.role_name, timezone.localdate()).all()


@lru_cache(maxsize=512)
def _waiting(user: User, _active: bool, _role: str, today: date) -> RefundQuerySet:
    """The question alone, never asked: to put it together takes longer than the answer, and every page asks."""
    found: RefundQuerySet = Refund.objects.filter(approvable_by(user, today))
    return found


def stood_in_by(user: User) -> DelegationQuerySet:
    """The delegations by which this person approves in somebody's place today, as ``ApprovalRights`` reads them."""
    found: DelegationQuerySet = Delegation.objects.usable(timezone.localdate()).filter(deputy=user.pk)
    return found
