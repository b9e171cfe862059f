"""What stands in the way of merging two customers. Apps above tell what they know by registering it."""

from __future__ import annotations

from collections.abc import Callable

from accounts.customers.bank_details.rules import unconfirmed_obstacle
from accounts.customers.models import Customer
from accounts.customers.rules import merged_obstacle
from accounts.staff.models import User
from accounts.vocabulary import AccountRefusal
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from core.text import say

#: Asks the duplicate and the survivor.
type MergeRule = Callable[[Customer, Customer], Obstacle | None]

_of_other_apps: list[MergeRule] = []


def register_merge_rule(rule: MergeRule) -> MergeRule:
    """Have a merge refused by what an app above knows. A decorator."""
    _of_other_apps.append(rule)
    return rule


def merge_obstacle(duplicate: Customer, survivor: Customer, by: User) -> Obstacle | None:
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
