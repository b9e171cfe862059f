"""What stands in the way of merging two customers. Apps above tell what they know by registering it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.customers.bank_details.rules import unconfirmed_obstacle
from accounts.customers.models import Customer, CustomerMerge
from accounts.customers.rules import merged_obstacle
from accounts.four_eyes import rules as four_eyes
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.vocabulary import AccountRefusal
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from core.addresses import PARTS
from core.text import say

#: Asks the duplicate and the survivor.
type MergeRule = Callable[[Customer, Customer], Obstacle | None]

_of_other_apps: list[MergeRule] = []

#: What two entries of one customer are compared by; both people see where they differ.
COMPARED = (
    "name",
    "kind",
    "email",
    "phone",
    "country",
    "language",
    "currency",
    *(f"{address}_{part}" for address in ("postal", "billing") for part in PARTS),
    "tax_number",
    "iban",
    "account_holder",
    "customer_since",
)


def register_merge_rule(rule: MergeRule) -> MergeRule:
    """Have a merge refused by what an app above knows. A decorator."""
    _of_other_apps.append(rule)
    return rule


def differences(duplicate: Customer, survivor: Customer) -> list[dict[str, Any]]:
    """The details in which the two differ, as a proposal keeps them: ``{"field", "duplicate", "survivor"}``."""
    pairs = ((name, _written(duplicate, name), _written(survivor, name)) for name in COMPARED)
    return [{"field": name, "duplicate": mine, "survivor": theirs} for name, mine, theirs in pairs if mine != theirs]


def _written(customer: Customer, name: str) -> str:
    value = getattr(customer, name)
    return "" if value is None else str(value)


def merge_obstacle(duplicate: Customer, survivor: Customer) -> Obstacle | None:
    """Why the two cannot be merged now, or None."""
    if duplicate.pk == survivor.pk:
        return Obstacle(say("A customer cannot be merged into itself."), Refusal.SAME)
    for customer in (duplicate, survivor):
        if obstacle := merged_obstacle(customer):
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
            Refusal.CURRENCY,
        )
    for rule in _of_other_apps:
        if obstacle := rule(duplicate, survivor):
            return obstacle
    # The latest change of each: one that was changed again cannot be confirmed any more.
    if any(unconfirmed_obstacle(customer) for customer in (duplicate, survivor)):
        return Obstacle(
            say("A change of bank details waits for its second person: confirm it first."),
            AccountRefusal.BANK_DETAILS,
        )
    return None


def approve_obstacle(merge: CustomerMerge, by: User) -> Obstacle | None:
    """Why this person may not approve it now, or None: the two can still be merged, and differ as they did. Queries."""
    return (
        four_eyes.decide_obstacle(merge, by, may=May.APPROVE_MERGES)
        or merge_obstacle(merge.duplicate, merge.survivor)
        or (
            Obstacle(
                say("The two differ in other ways than when this was proposed: reject it, and have it proposed again."),
                AccountRefusal.MERGE_STALE,
            )
            if differences(merge.duplicate, merge.survivor) != merge.differences
            else None
        )
    )
