"""A draft policy tried on past cases: every figure of the draft in the place of the version that judged them.

Reads only, but for the rows of its own result. A refund that stands is computed again from the inputs that were frozen
with it, by the calculation that made it, with the draft's figures in them; a case that was given nothing is quoted
from the rows of now, once under what judged it and once under the draft. So whatever comes out otherwise is the
draft's doing, not that of a payment or a call that was entered since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery

from billing.subscriptions.models import current_periods
from complaints.back_tests.earlier_refunds import EarlierUnderDraft
from complaints.back_tests.models import BackTest, BackTestCase
from complaints.back_tests.tally import Tally
from complaints.cases.models import Complaint, Decision
from complaints.cases.rules import is_old
from complaints.deadlines import UnknownHolidays, WorkingDays, deadline_for
from complaints.quotes.facts import QuoteFacts
from complaints.quotes.input_errors import QuoteInputError
from complaints.quotes.inputs import Operation, QuoteInputs, as_of_before_period
from complaints.quotes.inputs_json import inputs_from_json
from complaints.quotes.quoting import Choices, basis_obstacle, inputs_for, suggested_basis
from complaints.quotes.receipts import last_received_on, receipt_for
from complaints.refund_calculation import calculate
from complaints.refunds.models import Refund
from core.text import in_english
from jobs.models import Job
from jobs.progress import Progress
from policies.agreements.models import Agreement
from policies.choices import Basis, DayCount
from policies.parameters.parameters import RefundParameters
from policies.versions.models import GoverningTerms, Policy, PolicyVersion

#: The kind of its jobs.
KIND = "back_test"
#: Cases that are read, computed and written together.
BATCH = 500

State = Complaint.State


def run(job: Job, progress: Progress) -> dict[str, Any]:
    """The work of the job: batch by batch, each kept with the tally in one transaction, so that a run that was
    interrupted goes on after its last one.
    """
    back_test = BackTest.objects.select_related("version__policy").get(job=job)
    tally = Tally.from_json(progress.saved)
    judges = Judges(back_test)
    progress.expect(cases_of(back_test).count(), tally.cases)
    while batch := _next_batch(back_test, tally.after):
        rows = list(_judged(back_test, batch, judges, tally))
        tally.after = batch[-1].pk
        tally.cases += len(batch)
        with transaction.atomic():
            BackTestCase.objects.bulk_create(rows)
            progress.save(tally.cases, tally.to_json())
    return tally.to_json()


def cases_of(back_test: BackTest) -> Any:
    """The complaints whose decision that counts was made in the time of the back-test, by local days.

    A case that was withdrawn or merged counts only with refunds that stand: its matter ended, or goes on elsewhere.
    """
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    since, until = (datetime.combine(day, time(), tzinfo=zone) for day in (back_test.since, back_test.until))
    standing = Refund.objects.counting().filter(complaint=OuterRef("pk"))
    return Complaint.objects.filter(decision__at__gte=since, decision__at__lt=until).filter(
        ~Q(state__in=(State.WITHDRAWN, State.MERGED)) | Exists(standing)
    )


#: What a case says at length plays no part in what it comes to.
_TEXTS = ("text", "subject", "referral_outcome", "decision__reasons")


def _next_batch(back_test: BackTest, after: int) -> list[Complaint]:
    related = ("decision", "customer", "period__subscription", "period__invoice")
    rows = cases_of(back_test).filter(pk__gt=after).select_related(*related).defer(*_TEXTS)
    rows = rows.prefetch_related("merged_complaints__decision", current_periods("period__subscription__"))
    first = Decision.objects.filter(complaint=OuterRef("pk")).order_by("at", "pk").values("at")[:1]
    return list(rows.annotate(first_decided_at=Subquery(first)).order_by("pk")[:BATCH])


# --- What judges --------------------------------------------------------------------------------


class _Terms(GoverningTerms):
    """The same, its figures read once."""

    @cached_property
    def parameters(self) -> RefundParameters:
        return super().parameters


class Judges:
    """What judged each case, and the same with the draft in the place of its policy's version."""

    def __init__(self, back_test: BackTest) -> None:
        self._versions = {version.pk: version for version in PolicyVersion.objects.select_related("policy")}
        self._agreements: dict[int, Agreement] = {}
        self._known: dict[tuple[int, int, int | None], tuple[_Terms, _Terms]] = {}
        # As it stood when the back-test was asked for: the draft may have been edited since.
        self._draft = copy(back_test.version)
        self._draft.parameters = back_test.parameters

    def read(self, rows: Sequence[Complaint | Refund]) -> None:
        """Get the agreements of the rows, those that are not known yet."""
        missing = {row.agreement_id for row in rows if row.agreement_id is not None} - set(self._agreements)
        if missing:
            self._agreements |= Agreement.objects.select_related("customer").in_bulk(missing)

    def of(self, row: Complaint | Refund) -> tuple[_Terms, _Terms]:
        """(what judged the row, the same under the draft)."""
        key = (row.refund_policy_id, row.fulfilment_policy_id, row.agreement_id)
        if key not in self._known:
            refund, fulfilment = self._versions[key[0]], self._versions[key[1]]
            agreement = None if key[2] is None else self._agreements[key[2]]
            of_refunds = self._draft.policy.kind == Policy.Kind.REFUND
            self._known[key] = (
                _Terms(refund, fulfilment, agreement),
                _Terms(self._draft if of_refunds else refund, fulfilment if of_refunds else self._draft, agreement),
            )
        return self._known[key]


