"""Why a person may not approve, return, reject or revoke a refund now; and by whose right they may.

Four eyes hold for the approver and, when they approve in somebody's place, for that person as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from accounts.customers.links import linked_obstacle
from accounts.staff.approvers import ApprovalRights, Right
from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import APPROVAL_OF, may_words, role_words, roles_that
from audit.actions import Obstacle
from complaints.cases.guards import allowed, refund_in
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from complaints.refunds.rules import decision_obstacle
from complaints.reversals.models import Reversal
from core.amounts import money_text
from core.text import join, lower, say, say_count

type Linked = Callable[[User, int], Obstacle | None]

#: What an approver chooses to approve by: whichever right suffices, the own one before any other; or the own one.
#: Anything else is the key of a delegation.
ANY_RIGHT = ""
OWN_RIGHT = "own"


@dataclass(frozen=True, slots=True)
class Authority:
    """By whose right a refund can be approved, up to what limit, and what the customer was granted before."""

    right: Right
    limit: Decimal
    granted: Decimal


# --- Approving ----------------------------------------------------------------------------------


def authority_for(
    refund: Refund,
    by: User,
    *,
    rights: ApprovalRights,
    choice: str = ANY_RIGHT,
    granted: Decimal | None = None,
    linked: Linked = linked_obstacle,
    today: date | None = None,
) -> Authority | Obstacle:
    """The right by which the person may approve the refund now, or why there is none.

    One's own right goes first, then those of the people one stands in for. ``granted`` and ``linked`` stand in for
    queries, for whoever asks about many.
    """
    found = _undecidable(refund, today) or _no_right_at_all(refund, by, rights) or own_hand(refund, by, linked=linked)
    if found:
        return found
    obstacles: list[tuple[Right, Obstacle]] = []
    for right in _chosen(by, rights, choice):
        before = granted if granted is not None else granted_lately([refund])[refund.pk]
        answer = _by_right(refund, right, rights, before, linked)
        if isinstance(answer, Authority):
            return answer
        obstacles.append((right, answer))
    if not obstacles:
        return Obstacle(say("You do not stand in for this person today."), code="delegation")
    sentences = [
        say("For {person}: {obstacle}", person=right.person, obstacle=obstacle)
        if right.delegation is not None
        else obstacle
        for right, obstacle in obstacles
    ]
    # What keeps a right that one has says more than that one lacks another.
    codes = [obstacle.code for _, obstacle in obstacles]
    return Obstacle(join(" ", sentences), code=next((code for code in codes if code != "permission"), "permission"))


def approve_obstacle(
    refund: Refund, by: User, *, rights: ApprovalRights | None = None, choice: str = ANY_RIGHT
) -> Obstacle | None:
    """Why the person may not approve the refund now, in their own right or in somebody's place; or None."""
    found = authority_for(refund, by, rights=rights or ApprovalRights(timezone.localdate()), choice=choice)
    return found if isinstance(found, Obstacle) else None


def could_approve(refund: Refund, people: Iterable[User], rights: ApprovalRights) -> list[tuple[User, Authority]]:
    """Of the people, each who could approve the refund now, and by whose right."""
    granted = granted_lately([refund])[refund.pk]
    answers = ((person, authority_for(refund, person, rights=rights, granted=granted)) for person in people)
    return [(person, answer) for person, answer in answers if isinstance(answer, Authority)]


def _undecidable(refund: Refund, today: date | None) -> Obstacle | None:
    return refund_in(refund, *Refund.PENDING_STATES) or _expired(refund, today) or decision_obstacle(refund)


def _expired(refund: Refund, today: date | None) -> Obstacle | None:
    if (today or timezone.localdate()) >= refund.expires_on:
        return Obstacle(say("{refund} expired on {day}.", refund=refund.code, day=refund.expires_on), code="expired")
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


def _by_right(
    refund: Refund, right: Right, rights: ApprovalRights, granted: Decimal, linked: Linked
) -> Authority | Obstacle:
    may = APPROVAL_OF[refund.basis]
    if right.delegation is None:
        found = allowed(right.person, may)
    elif not right.person.may(may):
        found = Obstacle(
            say(
                "the role {role} may not {may}; {roles} can.",
                role=role_words(right.person.role_name),
                may=may_words(may),
                roles=roles_that(may),
            ),
            code="permission",
        )
    else:
        found = own_hand(refund, right.person, deputy=True, linked=linked)
    if found:
        return found
    limit = rights.limit_of(right.person, refund.basis, refund.currency)
    return _over_limit(refund, right, limit, granted) or Authority(right, limit or Decimal(0), granted)


