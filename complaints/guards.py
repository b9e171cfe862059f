"""Why something may not be done now: one function a rule, asked by the pages beforehand and by the actions again.

Each returns an ``Obstacle`` (a sentence for staff) or None. They read the rows they are given and what hangs on them
(``prefetch_related`` serves), and never write.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.guards import permission_obstacle
from accounts.links import linked_obstacle
from accounts.models import ApprovalLimit, Customer, User
from accounts.permissions import APPROVAL_OF, May
from audit.actions import Obstacle
from billing.models import BillingPeriod
from billing.money import format_amount
from complaints.models import Complaint, Decision, Refund
from complaints.policy_parameters import RefundParameters

State = Complaint.State


def _allowed(by: User, may: May) -> Obstacle | None:
    sentence = permission_obstacle(by, may)
    return Obstacle(sentence, code="permission") if sentence else None


def _in_state(complaint: Complaint, *states: str) -> Obstacle | None:
    if complaint.state in states:
        return None
    wanted = " or ".join(f"“{State(state).label}”" for state in states)
    return Obstacle(f"{complaint.code} is “{complaint.get_state_display()}”; this needs {wanted}.", code="state")


def _open(complaint: Complaint) -> Obstacle | None:
    if complaint.state in Complaint.OPEN_STATES:
        return None
    return Obstacle(f"{complaint.code} is “{complaint.get_state_display()}”: the case is not open.", code="state")


def open_refunds(complaint: Complaint) -> list[Refund]:
    return [refund for refund in complaint.refunds.all() if refund.state in Refund.OPEN_STATES]


# --- The complaint ------------------------------------------------------------------------------


def work_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """For steps that any open case allows: assign, note, message, correct, attach."""
    return _allowed(by, May.WORK_COMPLAINTS) or linked_obstacle(by, complaint.customer_id) or _open(complaint)


def acknowledge_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    if complaint.acknowledged_at is not None:
        return Obstacle(f"{complaint.code} was acknowledged already.", code="state")
    return work_obstacle(complaint, by)


def assign_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """Taking up an unassigned case is for everybody who works on complaints; re-assigning is for leads."""
    if complaint.owner_id is not None:
        return _allowed(by, May.LEAD_COMPLAINTS) or linked_obstacle(by, complaint.customer_id) or _open(complaint)
    return work_obstacle(complaint, by)


def assess_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return (
        _allowed(by, May.WORK_COMPLAINTS)
        or linked_obstacle(by, complaint.customer_id)
        or _in_state(complaint, State.REGISTERED, State.IN_REVIEW, State.WAITING, State.DECIDED, State.COMMUNICATED)
    )


def ask_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return (
        _allowed(by, May.WORK_COMPLAINTS)
        or linked_obstacle(by, complaint.customer_id)
        or _in_state(complaint, State.REGISTERED, State.IN_REVIEW)
    )


def resume_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return (
        _allowed(by, May.WORK_COMPLAINTS)
        or linked_obstacle(by, complaint.customer_id)
        or _in_state(complaint, State.WAITING)
    )


def decide_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """A first decision, or a later one that supersedes it. Nothing is decided unassessed (R5)."""
    return (
        _allowed(by, May.WORK_COMPLAINTS)
        or linked_obstacle(by, complaint.customer_id)
        or _in_state(complaint, State.IN_REVIEW, State.WAITING, State.DECIDED, State.COMMUNICATED)
        or (
            None
            if complaint.assessments.all()
            else Obstacle(f"{complaint.code} has not been assessed yet: assess it first.", code="not_assessed")
        )
    )


def communicate_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return (
        _allowed(by, May.WORK_COMPLAINTS)
        or linked_obstacle(by, complaint.customer_id)
        or _in_state(complaint, State.DECIDED)
    )


def close_obstacle(complaint: Complaint, by: User, *, today: date | None = None) -> Obstacle | None:
    """The remedy is settled (or queued as a payout), or the customer has been silent for the policy's days."""
    found = (
        _allowed(by, May.WORK_COMPLAINTS)
        or linked_obstacle(by, complaint.customer_id)
        or _in_state(complaint, State.COMMUNICATED)
    )
    if found:
        return found
    waiting = open_refunds(complaint)
    if waiting:
        return Obstacle(f"The refund {waiting[0].code} is still open.", code="open_refund")
    if any(refund.state == Refund.State.SETTLED for refund in complaint.refunds.all()):
        return None
    days = complaint.terms.silence_closes_after_days
    last = max(
        [message.at for message in complaint.messages.all()],
        default=complaint.communicated_at or timezone.now(),
    )
    closes_on = timezone.localdate(last) + timedelta(days=days)
    if (today or timezone.localdate()) >= closes_on:
        return None
    return Obstacle(
        f"No remedy is settled, so the case waits for the customer: it can be closed on {closes_on} if they stay"
        " silent.",
        code="not_silent_long_enough",
    )


def withdraw_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return work_obstacle(complaint, by)


def lead_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """For escalating and for a referral to dispute resolution, at any time but after a merge."""
    if complaint.state == State.MERGED:
        return Obstacle(f"{complaint.code} was merged into another complaint.", code="state")
    return _allowed(by, May.LEAD_COMPLAINTS) or linked_obstacle(by, complaint.customer_id)


