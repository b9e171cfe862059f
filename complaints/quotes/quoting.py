"""The quote from live rows: what the database knows (``complaints.quotes.facts``), put into the inputs of the
calculation. Reads only.

Amounts are gross, in the period's currency.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from audit.actions import Obstacle
from billing.money import format_amount
from billing.periods import Term
from billing.subscriptions.models import BillingPeriod, Subscription
from complaints.cases.models import Complaint
from complaints.incidents.models import Incident
from complaints.quotes.earlier_refunds import already_given, compensated, not_provided
from complaints.quotes.facts import QuoteFacts, bounds_of
from complaints.quotes.input_errors import QuoteInputError
from complaints.quotes.inputs import Interval, QuoteInputs, Receiving, as_of_before_period
from complaints.quotes.intervals import within
from complaints.quotes.receipts import Receipt, last_received_on, receipt_for
from complaints.refund_calculation import Quote, Remedies, calculate, days_provided, remedies_for
from complaints.refunds.models import Refund
from complaints.refunds.remedies.kinds import REMEDIES
from complaints.vocabulary import ComplaintRefusal
from core.text import Text, say
from policies.choices import Basis, RemedyKind
from policies.parameters.parameters import RefundParameters
from policies.versions.models import FULL_MONTH, GoverningTerms


@dataclass(frozen=True)
class Choices:
    """What staff choose in a quote; everything else is read from the rows. A special case may name an ``incident``."""

    basis: str
    reduction: Decimal = Decimal(0)
    special_amount: Decimal | None = None
    incident: Incident | None = None


@dataclass(frozen=True)
class LiveQuote:
    """A quote made now, with what judged it. ``running`` is an interruption that goes on: until it ends, or the period
    does, the quote is provisional. ``named`` are the times of the incident that a special case names; none, and why
    (``misnamed``), of one that it can't name.
    """

    inputs: QuoteInputs
    quote: Quote
    terms: GoverningTerms
    running: Incident | None = None
    named: tuple[Interval, ...] = ()
    misnamed: Obstacle | None = None

    @property
    def lines(self) -> list[dict[str, str]]:
        """The lines as they are stored and compared."""
        return [
            {"code": line.code, "amount": format_amount(line.amount, self.inputs.currency)} for line in self.quote.lines
        ]

    @property
    def counted(self) -> list[list[str]]:
        """The times that it compensates, as they are stored."""
        return [[each.start.isoformat(), each.end.isoformat()] for each in (*self.quote.counted, *self.named)]


def suggested_basis(complaint: Complaint) -> str:
    """The basis that a case of its category usually has."""
    return Basis.INTERRUPTION if complaint.category == Complaint.Category.INTERRUPTION else Basis.USAGE


def basis_obstacle(complaint: Complaint, basis: str, terms: GoverningTerms) -> Obstacle | None:
    """Why nothing can be quoted on this basis whatever the figures are, or None (F5, F8)."""
    if complaint.category == Complaint.Category.HARDWARE:
        return Obstacle(
            say(
                "Phones and other hardware are not refunded (clause F8). If the complaint is about the "
                "service, correct its category first."
            ),
            code=ComplaintRefusal.F8,
        )
    if basis == Basis.FULL_MONTH:
        if not terms.full_month_allowed:
            return Obstacle(
                say("{document} does not allow a full month (clause F5).", document=terms.source_of(FULL_MONTH)),
                code=ComplaintRefusal.BASIS,
            )
    elif basis not in terms.parameters.bases:
        return Obstacle(
            say("{document} does not allow this basis.", document=terms.source_of("bases")), code=ComplaintRefusal.BASIS
        )
    return None


def live_quote(
    complaint: Complaint,
    period: BillingPeriod,
    choices: Choices,
    *,
    facts: QuoteFacts | None = None,
    leaving_out: Refund | None = None,
    as_of: date | None = None,
) -> LiveQuote:
    """The quote from the rows as they are now, unless their ``facts`` are given; ``leaving_out`` is a refund whose own
    pending amount must not count, ``as_of`` another local day than that of the receipt.

    Raises:
        QuoteInputError: nothing can be computed, for instance because the complaint came before the period.
    """
    facts = facts or QuoteFacts.load([period])
    terms = facts.terms_of(period)
    if period.state == BillingPeriod.State.VOIDED:
        raise QuoteInputError("period_voided", "", "The period is voided: the subscription was cancelled before it.")
    if period.invoice_is_void:
        raise QuoteInputError("invoice_void", "", "The period's invoice is void: nobody owes or paid its fee.")
    receipt = receipt_for(complaint, period, choices.basis)
    if receipt is None:
        raise as_of_before_period(last_received_on(complaint), period.starts_on)
    if as_of is not None:
        receipt = replace(receipt, as_of=as_of)
    inputs = inputs_for(period, choices, terms.parameters, facts, receipt=receipt, leaving_out=leaving_out)
    named, misnamed = choices.incident, None
    if named is not None:
        misnamed = _naming_obstacle(named, period, facts, receipt, leaving_out)
    return LiveQuote(
        inputs=inputs,
        quote=calculate(inputs),
        terms=terms,
        running=_running(choices, period, facts, receipt),
        named=facts.times_of(named, period) if named is not None and misnamed is None else (),
        misnamed=misnamed,
    )


def _naming_obstacle(
    incident: Incident, period: BillingPeriod, facts: QuoteFacts, receipt: Receipt, leaving_out: Refund | None
) -> Obstacle | None:
    """Why a special case can't name the incident: it is no interruption that the complaint can be about, or some of its
    time in the period is made good already (R7).
    """
    if incident not in facts.nameable(period, receipt.until):
        return Obstacle(
            say(
                "{incident} is no interruption that hit this period before the complaint was received.",
                incident=incident.code,
            ),
            code=ComplaintRefusal.INCIDENT,
        )
    start, end = bounds_of(period)
    made_good = [*within(compensated(facts.earlier_refunds(period, leaving_out)), Interval(start, end))]
    if any(incident.overlaps(each.start, each.end) for each in made_good):
        return Obstacle(
            say(
                "{incident} is made good already on this period, wholly or in part. A quote by interruption counts "
                "what is left of it.",
                incident=incident.code,
            ),
            code=ComplaintRefusal.MADE_GOOD,
        )
    return None


def _running(choices: Choices, period: BillingPeriod, facts: QuoteFacts, receipt: Receipt) -> Incident | None:
    match choices.basis:
        case Basis.INTERRUPTION:
            return facts.running_in(period, receipt.until)
        case Basis.SPECIAL if choices.incident is not None and choices.incident.ends_at is None:
            return choices.incident if facts.goes_on(period) else None
    return None


def provisional_obstacle(live: LiveQuote) -> Obstacle | None:
    """Why the quote can be neither proposed nor approved yet, or None."""
    if live.running is None:
        return None
    return Obstacle(
        say(
            "{incident} still runs, and so does the period: the amount is provisional. It can be proposed once the "
            "interruption or the period is over.",
            incident=live.running.code,
        ),
        code=ComplaintRefusal.PROVISIONAL,
    )


def inputs_for(
    period: BillingPeriod,
    choices: Choices,
    parameters: RefundParameters,
    facts: QuoteFacts,
    *,
    receipt: Receipt,
    leaving_out: Refund | None = None,
) -> QuoteInputs:
    """What a quote under these parameters is computed from.

    Raises:
        QuoteInputError: nothing can be computed.
    """
    basis = Basis(choices.basis)
    earlier = facts.earlier_refunds(period, leaving_out)
    given: dict[str, Any] = {
        "basis": basis,
        "currency": period.currency,
        "term": Term(period.term),
        "fee": period.fee,
        "starts_on": period.starts_on,
        "ends_on": period.ends_on,
        "fee_paid": facts.fee_paid(period),
        "already_refunded": facts.already_refunded(period, leaving_out),
        "receiving": receiving_of(period.subscription.current_period()),
        "minute_cost": period.minute_cost,
        "reduction": choices.reduction,
    }
    if basis is Basis.USAGE:
        as_of, counts = receipt.as_of, parameters.as_of_day_counts
        given["as_of"] = as_of
        given["as_of_day_counts"] = counts
        if as_of >= period.starts_on:
            provided = days_provided(period.starts_on, period.ends_on, as_of, counts)
            seconds, operations = facts.usage_until(period, period.starts_on + timedelta(days=provided))
            given["seconds_used"] = seconds
            given["operations"] = operations
            zone = settings.BUSINESS_TIME_ZONE
            unused = not_provided(period.starts_on, period.ends_on, as_of, as_of_day_counts=counts, time_zone=zone)
            given["already_given"] = already_given(earlier, unused, period.currency)
    elif basis is Basis.INTERRUPTION:
        interruptions, maintenance = facts.interruptions_of(period, receipt.until)
        given["interruptions"] = interruptions
        given["maintenance"] = maintenance
        given["compensated"] = compensated(earlier)
        given["minimum_interruption_seconds"] = parameters.minimum_interruption_seconds
        given["time_zone"] = settings.BUSINESS_TIME_ZONE
    elif basis is Basis.SPECIAL:
        given["special_amount"] = choices.special_amount
    return QuoteInputs(**given)


def receiving_of(period: BillingPeriod | None) -> Receiving | None:
    """What minutes and days are priced by: the period that receives them, extensions left out; None without one."""
    if period is None:
        return None
    return Receiving(fee=period.fee, days=period.days, minute_cost=period.minute_cost)


# --- Remedies -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class RemedyOffer:
    """What an amount is worth in one remedy, and why that remedy cannot be, if it cannot."""

    kind: RemedyKind
    amount: Decimal
    minutes: int | None
    days: int | None
    obstacle: Obstacle | None

    @property
    def card(self) -> Text:
        """What stands below it on a quote's card."""
        return REMEDIES[self.kind].card


