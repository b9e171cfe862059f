"""Up to how much somebody may approve, and the sentence that says why an amount is too much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.staff.models import ApprovalLimit, User
from accounts.staff.permissions import APPROVAL_OF, may_words, role_words
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from core.amounts import money_text
from core.text import Text, join, lower, say, say_count


@dataclass(frozen=True, slots=True)
class Limit:
    """What a role may approve of one subject in one currency. ``amount`` is None without a published limit in force,
    and where the one in force says that there is ``none``: any amount.
    """

    role: str
    subject: str
    currency: str
    amount: Decimal | None
    none: bool = False

    @property
    def allows_something(self) -> bool:
        """Whether any amount at all can be approved: a limit of 0, however it came about, allows nothing."""
        return self.none or bool(self.amount)

    @property
    def in_words(self) -> Text:
        """The limit itself, for whoever can raise it: "Team lead, usage-based refund, EUR"."""
        subject = lower(ApprovalLimit.Subject(self.subject).label)
        return join(", ", (role_words(self.role), subject, self.currency))

    def covers(self, amount: Decimal, granted: Decimal = Decimal(0)) -> bool:
        """Whether it suffices for the amount together with what the customer was granted lately."""
        return self.none or (self.amount is not None and amount + granted <= self.amount)

    def obstacle(
        self, amount: Decimal, granted: Decimal = Decimal(0), *, days: int = 0, own: bool = True
    ) -> Obstacle | None:
        """Why the amount cannot be approved, or None. ``granted`` is that of so many days; ``own`` is the limit of
        whoever is told.
        """
        if self.covers(amount, granted):
            return None
        if self.amount is None:
            return Obstacle(
                say(
                    "No published limit lets a {role} {what} in {currency}.",
                    role=role_words(self.role),
                    what=may_words(APPROVAL_OF[self.subject]),
                    currency=self.currency,
                ),
                code=Refusal.NO_LIMIT,
            )
        said: dict[str, object] = {
            "amount": money_text(amount, self.currency),
            "limit": money_text(self.amount, self.currency),
            "granted": money_text(granted, self.currency),
        }
        if not granted:
            sentence = (
                say("{amount} is over your limit of {limit}.", **said)
                if own
                else say("{amount} is over their limit of {limit}.", **said)
            )
        elif own:
            sentence = say_count(
                "{amount} together with {granted} granted to this customer or account in the last day is over "
                "your limit of {limit}.",
                "{amount} together with {granted} granted to this customer or account in the last {count} days is over "
                "your limit of {limit}.",
                days,
                **said,
            )
        else:
            sentence = say_count(
                "{amount} together with {granted} granted to this customer or account in the last day is over "
                "their limit of {limit}.",
                "{amount} together with {granted} granted to this customer or account in the last {count} days is over "
                "their limit of {limit}.",
                days,
                **said,
            )
        raised = say("The limit to raise is: {limit}.", limit=self.in_words)
        return Obstacle(join(" ", (sentence, raised)), code=Refusal.OVER_LIMIT)


def limit_of(person: User, subject: str, currency: str, day: date) -> Limit:
    """Up to how much the person's role may approve on the day. ``ApprovalRights`` reads them all at once."""
    limits = ApprovalLimit.objects.in_force(day).filter(role=person.role_id, subject=subject, currency=currency)
    found = limits.values_list("amount", flat=True)[:1]
    return Limit(person.role_name, subject, currency, next(iter(found), None), none=list(found) == [None])
