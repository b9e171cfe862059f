"""Why a person may not approve, return, reject or revoke a refund now; and by whose right they may.

Four eyes hold for the approver and, when they approve in somebody's place, for that person as well. What waits for
whom is asked by the same table of hands (``hands``): ``may_approve`` judges one refund, ``approvable_by`` finds them.
How many have to approve follows from the same sum as the limit (``windows``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q
from django.db.models.lookups import In
from django.utils import timezone

from accounts.customers.links import linked_obstacle
from accounts.staff.approvers import ApprovalRights, Right
from accounts.staff.models import Delegation, User
from accounts.staff.permissions import APPROVAL_OF, DEPUTIES, PERMISSIONS, may_words, role_words, roles_that
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from complaints.cases.guards import allowed, refund_in
from complaints.refunds.approvals.hands.rules import hand_of, no_hand
from complaints.refunds.approvals.windows.rules import granted_lately, takes_two, window_of
from complaints.refunds.models import Refund
from complaints.refunds.rules import DECIDED_FOR_ITS_BASIS, decision_obstacle
from complaints.vocabulary import ComplaintRefusal
from core.text import join, say

#: What an approver chooses to approve by: whichever right suffices, the own one before any other; or the own one.
#: Anything else is the key of a delegation.
ANY_RIGHT = ""
OWN_RIGHT = "own"


# --- Approving ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    """By whose right a refund can be approved, up to what limit (None: any amount), what was granted before in the
    window, and whether somebody else has to approve it, too.
    """

    right: Right
    limit: Decimal | None
    granted: Decimal
    takes_two: bool


def may_approve(
    refund: Refund,
    person: User,
    *,
    rights: ApprovalRights | None = None,
    choice: str = ANY_RIGHT,
    granted: Decimal | None = None,
) -> Authority | Obstacle:
    """The right by which the person may approve the refund now, or why there is none.

    One's own right goes first, then those of the people one stands in for. ``rights`` are those of the day, today
    unless given; ``granted`` stands in for a query, for whoever asks about many.
    """
    rights = rights or ApprovalRights(timezone.localdate())
    found = (
        refund_in(refund, *Refund.PENDING_STATES)
        or _expired(refund, rights.day)
        or decision_obstacle(refund)
        or _no_right_at_all(refund, person, rights)
        or hand_of(refund, person, rights)
    )
    if found:
        return found
    obstacles: list[tuple[Right, Obstacle]] = []
    for right in _chosen(person, rights, choice):
        before = granted if granted is not None else granted_lately([refund], rights.controls)[refund.pk]
        answer = _by_right(refund, right, rights, before)
        if isinstance(answer, Authority):
            return answer
        obstacles.append((right, answer))
    if not obstacles:
        return Obstacle(say("You do not stand in for this person today."), code=ComplaintRefusal.DELEGATION)
    sentences = [
        say("For {person}: {obstacle}", person=right.person, obstacle=obstacle)
        if right.delegation is not None
        else obstacle
        for right, obstacle in obstacles
    ]
    # What keeps a right that one has says more than that one lacks another.
    codes = [obstacle.code for _, obstacle in obstacles]
    return Obstacle(
        join(" ", sentences), code=next((code for code in codes if code != Refusal.PERMISSION), Refusal.PERMISSION)
    )


def approvable_by(person: User, today: date | None = None) -> Q:
    """Refunds that the person may approve, as ``may_approve`` judges each: in their own right, or in the place of
    somebody who had no hand in it either.

    The limits alone are not looked at: a proposal above one's own still waits for somebody, and its line says so.
    """
    today = today or timezone.localdate()
    own = {basis for basis, may in APPROVAL_OF.items() if person.may(may)}
    by_right, theirs = Q(basis__in=own), Q()
    for absent, deputies in DEPUTIES.items():
        bases = {basis for basis, may in APPROVAL_OF.items() if absent in PERMISSIONS[may]} - own
        # What somebody may by their own right needs no other's.
        if bases and person.is_active and person.role_name in deputies:
            theirs |= Q(In(OuterRef("basis"), sorted(bases)), delegator__role__name=absent)
    if theirs:
        theirs_clean = no_hand(lambda name: OuterRef(OuterRef(name)), OuterRef("delegator_id"))
        by_right |= Q(Exists(Delegation.objects.usable(today).filter(theirs, theirs_clean, deputy=person.pk)))
    pending = Q(DECIDED_FOR_ITS_BASIS, state__in=Refund.PENDING_STATES, expires_on__gt=today)
    return pending & by_right & no_hand(OuterRef, person.pk)


def could_approve(refund: Refund, people: Iterable[User], rights: ApprovalRights) -> list[tuple[User, Authority]]:
    """Of the people, each who could approve the refund now, and by whose right."""
    granted = granted_lately([refund], rights.controls)[refund.pk]
    answers = ((person, may_approve(refund, person, rights=rights, granted=granted)) for person in people)
    return [(person, answer) for person, answer in answers if isinstance(answer, Authority)]


def _expired(refund: Refund, today: date) -> Obstacle | None:
    if today >= refund.expires_on:
        return Obstacle(
            say("{refund} expired on {day}.", refund=refund.code, day=refund.expires_on), code=ComplaintRefusal.EXPIRED
        )
    return None


def _no_right_at_all(refund: Refund, by: User, rights: ApprovalRights) -> Obstacle | None:
    may = APPROVAL_OF[refund.basis]
    if any(right.person.may(may) for right in rights.received_by(by)):
        return None
    return allowed(by, may)


def _chosen(by: User, rights: ApprovalRights, choice: str) -> Sequence[Right]:
    received = rights.received_by(by)
    if choice == ANY_RIGHT:
        return [Right(by), *received]
    if choice == OWN_RIGHT:
        return [Right(by)]
    return [right for right in received if right.delegation is not None and str(right.delegation.pk) == choice]


def _by_right(refund: Refund, right: Right, rights: ApprovalRights, granted: Decimal) -> Authority | Obstacle:
    may = APPROVAL_OF[refund.basis]
    own = right.delegation is None
    if own:
        found = allowed(right.person, may)
    elif not right.person.may(may):
        found = Obstacle(
            say(
                "the role {role} may not {may}; {roles} can.",
                role=role_words(right.person.role_name),
                may=may_words(may),
                roles=roles_that(may),
            ),
            code=Refusal.PERMISSION,
        )
    else:
        found = hand_of(refund, right.person, rights, deputy=True)
    if found:
        return found
    limit = rights.limit_of(right.person, refund.basis, refund.currency)
    over = limit.obstacle(refund.total, granted, days=window_of(refund, rights.controls), own=own)
    return over or Authority(right, limit.amount, granted, takes_two(refund, granted, rights.controls))


# --- Deciding otherwise -------------------------------------------------------------------------


def return_obstacle(refund: Refund, by: User, *, rights: ApprovalRights | None = None) -> Obstacle | None:
    """Returning or rejecting is for those who could approve the basis, not for the proposer."""
    return (
        refund_in(refund, *Refund.PENDING_STATES)
        or _no_right(refund, by, rights)
        or (
            Obstacle(
                say("{refund} is your own proposal: withdraw it instead.", refund=refund.code),
                code=Refusal.OWN_PROPOSAL,
            )
            if refund.proposed_by_id == by.pk
            else None
        )
    )


def revoke_obstacle(refund: Refund, by: User, *, rights: ApprovalRights | None = None) -> Obstacle | None:
    """Taking back a first approval while the second is due: by those who could give one."""
    return refund_in(refund, Refund.State.APPROVED) or _no_right(refund, by, rights)


def _no_right(refund: Refund, by: User, rights: ApprovalRights | None) -> Obstacle | None:
    return None if deciding_right(refund, by, rights) is not None else allowed(by, APPROVAL_OF[refund.basis])


def deciding_right(refund: Refund, by: User, rights: ApprovalRights | None = None) -> Right | None:
    """By whose right the person may return, reject or revoke the refund: their own before that of somebody they stand
    in for, who is neither its proposer nor linked to the customer. None if by nobody's. Limits do not matter.
    """
    may = APPROVAL_OF[refund.basis]
    if by.may(may):
        return Right(by)
    for right in (rights or ApprovalRights(timezone.localdate())).received_by(by):
        person = right.person
        if person.may(may) and person.pk != refund.proposed_by_id and not linked_obstacle(person, refund.customer_id):
            return right
    return None
