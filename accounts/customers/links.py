"""Staff who are customers too: nobody has a hand in their own matters, under whichever number, nor in those of whoever
is paid to the same bank account.

The frame of every action asks ``own_matter`` of each row that it locks or is about, and pages ask it before they offer
a step. Whose a row is follows from its foreign keys: no action has to say it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.customers.bank_details.rules import paid_alike
from accounts.customers.models import Customer
from accounts.staff.models import StaffChange, User
from audit.actions import Obstacle, register_matter_guard
from audit.vocabulary import Refusal
from core.merges import WithMerged
from core.text import say

_LINKED = Obstacle(say("You are linked to this customer: somebody else has to do this."), Refusal.LINKED)

#: What refers to a customer and is no matter of theirs: who works here, and what they shall be.
_MATTERS_OF_STAFF = (User, StaffChange)

#: By model: ways to customers that are no foreign keys of its own.
_further: dict[type[models.Model], str] = {}


def register_way(model: type[models.Model], path: str) -> None:
    """Say by which path of lookups a row leads to its customers, where its own foreign keys do not."""
    _further[model] = path
    ways_to_customers.cache_clear()


@cache
def ways_to_customers(model: type[models.Model]) -> tuple[str, ...]:
    """The paths of lookups from a row of the model to its customers: the shortest of its foreign keys, all of that
    length. None for what is nobody's: plans, policies, staff.
    """
    if model is Customer:
        return ("pk",)
    if model in _MATTERS_OF_STAFF:
        return ()
    reached, seen = [("", model)], {model}
    found: list[str] = []
    while reached and not found:
        further = []
        for path, here in reached:
            for field in here._meta.concrete_fields:
                other = field.related_model
                if not isinstance(field, models.ForeignKey) or not isinstance(other, type):
                    continue
                if other is Customer:
                    found.append(f"{path}{field.name}")
                elif other not in seen and other not in _MATTERS_OF_STAFF:
                    seen.add(other)
                    further.append((f"{path}{field.name}__", other))
        reached = further
    return (*found, *([_further[model]] if model in _further else ()))


def linked_obstacle(by: User, customer_id: int) -> Obstacle | None:
    """Why this person keeps their hands off this customer, or None: it is themself, under this number or under one
    that was merged with theirs, or somebody who is paid to the same account. For whoever is not the one who acts; the
    frame asks it of the one who does. Queries for the few people who are linked to a customer at all.
    """
    if by.customer_id is None:
        return None
    if by.customer_id != customer_id and customer_id not in own_customers(by.customer_id):
        return None
    return _LINKED


@register_matter_guard
def own_matter(by: User, model: type[models.Model], pks: Collection[int]) -> tuple[int, Obstacle] | None:
    """Whether any of these rows is a matter of a customer whom the person is linked to, and which customer's."""
    if getattr(by, "customer_id", None) is None or not (ways := ways_to_customers(model)):
        return None
    assert by.customer_id is not None
    own = own_customers(by.customer_id)
    for way in ways:
        theirs = model._base_manager.filter(pk__in=pks).filter(**{f"{way}__in": own}).order_by()
        customer_id = theirs.values_list(way, flat=True).first()
        if customer_id is not None:
            return customer_id, _LINKED
    return None


def own_customers(customer_id: int) -> frozenset[int]:
    """The customer and all whose money is theirs: who turned out to be the same one, whichever way they were merged,
    and whoever has the same bank account. Three statements.
    """
    return paid_alike({customer_id}, None)[customer_id]


def is_linked(customer_id: OuterRef) -> Q:
    """The same as a condition on ``User``: those to whom the customer, of the query outside, is one of their own."""
    same = WithMerged(customer_id, Customer, either_way=True)
    theirs = Customer.objects.filter(pk__in=WithMerged(OuterRef("customer_id"), Customer, either_way=True))
    its = Customer.objects.filter(pk__in=WithMerged(OuterRef(OuterRef(customer_id)), Customer, either_way=True))
    shared = theirs.exclude(iban="").filter(iban__in=its.exclude(iban="").order_by().values("iban"))
    return Q(Q(customer__in=same) | Q(Exists(shared)), customer__isnull=False)
