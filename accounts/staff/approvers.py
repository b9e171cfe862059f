"""Who could approve what on a day: by role, activity, the published limits in force, and whom they stand in for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from accounts.customers.bank_details.rules import paid_alike
from accounts.customers.links import own_customers
from accounts.staff.limits.controls.rules import ControlLimits
from accounts.staff.limits.rules import Limit
from accounts.staff.models import ApprovalLimit, Delegation, User
from accounts.staff.permissions import APPROVAL_OF, DEPUTIES, Role

#: Fewer cannot keep four eyes: one of them may have assessed, decided or proposed.
ENOUGH = 2

#: What a deputy may approve: refunds. Reversals and payouts of leftover credit wait for somebody in their own right.
DELEGATED = frozenset({"usage", "interruption", "full_month", "special"})


@dataclass(frozen=True, slots=True)
class Right:
    """A right to approve: a person's own, or the one that the delegation gave to their deputy."""

    person: User
    delegation: Delegation | None = None


class ApprovalRights:
    """The limits and delegations in force on a day, read in two statements however many people are asked about; and
    whose matters are somebody's own, in four more if one of them is a customer too.

    A deputy has what the absent person has in their own right: a delegation received is never part of it, so nothing
    is passed on.
    """

    def __init__(self, day: date) -> None:
        self.day = day
        self._limits: dict[tuple[int, str, str], Decimal | None] = {}
        for limit in ApprovalLimit.objects.in_force(day):
            self._limits.setdefault((limit.role_id, limit.subject, limit.currency), limit.amount)
        self._received: dict[int, list[Right]] = {}
        for delegation in Delegation.objects.usable(day).select_related("delegator__role").order_by("starts_on", "pk"):
            self._received.setdefault(delegation.deputy_id, []).append(Right(delegation.delegator, delegation))

    @property
    def currencies(self) -> list[str]:
        """Those that a limit in force names."""
        return sorted({currency for _, _, currency in self._limits})

    def limit_of(self, person: User, subject: str, currency: str) -> Limit:
        """Up to how much the person's own role may approve."""
        key = (person.role_id or 0, subject, currency)
        amount = self._limits.get(key)
        return Limit(person.role_name, subject, currency, amount, none=key in self._limits and amount is None)

    @cached_property
    def controls(self) -> ControlLimits:
        """The control limits of the day."""
        return ControlLimits(self.day)

    def received_by(self, person: User) -> Sequence[Right]:
        """The rights of those for whom the person stands in, the longest-standing first."""
        return self._received.get(person.pk, ())

    def is_own_customer(self, person: User, customer_id: int) -> bool:
        """Whether the person is this customer, under whichever number, or paid to the same account."""
        if person.customer_id is None:
            return False
        own = self._own_customers.get(person.customer_id) or own_customers(person.customer_id)
        return customer_id in own

    @cached_property
    def _own_customers(self) -> Mapping[int, frozenset[int]]:
        """By the customer that somebody who works here is."""
        linked = User.objects.filter(customer__isnull=False).order_by()
        return paid_alike(set(linked.values_list("customer_id", flat=True)), None)


def may_stand_in(deputy: User, delegator: User) -> bool:
    """Whether the one's role may approve in the other's place."""
    return any(delegator.role_name == role and deputy.role_name in roles for role, roles in DEPUTIES.items())


def roles_that_may_stand_in_for(delegator: User) -> frozenset[Role]:
    return next((roles for role, roles in DEPUTIES.items() if delegator.role_name == role), frozenset())


@dataclass(frozen=True, slots=True)
class Approvers:
    """The active people who could approve one kind of refund in a currency; and deputies, whose right is another's."""

    subject: str
    currency: str
    people: Sequence[User]
    deputies: Sequence[Delegation] = field(default=())

    @property
    def enough(self) -> bool:
        """Deputies do not count: theirs and the absent person's is one right."""
        return len(self.people) >= ENOUGH


def approvers(day: date) -> list[Approvers]:
    """For each kind of refund, and each currency that a limit in force names: who could approve something.

    A limit of 0, however it came about, allows nothing. Without any limit there is one line a kind, without a
    currency and without people.
    """
    rights = ApprovalRights(day)
    staff = list(User.objects.filter(is_active=True, role__isnull=False).select_related("role"))
    found = []
    for currency in rights.currencies or [""]:
        for subject, may in APPROVAL_OF.items():
            people = [
                person
                for person in staff
                if person.may(may) and rights.limit_of(person, subject, currency).allows_something
            ]
            able = {person.pk for person in people}
            deputies = [
                right.delegation
                for person in staff
                for right in rights.received_by(person)
                if right.delegation is not None and right.person.pk in able and subject in DELEGATED
            ]
            found.append(Approvers(subject, currency, people, deputies))
    return found
