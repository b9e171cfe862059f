"""What recording or changing an incident would bring about."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from accounts.staff.approvers import ApprovalRights, approvers
from accounts.staff.models import ApprovalLimit, User
from complaints.cases.guards import with_what_guards_read
from complaints.incidents.models import Incident
from complaints.refunds.approvals.rules import could_approve
from complaints.refunds.models import Refund
from core.text import Text, join, say

#: So many proposals are looked at: enough for a warning.
MOST_LOOKED_AT = 20


def last_approver_of_incidents(by: User) -> Text:
    """The warning to whoever is about to record an outage as the only one who could approve a refund for it; "" to
    everybody else. Queries.
    """
    alone = [
        found.currency
        for found in approvers(timezone.localdate())
        if found.subject == ApprovalLimit.Subject.INTERRUPTION and [person.pk for person in found.people] == [by.pk]
    ]
    if not alone:
        return ""
    return say(
        "You are the only one who could approve refunds for an outage in {currencies}: if you record it, nobody can.",
        currencies=join(", ", alone),
    )


def last_approver_of(incident: Incident, by: User) -> Text:
    """As ``last_approver_of_incidents`` for an incident on record, with the proposals that count it. Queries."""
    if general := last_approver_of_incidents(by):
        return general
    counting = Refund.objects.waiting_for_approval().filter(
        counted_incidents__incident=incident, counted_incidents__round=F("round")
    )
    staff = list(User.objects.filter(is_active=True, role__isnull=False).select_related("role"))
    rights = ApprovalRights(timezone.localdate())
    last = [
        refund.code
        for refund in with_what_guards_read(counting.order_by("pk"))[:MOST_LOOKED_AT]
        if {person.pk for person, _ in could_approve(refund, staff, rights)} == {by.pk}
    ]
    if not last:
        return ""
    return say("You are the last who could approve {refunds}: after this nobody can.", refunds=join(", ", last))
