"""What waits for whom: the rows behind the home page, the numbers of the navigation, and the inbox."""

from __future__ import annotations

from django.db.models import Exists, Q
from django.utils import timezone

from accounts.models import Delegation, User
from accounts.models.staff import DelegationQuerySet
from accounts.permissions import APPROVAL_OF, DEPUTIES, PERMISSIONS, Role
from complaints.models import Refund
from complaints.models.refunds import RefundQuerySet


def waiting_for_approval_of(user: User) -> RefundQuerySet:
    """Proposals that this person could approve, in their own right or in somebody's place, and had no hand in.

    The limit is not looked at: a proposal above one's own still waits for somebody, and its line says so.
    """
    waiting: RefundQuerySet = (
        Refund.objects.waiting_for_approval()
        .filter(_by_right(user))
        .exclude(contributions__by=user)
        .exclude(approvals__approver=user)
        .exclude(complaint__decisions__by=user)
        .exclude(complaint__assessments__by=user)
    )
    return waiting if user.customer_id is None else waiting.exclude(customer=user.customer_id)


def _by_right(user: User) -> Q:
    """The bases that the person's role may approve, or the role of somebody whose deputy they are today."""
    wanted = Q(basis__in=[basis for basis in Refund.Basis.values if user.may(APPROVAL_OF[basis])])
    for role, deputies in DEPUTIES.items():
        if user.role_name in deputies:
            received = stood_in_by(user).filter(delegator__role__name=role)
            wanted |= Q(Exists(received), basis__in=_bases_of(role))
    return wanted


def stood_in_by(user: User) -> DelegationQuerySet:
    """The delegations by which this person approves in somebody's place today, as ``ApprovalRights`` reads them."""
    roles = [role for role, deputies in DEPUTIES.items() if user.role_name in deputies]
    found: DelegationQuerySet = Delegation.objects.in_force(timezone.localdate()).filter(
        deputy=user, delegator__is_active=True, delegator__role__name__in=roles
    )
    return found


def _bases_of(role: Role) -> list[str]:
    return [basis for basis in Refund.Basis.values if role in PERMISSIONS[APPROVAL_OF[basis]]]
