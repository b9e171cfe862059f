"""A quote under assumptions: another day of receipt, an interruption left out. For looking only: a proposal is always
quoted from the rows as they are (``complaints.quotes.quoting.live_quote``).
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings

from billing.periods import local_midnight
from billing.subscriptions.models import BillingPeriod
from complaints.cases.models import Complaint
from complaints.quotes.case_facts import PeriodFacts, PublishedPolicies
from complaints.quotes.inputs import Interval
from complaints.quotes.quoting import Choices, Facts, LiveQuote, inputs_for
from complaints.refund_calculation import calculate


@dataclass(frozen=True)
class Assumptions:
    """What differs from the rows. ``as_of`` is a local day; ``without`` are incidents taken for not having been."""

    as_of: date | None = None
    without: Collection[int] = ()

    def __bool__(self) -> bool:
        return self.as_of is not None or bool(self.without)


class _FactsWithout:
    """The facts without some incidents."""

    def __init__(self, facts: PeriodFacts, without: Collection[int]) -> None:
        self._facts = facts
        self._without = without
        self.usage_until = facts.usage_until
        self.compensated_in = facts.compensated_in

    def interruptions_of(self, period: BillingPeriod) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
        return self._facts.interruptions_of(period, self._without)


def quote_assuming(
    complaint: Complaint,
    period: BillingPeriod,
    choices: Choices,
    assumptions: Assumptions,
    facts: PeriodFacts | None = None,
) -> LiveQuote:
    """The quote if the assumptions held; without any it is the live quote. ``facts`` are the period's, as the rows say
    them now unless given.

    Raises:
        QuoteInputError: nothing can be computed.
    """
    facts = facts or PeriodFacts(period, PublishedPolicies())
    assumed = complaint
    if assumptions.as_of is not None:
        assumed = copy.copy(complaint)
        assumed.received_at = local_midnight(assumptions.as_of, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    known: Facts = _FactsWithout(facts, assumptions.without) if assumptions.without else facts
    inputs = inputs_for(assumed, period, choices, facts.terms.parameters, facts=known)
    return LiveQuote(inputs=inputs, quote=calculate(inputs), terms=facts.terms)
