"""Recording service interruptions and whom they hit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from accounts.customers.links import register_way
from accounts.numbers.models import next_number
from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import require
from audit.actions import Action, Refused, act, checked
from audit.vocabulary import Refusal
from billing.plans.models import Plan
from billing.subscriptions.models import Subscription
from complaints.incidents.models import Incident, IncidentChange, IncidentScope
from complaints.incidents.notifications import notify_approvers
from complaints.vocabulary import ComplaintRefusal, ComplaintVerb
from core.text import Text, say

register_way(Incident, "scopes__subscription__customer")


def record_incident(
    *,
    by: User,
    title: str,
    starts_at: datetime,
    ends_at: datetime | None = None,
    scheduled: bool = False,
    hits_everybody: bool = False,
    plan_ids: Sequence[int] = (),
    subscription_ids: Sequence[int] = (),
) -> Incident:
    """Record an interruption, or scheduled maintenance, and whom it hits: everybody, plans, or single subscriptions."""
    with act(ComplaintVerb.INCIDENT_RECORD, by=by, target=(Incident, None)) as action:
        require(by, May.EDIT_INCIDENTS)
        incident = Incident(
            code=f"I-{next_number('incident'):04d}",
            title=title.strip(),
            starts_at=starts_at,
            ends_at=ends_at,
            scheduled=scheduled,
            hits_everybody=hits_everybody,
        )
        _check(incident)
        if not (hits_everybody or plan_ids or subscription_ids):
            raise Refused(
                say("Say whom the incident hits: everybody, a plan, or single subscriptions."),
                code=ComplaintRefusal.SCOPE,
            )
        checked(incident).save()
        _add_scopes(action, incident, plan_ids, subscription_ids, by)
        _note_change(incident, by)
        action.about(incident)
        return incident


def edit_incident(
    incident_id: int,
    *,
    by: User,
    reason: str,
    title: str,
    starts_at: datetime,
    ends_at: datetime | None,
    scheduled: bool,
    hits_everybody: bool,
    plan_ids: Sequence[int] = (),
    subscription_ids: Sequence[int] = (),
) -> Incident:
    """Correct an incident; plans and subscriptions given are added. Proposals that counted it are quoted again when
    somebody approves them, so what changed is seen there; who approved one that is settled is told by e-mail.
    """
    with act(ComplaintVerb.INCIDENT_EDIT, by=by, reason=reason, target=(Incident, incident_id)) as action:
        require(by, May.EDIT_INCIDENTS)
        action.require_reason()
        incident = action.lock(Incident, incident_id)
        action.about(incident)
        incident.title = title.strip()
        incident.starts_at = starts_at
        incident.ends_at = ends_at
        incident.scheduled = scheduled
        incident.hits_everybody = hits_everybody
        _check(incident)
        checked(incident).save()
        _add_scopes(action, incident, plan_ids, subscription_ids, by)
        if not (incident.hits_everybody or incident.scopes.exists()):
            raise Refused(
                say("Say whom the incident hits: everybody, a plan, or single subscriptions."),
                code=ComplaintRefusal.SCOPE,
            )
        _note_change(incident, by)
        notify_approvers(action, incident, by=by, reason=reason.strip())
        return incident


def end_incident(incident_id: int, *, by: User, ends_at: datetime) -> Incident:
    """Record that a running incident is over."""
    with act(ComplaintVerb.INCIDENT_END, by=by, target=(Incident, incident_id)) as action:
        require(by, May.EDIT_INCIDENTS)
        incident = action.lock(Incident, incident_id)
        action.about(incident)
        action.refuse_if(end_incident_obstacle(incident))
        incident.ends_at = ends_at
        _check(incident)
        incident.save()
        _note_change(incident, by)
        return incident


def end_incident_obstacle(incident: Incident) -> Text | None:
    """Why the incident cannot be ended, or None."""
    return say("{incident} is over already.", incident=incident.code) if incident.ends_at is not None else None


def _note_change(incident: Incident, by: User) -> None:
    if by.username != User.SYSTEM:
        IncidentChange(incident=incident, by=by, at=timezone.now()).save()


def _check(incident: Incident) -> None:
    for moment in (incident.starts_at, incident.ends_at):
        if moment is not None and timezone.is_naive(moment):
            raise Refused(say("The times of an incident need a time zone."), code=Refusal.NAIVE_TIME)
    if incident.ends_at is not None and incident.ends_at <= incident.starts_at:
        raise Refused(say("An incident ends after it starts."), code=ComplaintRefusal.REVERSED)
    if incident.ends_at is not None and not incident.scheduled and incident.ends_at > timezone.now():
        raise Refused(say("An interruption cannot have ended in the future."), code=Refusal.DATES)


def _add_scopes(
    action: Action, incident: Incident, plan_ids: Sequence[int], subscription_ids: Sequence[int], by: User
) -> None:
    known: set[tuple[int | None, int | None]] = set(incident.scopes.values_list("plan_id", "subscription_id"))
    subscriptions = [action.lock(Subscription, pk) for pk in sorted(set(subscription_ids)) if (None, pk) not in known]
    plans = [action.lock(Plan, pk) for pk in sorted(set(plan_ids)) if (pk, None) not in known]
    for plan in plans:
        IncidentScope(incident=incident, plan=plan).save()
    for subscription in subscriptions:
        IncidentScope(incident=incident, subscription=subscription).save()
