"""A customer's bank details: whether their latest change is confirmed, as payouts and pages ask it (RULES 7)."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone
from django.utils.formats import date_format

from accounts.guards import permission_obstacle
from accounts.models import BankDetailsChange, Customer, User
from accounts.permissions import May
from audit.actions import Obstacle

#: For so many days a change is shown beside every payout; an unconfirmed one until it is confirmed.
SHOWN_DAYS = 30


def latest_change(customer: Customer) -> BankDetailsChange | None:
    """The newest change of the customer's bank details. ``prefetch_related("bank_details_changes")`` serves."""
    changes = customer.bank_details_changes.all()
    return max(changes, key=lambda change: (change.changed_at, change.pk), default=None)


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
    on = date_format(timezone.localdate(change.changed_at))
    return Obstacle(
        f"The bank details of {customer.name} were changed on {on}: that needs a second person before the next payout.",
        "bank_details_unconfirmed",
    )


def confirm_obstacle(change: BankDetailsChange, by: User) -> Obstacle | None:
    """Why this person cannot confirm the change, or None: four eyes, and nobody on their own account."""
    if sentence := permission_obstacle(by, May.CONFIRM_BANK_DETAILS):
        return Obstacle(sentence, "permission")
    if change.confirmed_by_id is not None:
        return Obstacle("This change is confirmed already.", "state")
    if change.changed_by_id == by.pk:
        return Obstacle("You made this change yourself: somebody else has to confirm it.", "own_change")
    if by.customer_id is not None and by.customer_id == change.customer_id:
        return Obstacle("You are linked to this customer: somebody else has to do this.", "linked")
    newest = latest_change(change.customer)
    if newest is not None and newest.pk != change.pk:
        return Obstacle("The bank details were changed once more after this: confirm the latest change.", "superseded")
    return None
