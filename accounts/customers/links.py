"""Staff who are customers too: nobody has a hand in their own money."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from types import MappingProxyType

from django.db.models import Value

from accounts.customers.models import Customer
from accounts.staff.models import User
from audit.actions import Obstacle, Why
from audit.vocabulary import Refusal
from core.merges import WithMerged
from core.text import say

_linked: ContextVar[Mapping[int, set[int]]] = ContextVar("linked", default=MappingProxyType({}))


def linked_obstacle(by: User, customer_id: int) -> Obstacle | None:
    """Why this person keeps their hands off this customer, or None: it is themself, under this number or under one
    that was merged with theirs. Queries for the few people who are linked to a customer at all.
    """
    if by.customer_id is None:
        return None
    linked = _linked.get().get(by.customer_id)
    if by.customer_id != customer_id and customer_id not in (linked or merged_with(by.customer_id)):
        return None
    return Obstacle(say("You are linked to this customer: somebody else has to do this."), Refusal.LINKED)


def not_own[Row](rule: Callable[[Row], Why | None], customer: str = "customer_id") -> Callable[[Row, User], Why | None]:
    """The guard of a row as the ``rule`` of a page action, with the other rule that holds for money: nobody has a hand
    in their own. ``customer`` says where the row has its customer's key.
    """
    customer_of = attrgetter(customer)

    def obstacle(row: Row, by: User) -> Why | None:
        return rule(row) or linked_obstacle(by, customer_of(row))

    return obstacle


@contextmanager
def links_read_once(by: User) -> Iterator[None]:
    """While a page asks about one action after the other, the numbers of a linked person are read once."""
    token = _linked.set({by.customer_id: merged_with(by.customer_id)} if by.customer_id is not None else {})
    try:
        yield
    finally:
        _linked.reset(token)


def merged_with(customer_id: int) -> set[int]:
    """The customer and all who turned out to be the same one, whichever way they were merged."""
    same = Customer.objects.filter(pk__in=WithMerged(Value(customer_id), Customer, either_way=True))
    return set(same.order_by().values_list("pk", flat=True))