def _over_limit(refund: Refund, right: Right, limit: Decimal | None, granted: Decimal) -> Obstacle | None:
    """Whether the limit covers the amount together with what the customer was granted lately."""
    if limit is None:
        return Obstacle(
            say(
                "No published limit lets a {role} approve {basis} refunds in {currency}.",
                role=role_words(right.person.role_name),
                basis=lower(refund.get_basis_display()),
                currency=refund.currency,
            ),
            code="no_limit",
        )
    if refund.total + granted <= limit:
        return None
    own = right.delegation is None
    said: dict[str, object] = {
        "amount": money_text(refund.total, refund.currency),
        "limit": money_text(limit, refund.currency),
    }
    if not granted:
        return Obstacle(
            say("{amount} is over your limit of {limit}.", **said)
            if own
            else say("{amount} is over their limit of {limit}.", **said),
            code="over_limit",
        )
    days = refund.terms.approval_window_days
    said["granted"] = money_text(granted, refund.currency)
    return Obstacle(
        say_count(
            "{amount} together with {granted} granted to this customer in the last day is over your limit of {limit}.",
            "{amount} together with {granted} granted to this customer in the last {count} days is over your limit of"
            " {limit}.",
            days,
            **said,
        )
        if own
        else say_count(
            "{amount} together with {granted} granted to this customer in the last day is over their limit of {limit}.",
            "{amount} together with {granted} granted to this customer in the last {count} days is over their limit of"
            " {limit}.",
            days,
            **said,
        ),
        code="over_limit",
    )


# --- Whose hand is in it ------------------------------------------------------------------------


def own_hand(
    refund: Refund, person: User, *, deputy: bool = False, linked: Linked = linked_obstacle
) -> Obstacle | None:
    """Whoever had a hand in the case does not approve it; superusers are no exception.

    With ``deputy`` the person is the one in whose place somebody else would approve: their hand counts as much, or one
    could have an own proposal approved by naming a deputy.
    """
    parts = {contribution.part for contribution in refund.contributions.all() if contribution.by_id == person.pk}
    said: dict[str, object] = {"refund": refund.code, "person": person}
    if refund.proposed_by_id == person.pk or "proposed" in parts:
        return Obstacle(
            say("{refund} is {person}’s own proposal: nobody approves it in their place.", **said)
            if deputy
            else say("{refund} is your own proposal: somebody else has to approve it.", **said),
            code="own_proposal",
        )
    if "drafted" in parts:
        return Obstacle(
            say("{person} drafted {refund}: nobody approves it in their place.", **said)
            if deputy
            else say("You drafted {refund}: somebody else has to approve it.", **said),
            code="own_draft",
        )
    if parts:
        return Obstacle(
            say("{person} edited {refund}: nobody approves it in their place.", **said)
            if deputy
            else say("You edited {refund}: somebody else has to approve it.", **said),
            code="own_draft",
        )
    return (
        _hand_in_case(refund, person, deputy)
        or _link(refund, person, deputy, linked)
        or _approved_already(refund, person, deputy)
    )


def _hand_in_case(refund: Refund, person: User, deputy: bool) -> Obstacle | None:
    for complaint in _with_all_merged(refund.complaint):
        said: dict[str, object] = {"complaint": complaint.code, "person": person}
        if any(decision.by_id == person.pk for decision in complaint.decisions.all()):
            return Obstacle(
                say("{person} decided {complaint}: nobody approves its refund in their place.", **said)
                if deputy
                else say("You decided {complaint}: somebody else has to approve its refund.", **said),
                code="decided",
            )
        if any(assessment.by_id == person.pk for assessment in complaint.assessments.all()):
            return Obstacle(
                say("{person} assessed {complaint}: nobody approves its refund in their place.", **said)
                if deputy
                else say("You assessed {complaint}: somebody else has to approve its refund.", **said),
                code="assessed",
            )
    return None


def _link(refund: Refund, person: User, deputy: bool, linked: Linked) -> Obstacle | None:
    link = linked(person, refund.customer_id)
    if link is None or not deputy:
        return link
    return Obstacle(
        say("{person} is linked to this customer: nobody approves its refund in their place.", person=person),
        code=link.code,
    )


def _approved_already(refund: Refund, person: User, deputy: bool) -> Obstacle | None:
    """One person counts once in a round, whether they approve, or somebody does in their place."""
    for approval in refund.approvals.all():
        if approval.round != refund.round:
            continue
        said: dict[str, object] = {"refund": refund.code, "person": person, "approver": approval.approver}
        if approval.approver_id == person.pk:
            return Obstacle(
                say("{person} approved {refund} already: the second approval is somebody else's.", **said)
                if deputy
                else say("You approved {refund} already: the second approval is somebody else's.", **said),
                code="approved_already",
            )
        if approval.on_behalf_of_id == person.pk:
            return Obstacle(
                say(
                    "{approver} approved {refund} in {person}’s place already: the second approval is somebody else's.",
                    **said,
                )
                if deputy
                else say(
                    "{approver} approved {refund} in your place already: the second approval is somebody else's.",
                    **said,
                ),
                code="approved_already",
            )
    return None


def _with_all_merged(complaint: Complaint) -> Iterator[Complaint]:
    """The case and every one that ended up in it, also by way of a third: a merge must not wash a hand off."""
    yield complaint
    for merged in complaint.merged_complaints.all():
        yield from _with_all_merged(merged)


# --- Limits -------------------------------------------------------------------------------------


def limit_of(by: User, subject: str, currency: str, day: date) -> Decimal | None:
    """Up to how much the person's role may approve on the day; None without a published limit."""
    if by.role is None:
        return None
    limit = ApprovalLimit.objects.in_force(day).filter(role=by.role, subject=subject, currency=currency).first()
    return None if limit is None else limit.amount


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
                say("{refund} is your own proposal: withdraw it instead.", refund=refund.code), code="own_proposal"
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
