"""Telling staff what happened to a case."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import override

from accounts.customers.links import own_customers
from accounts.staff.models import User
from accounts.staff.permissions import Role
from audit.actions import act
from complaints.cases.models import Complaint
from complaints.deadlines import last_day_of
from complaints.vocabulary import ComplaintVerb
from core.site import site_link
from core.text import RECORD, say
from messaging.outbox.queue import NewMessage, language_of, queue_messages
from messaging.templates.models import MessageKind
from messaging.templates.reader import Reader


def notify_lead(complaint: Complaint, *, by: User) -> list[User]:
    """Tell the lead of the case's team by e-mail that it was escalated for its age; where it has none, every lead.

    Leaves an event that names who was told, and one message each in the outbox. Somebody who is linked to the customer
    is not told. For use inside the action that has just raised the case.
    """
    with act(ComplaintVerb.COMPLAINT_TELL_LEAD, by=by, target=(Complaint, complaint.pk)) as action:
        action.about(complaint, complaint_id=complaint.pk, customer_id=complaint.customer_id)
        told = leads_of(complaint)
        last_day = last_day_of(complaint.decide_due_at, ZoneInfo(settings.BUSINESS_TIME_ZONE))
        fields = {
            "code": complaint.code,
            "subject": complaint.subject,
            "customer": complaint.customer.name,
            "level": str(complaint.escalation_level),
            "link": site_link("complaints_complaint_change", complaint.pk),
        }
        queue_messages(
            [
                NewMessage(
                    kind=MessageKind.STAFF_ESCALATION,
                    key=f"escalation:{complaint.pk}:{complaint.escalated_at:%Y-%m-%dT%H:%M:%S}:{person.pk}",
                    staff=person,
                    complaint_id=complaint.pk,
                    fields={**fields, "reason": _reason(last_day, language_of(person))},
                )
                for person in told
            ],
            by=by,
        )
        action.message = f"{complaint.code} is on level {complaint.escalation_level}. {_reason(last_day, RECORD)}"
        action.data = {"told": [person.username for person in told]}
        return told


def _reason(last_day: date, language: str) -> str:
    with override(language):
        return str(say("It had to be decided by {day} and is not.", day=Reader(language).day(last_day)))


def leads_of(complaint: Complaint) -> list[User]:
    """Whoever leads the team of the case's owner, or of who registered it; where nobody does, every lead."""
    people = User.objects.filter(is_active=True).exclude(customer__in=own_customers(complaint.customer_id))
    team = (complaint.owner or complaint.registered_by).team_id
    found = list(people.filter(leads__pk=team)) if team is not None else []
    return found or list(people.filter(role__name=Role.LEAD).order_by("pk"))
