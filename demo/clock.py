"""A clock that can be set back, and an agenda of what happens when.

Actions look at the clock for their time stamps. While the demonstration is made, the clock shows the moment at which
each thing is supposed to have happened, and it never goes backwards.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.utils import timezone

#: Told how much is done, as a share of 1.
type Told = Callable[[float], object]


@contextmanager
def replaced(owner: object, name: str, stand_in: object) -> Iterator[None]:
    """Let a module, class or object have something else under the name for a while."""
    real = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, real)


class Clock:
    """What ``timezone.now()`` shows while ``running``. For a command of its own: the whole process sees this clock."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def read(self) -> datetime:
        return self.now

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show this clock instead of the machine's. ``localdate`` and ``localtime`` follow, since they ask ``now``."""
        with replaced(timezone, "now", self.read):
            yield


class Days:
    """Days counted back from today, so that the story fits every date on which it is told.

    ``workday(1)`` is the last Monday to Friday before today, ``workday(2)`` the one before it, and so on.
    """

    def __init__(self, now: datetime, zone: tzinfo) -> None:
        self.now = now
        self.zone = zone
        self.today = now.astimezone(zone).date()

    def ago(self, days: int) -> date:
        return self.today - timedelta(days=days)

    def workday(self, n: int) -> date:
        if n < 1:
            raise ValueError("today's office hours may not have begun: stories end on the last working day")
        day = self.today
        while n:
            day -= timedelta(days=1)
            n -= day.weekday() < 5
        return day

    def workday_from(self, day: date) -> date:
        """The day itself if it is a Monday to Friday, otherwise the next Monday."""
        return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), tzinfo=self.zone)


class Agenda:
    """Things to do, done in the order of their times."""

    def __init__(self, clock: Clock, end: datetime) -> None:
        self._clock = clock
        self._end = end
        self._entries: list[tuple[datetime, int, Callable[[], object]]] = []
        self._count = 0

    def add(self, when: datetime, what: Callable[[], object]) -> None:
        """Put something on the agenda. What is due after the end (the present) never happens."""
        if when > self._end:
            return
        self._count += 1
        # Compared in UTC: within one zone Python would compare wall clocks, wrong in the hour that occurs twice.
        heapq.heappush(self._entries, (when.astimezone(UTC), self._count, what))

    def run(self, told: Told) -> None:
        """Do everything, also what is added meanwhile, then set the clock to the end. ``told`` is called before each
        with the share of the time that has passed.
        """
        began = self._clock.now
        while self._entries:
            when, _, what = heapq.heappop(self._entries)
            self._clock.now = max(self._clock.now, when)
            told((self._clock.now - began) / (self._end - began))
            what()
        self._clock.now = self._end
