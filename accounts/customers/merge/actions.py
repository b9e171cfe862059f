"""Merging two customers who are one and the same. It stands here because it moves rows of every app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.utils import timezone

from accounts.customers.bank_details.rules import unconfirmed_obstacle
from accounts.customers.links import linked_obstacle
from accounts.customers.models import Customer
from accounts.customers.rules import merged_obstacle
from accounts.staff.models import StaffChange, User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from audit.actions import Obstacle, Refused, act
from audit.bulk import update_tracked
from audit.history import HistoryRow
from audit.tracked import Tracked
from billing.payouts.models import Payout
from billing.residual_credits.models import LeftoverPayout
from complaints.refunds.models import Refund
from complaints.reversals.models import Reversal
from core.text import in_english, say
from policies.agreements.models import Agreement

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
    with act("customer.merge", by=by, reason=reason, target=(Customer, duplicate_id)) as action:
        if obstacle := permission_obstacle(by, May.MERGE_CUSTOMERS):
            raise Refused(obstacle, code="permission")
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


def merge_obstacle(duplicate: Customer, survivor: Customer, by: User) -> Obstacle | None:
    """Why the two cannot be merged now, or None."""
    if duplicate.pk == survivor.pk:
        return Obstacle(say("A customer cannot be merged into itself."), "same")
    for customer in (duplicate, survivor):
        if obstacle := linked_obstacle(by, customer.pk) or merged_obstacle(customer):
            return obstacle
    if duplicate.currency != survivor.currency:
        return Obstacle(
            say(
                "{duplicate} has its money in {duplicate_currency}, {survivor} in {survivor_currency}.",
                duplicate=duplicate,
                duplicate_currency=duplicate.currency,
                survivor=survivor,
                survivor_currency=survivor.currency,
            ),
            "currency",
        )
    return _open_money_obstacle((duplicate, survivor)) or _agreement_obstacle(duplicate)


def _open_money_obstacle(both: tuple[Customer, Customer]) -> Obstacle | None:
    if refund := Refund.objects.open().filter(customer__in=both).first():
        return Obstacle(
            say("The refund {refund} is open: finish or withdraw it first.", refund=refund.code), "open_refund"
        )
    if reversal := (
        Reversal.objects.filter(refund__customer__in=both, state=Reversal.State.PROPOSED)
        .select_related("refund")
        .first()
    ):
        return Obstacle(
            say("The reversal of {refund} is open: finish or withdraw it first.", refund=reversal.refund.code),
            "open_reversal",
        )
    if Payout.objects.filter(customer__in=both, state=Payout.State.PENDING).exists():
        return Obstacle(say("A payout is on its way: record first how it ended."), "pending_payout")
    if LeftoverPayout.objects.filter(credit__customer__in=both, state=LeftoverPayout.State.PROPOSED).exists():
        return Obstacle(say("A payout of leftover credit is proposed: decide on it first."), "pending_payout")
    # The latest change of each: one that was changed again cannot be confirmed any more.
    if any(unconfirmed_obstacle(customer) for customer in both):
        return Obstacle(say("A change of bank details waits for its second person: confirm it first."), "bank_details")
    return None


def _agreement_obstacle(duplicate: Customer) -> Obstacle | None:
    """Two people gave one customer special terms: a merge by one person hands them to no other."""
    today = timezone.localdate()
    current = models.Q(valid_until__isnull=True) | models.Q(valid_until__gte=today)
    agreement = Agreement.objects.filter(current, customer=duplicate).exclude(state=Agreement.State.DISCARDED).first()
    if agreement is None:
        return None
    return Obstacle(
        say(
            "“{title}” was agreed with {duplicate}: merge the other customer into this one instead.",
            title=agreement.title,
            duplicate=duplicate,
        ),
        "agreement",
    )


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
