"""What has to be noticed every day: proposals that expired, deadlines that were missed, cases that are overdue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.staff.models import User
from audit.actions import Refused
from backoffice.one_time import forget_used_forms
from complaints.cases.deadlines.actions import escalate_overdue_complaint, record_missed_deadlines
from complaints.cases.deadlines.status import DUE_RELATIONS, escalation_due_at
from complaints.cases.models import Complaint, DeadlineBreach
from complaints.refunds.endings.actions import expire_refund
from complaints.refunds.models import Refund


@dataclass
class UpkeepResult:
    """How many refunds expired, deadlines were found missed, overdue cases rose by a level, and used forms were
    forgotten that could not be sent any more.
    """

    expired: int = 0
    missed: int = 0
    escalated: int = 0
    forgotten: int = 0


def run_upkeep(*, by: User, now: datetime | None = None) -> UpkeepResult:
    """Expire refunds, record missed deadlines and escalate overdue cases, each in a transaction of its own. A second
    run does nothing.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    result = UpkeepResult()
    for pk in Refund.objects.open().filter(expires_on__lte=today).order_by("pk").values_list("pk", flat=True):
        try:
            expire_refund(pk, by=by, today=today)
            result.expired += 1
        except Refused:
            continue  # somebody was faster
    for pk in _with_unrecorded_breach(now):
        try:
            result.missed += len(record_missed_deadlines(pk, by=by, now=now))
        except Refused:
            continue
    result.escalated = len(escalate_complaints(by=by, now=now))
    result.forgotten = forget_used_forms()
    return result


def escalate_complaints(*, by: User, now: datetime | None = None) -> list[str]:
    """Raise each overdue case that is due for it by one level; returns their codes. A second run does nothing."""
    now = now or timezone.now()
    overdue = Complaint.objects.overdue(now).prefetch_related(*DUE_RELATIONS, "fulfilment_policy").order_by("pk")
    escalated = []
    for complaint in overdue:
        due_at = escalation_due_at(complaint)
        if due_at is None or due_at > now:
            continue
        try:
            escalated.append(escalate_overdue_complaint(complaint.pk, by=by, now=now).code)
        except Refused:
            continue  # somebody was faster
    return escalated


def _with_unrecorded_breach(now: datetime) -> list[int]:
    breaches = DeadlineBreach.objects.filter(complaint=OuterRef("pk"))
    kinds = DeadlineBreach.Deadline
    return list(
        Complaint.objects.filter(
            Q(acknowledged_at__isnull=True, acknowledge_due_at__lte=now, state__in=Complaint.OPEN_STATES)
            & ~Exists(breaches.filter(deadline=kinds.ACKNOWLEDGE, due_at=OuterRef("acknowledge_due_at")))
            | Q(state__in=Complaint.UNDECIDED_STATES, decide_due_at__lte=now)
            & ~Exists(breaches.filter(deadline=kinds.DECIDE, due_at=OuterRef("decide_due_at")))
            | Q(state__in=Complaint.UNTOLD_STATES, tell_due_at__lte=now)
            & ~Exists(breaches.filter(deadline=kinds.TELL, due_at=OuterRef("tell_due_at")))
        )
        .order_by("pk")
        .values_list("pk", flat=True)
    )
