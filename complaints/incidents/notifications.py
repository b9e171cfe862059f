"""Telling those who approved that an incident which their refund counted has been changed since."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import F
from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Action
from complaints.incidents.models import Incident
from complaints.refunds.models import Approval, CountedIncident, Refund
from core.site import site_link
from messaging.outbox.queue import NewMessage, queue_messages
from messaging.templates.models import MessageKind


def notify_approvers(action: Action, incident: Incident, *, by: User, reason: str) -> list[User]:
    """Tell whoever approved a settled refund that counted the incident, and in whose place, by one e-mail each: what
    was given stays, unless somebody takes it back. For use inside the action that has just changed the incident.
    """
    counted = CountedIncident.objects.filter(
        incident=incident, round=F("refund__round"), refund__state=Refund.State.SETTLED
    )
    approvals = Approval.objects.filter(refund__in=counted.values("refund"), round=F("refund__round"))
    refunds: dict[User, list[str]] = defaultdict(list)
    for approval in approvals.select_related("refund", "approver", "on_behalf_of").order_by("refund__code", "pk"):
        for person in (approval.approver, approval.on_behalf_of):
            if person is not None and person.is_active and person.pk != by.pk:
                refunds[person].append(approval.refund.code)
    if not refunds:
        return []
    queue_messages(
        [
            NewMessage(
                kind=MessageKind.STAFF_INCIDENT,
                key=f"incident:{incident.pk}:{timezone.now():%Y-%m-%dT%H:%M:%S.%f}:{person.pk}",
                staff=person,
                fields={
                    "incident": incident.code,
                    "title": incident.title,
                    "person": str(by),
                    "reason": reason,
                    "refunds": tuple(dict.fromkeys(codes)),
                    "link": site_link("complaints_incident_change", incident.pk),
                },
            )
            for person, codes in refunds.items()
        ],
        by=by,
    )
    action.data = {**action.data, "told": sorted(person.username for person in refunds)}
    return list(refunds)