def merge_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """For each of the two; refused while one has an open refund."""
    found = _allowed(by, May.LEAD_COMPLAINTS) or linked_obstacle(by, complaint.customer_id) or _open(complaint)
    if found:
        return found
    waiting = open_refunds(complaint)
    if waiting:
        return Obstacle(
            f"{complaint.code} has an open refund ({waiting[0].code}): settle or withdraw it first.",
            code="open_refund",
        )
    return None


def reopen_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return (
        _allowed(by, May.LEAD_COMPLAINTS)
        or linked_obstacle(by, complaint.customer_id)
        or _in_state(complaint, State.DECIDED, State.COMMUNICATED, State.CLOSED, State.WITHDRAWN)
    )


def consent_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """A lead's consent to an old complaint: needed once, and not for a case that is not old. A draft on an older
    period of the subscription makes the case old too.
    """
    found = _allowed(by, May.LEAD_COMPLAINTS) or linked_obstacle(by, complaint.customer_id) or _open(complaint)
    if found:
        return found
    if complaint.consent_by_id is not None:
        return Obstacle("Consent was given already.", code="state")
    elsewhere = [refund for refund in open_refunds(complaint) if refund.period_id != complaint.period_id]
    if is_old(complaint) or any(is_old(complaint, refund.period) for refund in elsewhere):
        return None
    return Obstacle("This complaint is not old enough to need consent.", code="state")


def is_old(complaint: Complaint, period: BillingPeriod | None = None) -> bool:
    """Whether the complaint came so long after the period (its own, unless another is refunded) that the policy
    asks for a lead's consent.
    """
    days = complaint.terms.consent_needed_after_days
    if days is None:
        return False
    period = period or complaint.period
    return timezone.localdate(complaint.received_at) > period.ends_on + timedelta(days=days)


# --- The refund ---------------------------------------------------------------------------------


def quote_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """Whether a refund may be drafted on the case."""
    found = _allowed(by, May.PROPOSE_REFUNDS) or linked_obstacle(by, complaint.customer_id)
    if found:
        return found
    if complaint.state in (State.IN_REVIEW, State.WAITING, State.DECIDED, State.COMMUNICATED):
        return None
    return _in_state(complaint, State.IN_REVIEW, State.DECIDED, State.COMMUNICATED)


def moved(refund: Refund, customer: Customer) -> Obstacle | None:
    """A merge of customers that commits between reading a refund and locking it has moved it to the survivor."""
    if refund.customer_id == customer.pk:
        return None
    return Obstacle(f"{refund.code} was moved to another customer just now. Please try again.", code="busy")


def edit_obstacle(refund: Refund, by: User) -> Obstacle | None:
    return (
        _allowed(by, May.PROPOSE_REFUNDS)
        or linked_obstacle(by, refund.customer_id)
        or _refund_in(refund, Refund.State.DRAFT)
    )


def propose_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """Everything but the figures: the state, the decision that the basis needs (R2, R7), a lead's consent."""
    return edit_obstacle(refund, by) or decision_obstacle(refund) or consent_missing(refund.complaint, refund.period)


def decision_obstacle(refund: Refund) -> Obstacle | None:
    """Usage and interruption need an upheld complaint; the full month and special cases any decision."""
    complaint = refund.complaint
    found = _in_state(complaint, State.DECIDED, State.COMMUNICATED)
    if found:
        return found
    decision: Decision | None = complaint.decision
    assert decision is not None
    if refund.basis in (Refund.Basis.USAGE, Refund.Basis.INTERRUPTION) and not decision.is_upheld:
        return Obstacle(
            f"{complaint.code} was rejected, and a refund by {refund.get_basis_display().lower()} needs a complaint"
            " that is upheld, wholly or partly.",
            code="not_upheld",
        )
    return None


def consent_missing(complaint: Complaint, period: BillingPeriod | None = None) -> Obstacle | None:
    """Whether a refund on the period (the complaint's own, unless another) still lacks a lead's consent."""
    if complaint.consent_by_id is None and is_old(complaint, period):
        return Obstacle(
            "The complaint came long after its period: a team lead has to consent first.",
            code="consent_missing",
        )
    return None


def justification_obstacle(refund: Refund) -> Obstacle | None:
    """The full month needs a written justification (F5), a special case also its evidence (R7)."""
    if refund.basis in (Refund.Basis.FULL_MONTH, Refund.Basis.SPECIAL) and not refund.justification.strip():
        return Obstacle("Write down the justification: this basis is never automatic.", code="justification_missing")
    if refund.basis == Refund.Basis.SPECIAL and not refund.evidence.strip():
        return Obstacle("Name the evidence for the special case.", code="evidence_missing")
    return None


def _refund_in(refund: Refund, *states: str) -> Obstacle | None:
    if refund.state in states:
        return None
    wanted = " or ".join(f"“{Refund.State(state).label}”" for state in states)
    return Obstacle(f"{refund.code} is “{refund.get_state_display()}”; this needs {wanted}.", code="state")


