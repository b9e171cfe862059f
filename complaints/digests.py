"""What a person is told by e-mail: proposals they may approve, their cases near or past a deadline, what came back.

Everything is read for all people at once: the number of statements grows neither with people nor with cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from accounts.approvers import ApprovalRights
from accounts.messages.outbox import STAFF_LANGUAGE
from accounts.messages.reader import Reader
from accounts.models import Customer, User
from accounts.permissions import APPROVAL_OF
from audit.actions import Obstacle
from audit.words import say
from complaints import guards
from complaints.due import DUE_RELATIONS, dues_of, near_deadline
from complaints.models import Complaint, Refund

#: A list of a digest names so many and counts the rest: it is read on a phone.
MOST_LINES = 15

_READER = Reader(STAFF_LANGUAGE)


@dataclass(frozen=True, slots=True)
class Digest:
    """What one person is told, each a line."""

    proposals: Sequence[str] = ()
    deadlines: Sequence[str] = ()
    returned: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.proposals or self.deadlines or self.returned)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal that a person may approve, and by whose right."""

    refund: Refund
    authority: guards.Authority


def digests_for(people: Sequence[User], now: datetime | None = None) -> dict[int, Digest]:
    """What each of the people is told at this moment, by their key. Roles come with the people (``select_related``)."""
    now = now or timezone.now()
    proposals = waiting_for(people, now)
    deadlines = _deadlines_of(people, now)
    returned = _returned_to(people)
    return {
        person.pk: Digest(
            proposals=_shortened([_proposal_in_words(waiting) for waiting in proposals[person.pk]]),
            deadlines=_shortened(deadlines[person.pk]),
            returned=_shortened(returned[person.pk]),
        )
        for person in people
    }


def _shortened(lines: Sequence[str]) -> Sequence[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more"]


# --- Proposals ----------------------------------------------------------------------------------


def waiting_for(people: Sequence[User], now: datetime | None = None) -> Mapping[int, Sequence[Waiting]]:
    """By person: the proposals that they may approve now, limits and four eyes considered, what expires first first."""
    today = timezone.localdate(now)
    rights = ApprovalRights(today)
    bases = {person.pk: _bases_of(person, rights) for person in people}
    found: dict[int, list[Waiting]] = {person.pk: [] for person in people}
    wanted = set().union(*bases.values()) if bases else set()
    if not wanted:
        return found
    pending = Refund.objects.waiting_for_approval().filter(basis__in=wanted, expires_on__gt=today)
    refunds = list(guards.with_what_guards_read(pending).order_by("expires_on", "pk"))
    granted = guards.granted_lately(refunds)
    linked = _Links()
    for refund in refunds:
        for person in people:
            if refund.basis not in bases[person.pk]:
                continue
            answer = guards.authority_for(
                refund, person, rights=rights, granted=granted[refund.pk], linked=linked.obstacle, today=today
            )
            if isinstance(answer, guards.Authority):
                found[person.pk].append(Waiting(refund, answer))
    return found


def _bases_of(person: User, rights: ApprovalRights) -> set[str]:
    """What the person may approve at all, in their own right or in somebody's place."""
    able = [person, *(right.person for right in rights.received_by(person))]
    return {basis for basis in Refund.Basis.values if any(one.may(APPROVAL_OF[basis]) for one in able)}


class _Links:
    """``accounts.links.linked_obstacle`` for many, in one statement: who was merged with whom."""

    def __init__(self) -> None:
        merged = Customer.objects.filter(merged_into__isnull=False).values_list("pk", "merged_into_id")
        self._into: dict[int, int | None] = dict(merged)

    def obstacle(self, person: User, customer_id: int) -> Obstacle | None:
        if person.customer_id is None or self._survivor(person.customer_id) != self._survivor(customer_id):
            return None
        return Obstacle(say("You are linked to this customer."), "linked")

    def _survivor(self, customer_id: int) -> int:
        while (into := self._into.get(customer_id)) is not None:
            customer_id = into
        return customer_id


def _proposal_in_words(waiting: Waiting) -> str:
    refund, right = waiting.refund, waiting.authority.right
    in_place = f", in the place of {right.person}" if right.delegation is not None else ""
    return say(
        "{refund}: {money}, {customer}, by {day}{in_place}",
        refund=refund.code,
        money=_money(refund.total, refund.currency),
        customer=refund.customer.name,
        day=_READER.day(refund.expires_on),
        in_place=in_place,
    )


def _money(amount: Decimal, currency: str) -> str:
    return _READER.money(amount, currency)


# --- Cases and returned proposals ---------------------------------------------------------------


def _deadlines_of(people: Sequence[User], now: datetime) -> Mapping[int, Sequence[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    missed = Q(state__in=Complaint.UNDECIDED_STATES) & (
        Q(decide_due_at__lte=now) | Q(acknowledged_at__isnull=True, acknowledge_due_at__lte=now)
    )
    cases = Complaint.objects.filter(missed | near_deadline(now), owner__in=people).select_related("customer")
    for complaint in cases.prefetch_related(*DUE_RELATIONS).order_by("decide_due_at", "pk"):
        urgent = [due.in_words for due in dues_of(complaint, now) if due.is_missed or due.is_near]
        assert complaint.owner_id is not None
        found[complaint.owner_id].append(f"{complaint.code} {complaint.subject}: {', '.join(urgent)}")
    return found


def _returned_to(people: Sequence[User]) -> Mapping[int, Sequence[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    drafts = Refund.objects.filter(Q(drafted_by__in=people) | Q(proposed_by__in=people), state=Refund.State.DRAFT)
    for refund in drafts.exclude(returned_reason="").select_related("customer").order_by("expires_on", "pk"):
        line = (
            f"{refund.code}, {refund.customer.name}: “{refund.returned_reason}”,"
            f" to be proposed again by {_READER.day(refund.expires_on)}"
        )
        hands = {refund.drafted_by_id, refund.proposed_by_id or refund.drafted_by_id}
        for person_id in hands:
            found[person_id].append(line)
    return found