# --- One batch ----------------------------------------------------------------------------------


def _judged(back_test: BackTest, batch: Sequence[Complaint], judges: Judges, tally: Tally) -> Iterator[BackTestCase]:
    refunds = _refunds_around(back_test, batch)
    judges.read(batch)
    judges.read(refunds)
    ours = {complaint.pk: complaint for complaint in batch}
    given = {refund.complaint_id for refund in refunds}
    upheld_without = [each for each in batch if each.pk not in given and _is_upheld(each)]
    quoted = [each.period for each in upheld_without]
    facts = QuoteFacts.load([*quoted, *(refund.period for refund in refunds if refund.basis == Refund.Basis.USAGE)])
    found: dict[int, list[BackTestCase]] = defaultdict(list)
    for refund, outcome in _under_draft(refunds, judges, facts):
        if refund.complaint_id in ours:
            found[refund.complaint_id].append(_given(ours[refund.complaint_id], refund, outcome, judges, tally))
    for complaint in batch:
        _count_deadlines(complaint, *judges.of(complaint), back_test.asked_at, tally)
        rows = found[complaint.pk] or [_without_refund(complaint, judges, facts, tally)]
        tally.counts["differing"] += any(row.differs for row in rows)
        for row in rows:
            row.back_test = back_test
        yield from rows


def _refunds_around(back_test: BackTest, batch: Sequence[Complaint]) -> list[Refund]:
    """The refunds that stand on the batch's cases, and those of other cases in the time on the same periods: what an
    earlier one comes to decides what is left for a later one. In the order in which they were proposed.
    """
    own = Refund.objects.counting().filter(complaint__in=[complaint.pk for complaint in batch])
    around = Refund.objects.counting().filter(complaint__in=cases_of(back_test), period__in=own.values("period"))
    related = ("complaint", "period__subscription")
    unread = ("justification", "evidence", "proposal_reason", "returned_reason", "complaint__text")
    return list(around.select_related(*related).defer(*unread).order_by("proposed_at", "pk"))


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """What a refund comes to under the draft, and which of the ``REASONS`` tell why; ``sentence`` adds words, in
    English: they are kept.
    """

    total: Decimal
    reasons: tuple[str, ...] = ()
    sentence: str = ""


