"""What the refunds before one on its period come to under a draft, and so what is left for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from django.conf import settings

from complaints.quotes.earlier_refunds import EarlierRefund, already_given, already_refunded, compensated, unused_by
from complaints.quotes.facts import earlier_refund
from complaints.quotes.inputs import QuoteInputs
from complaints.refund_calculation import Quote
from complaints.refunds.models import Refund
from policies.choices import Basis


class EarlierUnderDraft:
    """The refunds so far on one period: as they were, and as they are under the draft."""

    def __init__(self) -> None:
        self._then: list[EarlierRefund] = []
        self._now: list[EarlierRefund] = []
        self._set_off = Decimal(0)

    def add_as_it_was(self, refund: Refund) -> None:
        earlier = earlier_refund(refund)
        self._then.append(earlier)
        self._now.append(earlier)

    def add(self, refund: Refund, inputs: QuoteInputs | None, quote: Quote | None) -> None:
        """One that comes out otherwise; without a quote it would not have been."""
        self._then.append(earlier_refund(refund))
        self._set_off -= refund.set_off
        if inputs is not None and quote is not None and quote.total:
            self._now.append(EarlierRefund.of(inputs, quote, time_zone=settings.BUSINESS_TIME_ZONE))
            self._set_off += quote.set_off

    def taken_into(self, inputs: QuoteInputs) -> QuoteInputs:
        """The inputs with what earlier refunds take under the draft instead of what they took."""
        if self._then == self._now:
            return inputs
        more = already_refunded(self._now) - already_refunded(self._then)
        changed = replace(
            inputs,
            already_refunded=max(inputs.already_refunded + more, Decimal(0)),
            fee_paid=max(inputs.fee_paid + self._set_off, Decimal(0)),
        )
        if inputs.basis is Basis.INTERRUPTION:
            gone = set(compensated(self._then))
            kept = (each for each in inputs.compensated if each not in gone)
            return replace(changed, compensated=(*kept, *compensated(self._now)))
        if inputs.basis is Basis.USAGE:
            unused = unused_by(inputs, settings.BUSINESS_TIME_ZONE)
            then, now = (already_given(each, unused, inputs.currency) for each in (self._then, self._now))
            return replace(changed, already_given=max(inputs.already_given + now - then, Decimal(0)))
        return changed