def worth_of(amount: Decimal, subscription: Subscription) -> Remedies | None:
    """What the amount is worth on the subscription now; None where no period receives anything."""
    receiving = receiving_of(subscription.current_period())
    if receiving is None:
        return None
    return remedies_for(amount, fee=receiving.fee, days=receiving.days, minute_cost=receiving.minute_cost)


def remedy_obstacle(kind: str, amount: Decimal, period: BillingPeriod, terms: GoverningTerms) -> Obstacle | None:
    """Why the amount cannot be given that way on the period's subscription now, or None (R4, R1)."""
    if kind not in terms.parameters.remedies:
        return Obstacle(
            say("{document} does not allow this remedy.", document=terms.source_of("remedies")),
            code=ComplaintRefusal.REMEDY,
        )
    why = REMEDIES[RemedyKind(kind)].obstacle(period.subscription, amount)
    return Obstacle(why, code=ComplaintRefusal.REMEDY) if why else None


def offers(period: BillingPeriod, amount: Decimal, terms: GoverningTerms) -> list[RemedyOffer]:
    """The payable amount in each remedy, side by side."""
    worth = worth_of(amount, period.subscription)
    return [
        RemedyOffer(
            kind=kind,
            amount=amount,
            minutes=size.get("minutes"),
            days=size.get("days"),
            obstacle=remedy_obstacle(kind, amount, period, terms),
        )
        for kind, size in ((kind, remedy.size(worth)) for kind, remedy in REMEDIES.items())
    ]


