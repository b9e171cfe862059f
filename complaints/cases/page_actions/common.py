"""What all actions on a complaint share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db import models

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import StaffAction
from complaints.cases.forms import SayForm
from complaints.cases.models import Complaint
from complaints.refunds.approvals.hands.rules import last_free_approver
from core.text import Text


class CaseAction(StaffAction[Complaint]):
    """Common to all: who may, and the guard that says why not."""

    may = May.WORK_COMPLAINTS
    named_by = "code"
    #: Whoever does it approves no refund of the case any more.
    leaves_a_hand: ClassVar[bool] = False

    def warning(self, obj: Complaint, by: User) -> Text:
        return last_free_approver(obj, by) if self.leaves_a_hand else ""

    def queryset(self, rows: models.QuerySet[Complaint]) -> models.QuerySet[Complaint]:
        return rows.select_related(
            "customer", "subscription__customer", "period", "decision", "refund_policy__policy", "owner"
        ).prefetch_related("refunds", "assessments", "messages", "notices__refund", "notices__reversal__refund")


class LeadAction(CaseAction):
    """For team leads and managers."""

    may = May.LEAD_COMPLAINTS


class SayAction(CaseAction):
    """Something that is said to the customer, as a letter drafts it. A subclass says which: ``draft``."""

    form_class = SayForm
    draft: ClassVar[Callable[[Complaint], str]]

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        complaint = rows[0]
        # A web form has no way back: what it brought is answered by e-mail.
        by_web = complaint.channel == Complaint.Channel.WEB and complaint.customer.email
        return {
            "recipient": complaint.customer.email,
            "channel": Complaint.Channel.EMAIL if by_web else complaint.channel,
            "text": type(self).draft(complaint),
        }