def _under_draft(refunds: Sequence[Refund], judges: Judges, facts: QuoteFacts) -> Iterator[tuple[Refund, CaseOutcome]]:
    """Each refund under the draft, with what those before it on its period come to under the draft."""
    before: dict[int, EarlierUnderDraft] = defaultdict(EarlierUnderDraft)
    for refund in refunds:
        _, draft = judges.of(refund)
        earlier = before[refund.period_id]
        obstacle = basis_obstacle(refund.complaint, refund.basis, draft)
        if obstacle:
            earlier.add(refund, None, None)
            yield refund, CaseOutcome(Decimal(0), ("basis",), in_english(obstacle))
            continue
        stored = inputs_from_json(refund.inputs)
        inputs = _with_figures(stored, refund, draft.parameters, facts)
        changed = inputs != stored
        inputs = earlier.taken_into(inputs)
        if inputs == stored:
            earlier.add_as_it_was(refund)
            yield refund, CaseOutcome(refund.total)
            continue
        quote = calculate(inputs, refund.calculation_version)
        reasons: tuple[str, ...] = ()
        if quote.total != refund.total:
            figure = "as_of" if refund.basis == Refund.Basis.USAGE else "outages"
            reasons = (figure,) if changed else ("earlier",)
        earlier.add(refund, inputs, quote)
        yield refund, CaseOutcome(quote.total, reasons)


def _with_figures(stored: QuoteInputs, refund: Refund, parameters: RefundParameters, facts: QuoteFacts) -> QuoteInputs:
    """The frozen inputs with the draft's figures. Where the day of receipt counts otherwise, that day's usage comes
    or goes with it, since minutes and operations count over the same days as time (R3).
    """
    if stored.basis is Basis.INTERRUPTION:
        return replace(stored, minimum_interruption_seconds=parameters.minimum_interruption_seconds)
    if stored.basis is not Basis.USAGE or stored.as_of_day_counts == parameters.as_of_day_counts:
        return stored
    assert stored.as_of is not None
    seconds, operations = facts.usage_on(refund.period, stored.as_of)
    sign = 1 if parameters.as_of_day_counts else -1
    return replace(
        stored,
        as_of_day_counts=parameters.as_of_day_counts,
        seconds_used=max(stored.seconds_used + sign * seconds, 0),
        operations=_moved(stored.operations, operations, sign),
    )


def _moved(stored: Sequence[Operation], day: Sequence[Operation], sign: int) -> tuple[Operation, ...]:
    quantities = {each.code: each.quantity for each in stored}
    known = {each.code: each for each in (*day, *stored)}
    for each in day:
        quantities[each.code] = max(quantities.get(each.code, Decimal(0)) + sign * each.quantity, Decimal(0))
    return tuple(replace(known[code], quantity=quantity) for code, quantity in quantities.items() if quantity)


# --- One case -----------------------------------------------------------------------------------


def _given(complaint: Complaint, refund: Refund, outcome: CaseOutcome, judges: Judges, tally: Tally) -> BackTestCase:
    """A refund that stands, then and under the draft."""
    then, draft = judges.of(refund)
    reasons, words = list(outcome.reasons), [outcome.sentence] if outcome.sentence else []
    two_then = then.parameters.needs_two_approvals(refund.total, refund.currency)
    two_now = bool(outcome.total) and draft.parameters.needs_two_approvals(outcome.total, refund.currency)
    tally.count("second_approval", two_then, two_now)
    consent_then, consent_now = (
        is_old(complaint, refund.period, parameters=terms.parameters) for terms in judges.of(complaint)
    )
    tally.count("consent", consent_then, consent_now)
    if outcome.total:
        gone = [entry["kind"] for entry in refund.remedy_plan if entry["kind"] not in draft.parameters.remedies]
        if gone:
            reasons.append("remedy")
            words.append(f"Not allowed: {', '.join(gone)}.")
        if two_then != two_now:
            reasons.append("approvals")
            words.append("Two people approve." if two_now else "One person approves.")
        if consent_then != consent_now:
            reasons.append("consent")
            words.append("A lead has to consent." if consent_now else "Nobody has to consent.")
    words = [_WHY[reason] for reason in reasons if reason in _WHY] + words
    tally.reasons.update(reasons)
    tally.add_given(refund.basis, refund.currency, refund.total, outcome.total)
    tally.counts["refunds"] += 1
    return BackTestCase(
        complaint=complaint,
        refund=refund,
        basis=refund.basis,
        currency=refund.currency,
        then=refund.total,
        under_draft=outcome.total,
        differs=bool(reasons),
        why=" ".join(words)[:200],
    )


