"""What the parts of the demonstration share: the days, the clock, the people, and who stands for which customer."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.customers.models import Customer
from accounts.staff.models import User
from billing.plans.models import Plan
from billing.subscriptions.models import Subscription
from demo.clock import Agenda, Clock, Days

#: How many days ago the company began to work with the product.
BEGAN = 130
#: Before so many days ago not everything has to happen on its own day.
RECENTLY = 20


class RunningCase(Protocol):
    """A case while its story is told, as the others look at it."""

    complaint_id: int

    @property
    def held(self) -> Subscription: ...


class CallRecords(Protocol):
    """What the customers' calls are put down in."""

    def has_habit(self, subscription: Subscription, habit: str) -> None: ...

    def upload(self, subscription: Subscription) -> None: ...

    def upload_all(self) -> None: ...

    def forgotten_calls(self, subscription: Subscription, day: date, seconds: int) -> None: ...


@dataclass
class Company:
    """The company while it is being made."""

    days: Days
    clock: Clock
    agenda: Agenda
    people: dict[str, User] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    customers: list[Customer] = field(default_factory=list)
    #: How the holder of each subscription pays: by its key.
    payers: dict[int, str] = field(default_factory=dict)
    cases: dict[str, RunningCase] = field(default_factory=dict)
    #: Files that were stored; a rollback does not take them back.
    stored: list[str] = field(default_factory=list)
    usage: CallRecords = field(init=False)

    @classmethod
    def founded(cls, now: datetime) -> Company:
        """An empty company whose story ends now."""
        days = Days(now, ZoneInfo(settings.BUSINESS_TIME_ZONE))
        clock = Clock(days.at(days.ago(BEGAN), 8, 30))
        return cls(days=days, clock=clock, agenda=Agenda(clock, now))

    def person(self, username: str) -> User:
        return self.people[username]

    @property
    def system(self) -> User:
        return self.people[User.SYSTEM]

    @property
    def today(self) -> date:
        """The local day that the clock shows."""
        return self.clock.now.astimezone(self.days.zone).date()

    def load_people(self) -> None:
        """Read everybody again, as they are now."""
        self.people = {user.username: user for user in User.objects.select_related("role", "team")}

    def daily(self, hour: int, minute: int, what: Callable[[], object], *, long_ago: Container[int] = range(5)) -> None:
        """Put something on every working day from the beginning to the last one, and on today. What the days between
        bring, the next one catches up with: there is no need of the nights on which nobody is at work afterwards.
        ``long_ago`` are the days of the week (Monday is 0) that will do before the last ``RECENTLY`` days.
        """
        for ago in range(BEGAN - 1, 0, -1):
            day = self.days.ago(ago)
            if day.weekday() in (long_ago if ago > RECENTLY else range(5)):
                self.agenda.add(self.days.at(day, hour, minute), what)
        # In the first minutes of a day its jobs have not run yet; the company shall be up to date all the same.
        self.agenda.add(min(self.days.at(self.days.today, hour, minute), self.days.now), what)
