"""What a late answer is worth, where the policy names an indemnity (R5, R7): the amount, and why there is none.

An answer is late when a decision came after the deadline that a breach recorded. It is looked for in the case and in
all that were merged into it, because they are one matter: one underlying fault is made good once. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from complaints.cases.guards import in_state
from complaints.cases.models import Complaint, DeadlineBreach, Decision
from complaints.deadlines import days_left
from complaints.incidents.models import Incident
from complaints.quotes.facts import QuoteFacts
from complaints.quotes.quoting import basis_obstacle
from complaints.refunds.models import Refund, RefundQuerySet
from complaints.refunds.rules import quote_obstacle
from complaints.vocabulary import ComplaintRefusal
from core.amounts import money_text
from core.text import Text, say, say_count
from policies.choices import Basis

#: An indemnity in one of these states stands: its fault is made good, or about to be.
STANDING = (*Refund.OPEN_STATES, Refund.State.SETTLED)


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """The breach and the decision that came too late, by so many calendar days."""

    breach: DeadlineBreach
    decision: Decision
    days_late: int


@dataclass(frozen=True, slots=True)
class Indemnity:
    """What may be proposed for one late answer: gross, in the period's currency, more than nothing.

    ``fault`` names what it is for, so that it is given once: the incident and the subscription it hit, or the case.
    """

    late: LateAnswer
    amount: Decimal
    currency: str
    fault: str
    per_day: Decimal
    limit: Text = ""

    @property
    def in_words(self) -> Text:
        """How the amount came about."""
        days, each = self.late.days_late, money_text(self.per_day, self.currency)
        amount = money_text(self.amount, self.currency)
        if not self.limit:
            return say_count(
                "{count} day late at {each} a day: {amount}",
                "{count} days late at {each} a day: {amount}",
                days,
                each=each,
                amount=amount,
            )
        return say_count(
            "{count} day late at {each} a day, cut to {limit}: {amount}",
            "{count} days late at {each} a day, cut to {limit}: {amount}",
            days,
            each=each,
            limit=self.limit,
            amount=amount,
        )


def indemnity_for(complaint: Complaint, by: User) -> Indemnity | Obstacle:
    """What this person may propose for the case's late answer, or why nothing."""
    found = quote_obstacle(complaint, by) or in_state(complaint, Complaint.State.DECIDED, Complaint.State.COMMUNICATED)
    if found:
        return found
    period = complaint.period
    governing = complaint.governing
    if period.currency not in governing.parameters.indemnity_per_day:
        return Obstacle(
            say(
                "{document} names no indemnity for late answers in {currency}.",
                document=governing.source_of("indemnity_per_day"),
                currency=period.currency,
            ),
            code=ComplaintRefusal.NO_INDEMNITY,
        )
    matter = merged_cases(complaint)
    late = latest_answer(matter)
    if late is None:
        return Obstacle(
            say("{complaint} was decided in time.", complaint=complaint.code), code=ComplaintRefusal.IN_TIME
        )
    facts = QuoteFacts.load([each.period for each in matter])
    fault = cause_of_delay(matter, facts)
    standing = _standing(matter, fault)
    if standing is not None:
        return Obstacle(
            say(
                "{refund} makes this good already ({fault}): a fault is indemnified once.",
                refund=standing.code,
                fault=standing.fault,
            ),
            code=ComplaintRefusal.FAULT_INDEMNIFIED,
        )
    twin = next((refund for refund in complaint.refunds.all() if _is_open_on(refund, complaint)), None)
    if twin is not None:
        return Obstacle(
            say(
                "{complaint} has an open refund for this period already: {refund}.",
                complaint=complaint.code,
                refund=twin.code,
            ),
            code=ComplaintRefusal.OPEN_REFUND,
        )
    given = standing_indemnity(matter, fault)
    return basis_obstacle(complaint, Basis.SPECIAL, facts.terms_of(period)) or _within_limits(
        complaint, late, fault, given, facts.refundable(period)
    )


def edit_obstacle(refund: Refund) -> Obstacle | None:
    """Why a changed draft is no indemnity any more, or None: it can be less than the days are worth, not more.

    More, or for another reason, is an ordinary special case, drafted for itself.
    """
    breach = refund.indemnity_for
    if breach is None:
        return None
    if refund.basis != Refund.Basis.SPECIAL:
        return Obstacle(
            say("{refund} is an indemnity, which is a special case: its basis stays.", refund=refund.code),
            code=ComplaintRefusal.INDEMNITY,
        )
    matter = merged_cases(refund.complaint)
    late = _answered(breach, _decisions(matter))
    most = None if late is None else refund.complaint.terms.indemnity_for(late.days_late, refund.currency)
    if most is not None:
        most = max(most - standing_indemnity(matter, refund.fault), Decimal(0))
    if most is None or (refund.special_amount or Decimal(0)) <= most:
        return None
    return Obstacle(
        say(
            "{refund} is the indemnity for a late answer, worth {amount} at most. "
            "Draft a special case of its own for anything else.",
            refund=refund.code,
            amount=money_text(most, refund.currency),
        ),
        code=ComplaintRefusal.INDEMNITY,
    )


