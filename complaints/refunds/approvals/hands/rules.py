"""Whose hand is in a refund: the one table by which a person who prepared something never approves it.

A hand is seen on the rows of one refund and asked of the database for many; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Protocol, cast

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.customers.links import is_linked
from accounts.customers.models import Customer
from accounts.staff.approvers import ApprovalRights, approvers
from accounts.staff.models import User
from audit.actions import Obstacle
from audit.vocabulary import Refusal, RefusalCode
from complaints.cases.models import Assessment, Complaint, Correction, Decision
from complaints.incidents.models import IncidentChange
from complaints.quotes.quoting import suggested_basis
from complaints.refunds.models import Approval, Contribution, Refund
from complaints.vocabulary import ComplaintRefusal
from core.merges import WithMerged
from core.text import Text, say

#: What a sentence about a hand is filled with.
type Said = Mapping[str, object]
#: A column of the refund in question, seen from a subquery: as an ``OuterRef``.
type Column = Callable[[str], Any]


class Rows(Protocol):
    """The rows by which a person has the hand in a refund; with ``until``, those that were there at the moment,
    both being columns of the query around (``OuterRef``).
    """

    def __call__(self, refund: Column, person: Any, until: Any = None) -> QuerySet[Any]: ...


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
    rows: Rows


def _contributed(refund: Refund, person: User, part: str) -> Said | None:
    return {} if any(row.by_id == person.pk and row.part == part for row in refund.contributions.all()) else None


def _proposed(refund: Refund, person: User, _rights: ApprovalRights) -> Said | None:
    return {} if refund.proposed_by_id == person.pk else _contributed(refund, person, Contribution.Part.PROPOSED)


def _contributions(refund: Column, person: Any, until: Any = None) -> QuerySet[Any]:
    rows = Refund.objects.filter(pk=refund("pk"))
    if until is not None:
        return rows.filter(contributions__by=person, contributions__at__lte=until)
    return rows.filter(Q(proposed_by=person) | Q(contributions__by=person))


type People = Callable[[Complaint], Iterable[int | None]]


def _registered(case: Complaint) -> Iterable[int | None]:
    return (case.registered_by_id,)


def _corrected(case: Complaint) -> Iterable[int | None]:
    return (row.by_id for row in case.corrections.all())


def _assessed(case: Complaint) -> Iterable[int | None]:
    return (row.by_id for row in case.assessments.all())


def _decided(case: Complaint) -> Iterable[int | None]:
    return (row.by_id for row in case.decisions.all())


def _consented(case: Complaint) -> Iterable[int | None]:
    return (case.consent_by_id,)


def _joined(case: Complaint) -> Iterable[int | None]:
    return (case.merged_by_id,)


def _in_case(people: People, refund: Refund, person: User) -> Said | None:
    # A merge must not wash a hand off.
    cases = (case for case in refund.complaint.matter() if person.pk in people(case))
    return next(({"complaint": case.code} for case in cases), None)


def people_of_case(complaint: Complaint) -> set[int]:
    """Who has a hand in the case, or in one merged into it, so that they approve no refund of it."""
    every = (_registered, _corrected, _assessed, _decided, _consented, _joined)
    return {pk for case in complaint.matter() for people in every for pk in people(case) if pk is not None}


def _of_case(refund: Column, person: Any, until: Any = None) -> QuerySet[Any]:
    theirs = Q(registered_by=person) | Q(consent_by=person) | Q(merged_by=person)
    if until is None:
        return Complaint.objects.filter(theirs, pk__in=_cases(refund))
    history: Any = cast("Any", Complaint).history.model.objects
    return cast(
        "QuerySet[Any]", history.filter(theirs, id__in=_cases(refund, until), history_date__lt=until).order_by()
    )


def _in_cases(model: type[Assessment | Correction | Decision]) -> Rows:
    def rows(refund: Column, person: Any, until: Any = None) -> QuerySet[Any]:
        there = {} if until is None else {"at__lte": until}
        return model.objects.filter(complaint__in=_cases(refund, until), by=person, **there)

    return rows


_assessments, _corrections, _decisions = (_in_cases(model) for model in (Assessment, Correction, Decision))


def _on_incident(refund: Refund, person: User) -> Said | None:
    changed = (
        counted.incident
        for counted in refund.counted_incidents.all()
        if counted.round == refund.round and any(row.by_id == person.pk for row in counted.incident.changes.all())
    )
    return next(({"incident": incident.code} for incident in changed), None)


def _incident_changes(refund: Column, person: Any, until: Any = None) -> QuerySet[Any]:
    there = {} if until is None else {"at__lte": until}
    return IncidentChange.objects.filter(
        by=person, incident__counted_by__refund=refund("pk"), incident__counted_by__round=refund("round"), **there
    )


def _cases(refund: Column, until: Any = None) -> WithMerged:
    return WithMerged(refund("complaint_id"), Complaint, until=until)


def _links(refund: Column, person: Any, until: Any = None) -> QuerySet[Any]:
    if until is None:
        return User.objects.filter(is_linked(refund("customer_id")), pk=person)
    own = WithMerged(refund("customer_id"), Customer, either_way=True, until=until)
    history: Any = cast("Any", User).history.model.objects
    # One query further in.
    versions = history.filter(id=OuterRef(person), history_date__lte=OuterRef(until))
    then = Subquery(versions.order_by("-history_date", "-history_id").values("history_id")[:1])
    return cast("QuerySet[Any]", history.filter(customer__in=own, history_id=then).order_by())


def _approval(refund: Refund, by_them: Callable[[Approval], bool]) -> Said | None:
    given = (approval for approval in refund.approvals.all() if approval.round == refund.round and by_them(approval))
    return next(({"approver": approval.approver} for approval in given), None)


def _approvals(refund: Column, person: Any, until: Any = None) -> QuerySet[Any]:
    them = Q(approver=person) | Q(on_behalf_of=person)
    there = {} if until is None else {"at__lt": until}
    return Approval.objects.filter(them, refund=refund("pk"), round=refund("round"), **there)


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
        lambda refund, person, _: _in_case(_decided, refund, person),
        _decisions,
    ),
    Hand(
        ComplaintRefusal.ASSESSED,
        gettext_noop("You assessed {complaint}: somebody else has to approve its refund."),
        gettext_noop("{person} assessed {complaint}: nobody approves its refund in their place."),
        lambda refund, person, _: _in_case(_assessed, refund, person),
        _assessments,
    ),
    Hand(
        ComplaintRefusal.CONSENTED,
        gettext_noop("You consented to a refund of {complaint}: somebody else has to approve it."),
        gettext_noop("{person} consented to a refund of {complaint}: nobody approves it in their place."),
        lambda refund, person, _: _in_case(_consented, refund, person),
        _of_case,
    ),
    Hand(
        ComplaintRefusal.CORRECTED,
        gettext_noop("You corrected {complaint}: somebody else has to approve its refund."),
        gettext_noop("{person} corrected {complaint}: nobody approves its refund in their place."),
        lambda refund, person, _: _in_case(_corrected, refund, person),
        _corrections,
    ),
    Hand(
        ComplaintRefusal.REGISTERED,
        gettext_noop("You registered {complaint}: somebody else has to approve its refund."),
        gettext_noop("{person} registered {complaint}: nobody approves its refund in their place."),
        lambda refund, person, _: _in_case(_registered, refund, person),
        _of_case,
    ),
    # It may have moved the day that the refund goes by.
    Hand(
        ComplaintRefusal.JOINED,
        gettext_noop("You merged {complaint} with another: somebody else has to approve its refund."),
        gettext_noop("{person} merged {complaint} with another: nobody approves its refund in their place."),
        lambda refund, person, _: _in_case(_joined, refund, person),
        _of_case,
    ),
    Hand(
        ComplaintRefusal.OWN_INCIDENT,
        gettext_noop("You recorded or changed {incident}, which {refund} counts: somebody else has to approve it."),
        gettext_noop(
            "{person} recorded or changed {incident}, which {refund} counts: nobody approves it in their place."
        ),
        lambda refund, person, _: _on_incident(refund, person),
        _incident_changes,
    ),
    Hand(
        Refusal.LINKED,
        gettext_noop("You are linked to this customer: somebody else has to do this."),
        gettext_noop("{person} is linked to this customer: nobody approves its refund in their place."),
        lambda refund, person, rights: {} if rights.is_own_customer(person, refund.customer_id) else None,
        _links,
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
    """Which hand the person has in the refund, said to them or (``deputy``) to whoever would approve in their place."""
    for hand in HANDS:
        said = hand.found(refund, person, rights)
        if said is not None:
            sentence = hand.theirs if deputy else hand.yours
            return Obstacle(say(sentence, refund=refund.code, person=person, **said), code=hand.code)
    return None


def no_hand(refund: Column, person: Any) -> Q:
    """The same as ``hand_of`` asked of the database: those in which the person has none."""
    # Said as "there is none": ``exclude`` across relations means the same, and takes longer.
    return Q(*(~Exists(rows) for rows in _hands(refund, person)))


def had_hand(refund: Column, person: Any, until: Any) -> Q:
    """Those in which the person had one at the moment ``until``, whatever they did later."""
    return reduce(or_, (Q(Exists(rows)) for rows in _hands(refund, person, until)))


def _hands(refund: Column, person: Any, until: Any = None) -> list[QuerySet[Any]]:
    return [rows(refund, person, until) for rows in dict.fromkeys(hand.rows for hand in HANDS)]


# --- Before a hand is left ----------------------------------------------------------------------


def last_free_approver(complaint: Complaint, by: User) -> Text:
    """The warning to whoever is about to have a hand in the case as the last who has none, of those who could approve
    a refund of it; "" to everybody else. Limits of 0 count as none; how high they are is not looked at. Queries.
    """
    day, basis = timezone.localdate(), suggested_basis(complaint)
    able = next(
        (
            found.people
            for found in approvers(day)
            if (found.subject, found.currency) == (basis, complaint.period.currency)
        ),
        (),
    )
    if all(person.pk != by.pk for person in able):
        return ""
    taken, rights = people_of_case(complaint), ApprovalRights(day)
    free = {
        person.pk
        for person in able
        if person.pk not in taken and not rights.is_own_customer(person, complaint.customer_id)
    }
    if free != {by.pk}:
        return ""
    return say(
        "You are the last who could approve a refund of {complaint}: after this nobody can. Leave it to somebody who "
        "approves nothing, if you can.",
        complaint=complaint.code,
    )
