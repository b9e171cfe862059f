"""What follows from a change of a customer: apps above register what they do then, in the change's transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.customers.models import BankDetailsChange, Customer
from accounts.staff.models import User


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """A (locked, changed) customer, the e-mail address they had before, and the change of bank details, if one."""

    customer: Customer
    email_before: str
    bank_details: BankDetailsChange | None
    by: User


type Follower = Callable[[CustomerChange], None]

_followers: list[Follower] = []


def register_follower(follower: Follower) -> Follower:
    """Have an app above do its part of a change. A decorator."""
    _followers.append(follower)
    return follower


def follow(change: CustomerChange) -> None:
    """Do what follows from the change. For use inside actions."""
    for follower in _followers:
        follower(change)
