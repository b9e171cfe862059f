"""Why a person may not approve, return, reject or revoke a refund now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.links import linked_obstacle
from accounts.models import ApprovalLimit, User
from accounts.permissions import APPROVAL_OF
from audit.actions import Obstacle
from billing.money import format_amount
from complaints.guards.common import allowed, refund_in
from complaints.guards.refunds import decision_obstacle
from complaints.models import Complaint, Refund
from complaints.policy_parameters import RefundParameters


def approve_obstacle(refund: Refund, by: User, *, today: date | None = None) -> Obstacle | None:
    """Everything about the person and the state; the limit and the figures come on top (``limit_obstacle``)."""
    return (
        refund_in(refund, *Refund.PENDING_STATES)
        or allowed(by, APPROVAL_OF[refund.basis])
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
        refund_in(refund, *Refund.PENDING_STATES)
        or allowed(by, APPROVAL_OF[refund.basis])
        or linked_obstacle(by, refund.customer_id)
        or (
            Obstacle(f"{refund.code} is your own proposal: withdraw it instead.", code="own_proposal")
            if refund.proposed_by_id == by.pk
            else None
        )
    )


def revoke_obstacle(refund: Refund, by: User) -> Obstacle | None:
    """Taking back a first approval while the second is due: by those who could give one."""
    return (
        refund_in(refund, Refund.State.APPROVED)
        or allowed(by, APPROVAL_OF[refund.basis])
        or linked_obstacle(by, refund.customer_id)
    )