# --- Freezing -----------------------------------------------------------------------------------


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of what a proposal consists of."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def refund_content(refund: Refund) -> dict[str, Any]:
    """Everything a proposal's hash covers."""
    return {
        "code": refund.code,
        "complaint": refund.complaint_id,
        "period": refund.period_id,
        "round": refund.round,
        "basis": refund.basis,
        "currency": refund.currency,
        "inputs": refund.inputs,
        "lines": refund.lines,
        "counted": refund.counted,
        "total": format_amount(refund.total, refund.currency),
        "set_off": format_amount(refund.set_off, refund.currency),
        "incident": refund.incident_id,
        "remedy_plan": refund.remedy_plan,
        "justification": refund.justification,
        "evidence": refund.evidence,
        "unusual_reason": refund.unusual_reason,
        "reduction_reason": refund.reduction_reason,
        "proposer": refund.proposed_by_id,
        "reason": refund.proposal_reason,
        "refund_policy": refund.refund_policy_id,
        "fulfilment_policy": refund.fulfilment_policy_id,
        "agreement": refund.agreement_id,
        "calculation_version": refund.calculation_version,
        # Only where there is one: the hash of other proposals says nothing about it.
        **({"indemnity_for": refund.indemnity_for_id, "fault": refund.fault} if refund.indemnity_for_id else {}),
    }


def differing_lines(before: Sequence[Mapping[str, str]], after: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The lines that differ between two quotes, side by side: ``{"code", "before", "after"}``, "" where missing."""
    old = {line["code"]: line["amount"] for line in before}
    new = {line["code"]: line["amount"] for line in after}
    return [
        {"code": code, "before": old.get(code, ""), "after": new.get(code, "")}
        for code in dict.fromkeys([*old, *new])
        if old.get(code) != new.get(code)
    ]
