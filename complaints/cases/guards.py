"""What all guards share: the permission and the state, in one wording."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from accounts.staff.models import User
from accounts.staff.permissions import May
from accounts.staff.rules import permission_obstacle
from audit.actions import Obstacle
from audit.vocabulary import Refusal
from complaints.cases.models import Complaint
from complaints.notices.models import Notice
from complaints.refunds.models import Refund
from complaints.vocabulary import ComplaintRefusal
from core.text import Text, join, say

State = Complaint.State


def allowed(by: User, may: May) -> Obstacle | None:
    return permission_obstacle(by, may)


def in_state(complaint: Complaint, *states: str) -> Obstacle | None:
    if complaint.state in states:
        return None
    return Obstacle(
        say(
            "{complaint} is “{state}”; this needs {wanted}.",
            complaint=complaint.code,
            state=complaint.get_state_display(),
            wanted=_one_of(State(state).label for state in states),
        ),
        code=Refusal.STATE,
    )


def still_open(complaint: Complaint) -> Obstacle | None:
    if complaint.state in Complaint.OPEN_STATES:
        return None
    return Obstacle(
        say(
            "{complaint} is “{state}”: the case is not open.",
            complaint=complaint.code,
            state=complaint.get_state_display(),
        ),
        code=Refusal.STATE,
    )


def open_refunds(complaint: Complaint) -> list[Refund]:
    return [refund for refund in complaint.refunds.all() if refund.state in Refund.OPEN_STATES]


def owed_notices(complaint: Complaint) -> list[Notice]:
    """The outcomes that the customer has not heard yet, the oldest first."""
    return [notice for notice in complaint.notices.all() if notice.state == Notice.State.OWED]


def notice_owed(complaint: Complaint) -> Obstacle | None:
    """Whether the customer still has to hear of an outcome."""
    owed = owed_notices(complaint)
    if not owed:
        return None
    return Obstacle(
        say("The customer has not been told yet: {notice}.", notice=owed[0]), code=ComplaintRefusal.NOTICE_OWED
    )


def refund_in(refund: Refund, *states: str) -> Obstacle | None:
    if refund.state in states:
        return None
    return Obstacle(
        say(
            "{refund} is “{state}”; this needs {wanted}.",
            refund=refund.code,
            state=refund.get_state_display(),
            wanted=_one_of(Refund.State(state).label for state in states),
        ),
        code=Refusal.STATE,
    )


def _one_of(labels: Iterable[Text]) -> Text:
    first, *others = (join("", ("“", label, "”")) for label in labels)
    found = first
    for other in others:
        found = say("{one} or {other}", one=found, other=other)
    return found


def with_what_guards_read(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Refunds with everything that guards and pages look at."""
    return rows.select_related(
        "customer",
        "subscription__customer",
        "period__subscription__customer",
        "period__plan",
        "complaint__decision",
        "complaint__period",
        "complaint__refund_policy__policy",
        "complaint__agreement",
        "refund_policy__policy",
        "fulfilment_policy__policy",
        "agreement",
        "proposed_by",
        "drafted_by",
        "retry_of",
        "credit_note",
    ).prefetch_related(
        "contributions__by",
        "counted_incidents__incident__changes",
        "reversals",
        "approvals__approver",
        "approvals__on_behalf_of",
        "complaint__decisions",
        "complaint__assessments",
        "complaint__corrections",
        "complaint__merged_complaints__decisions",
        "complaint__merged_complaints__assessments",
        "complaint__merged_complaints__corrections",
        "complaint__merged_complaints__merged_complaints",
    )
