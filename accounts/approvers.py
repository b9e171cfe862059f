"""Who could approve what on a day: by role, activity and the published limits in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from accounts.models import ApprovalLimit, User
from accounts.permissions import APPROVAL_OF

#: Fewer cannot keep four eyes: one of them may have assessed, decided or proposed.
ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Approvers:
    """The active people who could approve one kind of refund in a currency."""

    subject: str
    currency: str
    people: Sequence[User]

    @property
    def enough(self) -> bool:
        return len(self.people) >= ENOUGH


def approvers(day: date) -> list[Approvers]:
    """For each kind of refund, and each currency that a limit in force names: who could approve something.

    A limit of 0, however it came about, allows nothing. Without any limit there is one line a kind, without a
    currency and without people.
    """
    newest: dict[tuple[int, str, str], ApprovalLimit] = {}
    for limit in ApprovalLimit.objects.in_force(day).select_related("role"):
        newest.setdefault((limit.role_id, limit.subject, limit.currency), limit)
    currencies = sorted({currency for _, _, currency in newest}) or [""]
    staff = list(User.objects.filter(is_active=True, role__isnull=False).select_related("role"))
    found = []
    for currency in currencies:
        for subject, may in APPROVAL_OF.items():
            allowing = {
                role
                for (role, of, unit), limit in newest.items()
                if of == subject and unit == currency and limit.amount > 0
            }
            people = [person for person in staff if person.role_id in allowing and person.may(may)]
            found.append(Approvers(subject, currency, people))
    return found
