"""Why a person may not approve, return, reject or revoke a refund now; and by whose right they may.

Four eyes hold for the approver and, when they approve in somebody's place, for that person as well. What waits for
whom is asked by the same table of hands: ``may_approve`` judges one refund, ``approvable_by`` finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.lookups import In
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.customers.links import linked_obstacle
from accounts.customers.models import Customer
from accounts.staff.approvers import ApprovalRights, Right
from accounts.staff.models import Delegation, User
from accounts.staff.permissions import APPROVAL_OF, DEPUTIES, PERMISSIONS, may_words, role_words, roles_that
from audit.actions import Obstacle
from audit.vocabulary import Refusal, RefusalCode
from complaints.cases.guards import allowed, refund_in
from complaints.cases.models import Assessment, Complaint, Decision
from complaints.refunds.models import Approval, Contribution, Refund
from complaints.refunds.rules import DECIDED_FOR_ITS_BASIS, decision_obstacle
from complaints.reversals.models import Reversal
from complaints.vocabulary import ComplaintRefusal
from core.merges import WithMerged
from core.text import join, say

#: What an approver chooses to approve by: whichever right suffices, the own one before any other; or the own one.
#: Anything else is the key of a delegation.
ANY_RIGHT = ""
OWN_RIGHT = "own"


# --- Whose hand is in it ------------------------------------------------------------------------

#: What a sentence about a hand is filled with.
type Said = Mapping[str, object]
#: A column of the refund in question, seen from a subquery.
type Column = Callable[[str], OuterRef]


@dataclass(frozen=True, slots=True)
class Hand:
    """One way of having a hand in a case: whoever had it does not approve the refund; superusers are no exception.

    It is told to the person (``yours``), or to whoever would approve in their place (``theirs``): the hand of the
    absent person counts as much, or one could have an own proposal approved by naming a deputy. ``found`` sees it on
    the rows, and returns what the sentence names besides the refund and the person; ``rows`` asks the database for the
    same. A hand is declared here and nowhere else.
    """

    code: RefusalCode
    yours: str
    theirs: str
    found: Callable[[Refund, User, ApprovalRights], Said | None]
    rows: Callable[[Column, Any], QuerySet[Any]]


def _contributed(refund: Refund, person: User, part: str) -> Said | None:
    return {} if any(row.by_id == person.pk and row.part == part for row in refund.contributions.all()) else None


def _proposed(refund: Refund, person: User, _rights: ApprovalRights) -> Said | None:
    return {} if refund.proposed_by_id == person.pk else _contributed(refund, person, Contribution.Part.PROPOSED)


def _contributions(refund: Column, person: Any) -> QuerySet[Any]:
    return Refund.objects.filter(Q(proposed_by=person) | Q(contributions__by=person), pk=refund("pk"))


def _in_case(rows: Callable[[Complaint], Iterable[Assessment | Decision]], refund: Refund, person: User) -> Said | None:
    cases = (case for case in _with_all_merged(refund.complaint) if any(row.by_id == person.pk for row in rows(case)))
    return next(({"complaint": case.code} for case in cases), None)


def _with_all_merged(complaint: Complaint) -> Iterator[Complaint]:
    """The case and every one that ended up in it, also by way of a third: a merge must not wash a hand off."""
    yield complaint
    for merged in complaint.merged_complaints.all():
        yield from _with_all_merged(merged)


def _cases(refund: Column) -> WithMerged:
    return WithMerged(refund("complaint_id"), Complaint)


def _approval(refund: Refund, by_them: Callable[[Approval], bool]) -> Said | None:
    given = (approval for approval in refund.approvals.all() if approval.round == refund.round and by_them(approval))
    return next(({"approver": approval.approver} for approval in given), None)


def _approvals(refund: Column, person: Any) -> QuerySet[Any]:
    them = Q(approver=person) | Q(on_behalf_of=person)
    return Approval.objects.filter(them, refund=refund("pk"), round=refund("round"))


HANDS: tuple[Hand, ...] = (
    Hand(
        Refusal.OWN_PROPOSAL,
        gettext_noop("{refund} is your own proposal: somebody else has to approve it."),
        gettext_noop("{refund} is {person}’s own proposal: nobody approves it in their place."),
        _proposed,
        _contributions,
    ),
    Hand(
        ComplaintRefusal.OWN_DRAFT,
        gettext_noop("You drafted {refund}: somebody else has to approve it."),
        gettext_noop("{person} drafted {refund}: nobody approves it in their place."),
        lambda refund, person, _: _contributed(refund, person, Contribution.Part.DRAFTED),
        _contributions,
    ),
    Hand(
        ComplaintRefusal.OWN_DRAFT,
        gettext_noop("You edited {refund}: somebody else has to approve it."),
        gettext_noop("{person} edited {refund}: nobody approves it in their place."),
        lambda refund, person, _: _contributed(refund, person, Contribution.Part.EDITED),
        _contributions,
    ),
    Hand(
        ComplaintRefusal.DECIDED,
        gettext_noop("You decided {complaint}: somebody else has to approve its refund."),
        gettext_noop("{person} decided {complaint}: nobody approves its refund in their place."),
        lambda refund, person, _: _in_case(lambda case: case.decisions.all(), refund, person),
        lambda refund, person: Decision.objects.filter(complaint__in=_cases(refund), by=person),
    ),
    Hand(
        ComplaintRefusal.ASSESSED,
        gettext_noop("You assessed {complaint}: somebody else has to approve its refund."),
        gettext_noop("{person} assessed {complaint}: nobody approves its refund in their place."),
        lambda refund, person, _: _in_case(lambda case: case.assessments.all(), refund, person),
        lambda refund, person: Assessment.objects.filter(complaint__in=_cases(refund), by=person),
    ),
    Hand(
        Refusal.LINKED,
        gettext_noop("You are linked to this customer: somebody else has to do this."),
        gettext_noop("{person} is linked to this customer: nobody approves its refund in their place."),
        lambda refund, person, rights: {} if rights.is_own_customer(person, refund.customer_id) else None,
        lambda refund, person: User.objects.filter(
            customer__in=WithMerged(refund("customer_id"), Customer, either_way=True), pk=person
        ),
    ),
    # One person counts once in a round, whether they approve, or somebody does in their place.
    Hand(
        ComplaintRefusal.APPROVED_ALREADY,
        gettext_noop("You approved {refund} already: the second approval is somebody else's."),
        gettext_noop("{person} approved {refund} already: the second approval is somebody else's."),
        lambda refund, person, _: _approval(refund, lambda given: given.approver_id == person.pk),
        _approvals,
    ),
    Hand(
        ComplaintRefusal.APPROVED_ALREADY,
        gettext_noop("{approver} approved {refund} in your place already: the second approval is somebody else's."),
        gettext_noop(
            "{approver} approved {refund} in {person}’s place already: the second approval is somebody else's."
        ),
        lambda refund, person, _: _approval(refund, lambda given: given.on_behalf_of_id == person.pk),
        _approvals,
    ),
)


def _hand_of(refund: Refund, person: User, rights: ApprovalRights, *, deputy: bool = False) -> Obstacle | None:
    for hand in HANDS:
        said = hand.found(refund, person, rights)
        if said is not None:
            sentence = hand.theirs if deputy else hand.yours
            return Obstacle(say(sentence, refund=refund.code, person=person, **said), code=hand.code)
    return None


def _no_hand(refund: Column, person: Any) -> Q:
    # Said as "there is none": ``exclude`` across relations means the same, and takes longer.
    return Q(*(~Exists(rows(refund, person)) for rows in dict.fromkeys(hand.rows for hand in HANDS)))


# --- Approving ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    """By whose right a refund can be approved, up to what limit, and what the customer was granted before."""

    right: Right
    limit: Decimal
    granted: Decimal


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
        or _hand_of(refund, person, rights)
    )
    if found:
        return found
    obstacles: list[tuple[Right, Obstacle]] = []
    for right in _chosen(person, rights, choice):
        before = granted if granted is not None else granted_lately([refund])[refund.pk]
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
        no_hand = _no_hand(lambda name: OuterRef(OuterRef(name)), OuterRef("delegator_id"))
        by_right |= Q(Exists(Delegation.objects.usable(today).filter(theirs, no_hand, deputy=person.pk)))
    pending = Q(DECIDED_FOR_ITS_BASIS, state__in=Refund.PENDING_STATES, expires_on__gt=today)
    return pending & by_right & _no_hand(OuterRef, person.pk)


def could_approve(refund: Refund, people: Iterable[User], rights: ApprovalRights) -> list[tuple[User, Authority]]:
    """Of the people, each who could approve the refund now, and by whose right."""
    granted = granted_lately([refund])[refund.pk]
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
        found = _hand_of(refund, right.person, rights, deputy=True)
    if found:
        return found
    limit = rights.limit_of(right.person, refund.basis, refund.currency)
    over = limit.obstacle(refund.total, granted, days=refund.terms.approval_window_days, own=own)
    return over or Authority(right, limit.amount or Decimal(0), granted)


def granted_lately(refunds: Sequence[Refund]) -> Mapping[int, Decimal]:
    """By refund: what its customer was granted in the policy's window, on all subscriptions, the refund left out.

    Granted is what was settled, or approved once already. A refund that was taken back still counts by what did not
    come back by itself, or taking back and giving again would pass any limit. Two statements for any number of refunds.
    """
    now = timezone.now()
    windows = {refund.pk: now - timedelta(days=refund.terms.approval_window_days) for refund in refunds}
    if not windows:
        return {}
    customers = {refund.customer_id for refund in refunds}
    since = min(windows.values())
    of_them = Q(customer__in=customers) | Q(customer__merged_into__in=customers)
    standing = Refund.objects.filter(
        of_them, Q(state=Refund.State.SETTLED, settled_at__gte=since) | Q(state=Refund.State.APPROVED)
    ).values_list("pk", "customer_id", "customer__merged_into_id", "currency", "total", "settled_at")
    kept = Reversal.objects.filter(
        state=Reversal.State.APPROVED,
        refund__in=Refund.objects.filter(of_them, state=Refund.State.REVERSED, settled_at__gte=since),
    ).values_list(
        "refund_id", "refund__customer_id", "refund__customer__merged_into_id", "refund__currency", "used",
        "refund__settled_at",
    )  # fmt: skip
    found: dict[int, Decimal] = dict.fromkeys(windows, Decimal(0))
    asked: dict[tuple[int | None, str], list[Refund]] = {}
    for refund in refunds:
        asked.setdefault((refund.customer_id, refund.currency), []).append(refund)
    for pk, customer, survivor, currency, amount, settled_at in [*standing, *kept]:
        for refund in [*asked.get((customer, currency), ()), *asked.get((survivor, currency), ())]:
            if refund.pk != pk and (settled_at is None or settled_at >= windows[refund.pk]):
                found[refund.pk] += amount
    return found


# --- Deciding otherwise -------------------------------------------------------------------------


def return_obstacle(refund: Refund, by: User, *, rights: ApprovalRights | None = None) -> Obstacle | None:
    """Returning or rejecting is for those who could approve the basis, not for the proposer."""
    return (
        refund_in(refund, *Refund.PENDING_STATES)
        or _no_right(refund, by, rights)
        or linked_obstacle(by, refund.customer_id)
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
    return (
        refund_in(refund, Refund.State.APPROVED)
        or _no_right(refund, by, rights)
        or linked_obstacle(by, refund.customer_id)
    )


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