_WHY = {
    "as_of": "The day of receipt counts otherwise.",
    "outages": "Outages count from another length on.",
    "earlier": "An earlier refund of the period comes out otherwise.",
}


def _without_refund(complaint: Complaint, judges: Judges, facts: QuoteFacts, tally: Tally) -> BackTestCase:
    """A case that was given nothing: what a quote allows by the basis that its category suggests, both ways."""
    row = BackTestCase(complaint=complaint, currency=complaint.period.currency)
    if not _is_upheld(complaint):
        # Usage and interruption need an upheld complaint (R2, R7); the other bases are never automatic (F5).
        row.why = "Rejected: nothing was given, and nothing is quoted."
        tally.counts["rejected"] += 1
        return row
    tally.counts["upheld_without_refund"] += 1
    row.basis = suggested_basis(complaint)
    then, draft = judges.of(complaint)
    first = _quotable(complaint, row.basis, then, facts)
    second = _quotable(complaint, row.basis, draft, facts)
    row.then, row.under_draft = first.total, second.total
    if first.total != second.total:
        figure = "as_of" if row.basis == Basis.USAGE else "outages"
        reason = figure if first.sentence == second.sentence else "basis"
        row.differs = True
        row.why = (f"No refund was given. {second.sentence or first.sentence or _WHY[reason]}")[:200]
        tally.reasons[reason] += 1
    else:
        row.why = f"No refund was given. {first.sentence}".strip()[:200]
    tally.add_quotable(row.basis, row.currency, row.then, row.under_draft)
    return row


def _is_upheld(complaint: Complaint) -> bool:
    return complaint.decision is not None and complaint.decision.is_upheld


def _quotable(complaint: Complaint, basis: str, terms: _Terms, facts: QuoteFacts) -> CaseOutcome:
    obstacle = basis_obstacle(complaint, basis, terms)
    if obstacle:
        return CaseOutcome(Decimal(0), sentence=in_english(obstacle))
    try:
        receipt = receipt_for(complaint, complaint.period, basis)
        if receipt is None:
            raise as_of_before_period(last_received_on(complaint), complaint.period.starts_on)
        inputs = inputs_for(complaint.period, Choices(basis=basis), terms.parameters, facts, receipt=receipt)
        return CaseOutcome(calculate(inputs).total)
    except QuoteInputError as problem:
        return CaseOutcome(Decimal(0), sentence=problem.message)


def _count_deadlines(
    complaint: Complaint, then: GoverningTerms, draft: GoverningTerms, now: datetime, tally: Tally
) -> None:
    """Whether the case kept its deadlines, counted from its receipt by the days of either policy. What was not
    acknowledged is late once the deadline is over; the first decision is the one that had to be in time.
    """
    decided_at: datetime = complaint.first_decided_at
    # A case that had ended before the deadline came did not miss it.
    acknowledged_at = complaint.acknowledged_at or complaint.closed_at or max(now, decided_at)
    try:
        before, under = (deadlines_under(terms.parameters, complaint) for terms in (then, draft))
    except UnknownHolidays:
        tally.counts["deadlines_unknown"] += 1
        return
    tally.count("acknowledge_missed", acknowledged_at >= before[0], acknowledged_at >= under[0])
    tally.count("decide_missed", decided_at >= before[1], decided_at >= under[1])


def deadlines_under(parameters: RefundParameters, complaint: Complaint) -> tuple[datetime, datetime]:
    """(acknowledge, decide): the deadlines that the figures give a complaint from its receipt (R5).

    Raises:
        UnknownHolidays: they count working days of a country whose holidays nobody knows.
    """
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    calendar = None
    if parameters.deadline_days == DayCount.WORKING:
        calendar = WorkingDays(parameters.holidays_of or complaint.customer.country)
    received = complaint.received_at
    return (
        deadline_for(received, parameters.acknowledge_within_days, zone, calendar=calendar),
        deadline_for(received, parameters.decide_within_days, zone, calendar=calendar),
    )
