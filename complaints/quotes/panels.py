"""What the quote cards show: a live quote, and one as it was proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from audit.models import Event
from billing.subscriptions.models import BillingPeriod
from complaints.cases.models import Complaint
from complaints.quotes.facts import QuoteFacts
from complaints.quotes.input_errors import QuoteInputError
from complaints.quotes.inputs_json import inputs_from_json
from complaints.quotes.quoting import Choices, LiveQuote, basis_obstacle, live_quote, offers, provisional_obstacle
from complaints.quotes.text import basis_in_words, lines_in_words, nothing_in_words, plan_in_words, problem_in_words
from complaints.refunds.models import Refund
from complaints.vocabulary import ComplaintRefusal
from core.amounts import money_text
from core.text import Text, say


def quote_context(
    complaint: Complaint,
    period: BillingPeriod,
    choices: Choices,
    *,
    leaving_out: Refund | None = None,
    reduction_reason: str = "",
) -> dict[str, Any]:
    """What the quote card shows: lines in words, the total, remedies of equal worth, or why there is no quote."""
    facts = QuoteFacts.load([period])
    terms = facts.terms_of(period)
    context: dict[str, Any] = {
        "period": period,
        "basis": basis_in_words(choices.basis),
        "terms": terms,
        "currency": period.currency,
        **refundable_context(period, facts, leaving_out),
    }
    obstacle = basis_obstacle(complaint, choices.basis, terms)
    if obstacle:
        return {**context, "problem": str(obstacle)}
    try:
        live = live_quote(complaint, period, choices, facts=facts, leaving_out=leaving_out)
    except QuoteInputError as problem:
        return {**context, "problem": problem_in_words(problem)}
    return {**context, **shown_quote(live, period, reduction_reason)}


def refundable_context(
    period: BillingPeriod, facts: QuoteFacts, leaving_out: Refund | None = None
) -> dict[str, Text | None]:
    """What can still be given back of the period, and what of that waits for a charge to be paid."""
    uncollected = facts.uncollected(period)
    return {
        "refundable": money_text(facts.refundable(period, leaving_out), period.currency),
        "uncollected": money_text(uncollected, period.currency) if uncollected else None,
    }


def shown_quote(live: LiveQuote, period: BillingPeriod, reduction_reason: str) -> dict[str, Any]:
    """The lines in words, the total, why it is nothing if it is, and the remedies of equal worth."""
    return {
        "lines": lines_in_words(
            live.inputs, live.lines, period, counted=live.counted, reduction_reason=reduction_reason
        ),
        **_three_figures(live.quote.total, live.quote.set_off, period.currency),
        "nothing": nothing_in_words(live.inputs, live.quote),
        "provisional": provisional_obstacle(live),
        "offers": offers(period, live.quote.payable, live.terms) if live.quote.payable else (),
    }


def _three_figures(total: Decimal, set_off: Decimal, currency: str) -> dict[str, Text | bool]:
    """What is given back, what of it reduces the unpaid fee, and what is paid; the last two only where they differ."""
    figures: dict[str, Text | bool] = {"total": money_text(total, currency)}
    if set_off:
        figures |= {"set_off": money_text(set_off, currency), "payable": money_text(total - set_off, currency)}
        figures["all_set_off"] = total == set_off
    return figures


def frozen_quote_context(refund: Refund) -> dict[str, Any]:
    """The quote as it was proposed: from the stored lines, nothing recomputed."""
    if not refund.inputs:
        return {}
    return {
        "period": refund.period,
        "basis": basis_in_words(refund.basis),
        "terms": refund.governing,
        "currency": refund.currency,
        "lines": lines_in_words(
            inputs_from_json(refund.inputs),
            refund.lines,
            refund.period,
            counted=refund.counted,
            reduction_reason=refund.reduction_reason,
        ),
        **_three_figures(refund.total, refund.set_off, refund.currency),
        # A draft that came back has its remedies open again: they are worked out by the next proposal.
        "plan": ""
        if refund.state == Refund.State.DRAFT
        else plan_in_words(refund.remedy_plan, refund.currency, refund.set_off),
        "frozen": True,
    }


@dataclass(frozen=True)
class ComparedLine:
    """A line of a quote as it was proposed and as it is now; ``None`` where a quote lacks it."""

    label: Text
    before: tuple[Text, Text] | None
    after: tuple[Text, Text] | None

    @property
    def differs(self) -> bool:
        """Whether the amount, or what it is computed from, is another one."""
        return self.before != self.after


def compared_quotes(refund: Refund, now: Mapping[str, Any]) -> dict[str, Any]:
    """The quote as proposed and as it is now, side by side, line by line, as their contexts have them. With remedies,
    where an approval was refused because of them. ``{}`` where there is no quote now.
    """
    proposed = frozen_quote_context(refund)
    if "lines" not in proposed or "lines" not in now:
        return {}
    before, after = ({line.code: line for line in quote["lines"]} for quote in (proposed, now))
    rows = []
    for code in dict.fromkeys([*before, *after]):
        cells = [(line.amount, line.detail) if line else None for line in (before.get(code), after.get(code))]
        label = (after.get(code) or before[code]).label
        rows.append(ComparedLine(label, *cells))
    figures = [("total", say("Refund"))]
    if "set_off" in proposed or "set_off" in now:
        figures += [("set_off", say("Set off against the unpaid fee")), ("payable", say("Payable"))]
    nothing = money_text(Decimal(0), now["currency"])
    sums = []
    for name, label in figures:
        other = {"set_off": nothing}.get(name)
        ends = [(quote.get(name, other or quote["total"]), "") for quote in (proposed, now)]
        sums.append(ComparedLine(label, *ends))
    if remedies := _differing_remedies(refund):
        sums.append(remedies)
    return {"compared": rows, "compared_sums": sums}


def _differing_remedies(refund: Refund) -> ComparedLine | None:
    """What would be given, as proposed and as it was when an approval was last refused for other figures: a draft has
    its remedies open again.
    """
    stale = Event.objects.about(refund).filter(
        outcome=Event.Outcome.REFUSED, data__code=ComplaintRefusal.STALE_QUOTE.value
    )
    event = stale.first()
    if event is None or "remedies" not in event.data:
        return None
    plans = event.data["remedies"]
    ends = [(plan_in_words(plans[when], refund.currency), "") for when in ("before", "after")]
    return ComparedLine(say("Remedies"), *ends)
