"""When a person is told by e-mail what waits for them: their own choice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from accounts.vocabulary import AccountRefusal, AccountVerb
from audit.actions import Refused, act
from complaints.digests.models import DigestTimes
from core.text import say

#: More in a day is no digest any more.
MOST_TIMES = 4


def choose_digest_times(*, by: User, times: Sequence[time], weekdays: Sequence[int]) -> DigestTimes:
    """Choose one's own times of day (local) and weekdays (0 is Monday). No time or no weekday: no digest.

    Raises:
        Refused: too many times, seconds, or a weekday that is none.
    """
    with act(AccountVerb.DIGEST_TIMES_CHOOSE, by=by, target=(DigestTimes, None)) as action:
        require(by, May.CHOOSE_DIGEST)
        person = action.lock(User, by.pk)
        chosen = sorted({at.strftime("%H:%M") for at in times})
        if len(chosen) > MOST_TIMES:
            raise Refused(
                say("{most} times a day at most.", most=MOST_TIMES), code=AccountRefusal.TIMES, data={"field": "times"}
            )
        if any(at.second or at.microsecond or at.tzinfo for at in times):
            raise Refused(say("A time is hours and minutes."), code=AccountRefusal.TIMES, data={"field": "times"})
        if not set(weekdays) <= set(range(7)):
            raise Refused(
                say("Weekdays go from 0, Monday, to 6."), code=AccountRefusal.WEEKDAYS, data={"field": "weekdays"}
            )
        row = DigestTimes.objects.filter(person=person).first() or DigestTimes(person=person)
        row.times, row.weekdays = chosen, sorted(set(weekdays))
        row.save()
        action.about(row)
        action.data = {"times": row.times, "weekdays": row.weekdays}
        return row
