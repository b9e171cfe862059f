"""A quote under assumptions: another day of receipt, an interruption left out. For looking only: a proposal is always
quoted from the rows as they are (``complaints.quoting.live_quote``).
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings

from billing.models import BillingPeriod
from billing.periods import local_midnight
from complaints.models import Complaint, Incident
from complaints.quoting import Choices, Facts, LiveFacts, LiveQuote, bounds_of, inputs_for, terms_for
from complaints.refund_calculation import Interval, calculate


@dataclass(frozen=True)
class Assumptions:
    """What differs from the rows. ``as_of`` is a local day; ``without`` are incidents taken for not having been."""

    as_of: date | None = None
    without: Collection[int] = ()

    def __bool__(self) -> bool:
        return self.as_of is not None or bool(self.without)


class _FactsWithout(LiveFacts):
    """The rows of now without some incidents."""

    def __init__(self, without: Collection[int]) -> None:
        self._without = without

    def interruptions_of(self, period: BillingPeriod) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
        start, end = bounds_of(period)
        hits = Incident.objects.hitting(period.subscription).overlapping(start, end).filter(ends_at__isnull=False)
        found: dict[bool, list[Interval]] = {False: [], True: []}
        for incident in hits.exclude(pk__in=self._without).order_by("starts_at", "pk"):
            assert incident.ends_at is not None
            found[incident.scheduled].append(Interval(incident.starts_at, incident.ends_at))
        return tuple(found[False]), tuple(found[True])


def quote_assuming(
    complaint: Complaint, period: BillingPeriod, choices: Choices, assumptions: Assumptions
) -> LiveQuote:
    """The quote if the assumptions held; without any it is the live quote.

    Raises:
        QuoteInputError: nothing can be computed.
    """
    assumed = complaint
    if assumptions.as_of is not None:
        assumed = copy.copy(complaint)
        assumed.received_at = local_midnight(assumptions.as_of, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    facts: Facts = _FactsWithout(assumptions.without) if assumptions.without else LiveFacts()
    terms = terms_for(period)
    inputs = inputs_for(assumed, period, choices, terms.parameters, facts=facts)
    return LiveQuote(inputs=inputs, quote=calculate(inputs), terms=terms)
