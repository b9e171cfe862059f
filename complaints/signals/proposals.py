"""What the questions behind the signals look at: proposals with the facts around them, read once; and what is found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from complaints.incidents.models import Incident
from complaints.refunds.models import CountedIncident, Refund
from complaints.signals.models import Signal
from core.sql import in_list


@dataclass(frozen=True, slots=True)
class Window:
    """The figures of a signal; 0 stands for one that it has not. See ``SignalWindow``."""

    days: int
    within: int = 0
    count: int = 0
    percent: int = 0


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One row that belongs to a pattern: its name, its model ("complaints.refund") and key."""

    label: str
    model: str
    pk: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One pattern that was found: what its sentence names, its rows, and the keys of the refunds it is told beside."""

    signal: Signal
    values: Mapping[str, str | int]
    rows: tuple[FoundRow, ...]
    refunds: frozenset[int] = field(default_factory=frozenset)


class Proposals:
    """The refunds to look at, with what the questions read of them: all that were proposed in the last ``days``, or
    those that are given (``among``, by key), however old.
    """

    def __init__(self, now: datetime, *, days: int = 0, among: Sequence[int] | None = None) -> None:
        self.now = now
        self.among = among
        self._days = days

    def since(self, days: int) -> datetime:
        return self.now - timedelta(days=days)

    @cached_property
    def refunds(self) -> list[Refund]:
        return list(self._read(Refund.objects.filter(proposed_at__gte=self.since(self._days))))

    def _read(self, rows: QuerySet[Refund]) -> QuerySet[Refund]:
        if self.among is not None:
            rows = Refund.objects.filter(pk__in=self.among)
        return _proposed(rows).select_related("complaint", "period", "proposed_by", "incident").order_by("pk")

    def lately(self, days: int) -> list[Refund]:
        """Those that give something and were proposed so many days ago at most; given ones always."""
        since = self.since(days)
        return [
            refund
            for refund in self.refunds
            if refund.state in Refund.STANDING_STATES and (self.among is not None or proposed_at(refund) >= since)
        ]

    def by_their_proposers(self, days: int) -> list[Refund]:
        """All that was proposed in the days, by anybody or by the proposers of the given ones."""
        since = self.since(days)
        if self.among is None:
            return [refund for refund in self.refunds if proposed_at(refund) >= since]
        people = {refund.proposed_by_id for refund in self.refunds}
        rows = Refund.objects.filter(proposed_by__in=people, proposed_at__gte=since)
        return list(_proposed(rows).select_related("proposed_by").order_by("pk"))

    @cached_property
    def incidents(self) -> Mapping[int, list[Incident]]:
        """By refund: the incidents that its proposal counts, takes off or names, or that once were in its way."""
        rounds = {refund.pk: refund.round for refund in self.refunds}
        rows = CountedIncident.objects.filter(in_list("refund", rounds)) if rounds else CountedIncident.objects.none()
        found: dict[int, list[Incident]] = defaultdict(list)
        for row in rows.select_related("incident").order_by("refund", "incident"):
            if row.round == rounds[row.refund_id]:
                found[row.refund_id].append(row.incident)
        return found

    @cached_property
    def incident_versions(self) -> Mapping[int, list[Any]]:
        """By incident, of those that count: its versions, the oldest first."""
        return versions_of(
            Incident,
            {incident.pk for incidents in self.incidents.values() for incident in incidents},
            ("history_user_id", "starts_at", "ends_at", "scheduled", "hits_everybody"),
        )


def proposed_at(refund: Refund) -> datetime:
    assert refund.proposed_at is not None
    return refund.proposed_at


def _proposed(rows: QuerySet[Refund]) -> QuerySet[Refund]:
    """Proposals, whatever became of them; few documents judge them all."""
    return (
        rows.filter(proposed_at__isnull=False, proposed_by__isnull=False)
        .exclude(state=Refund.State.DRAFT)
        .prefetch_related("refund_policy", "fulfilment_policy", "agreement")
        .defer("inputs", "lines", "justification", "evidence", "complaint__text")
    )


def row_of(refund: Refund) -> FoundRow:
    return FoundRow(refund.code, "complaints.refund", refund.pk)


def versions_of(model: Any, pks: Iterable[int], fields: Sequence[str]) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    wanted = sorted(pks)
    if wanted:
        rows = model.history.model.objects.filter(in_list("id", wanted)).order_by("id", "history_date", "history_id")
        for version in rows.values_list("id", "history_date", *fields, named=True):
            found[version.id].append(version)
    return found
