"""Whose hand is in a refund: the one table by which a person who prepared something never approves it.

A hand is seen on the rows of one refund and asked of the database for many; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop

from accounts.customers.models import Customer
from accounts.staff.approvers import ApprovalRights
from accounts.staff.models import User
from audit.actions import Obstacle
from audit.vocabulary import Refusal, RefusalCode
from complaints.cases.models import Assessment, Complaint, Decision
from complaints.refunds.models import Approval, Contribution, Refund
from complaints.vocabulary import ComplaintRefusal
from core.merges import WithMerged
from core.text import say

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


def hand_of(refund: Refund, person: User, rights: ApprovalRights, *, deputy: bool = False) -> Obstacle | None:
    for hand in HANDS:
        said = hand.found(refund, person, rights)
        if said is not None:
            sentence = hand.theirs if deputy else hand.yours
            return Obstacle(say(sentence, refund=refund.code, person=person, **said), code=hand.code)
    return None


def no_hand(refund: Column, person: Any) -> Q:
    # Said as "there is none": ``exclude`` across relations means the same, and takes longer.
    return Q(*(~Exists(rows(refund, person)) for rows in dict.fromkeys(hand.rows for hand in HANDS)))
