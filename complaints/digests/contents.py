"""What a person is told by e-mail: proposals they may approve, their cases near or past a deadline, what came back.

Everything is read for all people at once: the number of statements grows neither with people nor with cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import override

from accounts.staff.approvers import ApprovalRights
from accounts.staff.models import User
from accounts.staff.permissions import APPROVAL_OF
from complaints.cases.deadlines.status import DUE_RELATIONS, DeadlineStatus, deadline_statuses_of, near_deadline
from complaints.cases.guards import with_what_guards_read
from complaints.cases.models import Complaint
from complaints.refunds.approvals.rules import Authority, may_approve
from complaints.refunds.approvals.windows.rules import granted_lately
from complaints.refunds.models import Refund
from core.text import Text, join, say
from messaging.outbox.queue import language_of
from messaging.templates.reader import Reader

#: A list of a digest names so many and counts the rest: it is read on a phone.
MOST_LINES = 15


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
class WaitingItems:
    """A proposal that a person may approve, and by whose right."""

    refund: Refund
    authority: Authority


def digests_for(people: Sequence[User], now: datetime | None = None) -> dict[int, Digest]:
    """What each of the people is told at this moment, by their key, in their language. Roles come with the people
    (``select_related``).
    """
    now = now or timezone.now()
    proposals = waiting_for(people, now)
    deadlines = _deadlines_of(people, now)
    returned = _returned_to(people)
    found = {}
    for person in people:
        reader = Reader(language_of(person))
        with override(reader.language):
            found[person.pk] = Digest(
                proposals=_shortened(proposals[person.pk], partial(_proposal_in_words, reader=reader)),
                deadlines=_shortened(deadlines[person.pk], _deadlines_in_words),
                returned=_shortened(returned[person.pk], partial(_returned_in_words, reader=reader)),
            )
    return found


def _shortened[Row](rows: Sequence[Row], in_words: Callable[[Row], Text]) -> Sequence[str]:
    lines = [str(in_words(row)) for row in rows[:MOST_LINES]]
    more = len(rows) - len(lines)
    return [*lines, str(say("and {number} more", number=more))] if more else lines


# --- Proposals ----------------------------------------------------------------------------------


def waiting_for(people: Sequence[User], now: datetime | None = None) -> Mapping[int, Sequence[WaitingItems]]:
    """By person: the proposals that they may approve now, limits and four eyes considered, what expires first first."""
    today = timezone.localdate(now)
    rights = ApprovalRights(today)
    bases = {person.pk: _bases_of(person, rights) for person in people}
    found: dict[int, list[WaitingItems]] = {person.pk: [] for person in people}
    wanted = set().union(*bases.values()) if bases else set()
    if not wanted:
        return found
    pending = Refund.objects.waiting_for_approval().filter(basis__in=wanted, expires_on__gt=today)
    refunds = list(with_what_guards_read(pending).order_by("expires_on", "pk"))
    granted = granted_lately(refunds, rights.controls)
    for refund in refunds:
        for person in people:
            if refund.basis not in bases[person.pk]:
                continue
            answer = may_approve(refund, person, rights=rights, granted=granted[refund.pk])
            if isinstance(answer, Authority):
                found[person.pk].append(WaitingItems(refund, answer))
    return found


def _bases_of(person: User, rights: ApprovalRights) -> set[str]:
    """What the person may approve at all, in their own right or in somebody's place."""
    able = [person, *(right.person for right in rights.received_by(person))]
    return {basis for basis in Refund.Basis.values if any(one.may(APPROVAL_OF[basis]) for one in able)}


def _proposal_in_words(waiting: WaitingItems, reader: Reader) -> Text:
    refund, right = waiting.refund, waiting.authority.right
    said: dict[str, object] = {
        "refund": refund.code,
        "amount": reader.money(refund.total, refund.currency),
        "customer": refund.customer.name,
        "day": reader.day(refund.expires_on),
        "person": right.person,
    }
    if right.delegation is None:
        return say("{refund}: {amount}, {customer}, by {day}", **said)
    return say("{refund}: {amount}, {customer}, by {day}, in the place of {person}", **said)


# --- Cases and returned proposals ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Urgent:
    """A case with those of its deadlines that are near or missed."""

    complaint: Complaint
    dues: Sequence[DeadlineStatus]


def _deadlines_of(people: Sequence[User], now: datetime) -> Mapping[int, Sequence[_Urgent]]:
    found: dict[int, list[_Urgent]] = defaultdict(list)
    missed = Q(state__in=Complaint.UNDECIDED_STATES) & (
        Q(decide_due_at__lte=now) | Q(acknowledged_at__isnull=True, acknowledge_due_at__lte=now)
    )
    cases = Complaint.objects.filter(missed | near_deadline(now), owner__in=people).select_related("customer")
    for complaint in cases.prefetch_related(*DUE_RELATIONS).order_by("decide_due_at", "pk"):
        urgent = [due for due in deadline_statuses_of(complaint, now) if due.is_missed or due.is_near]
        assert complaint.owner_id is not None
        found[complaint.owner_id].append(_Urgent(complaint, urgent))
    return found


def _deadlines_in_words(urgent: _Urgent) -> str:
    return f"{urgent.complaint.code} {urgent.complaint.subject}: {join(', ', (due.in_words for due in urgent.dues))}"


def _returned_to(people: Sequence[User]) -> Mapping[int, Sequence[Refund]]:
    found: dict[int, list[Refund]] = defaultdict(list)
    drafts = Refund.objects.filter(Q(drafted_by__in=people) | Q(proposed_by__in=people), state=Refund.State.DRAFT)
    for refund in drafts.exclude(returned_reason="").select_related("customer").order_by("expires_on", "pk"):
        hands = {refund.drafted_by_id, refund.proposed_by_id or refund.drafted_by_id}
        for person_id in hands:
            found[person_id].append(refund)
    return found


def _returned_in_words(refund: Refund, reader: Reader) -> Text:
    return say(
        "{refund}, {customer}: “{reason}”, to be proposed again by {day}",
        refund=refund.code,
        customer=refund.customer.name,
        reason=refund.returned_reason,
        day=reader.day(refund.expires_on),
    )
