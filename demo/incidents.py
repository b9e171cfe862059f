"""What went down, and the maintenance that was announced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from complaints.incidents.actions import end_incident, record_incident
from complaints.incidents.models import Incident
from demo.company import Company

#: Working days ago on which each began; the cases refer to them.
GREAT_OUTAGE, FLOOD, SUITE_OUTAGE, SHORT, MAINTENANCE, RUNNING = 13, 36, 46, 20, 25, 1


def create_incidents(company: Company) -> None:
    """Put every incident on the agenda: recorded when it was noticed, ended when it was over."""
    days = company.days
    _outage(
        company,
        "Core switch down: no calls in or out",
        days.at(days.workday(GREAT_OUTAGE), 9, 40),
        timedelta(hours=31),
        plans=("CONTACT", "OFFICE"),
    )
    _outage(
        company,
        "Flooded cable duct: single lines silent",
        days.at(days.workday(FLOOD), 10, 20),
        timedelta(hours=76),
        plans=("LINE",),
    )
    _outage(
        company,
        "Sign-in to suite and service desk fails",
        days.at(days.workday(SUITE_OUTAGE), 16, 10),
        timedelta(hours=57),
        plans=("DESK", "SUITE"),
    )
    _outage(
        company,
        "Suite slow and at times not reachable",
        # Before the complaint of that day: what begins after it is none of its matter.
        days.at(days.workday(SHORT), 4, 20),
        timedelta(hours=2, minutes=15),
        plans=("SUITE",),
    )
    _outage(
        company,
        "Archive: recordings of today are missing",
        days.at(days.workday(RUNNING), 16, 35),
        None,
        plans=("ARCHIVE",),
    )
    night = days.at(days.workday(MAINTENANCE), 0, 30)
    announce = partial(
        record_incident,
        by=company.person("billing"),
        title="New routers, announced by e-mail",
        starts_at=night,
        ends_at=_after(night, timedelta(hours=4, minutes=30)),
        scheduled=True,
        hits_everybody=True,
    )
    company.agenda.add(days.at(days.workday(MAINTENANCE + 6), 10, 15), announce)


def _outage(
    company: Company, title: str, starts_at: datetime, length: timedelta | None, *, plans: Sequence[str]
) -> None:
    made: list[Incident] = []

    def notice() -> None:
        made.append(
            record_incident(
                by=company.person("billing"),
                title=title,
                starts_at=starts_at,
                plan_ids=[company.plans[code].pk for code in plans],
            )
        )

    company.agenda.add(_after(starts_at, timedelta(minutes=20)), notice)
    if length is not None:
        ends_at = _after(starts_at, length)
        company.agenda.add(
            _after(ends_at, timedelta(minutes=10)),
            lambda: end_incident(made[0].pk, by=company.person("billing"), ends_at=ends_at),
        )


def _after(moment: datetime, length: timedelta) -> datetime:
    """Real hours later: between local times Python would add wall clock hours, wrong across a change of the clocks."""
    zone = moment.tzinfo
    return (moment.astimezone(UTC) + length).astimezone(zone)
