"""What waits for whom: the rows behind the home page, the numbers of the navigation, and the inbox."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.staff.models import Delegation, DelegationQuerySet, User
from accounts.staff.permissions import APPROVAL_OF, DEPUTIES, PERMISSIONS, Role
from complaints.cases.models import Assessment, Decision
from complaints.refunds.models import Approval, Contribution, Refund, RefundQuerySet


def waiting_for_approval_of(user: User) -> RefundQuerySet:
    """Proposals that this person could approve, in their own right or in somebody's place, and had no hand in.

    The limit is not looked at: a proposal above one's own still waits for somebody, and its line says so.
    """
    role = user.role_name or ""
    own = frozenset(basis for basis in Refund.Basis.values if user.may(APPROVAL_OF[basis]))
    return _waiting(user.pk, role, own, user.customer_id, timezone.localdate()).all()


@lru_cache(maxsize=512)
def _waiting(person: int, role: str, own: frozenset[str], customer: int | None, today: date) -> RefundQuerySet:
    """The question alone, never asked: to put it together takes longer than the answer, and every page asks."""
    # Said as "there is none": ``exclude`` across relations means the same, and takes longer still.
    hands: tuple[QuerySet[Any], ...] = (
        Contribution.objects.filter(refund=OuterRef("pk"), by=person),
        Approval.objects.filter(refund=OuterRef("pk"), approver=person),
        Decision.objects.filter(complaint=OuterRef("complaint_id"), by=person),
        Assessment.objects.filter(complaint=OuterRef("complaint_id"), by=person),
    )
    by_right = Q(basis__in=sorted(own))
    for absent, deputies in DEPUTIES.items():
        # What somebody may by their own right needs no other's.
        if role in deputies and not own.issuperset(_bases_of(absent)):
            received = _stood_in(person, role, today).filter(delegator__role__name=absent)
            by_right |= Q(Exists(received), basis__in=_bases_of(absent))
    waiting: RefundQuerySet = Refund.objects.waiting_for_approval().filter(by_right, *(~Exists(hand) for hand in hands))
    return waiting if customer is None else waiting.exclude(customer=customer)


def stood_in_by(user: User) -> DelegationQuerySet:
    """The delegations by which this person approves in somebody's place today, as ``ApprovalRights`` reads them."""
    return _stood_in(user.pk, user.role_name or "", timezone.localdate())


def _stood_in(person: int, role: str, today: date) -> DelegationQuerySet:
    absent = [each for each, deputies in DEPUTIES.items() if role in deputies]
    found: DelegationQuerySet = Delegation.objects.in_force(today).filter(
        deputy=person, delegator__is_active=True, delegator__role__name__in=absent
    )
    return found


def _bases_of(role: Role) -> list[str]:
    return [basis for basis in Refund.Basis.values if role in PERMISSIONS[APPROVAL_OF[basis]]]
