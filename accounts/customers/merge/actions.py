"""Merging two customers who are one and the same: every row that refers to one moves, of whichever app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models

from accounts.customers.merge.rules import merge_obstacle
from accounts.customers.models import Customer
from accounts.staff.models import StaffChange, User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from accounts.vocabulary import AccountVerb
from audit.actions import act
from audit.bulk import update_tracked
from audit.history import HistoryRow
from audit.tracked import Tracked
from core.text import in_english, say

#: What is locked first, as everywhere; all else follows by name.
_LOCK_ORDER = (
    "billing.subscription",
    "billing.invoice",
    "billing.credit",
    "complaints.complaint",
    "complaints.refund",
)


def merge_customers(duplicate_id: int, *, into_id: int, by: User, reason: str) -> Customer:
    """Move everything of the duplicate to the survivor, under history, and keep the duplicate for reading only.

    Subscriptions, invoices, credits, charges, payouts, purchases, complaints, refunds, agreements, contacts, links of
    staff and customers merged earlier change hands. What was written once (events, credit notes as they were sent)
    stays as it was. The survivor's own details, bank account included, stay as they are.

    Raises:
        Refused: ``code`` says why: ``permission``, ``linked``, ``same``, ``merged``, ``currency``, ``open_refund``,
            ``open_reversal``, ``pending_payout``, ``bank_details``, ``agreement``, ``reason_missing``.
    """
    with act(AccountVerb.CUSTOMER_MERGE, by=by, reason=reason, target=(Customer, duplicate_id)) as action:
        require(by, May.MERGE_CUSTOMERS)
        locked = {pk: action.lock(Customer, pk) for pk in sorted({duplicate_id, into_id})}
        duplicate, survivor = locked[duplicate_id], locked[into_id]
        action.about(duplicate, customer_id=duplicate.pk)
        action.refuse_if(merge_obstacle(duplicate, survivor, by))
        action.require_reason(say("how it is known that the two are one"))
        moved: dict[str, int] = {}
        for field in _references():
            change: dict[str, Any] = {field.name: survivor}
            count = update_tracked(_rows(field, duplicate), **change)
            if count:
                moved[_name(field)] = moved.get(_name(field), 0) + count
        duplicate.merged_into = survivor
        duplicate.save()
        action.about(duplicate)
        action.data = {"into": survivor.number, "into_id": survivor.pk, "moved": moved}
        action.message = f"Merged into {survivor}."
        return survivor


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
        if issubclass(model, Tracked) and not issubclass(model, HistoryRow) and isinstance(field, models.ForeignKey):
            yield field


def _rows(field: models.ForeignKey[Any, Any], duplicate: Customer) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = field.model._default_manager.filter(**{field.name: duplicate})
    # What two people decided about a member of staff stays as they decided it.
    return rows.filter(state=StaffChange.State.DRAFT) if field.model is StaffChange else rows


def _name(field: models.ForeignKey[Any, Any]) -> str:
    return in_english(field.model._meta.verbose_name_plural)
