"""The case as a file: registered, taken up, assigned, corrected, noted on, attached to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Why
from backoffice.actions import ActionResult, NoReasonForm, PageAction
from backoffice.links import page_url
from backoffice.requests import StaffRequest
from billing.subscriptions.models import Subscription
from complaints.cases import actions as cases
from complaints.cases.forms import AssignForm, AttachForm, CorrectForm, RegisterForm, TextForm
from complaints.cases.models import Complaint
from complaints.cases.page_actions.common import CaseAction
from complaints.cases.rules import assign_obstacle, work_obstacle
from core.text import Text, say


class Register(PageAction):
    name = "register"
    label = _("Register a complaint")
    tone = "primary"
    icon = "message-square-plus"
    may = May.WORK_COMPLAINTS
    form_class = RegisterForm

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        initial = {"received_at": timezone.localtime(), **super().get_initial(request)}
        # The customer's page gives the customer's number: with one running subscription there is nothing to choose.
        running = Subscription.objects.running().filter(customer__number=initial.get("subscription", ""))[:2]
        return {**initial, "subscription": running[0].number} if len(running) == 1 else initial

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        files = cleaned.pop("attachments", None) or []
        for spare in ("subscription", "about_day"):
            cleaned.pop(spare, None)
        complaint = cases.register_complaint(by=by, attachments=files, **cleaned)
        return ActionResult(
            say("{complaint} is registered. Give the customer this code.", complaint=complaint.code),
            page_url(complaint),
        )


class TakeUp(CaseAction):
    name = "take"
    label = _("Take up")
    label_plural = _("Take up complaints")
    tone = "primary"
    icon = "hand"
    form_class = NoReasonForm

    def obstacle(self, obj: Complaint, by: User) -> Why | None:
        if obj.owner is not None:
            if obj.owner == by:
                return say("{complaint} is yours already.", complaint=obj.code)
            return say("{complaint} is {person}’s already.", complaint=obj.code, person=obj.owner)
        return assign_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> Text:
        if obj.state == Complaint.State.REGISTERED:
            return say("{complaint} becomes yours and its review starts.", complaint=obj.code)
        return say("{complaint} becomes yours.", complaint=obj.code)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        complaint = cases.assign_complaint(pk, by=by, owner_id=by.pk)
        return say("{complaint} is yours.", complaint=complaint.code)


class Assign(CaseAction):
    name = "assign"
    label = _("Assign")
    label_plural = _("Assign complaints")
    icon = "user-round-plus"
    form_class = AssignForm
    rule = assign_obstacle

    def consequence(self, obj: Complaint, by: User) -> Text:
        if obj.owner is None:
            return say("{complaint} moves from nobody to the person you choose.", complaint=obj.code)
        return say("{complaint} moves from {person} to the person you choose.", complaint=obj.code, person=obj.owner)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        complaint = cases.assign_complaint(pk, by=by, owner_id=cleaned["owner"].pk, reason=cleaned["reason"])
        return say("{complaint} is assigned to {person}.", complaint=complaint.code, person=complaint.owner)


class WriteNote(CaseAction):
    name = "note"
    label = _("Note")
    icon = "sticky-note"
    form_class = TextForm
    intro = _("Internal: the customer never sees it.")
    action = cases.add_note
    done = _("The note is kept.")


class Attach(CaseAction):
    name = "attach"
    label = _("Attach a file")
    icon = "paperclip"
    form_class = AttachForm
    rule = work_obstacle

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        attachment = cases.attach_file(pk, by=by, file=cleaned["file"])
        return say("{file} is attached.", file=attachment.name)


class Correct(CaseAction):
    name = "correct"
    label = _("Correct")
    icon = "pencil"
    form_class = CorrectForm
    leaves_a_hand = True
    intro = _("For a wrong registration. The old values stay in the history.")
    rule = work_obstacle

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        names = ("channel", "received_at", "category", "sought", "subject", "text", "period_id")
        return {name: getattr(rows[0], name) for name in names}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        reason = cleaned.pop("reason")
        known = Complaint.objects.get(pk=pk)
        # The form shows the time of receipt to the minute; unchanged there means unchanged.
        if known.received_at.replace(second=0, microsecond=0) == cleaned["received_at"]:
            cleaned["received_at"] = known.received_at
        complaint = cases.correct_complaint(pk, by=by, reason=reason, **cleaned)
        return say("{complaint} is corrected.", complaint=complaint.code)
