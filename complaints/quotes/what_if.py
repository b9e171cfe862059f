"""A quote under assumptions: another day of receipt, an interruption left out. For looking only: a proposal is always
quoted from the rows as they are (``complaints.quotes.quoting.live_quote``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from billing.subscriptions.models import BillingPeriod
from complaints.cases.models import Complaint
from complaints.quotes.facts import QuoteFacts
from complaints.quotes.quoting import Choices, LiveQuote, live_quote


@dataclass(frozen=True)
class WhatIf:
    """What differs from the rows. ``as_of`` is a local day; ``without`` are incidents taken for not having been."""

    as_of: date | None = None
    without: Collection[int] = ()

    def __bool__(self) -> bool:
        return self.as_of is not None or bool(self.without)


def quote_what_if(
    complaint: Complaint, period: BillingPeriod, choices: Choices, what_if: WhatIf, facts: QuoteFacts | None = None
) -> LiveQuote:
    """The quote if the assumptions held; without any it is the live quote. ``facts`` are the period's, as the rows say
    them now unless given.

    Raises:
        QuoteInputError: nothing can be computed.
    """
    facts = (facts or QuoteFacts.load([period])).without(what_if.without)
    return live_quote(complaint, period, choices, facts=facts, as_of=what_if.as_of)
