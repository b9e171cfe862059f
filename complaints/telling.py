"""Telling staff what happened to a case."""

from __future__ import annotations

from django.db.models import Q

from accounts.links import merged_with
from accounts.models import User
from accounts.permissions import Role
from audit.actions import act
from complaints.models import Complaint


def tell_lead(complaint: Complaint, sentence: str, *, by: User) -> list[User]:
    """Tell the lead of the case's team; where it has none, every lead. Leaves an event that names who was told.

    Somebody who is linked to the customer is not told. For use inside an action.
    """
    with act("complaint.tell_lead", by=by, target=(Complaint, complaint.pk)) as action:
        action.about(complaint, complaint_id=complaint.pk, customer_id=complaint.customer_id)
        told = leads_of(complaint)
        action.message = sentence
        action.data = {"told": [person.username for person in told]}
        return told


def leads_of(complaint: Complaint) -> list[User]:
    """Whoever leads the team of the case's owner, or of who registered it; where nobody does, every lead."""
    people = User.objects.filter(is_active=True).exclude(customer__in=merged_with(complaint.customer_id))
    team = (complaint.owner or complaint.registered_by).team_id
    found = list(people.filter(leads__pk=team)) if team is not None else []
    return found or list(people.filter(Q(role__name=Role.LEAD)).order_by("pk"))
