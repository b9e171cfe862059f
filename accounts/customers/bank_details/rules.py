"""A customer's bank details: whether their latest change is confirmed, as payouts and pages ask it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from itertools import batched
from typing import Any

from django.apps import apps
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from accounts.vocabulary import AccountRefusal
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from core.sql import in_list
from core.text import say

#: For so many days a change is shown beside every payout; an unconfirmed one until it is confirmed.
SHOWN_DAYS = 30


def latest_change(customer: Customer) -> BankDetailsChange | None:
    """The newest change of the customer's bank details. ``prefetch_related("bank_details_changes")`` serves."""
    return max(customer.bank_details_changes.all(), key=_when, default=None)


def _when(change: BankDetailsChange) -> tuple[datetime, int]:
    return change.changed_at, change.pk


def change_to_show(customer: Customer, *, today: date | None = None) -> BankDetailsChange | None:
    """The latest change, while it is unconfirmed or not older than ``SHOWN_DAYS``."""
    change = latest_change(customer)
    if change is None or change.confirmed_by_id is None:
        return change
    since = (today or timezone.localdate()) - timedelta(days=SHOWN_DAYS)
    return change if timezone.localdate(change.changed_at) >= since else None


def unconfirmed_obstacle(customer: Customer) -> Obstacle | None:
    """Why nothing may be paid out to the customer's bank account now, or None."""
    change = latest_change(customer)
    if change is None or change.confirmed_by_id is not None:
        return None
    return Obstacle(
        say(
            "The bank details of {customer} were changed on {day}: that needs a second person before the next payout.",
            customer=customer.name,
            day=timezone.localdate(change.changed_at),
        ),
        AccountRefusal.BANK_DETAILS_UNCONFIRMED,
    )


def _authors(customer: Customer) -> set[int]:
    """Who made what is on file now and nobody has confirmed: one may have changed the account, the next only the
    holder's spelling, and confirming the second change confirms both.
    """
    found: dict[str, int] = {}
    for change in sorted(customer.bank_details_changes.all(), key=_when, reverse=True):
        if change.confirmed_by_id is not None:
            break
        if change.iban_before != change.iban_after:
            found.setdefault("iban", change.changed_by_id)
        if change.holder_before != change.holder_after:
            found.setdefault("holder", change.changed_by_id)
    return set(found.values())


def unproven_obstacle(customer: Customer, iban: str) -> Obstacle | None:
    """Why nothing may go to this account, as an order of payment copied it some time ago, or None: it came with a
    change that nobody confirmed before it was changed again.
    """
    changes = sorted(customer.bank_details_changes.all(), key=_when)
    proven = {change.iban_after for change in changes if change.confirmed_by_id is not None}
    if changes:
        proven.add(changes[0].iban_before)
    if iban in proven or all(change.iban_after != iban for change in changes):
        return None
    return Obstacle(
        say(
            "The account {iban} was never confirmed: note the payout as failed, then try it again "
            "with the bank details of now.",
            iban=iban,
        ),
        AccountRefusal.BANK_DETAILS_UNCONFIRMED,
    )


def confirm_obstacle(change: BankDetailsChange, by: User) -> Obstacle | None:
    """Why this person cannot confirm the change, or None: four eyes, and nobody on their own account."""
    if missing := permission_obstacle(by, May.CONFIRM_BANK_DETAILS):
        return missing
    if change.confirmed_by_id is not None:
        return Obstacle(say("This change is confirmed already."), Refusal.STATE)
    if change.changed_by_id == by.pk or by.pk in _authors(change.customer):
        return Obstacle(
            say("You made this change yourself: somebody else has to confirm it."), AccountRefusal.OWN_CHANGE
        )
    newest = latest_change(change.customer)
    if newest is not None and newest.pk != change.pk:
        return Obstacle(
            say("The bank details were changed once more after this: confirm the latest change."),
            AccountRefusal.SUPERSEDED,
        )
    return None


