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
from django.utils.translation import gettext_lazy

from accounts.staff.models import User
from audit.actions import Obstacle
from billing.remedies.effects import refundable_of
from complaints.cases.guards import in_state
from complaints.cases.models import Complaint, DeadlineBreach, Decision
from complaints.deadlines import days_left
from complaints.incidents.models import Incident
from complaints.quotes.case_facts import STANDING, known_facts
from complaints.quotes.quoting import basis_obstacle, bounds_of, terms_for
from complaints.refunds.models import Refund
from complaints.refunds.rules import quote_obstacle
from core.amounts import money_text
from core.text import Text, say, say_count
from policies.choices import Basis


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
            code="no_indemnity",
        )
    matter = whole_matter(complaint)
    late = latest_answer(matter)
    if late is None:
        return Obstacle(say("{complaint} was decided in time.", complaint=complaint.code), code="in_time")
    standing = _standing(matter)
    if standing is not None:
        return Obstacle(
            say(
                "{refund} makes this good already ({fault}): a fault is indemnified once.",
                refund=standing.code,
                fault=standing.fault,
            ),
            code="fault_indemnified",
        )
    twin = next((refund for refund in complaint.refunds.all() if _is_open_on(refund, complaint)), None)
    if twin is not None:
        return Obstacle(
            say(
                "{complaint} has an open refund for this period already: {refund}.",
                complaint=complaint.code,
                refund=twin.code,
            ),
            code="open_refund",
        )
    facts = known_facts(complaint)
    terms = facts.terms if facts is not None else terms_for(period)
    return basis_obstacle(complaint, Basis.SPECIAL, terms) or _within_limits(complaint, late, matter)


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
            code="indemnity",
        )
    late = _answered(breach, _decisions(whole_matter(refund.complaint)))
    most = None if late is None else refund.complaint.terms.indemnity_for(late.days_late, refund.currency)
    if most is None or (refund.special_amount or Decimal(0)) <= most:
        return None
    return Obstacle(
        say(
            "{refund} is the indemnity for a late answer, worth {amount} at most. "
            "Draft a special case of its own for anything else.",
            refund=refund.code,
            amount=money_text(most, refund.currency),
        ),
        code="indemnity",
    )


# --- The matter and its answer ------------------------------------------------------------------


def whole_matter(complaint: Complaint) -> list[Complaint]:
    """The case and all that were merged into it, by way of others too; the one received first at the front."""
    found, fresh = [complaint], [complaint]
    while fresh:
        fresh = _merged_into(fresh)
        found += fresh
    return sorted(found, key=lambda each: (each.received_at, each.pk))


def _merged_into(complaints: Sequence[Complaint]) -> list[Complaint]:
    facts = known_facts(complaints[0])
    if facts is not None and len(complaints) == 1:
        return facts.merged
    merged = Complaint.objects.filter(merged_into__in=[each.pk for each in complaints])
    return list(merged.select_related("subscription", "period"))


def latest_answer(matter: Sequence[Complaint]) -> LateAnswer | None:
    """The answer that was the most days late, or None where every one came in time."""
    decisions = _decisions(matter)
    answers = (_answered(breach, decisions) for breach in _breaches(matter))
    return max((late for late in answers if late is not None), key=lambda late: late.days_late, default=None)


def _breaches(matter: Sequence[Complaint]) -> list[DeadlineBreach]:
    kind = DeadlineBreach.Deadline.DECIDE
    if _is_on_page(matter):
        return [breach for breach in matter[0].breaches.all() if breach.deadline == kind]
    breaches = DeadlineBreach.objects.filter(complaint__in=[each.pk for each in matter], deadline=kind)
    return list(breaches.order_by("due_at", "pk"))


def _is_on_page(matter: Sequence[Complaint]) -> bool:
    """Whether it is the one case of a page, which has at hand what was written on it."""
    return len(matter) == 1 and known_facts(matter[0]) is not None


def _decisions(matter: Sequence[Complaint]) -> list[Decision]:
    if _is_on_page(matter):
        return sorted(matter[0].decisions.all(), key=lambda decision: (decision.at, decision.pk))
    return list(Decision.objects.filter(complaint__in=[each.pk for each in matter]).order_by("at", "pk"))


def _answered(breach: DeadlineBreach, decisions: Sequence[Decision]) -> LateAnswer | None:
    decision = next((decision for decision in decisions if decision.at >= breach.due_at), None)
    if decision is None:
        return None
    return LateAnswer(breach, decision, -days_left(breach.due_at, decision.at, ZoneInfo(settings.BUSINESS_TIME_ZONE)))


# --- Once per fault -----------------------------------------------------------------------------


def fault_of(matter: Sequence[Complaint]) -> str:
    """What lies beneath the matter: the incident that interrupted the subscription, else the case received first.

    It is kept, and told from others by what it says: in English, whoever asks.
    """
    for complaint in matter:
        incident = _incident_of(complaint)
        if incident is not None:
            return _incident_fault(incident, complaint)
    return f"complaint {matter[0].code}"


def _incident_of(complaint: Complaint) -> Incident | None:
    if complaint.category != Complaint.Category.INTERRUPTION:
        return None
    facts = known_facts(complaint)
    if facts is not None:
        known = [each for each in facts.incidents if not each.scheduled and each.starts_at <= complaint.received_at]
        return max(known, key=lambda incident: (incident.starts_at, incident.pk), default=None)
    hits: list[Incident] = list(
        Incident.objects.hitting(complaint.subscription)
        .overlapping(*bounds_of(complaint.period))
        .filter(scheduled=False, starts_at__lte=complaint.received_at)
        .order_by("-starts_at", "-pk")[:1]
    )
    return hits[0] if hits else None


def _incident_fault(incident: Incident, complaint: Complaint) -> str:
    return f"incident {incident.code}, {complaint.subscription.number}"


def _standing(matter: Sequence[Complaint]) -> Refund | None:
    pks = {each.pk for each in matter}
    facts = next((facts for facts in map(known_facts, matter) if facts is not None), None)
    if facts is not None:
        of_matter = [refund for refund in facts.indemnities if refund.complaint_id in pks]
        of_fault = [refund for refund in facts.indemnities if refund.fault == fault_of(matter)]
        return next(iter([*of_matter, *of_fault]), None)
    indemnities = Refund.objects.filter(state__in=STANDING, indemnity_for__isnull=False)
    return indemnities.filter(complaint__in=pks).first() or indemnities.filter(fault=fault_of(matter)).first()


def _is_open_on(refund: Refund, complaint: Complaint) -> bool:
    return refund.state in Refund.OPEN_STATES and refund.period_id == complaint.period_id


def _within_limits(complaint: Complaint, late: LateAnswer, matter: Sequence[Complaint]) -> Indemnity | Obstacle:
    period, parameters = complaint.period, complaint.terms
    per_day = Decimal(parameters.indemnity_per_day[period.currency])
    amount = late.days_late * per_day
    limit: Text = ""
    most = parameters.indemnity_maximum.get(period.currency)
    for at_most, named in (
        (None if most is None else Decimal(most), gettext_lazy("the most for one delay")),
        (period.fee, gettext_lazy("the period's fee")),
        (refundable_of(period), gettext_lazy("what can still be refunded")),
    ):
        if at_most is not None and amount > at_most:
            amount, limit = at_most, named
    if amount == 0:
        return Obstacle(
            say("Nothing can be refunded on {period} any more, or nothing was paid for it.", period=period),
            code="nothing",
        )
    return Indemnity(late, amount, period.currency, fault_of(matter), per_day, limit)
