"""Merging two customers who are one, by two people: every row that refers to one moves, of whichever app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.customers.bank_details.actions import record_change
from accounts.customers.changes import CustomerChange, follow
from accounts.customers.merge.rules import (
    approve_obstacle,
    differences,
    merge_obstacle,
)
from accounts.customers.models import Contact, Customer, CustomerMerge
from accounts.four_eyes.actions import Endings
from accounts.four_eyes.rules import decide
from accounts.staff.models import StaffChange, User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from accounts.vocabulary import AccountVerb
from audit.actions import Action, Refused, act, checked
from audit.bulk import update_tracked
from audit.history import HistoryRow
from audit.tracked import Tracked
from audit.vocabulary import Refusal
from core.addresses import PARTS
from core.text import in_english, say

State = CustomerMerge.State

#: What is locked first, as everywhere; all else follows by name.
_LOCK_ORDER = (
    "billing.subscription",
    "billing.invoice",
    "billing.credit",
    "complaints.complaint",
    "complaints.refund",
)


def propose_merge(duplicate_id: int, *, into_id: int, by: User, reason: str) -> CustomerMerge:
    """Propose that two customers are one: ``reason`` says how that is known. Nothing moves before another person has
    approved it; where the two differ is kept as it was shown.

    Raises:
        Refused: ``code`` says why: ``permission``, ``linked``, ``reason_missing``, ``duplicate`` (another merge of
            one of the two waits), or what stands in the way of the merge itself (``approve_merge``).
    """
    with act(AccountVerb.CUSTOMER_MERGE_PROPOSE, by=by, reason=reason, target=(Customer, duplicate_id)) as action:
        require(by, May.MERGE_CUSTOMERS)
        locked = {pk: action.lock(Customer, pk) for pk in sorted({duplicate_id, into_id})}
        duplicate, survivor = locked[duplicate_id], locked[into_id]
        action.about(duplicate, customer_id=duplicate.pk)
        action.refuse_if(merge_obstacle(duplicate, survivor))
        action.require_reason(say("how it is known that the two are one"))
        either = Q(duplicate__in=locked) | Q(survivor__in=locked)
        if waiting := CustomerMerge.objects.filter(either, state=State.PROPOSED).first():
            raise Refused(
                say("A merge of one of the two waits for its second person already: {merge}.", merge=waiting),
                code=Refusal.DUPLICATE,
            )
        merge = CustomerMerge(
            duplicate=duplicate,
            survivor=survivor,
            differences=differences(duplicate, survivor),
            reason=reason.strip(),
            proposed_by=by,
            proposed_at=timezone.now(),
        )
        merge.save()
        action.about(merge)
        action.data = {"into": survivor.number, "into_id": survivor.pk, "differences": merge.differences}
        action.message = f"To be merged into {survivor}."
        return merge


def approve_merge(merge_id: int, *, by: User, reason: str = "") -> CustomerMerge:
    """Approve as the second person: move everything of the duplicate to the survivor, under history, and keep the
    duplicate for reading only.

    Subscriptions, invoices, credits, charges, payouts, purchases, complaints, refunds, agreements, contacts, links of
    staff and customers merged earlier change hands. What was written once (events, credit notes as they were sent)
    stays as it was. The survivor's own details stay as they are; what it lacks is filled from the duplicate, and what
    differs is kept as a contact and in its notes. Where bank account or holder differ, its own count as changed, so
    that one more person confirms them before money of the duplicate goes there.

    Raises:
        Refused: ``code`` says why: ``permission``, ``own_proposal``, ``state``, ``linked``, ``merged``, ``currency``,
            ``open_refund``, ``open_reversal``, ``pending_payout``, ``bank_details``, ``agreement``, ``merge_stale``.
    """
    with act(AccountVerb.CUSTOMER_MERGE, by=by, reason=reason, target=(CustomerMerge, merge_id)) as action:
        require(by, May.APPROVE_MERGES)
        merge = _locked(action, merge_id)
        duplicate, survivor = merge.duplicate, merge.survivor
        action.refuse_if(approve_obstacle(merge, by))
        moved: dict[str, int] = {}
        for field in _references():
            change: dict[str, Any] = {field.name: survivor}
            count = update_tracked(_rows(field, duplicate), **change)
            if count:
                moved[_name(field)] = moved.get(_name(field), 0) + count
        duplicate.merged_into = survivor
        duplicate.save()
        own, other = ((each.iban, each.account_holder) for each in (survivor, duplicate))
        _keep_details(duplicate, survivor)
        decide(merge, State.APPROVED, by=by)
        details = None
        if own != other:
            before = own if own != (survivor.iban, survivor.account_holder) else other
            details = record_change(survivor, iban_before=before[0], holder_before=before[1], by=by)
        # What waits of either for any address goes to the survivor's.
        follow(CustomerChange(survivor, "", details, by))
        action.data = {"into": survivor.number, "into_id": survivor.pk, "moved": moved}
        action.message = f"Merged into {survivor}, as {merge.proposed_by} proposed: {merge.reason}"
        return merge


#: What the survivor takes over where it has nothing; parts of an address, and account and holder, only together.
_FILLED = ("email", "phone", "tax_number", "customer_since")
_TOGETHER = (("iban", "account_holder"), *(tuple(f"{name}_{part}" for part in PARTS) for name in ("postal", "billing")))


def _keep_details(duplicate: Customer, survivor: Customer) -> None:
    """Fill what the survivor lacks from the duplicate; whom to talk to there becomes a contact where it differs, and
    what else differs a note.
    """
    for names in (*((name,) for name in _FILLED), *_TOGETHER):
        if not any(getattr(survivor, name) for name in names):
            for name in names:
                setattr(survivor, name, getattr(duplicate, name))
    people = [(each.name, each.email, each.phone) for each in (duplicate, survivor)]
    if people[0] != people[1] and (duplicate.email or duplicate.phone or duplicate.name != survivor.name):
        checked(
            Contact(
                customer=survivor,
                name=duplicate.name[:140],
                position=f"Was customer {duplicate.number}",
                email=duplicate.email if duplicate.email != survivor.email else "",
                phone=duplicate.phone if duplicate.phone != survivor.phone else "",
            )
        ).save()
    noted = [
        f"{label}: {theirs}"
        for label, theirs, own in (
            ("postal address", ", ".join(duplicate.postal.lines), ", ".join(survivor.postal.lines)),
            ("billing address", ", ".join(duplicate.billing.lines), ", ".join(survivor.billing.lines)),
            ("tax number", duplicate.tax_number, survivor.tax_number),
            ("notes", duplicate.notes, survivor.notes),
        )
        if theirs and theirs != own
    ]
    if noted:
        told = "\n".join([f"From {duplicate.number}, merged:", *noted])
        survivor.notes = f"{survivor.notes}\n\n{told}".strip()
    survivor.save()


def _locked(action: Action, merge_id: int) -> CustomerMerge:
    merge = action.lock(CustomerMerge, merge_id, "duplicate", "survivor")
    action.about(merge, customer_id=merge.duplicate_id)
    return merge


MERGES = Endings(
    CustomerMerge,
    proposing=May.MERGE_CUSTOMERS,
    approving=May.APPROVE_MERGES,
    rejected=AccountVerb.CUSTOMER_MERGE_REJECT,
    withdrawn=AccountVerb.CUSTOMER_MERGE_WITHDRAW,
    locked=_locked,
)


def reject_merge(merge_id: int, *, by: User, reason: str) -> CustomerMerge:
    """Say no to a proposed merge, with the reason; both customers stay as they are."""
    return MERGES.reject(merge_id, by=by, reason=reason)


def withdraw_merge(merge_id: int, *, by: User, reason: str = "") -> CustomerMerge:
    """Take the proposal of a merge back."""
    return MERGES.withdraw(merge_id, by=by, reason=reason)


def to_move(duplicate: Customer) -> list[tuple[str, int]]:
    """How many rows of each kind a merge would move, for the page that asks."""
    counts: dict[str, int] = {}
    for field in _references():
        if count := _rows(field, duplicate).count():
            counts[_name(field)] = counts.get(_name(field), 0) + count
    return list(counts.items())


def _references() -> list[models.ForeignKey[Any, Any]]:
    """Every foreign key to a customer in rows that may change, in the order of locks."""

    def rank(field: models.ForeignKey[Any, Any]) -> tuple[int, str]:
        label = field.model._meta.label_lower
        return (_LOCK_ORDER.index(label) if label in _LOCK_ORDER else len(_LOCK_ORDER), label)

    return sorted(_foreign_keys(), key=rank)


def _foreign_keys() -> Iterator[models.ForeignKey[Any, Any]]:
    for relation in Customer._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel):
            continue
        model, field = relation.related_model, relation.field
        assert not isinstance(model, str)
        # What two people agreed on stays as they did.
        if issubclass(model, HistoryRow | CustomerMerge) or not isinstance(field, models.ForeignKey):
            continue
        if issubclass(model, Tracked):
            yield field


def _rows(field: models.ForeignKey[Any, Any], duplicate: Customer) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = field.model._default_manager.filter(**{field.name: duplicate})
    # What two people decided about a member of staff stays as they decided it.
    return rows.filter(state=StaffChange.State.DRAFT) if field.model is StaffChange else rows


def _name(field: models.ForeignKey[Any, Any]) -> str:
    return in_english(field.model._meta.verbose_name_plural)
