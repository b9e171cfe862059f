"""Telling staff by e-mail what waits for them, at the times that each has chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import PERMISSIONS, May
from audit.actions import Refused, act
from audit.models import Event
from audit.vocabulary import Refusal
from complaints.digests.contents import digests_for
from complaints.digests.models import DigestTimes
from complaints.vocabulary import ComplaintVerb
from core.site import site_link
from core.text import say
from messaging.outbox.models import OutgoingMessage
from messaging.outbox.queue import NewMessage, language_of, queue_messages
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader

#: What was missed longer ago, with the machine off, is not made up for.
CATCH_UP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that somebody chose, on a local day."""

    person: User
    at: datetime

    @property
    def key(self) -> str:
        """Names the occasion, so that nobody is told twice of it."""
        return f"digest:{self.person.pk}:{self.at:%Y-%m-%d}:{self.at:%H:%M}"


@dataclass
class DigestResult:
    """How many people were told, and for how many there was nothing to say."""

    told: int = 0
    nothing: int = 0


def send_digests(*, by: User, now: datetime | None = None) -> DigestResult:
    """Queue a digest for everybody whose time has come since the last run; for each the latest time alone.

    A run that finds nothing due writes nothing. A second run at the same moment, or after a kill, tells nobody twice.

    Raises:
        Refused: only the system does this.
    """
    now = now or timezone.now()
    result = DigestResult()
    if not _due_slots(by, now):
        return result
    with act(ComplaintVerb.DIGEST_SEND, by=by, target=(User, by.pk)) as action:
        if by.username != User.SYSTEM:
            raise Refused(
                say("Only the system sends digests, at the times that people chose."), code=Refusal.PERMISSION
            )
        # Two runs at once go one after the other: the second finds what the first has done.
        action.about(action.lock(User, by.pk))
        slots = _due_slots(by, now)
        told = set(OutgoingMessage.objects.filter(key__in=[slot.key for slot in slots]).values_list("key", flat=True))
        open_slots = [slot for slot in slots if slot.key not in told]
        digests = digests_for([slot.person for slot in open_slots], now)
        today = timezone.localdate(now)
        wanted = []
        for slot in open_slots:
            digest = digests[slot.person.pk]
            if digest.is_empty:
                result.nothing += 1
                continue
            fields = {
                "day": Reader(language_of(slot.person)).day(today),
                "proposals": digest.proposals,
                "deadlines": digest.deadlines,
                "returned": digest.returned,
                "link": site_link("index"),
            }
            wanted.append(NewMessage(kind=MessageKind.STAFF_DIGEST, key=slot.key, staff=slot.person, fields=fields))
        queue_messages(wanted, by=by)
        result.told = len(wanted)
        action.data = {
            "until": now.astimezone(UTC).isoformat(),
            "told": [message.key for message in wanted],
            "nothing": result.nothing,
        }
        action.message = f"{result.told} told, nothing to say to {result.nothing}."
    return result


def _due_slots(by: User, now: datetime) -> list[Slot]:
    """The latest slot of each person since the last run, of those who may have a digest and have an address."""
    done_until = _done_until(by)
    rows = list(
        DigestTimes.objects.filter(person__is_active=True, person__role__name__in=PERMISSIONS[May.CHOOSE_DIGEST])
        .exclude(person__email="")
        .select_related("person__role")
        .order_by("person")
    )
    chosen_at = _chosen_at(rows)
    found = []
    for row in rows:
        # A time that was over when it was chosen is nobody's time yet.
        since = max(now - CATCH_UP, done_until, chosen_at[row.pk])
        at = latest_slot(row.times, row.weekdays, since=since, until=now)
        if at is not None:
            found.append(Slot(row.person, at))
    return found


def _done_until(by: User) -> datetime:
    last = (
        Event.objects.about(by)
        .filter(verb=ComplaintVerb.DIGEST_SEND, outcome=Event.Outcome.DONE)
        .order_by("-at", "-pk")
        .first()
    )
    return datetime.fromisoformat(last.data["until"]) if last is not None else datetime.min.replace(tzinfo=UTC)


def _chosen_at(rows: Iterable[DigestTimes]) -> dict[int, datetime]:
    """When each choice was made: the row's latest version."""
    versions = DigestTimes.history.filter(id__in=[row.pk for row in rows])
    return dict(versions.order_by().values("id").annotate(latest=Max("history_date")).values_list("id", "latest"))


def latest_slot(times: Iterable[str], weekdays: Iterable[int], *, since: datetime, until: datetime) -> datetime | None:
    """The latest of the local times ("HH:MM") on the weekdays (0 is Monday) after ``since`` and not after ``until``.

    A time that the clock skips in spring counts as the moment that follows; one that it shows twice in autumn counts
    the first time.
    """
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    wanted = set(weekdays)
    day, first = until.astimezone(zone).date(), since.astimezone(zone).date()
    while day >= first:
        if day.weekday() in wanted:
            for chosen in sorted(times, reverse=True):
                at = datetime.combine(day, time.fromisoformat(chosen), zone)
                # Compared as instants: within one zone Python would compare what the clocks show.
                if since.astimezone(UTC) < at.astimezone(UTC) <= until.astimezone(UTC):
                    return at
        day -= timedelta(days=1)
    return None