# --- The matter and its answer ------------------------------------------------------------------


def merged_cases(complaint: Complaint) -> list[Complaint]:
    """The case and all that were merged into it, by way of others too, with their breaches and decisions; the one
    received first at the front.
    """
    found = complaint.matter()
    prefetch_related_objects(found, "breaches", "decisions", "subscription", "period__subscription")
    return sorted(found, key=lambda each: (each.received_at, each.pk))


def latest_answer(matter: Sequence[Complaint]) -> LateAnswer | None:
    """The answer that was the most days late, or None where every one came in time."""
    breaches = [breach for each in matter for breach in each.breaches.all()]
    to_decide = [breach for breach in breaches if breach.deadline == DeadlineBreach.Deadline.DECIDE]
    decisions = _decisions(matter)
    answers = (
        _answered(breach, decisions) for breach in sorted(to_decide, key=lambda breach: (breach.due_at, breach.pk))
    )
    return max((late for late in answers if late is not None), key=lambda late: late.days_late, default=None)


def _decisions(matter: Sequence[Complaint]) -> list[Decision]:
    decisions = [decision for each in matter for decision in each.decisions.all()]
    return sorted(decisions, key=lambda decision: (decision.at, decision.pk))


def _answered(breach: DeadlineBreach, decisions: Sequence[Decision]) -> LateAnswer | None:
    decision = next((decision for decision in decisions if decision.at >= breach.due_at), None)
    if decision is None:
        return None
    return LateAnswer(breach, decision, -days_left(breach.due_at, decision.at, ZoneInfo(settings.BUSINESS_TIME_ZONE)))


# --- Once per fault -----------------------------------------------------------------------------


def cause_of_delay(matter: Sequence[Complaint], facts: QuoteFacts) -> str:
    """What lies beneath the matter: the incident that interrupted the subscription, else the case received first.

    It is kept, and told from others by what it says: in English, whoever asks.
    """
    for complaint in matter:
        incident = _incident_of(complaint, facts)
        if incident is not None:
            return f"incident {incident.code}, {complaint.subscription.number}"
    return f"complaint {matter[0].code}"


def _incident_of(complaint: Complaint, facts: QuoteFacts) -> Incident | None:
    """The last that began before the complaint came."""
    if complaint.category != Complaint.Category.INTERRUPTION:
        return None
    incidents = [each for each in facts.incidents_of(complaint.period) if not each.scheduled]
    return next((each for each in reversed(incidents) if each.starts_at <= complaint.received_at), None)


def _standing(matter: Sequence[Complaint], fault: str) -> Refund | None:
    return _indemnities(matter, fault).filter(state__in=STANDING).order_by("pk").first()


def _indemnities(matter: Sequence[Complaint], fault: str) -> RefundQuerySet:
    about_it: RefundQuerySet = Refund.objects.filter(
        Q(complaint__in=matter) | Q(fault=fault), indemnity_for__isnull=False
    )
    return about_it


def standing_indemnity(matter: Sequence[Complaint], fault: str) -> Decimal:
    """What earlier indemnities for it left given after they were taken back: a reversal frees only what came back."""
    taken_back = _indemnities(matter, fault).given().filter(state=Refund.State.REVERSED)
    return sum((refund.total - refund.taken for refund in taken_back), Decimal(0))


def _is_open_on(refund: Refund, complaint: Complaint) -> bool:
    return refund.state in Refund.OPEN_STATES and refund.period_id == complaint.period_id


def _within_limits(
    complaint: Complaint, late: LateAnswer, fault: str, given: Decimal, refundable: Decimal
) -> Indemnity | Obstacle:
    """``given`` of it stands from before; ``refundable`` is what the period still bears."""
    period, parameters = complaint.period, complaint.terms
    per_day = Decimal(parameters.indemnity_per_day[period.currency])
    amount = late.days_late * per_day
    limit: Text = ""
    most = parameters.indemnity_maximum.get(period.currency)
    worth = amount if most is None else min(amount, Decimal(most))
    for at_most, named in (
        (None if most is None else Decimal(most), _("the most for one delay")),
        (max(worth - given, Decimal(0)) if given else None, _("what of it was taken back")),
        (period.fee, _("the period's fee")),
        (refundable, _("what can still be refunded")),
    ):
        if at_most is not None and amount > at_most:
            amount, limit = at_most, named
    if amount == 0:
        return Obstacle(
            say("Nothing can be refunded on {period} any more.", period=period),
            code=Refusal.NOTHING,
        )
    return Indemnity(late, amount, period.currency, fault, per_day, limit)