# --- One account, several customers --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountSource:
    """Where it stands whose money went to which account: rows of a table since a moment, and two columns of them."""

    since: Callable[[datetime], QuerySet[Any]]
    customer: str
    iban: str


def _changes(since: datetime) -> QuerySet[Any]:
    changes: QuerySet[Any] = BankDetailsChange.objects.filter(changed_at__gte=since)
    return changes


_NOW = AccountSource(lambda since: Customer.objects.all(), "id", "iban")


@cache
def _sources() -> Sequence[AccountSource]:
    """What is on file, what was changed, and the tables of any app that copy a customer's account: these have a column
    with the day, and name it.
    """
    copies = [(model, getattr(model, "ACCOUNT_USED_ON", "")) for model in apps.get_models()]
    return (
        _NOW,
        AccountSource(_changes, "customer", "iban_before"),
        AccountSource(_changes, "customer", "iban_after"),
        *(AccountSource(partial(_copied, model, column), "customer", "iban") for model, column in copies if column),
    )


def _copied(model: type[Model], column: str, since: datetime) -> QuerySet[Any]:
    return model._default_manager.filter(**{f"{column}__gte": timezone.localdate(since)})


#: So many accounts are asked for at once.
_AT_ONCE = 2000


def used_accounts(since: datetime | None, condition: Callable[[AccountSource], Q]) -> set[tuple[int, str]]:
    """(customer, IBAN), now or at any time since, that fulfil the condition; None asks for those of now alone. One
    statement.
    """
    first, *others = (
        source.since(since or timezone.now())
        .filter(condition(source))
        .exclude(**{source.iban: ""})
        .order_by()
        .values_list(source.customer, source.iban)
        for source in (_sources() if since is not None else [_NOW])
    )
    return set(first.union(*others).order_by() if others else first)


def accounts_of(customers: Collection[int], since: datetime | None) -> set[tuple[int, str]]:
    """(customer, IBAN) of these customers, now or at any time since. One statement."""
    return used_accounts(since, lambda source: Q(in_list(source.customer, customers)))


def who_used(ibans: Collection[str], since: datetime | None) -> set[tuple[int, str]]:
    """(customer, IBAN) of all whose account one of these is or was at any time since. One statement for the first
    thousands.
    """
    found: set[tuple[int, str]] = set()
    for some in batched(sorted(ibans), _AT_ONCE):
        found |= used_accounts(since, partial(_among, some))
    return found


def _among(ibans: Collection[str], source: AccountSource) -> Q:
    return Q(**{f"{source.iban}__in": ibans})


def paid_alike(customers: Collection[int], since: datetime | None) -> Mapping[int, frozenset[int]]:
    """By customer: all whose money ends up in the same place. That is whoever is the same one under another number, and
    whoever has, or had at any time since (None: has now), an account that one of these has or had; with theirs.
    Emptying or changing an account for a minute takes nobody out. Three statements for any number of customers.

    IBANs are stored in one spelling, so equal ones are equal.
    """
    merged = Customer.objects.filter(merged_into__isnull=False).order_by()
    into = dict(merged.values_list("pk", "merged_into_id"))

    def survivor(customer: int) -> int:
        while (other := into.get(customer)) is not None:
            customer = other
        return customer

    families: dict[int, set[int]] = defaultdict(set)
    for one in into:
        families[survivor(one)] |= {one, survivor(one)}

    def family(customer: int) -> set[int]:
        return {customer, *families.get(survivor(customer), ())}

    members = {one for customer in customers for one in family(customer)}
    account: dict[str, set[int]] = defaultdict(set)
    ibans: dict[int, set[str]] = defaultdict(set)
    for customer, iban in who_used({iban for _, iban in accounts_of(members, since)}, since):
        account[iban] |= family(customer)
        ibans[customer].add(iban)
    return {
        customer: frozenset(own.union(*(account[iban] for one in own for iban in ibans.get(one, ()))))
        for customer in customers
        for own in (family(customer),)
    }
