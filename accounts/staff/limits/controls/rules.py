"""How far policies may go with the second approval: internal controls, out of reach of policies and agreements.

What is published holds from its date; before that, and in currencies that none names, what is built in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from accounts.staff.models import ControlLimit

#: The highest threshold above which a second person approves, by currency. In a currency that stands neither here nor
#: in a published control limit two people approve any amount.
HIGHEST_THRESHOLDS: Mapping[str, Decimal] = MappingProxyType(
    {currency: Decimal("1000.00") for currency in ("EUR", "USD", "GBP", "CHF")}
)
#: The shortest window, in days, in which what a customer was granted is added up.
SHORTEST_WINDOW = 30


class ControlLimits:
    """Those in force on a day, read in one statement; or of rows that are ``known``, the newest first."""

    def __init__(self, day: date, known: Sequence[ControlLimit] | None = None) -> None:
        self._thresholds = dict(HIGHEST_THRESHOLDS)
        self.shortest_window = SHORTEST_WINDOW
        rows = ControlLimit.objects.in_force(day) if known is None else [row for row in known if row.valid_from <= day]
        # The oldest first: what holds from a later day goes before it.
        for limit in reversed(rows):
            if limit.days is not None:
                self.shortest_window = limit.days
            elif limit.amount is not None:
                self._thresholds[limit.currency] = limit.amount

    def highest_threshold(self, currency: str) -> Decimal:
        """Above this two people approve, whatever a policy says; 0 where no control limit names the currency."""
        return self._thresholds.get(currency, Decimal(0))

    def threshold(self, policy: Decimal | None, currency: str) -> Decimal:
        """The policy's threshold (None: two people approve any amount), as far as the control limit lets it go."""
        return min(policy or Decimal(0), self.highest_threshold(currency))

    def window(self, policy: int) -> int:
        """The policy's window in days, at least as long as the control limit wants it."""
        return max(policy, self.shortest_window)