def approve_obstacle(refund: Refund, by: User, *, today: date | None = None) -> Obstacle | None:
    """Everything about the person and the state; the limit and the figures come on top (``limit_obstacle``)."""
    return (
        _refund_in(refund, *Refund.PENDING_STATES)
        or _allowed(by, APPROVAL_OF[refund.basis])
        or own_hand(refund, by)
        or _expired(refund, today)
        or decision_obstacle(refund)
    )


def own_hand(refund: Refund, by: User) -> Obstacle | None:
    """Whoever had a hand in the case does not approve it; superusers are no exception."""
    parts = {contribution.part for contribution in refund.contributions.all() if contribution.by_id == by.pk}
    if refund.proposed_by_id == by.pk or "proposed" in parts:
        return Obstacle(f"{refund.code} is your own proposal: somebody else has to approve it.", code="own_proposal")
    if parts:
        word = "drafted" if "drafted" in parts else "edited"
        return Obstacle(f"You {word} {refund.code}: somebody else has to approve it.", code="own_draft")
    for complaint in _with_all_merged(refund.complaint):
        if any(decision.by_id == by.pk for decision in complaint.decisions.all()):
            return Obstacle(f"You decided {complaint.code}: somebody else has to approve its refund.", code="decided")
        if any(assessment.by_id == by.pk for assessment in complaint.assessments.all()):
            return Obstacle(f"You assessed {complaint.code}: somebody else has to approve its refund.", code="assessed")
    linked = linked_obstacle(by, refund.customer_id)
    if linked:
        return linked
    if any(approval.approver_id == by.pk for approval in refund.approvals.all() if approval.round == refund.round):
        return Obstacle(
            f"You approved {refund.code} already: the second approval is somebody else's.",
            code="approved_already",
        )
    return None


def _with_all_merged(complaint: Complaint) -> Iterator[Complaint]:
    """The case and every one that ended up in it, also by way of a third: a merge must not wash a hand off."""
    yield complaint
    for merged in complaint.merged_complaints.all():
        yield from _with_all_merged(merged)


def limit_of(by: User, subject: str, currency: str, day: date) -> Decimal | None:
    """Up to how much the person's role may approve on the day; None without a published limit."""
    role: Group | None = by.role
    if role is None:
        return None
    limit = ApprovalLimit.objects.in_force(day).filter(role=role, subject=subject, currency=currency).first()
    return None if limit is None else limit.amount


def granted_lately(refund: Refund, parameters: RefundParameters) -> Decimal:
    """What the customer was granted in the policy's window, this refund left out."""
    since = timezone.now() - timedelta(days=parameters.approval_window_days)
    granted = Refund.objects.granted_to(refund.customer, refund.currency, since)
    return granted - refund.total if refund.state == Refund.State.APPROVED else granted


def limit_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """Whether the person's limit covers the amount together with what the customer was granted lately."""
    limit = limit_of(by, refund.basis, refund.currency, timezone.localdate())
    if limit is None:
        return Obstacle(
            f"No published limit lets a {by.role_name} approve {refund.get_basis_display().lower()} refunds in"
            f" {refund.currency}.",
            code="no_limit",
        )
    parameters = refund.terms
    granted = granted_lately(refund, parameters)
    if refund.total + granted > limit:
        before = (
            f" together with {format_amount(granted, refund.currency)} granted to this customer in the last"
            f" {parameters.approval_window_days} days"
            if granted
            else ""
        )
        return Obstacle(
            f"{format_amount(refund.total, refund.currency)} {refund.currency}{before} is over your limit of"
            f" {format_amount(limit, refund.currency)} {refund.currency}.",
            code="over_limit",
        )
    return None


def _expired(refund: Refund, today: date | None) -> Obstacle | None:
    if (today or timezone.localdate()) >= refund.expires_on:
        return Obstacle(f"{refund.code} expired on {refund.expires_on}.", code="expired")
    return None


def return_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """Returning or rejecting is for those who could approve the basis, not for the proposer."""
    return (
        _refund_in(refund, *Refund.PENDING_STATES)
        or _allowed(by, APPROVAL_OF[refund.basis])
        or linked_obstacle(by, refund.customer_id)
        or (
            Obstacle(f"{refund.code} is your own proposal: withdraw it instead.", code="own_proposal")
            if refund.proposed_by_id == by.pk
            else None
        )
    )


def withdraw_refund_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """One's own draft or proposal; another's needs a lead."""
    found = _allowed(by, May.PROPOSE_REFUNDS) or _refund_in(refund, Refund.State.DRAFT, Refund.State.PROPOSED)
    if found:
        return found
    if by.pk in (refund.drafted_by_id, refund.proposed_by_id):
        return None
    return _allowed(by, May.WITHDRAW_REFUNDS_OF_OTHERS) or linked_obstacle(by, refund.customer_id)


def revoke_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """Taking back a first approval while the second is due: by those who could give one."""
    return (
        _refund_in(refund, Refund.State.APPROVED)
        or _allowed(by, APPROVAL_OF[refund.basis])
        or linked_obstacle(by, refund.customer_id)
    )
