"""Why a step on a complaint may not be done now."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from billing.subscriptions.models import BillingPeriod
from complaints.cases.guards import allowed, in_state, notice_owed, open_refunds, still_open
from complaints.cases.models import Complaint
from complaints.refunds.models import Refund
from complaints.vocabulary import ComplaintRefusal
from core.text import say
from policies.parameters.parameters import RefundParameters

State = Complaint.State


def work_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """For steps that any open case allows: assign, note, message, correct, attach."""
    return allowed(by, May.WORK_COMPLAINTS) or still_open(complaint)


def acknowledge_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    if complaint.acknowledged_at is not None:
        return Obstacle(say("{complaint} was acknowledged already.", complaint=complaint.code), code=Refusal.STATE)
    return work_obstacle(complaint, by)


def assign_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """Taking up an unassigned case is for everybody who works on complaints; re-assigning is for leads."""
    if complaint.owner_id is not None:
        return allowed(by, May.LEAD_COMPLAINTS) or still_open(complaint)
    return work_obstacle(complaint, by)


def assess_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return allowed(by, May.WORK_COMPLAINTS) or in_state(
        complaint, State.REGISTERED, State.IN_REVIEW, State.WAITING, State.DECIDED, State.COMMUNICATED
    )


def ask_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return allowed(by, May.WORK_COMPLAINTS) or in_state(complaint, State.REGISTERED, State.IN_REVIEW)


def resume_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return allowed(by, May.WORK_COMPLAINTS) or in_state(complaint, State.WAITING)


def decide_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """A first decision, or a later one that supersedes it. Nothing is decided unassessed (R5)."""
    return (
        allowed(by, May.WORK_COMPLAINTS)
        or in_state(complaint, State.IN_REVIEW, State.WAITING, State.DECIDED, State.COMMUNICATED)
        or (
            None
            if complaint.assessments.all()
            else Obstacle(
                say("{complaint} has not been assessed yet: assess it first.", complaint=complaint.code),
                code=ComplaintRefusal.NOT_ASSESSED,
            )
        )
    )


def communicate_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return allowed(by, May.WORK_COMPLAINTS) or in_state(complaint, State.DECIDED)


def close_obstacle(complaint: Complaint, by: User, *, today: date | None = None) -> Obstacle | None:
    """The remedy is settled (or queued as a payout), or the customer has been silent for the policy's days."""
    found = allowed(by, May.WORK_COMPLAINTS) or in_state(complaint, State.COMMUNICATED)
    if found:
        return found
    waiting = open_refunds(complaint)
    if waiting:
        return Obstacle(
            say("The refund {refund} is still open.", refund=waiting[0].code), code=ComplaintRefusal.OPEN_REFUND
        )
    if untold := notice_owed(complaint):
        return untold
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
        say(
            "No remedy is settled, so the case waits for the customer: it can be closed on {day} if they stay silent.",
            day=closes_on,
        ),
        code=ComplaintRefusal.NOT_SILENT_LONG_ENOUGH,
    )


def write_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """A customer can be written to in every state; on a merged case the survivor's page is the place."""
    if complaint.state == State.MERGED:
        return Obstacle(
            say("{complaint} was merged into another complaint.", complaint=complaint.code), code=Refusal.STATE
        )
    return allowed(by, May.WORK_COMPLAINTS)


def read_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """Whether there is something of the customer's to be read."""
    if complaint.customer_wrote_at is None:
        return Obstacle(
            say("Nothing that the customer wrote about {complaint} waits.", complaint=complaint.code),
            code=Refusal.NOTHING,
        )
    return allowed(by, May.WORK_COMPLAINTS)


def withdraw_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return work_obstacle(complaint, by)


def lead_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """For escalating and for a referral to dispute resolution, at any time but after a merge."""
    if complaint.state == State.MERGED:
        return Obstacle(
            say("{complaint} was merged into another complaint.", complaint=complaint.code), code=Refusal.STATE
        )
    return allowed(by, May.LEAD_COMPLAINTS)


def merge_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """For each of the two; refused while one has an open refund."""
    found = allowed(by, May.LEAD_COMPLAINTS) or still_open(complaint)
    if found:
        return found
    waiting = open_refunds(complaint)
    if waiting:
        return Obstacle(
            say(
                "{complaint} has an open refund ({refund}): settle or withdraw it first.",
                complaint=complaint.code,
                refund=waiting[0].code,
            ),
            code=ComplaintRefusal.OPEN_REFUND,
        )
    return None


def reopen_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    return allowed(by, May.LEAD_COMPLAINTS) or in_state(
        complaint, State.DECIDED, State.COMMUNICATED, State.CLOSED, State.WITHDRAWN
    )


def consent_obstacle(complaint: Complaint, by: User) -> Obstacle | None:
    """A lead's consent to an old complaint: needed once, and not for a case that is not old. A draft on an older
    period of the subscription makes the case old too.
    """
    found = allowed(by, May.LEAD_COMPLAINTS) or still_open(complaint)
    if found:
        return found
    if complaint.consent_by_id is not None:
        return Obstacle(say("Consent was given already."), code=Refusal.STATE)
    elsewhere = [refund for refund in open_refunds(complaint) if refund.period_id != complaint.period_id]
    if lacks_consent(complaint) or any(lacks_consent(complaint, refund.period) for refund in elsewhere):
        return None
    return Obstacle(say("This complaint is not old enough to need consent."), code=Refusal.STATE)


def lacks_consent(complaint: Complaint, period: BillingPeriod | None = None) -> bool:
    """Whether a refund on the period (the complaint's own, unless another) still needs a lead's consent: for the case,
    or for one about the same subscription that was merged into it. Consent to the case serves for all.
    """
    if complaint.consent_by_id is not None:
        return False
    period = period or complaint.period
    return any(
        each.consent_by_id is None and is_old(each, period)
        for each in complaint.matter()
        if each.subscription_id == complaint.subscription_id
    )


def is_old(
    complaint: Complaint, period: BillingPeriod | None = None, *, parameters: RefundParameters | None = None
) -> bool:
    """Whether the complaint came, or was registered, so long after the period (its own, unless another is refunded)
    that the policy asks for a lead's consent. ``parameters`` are those that judge the complaint, unless given.

    *Received* is what somebody says; when it was typed in, the program knows.
    """
    days = (parameters or complaint.terms).consent_needed_after_days
    if days is None:
        return False
    period = period or complaint.period
    last = max(complaint.received_at, complaint.registered_at)
    return timezone.localdate(last) > period.ends_on + timedelta(days=days)
