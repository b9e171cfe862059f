"""A customer's bank details: whether their latest change is confirmed, as payouts and pages ask it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from accounts.vocabulary import AccountRefusal
from audit.actions import Obstacle
from audit.vocabulary import Refusal
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


def paid_alike(customers: Collection[int]) -> Mapping[int, frozenset[int]]:
    """By customer: all whose money ends up in the same place. That is whoever is the same one under another number, and
    whoever has the same IBAN as one of these, with theirs. One statement for any number of customers, and one more
    where one of them was merged.

    IBANs are stored in one spelling, so equal ones are equal.
    """
    columns = ("pk", "merged_into_id", "iban")
    own_accounts = Customer.objects.filter(pk__in=customers).exclude(iban="").order_by().values("iban")
    known = Customer.objects.filter(Q(merged_into__isnull=False) | Q(iban__in=own_accounts)).order_by()
    rows = list(known.values_list(*columns))
    into = {pk: other for pk, other, _ in rows if other is not None}

    def survivor(customer: int) -> int:
        while (other := into.get(customer)) is not None:
            customer = other
        return customer

    families: dict[int, set[int]] = defaultdict(set)
    for merged in into:
        families[survivor(merged)] |= {merged, survivor(merged)}
    members = {one for customer in customers for one in (customer, *families.get(survivor(customer), ()))}
    if members != set(customers):
        accounts = Customer.objects.filter(pk__in=members).exclude(iban="").order_by().values("iban")
        rows = list(Customer.objects.filter(iban__in=accounts).order_by().values_list(*columns))
    account: dict[str, set[int]] = defaultdict(set)
    for pk, _, iban in rows:
        if iban:
            account[iban] |= {pk, *families.get(survivor(pk), ())}
    found: dict[int, frozenset[int]] = {}
    for customer in customers:
        own = {customer, *families.get(survivor(customer), ())}
        shared = (others for others in account.values() if own & others)
        found[customer] = frozenset(own.union(*shared))
    return found
