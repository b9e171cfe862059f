"""What staff do to a complaint, one class an action of ``complaints.actions``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.panels import page_url
from accounts.permissions import May, roles_that
from audit.backoffice import Done, NoReasonForm, OptionalReasonForm, PageAction, ReasonForm, StaffAction
from audit.backoffice.actions import ActionForm
from complaints import forms, guards
from complaints.actions import cases, decisions
from complaints.actions.refunds import quote_and_propose
from complaints.admin.panels import quote_context
from complaints.letters import acknowledgement_text, decision_text
from complaints.models import Complaint
from complaints.quoting import Choices


class CaseAction(StaffAction[Complaint]):
    """Common to all: who may, and the guard that says why not."""

    may = May.WORK_COMPLAINTS
    roles = roles_that(May.WORK_COMPLAINTS)
    in_bulk = False

    def queryset(self, rows: models.QuerySet[Complaint]) -> models.QuerySet[Complaint]:
        return rows.select_related(
            "customer", "subscription__customer", "period", "decision", "refund_policy__policy", "owner"
        ).prefetch_related("refunds", "assessments", "messages")


class Register(PageAction):
    name = "register"
    label = "Register a complaint"
    tone = "primary"
    icon = "message-square-plus"
    may = May.WORK_COMPLAINTS
    roles = roles_that(May.WORK_COMPLAINTS)
    form_class = forms.RegisterForm

    def get_initial(self, request: HttpRequest) -> dict[str, Any]:
        return {"received_at": timezone.localtime(), **super().get_initial(request)}

    def run(self, by: User, cleaned: dict[str, Any]) -> Done:
        files = cleaned.pop("attachments", None) or []
        for spare in ("subscription", "about_day"):
            cleaned.pop(spare, None)
        complaint = cases.register_complaint(by=by, attachments=files, **cleaned)
        return Done(f"{complaint.code} is registered. Give the customer this code.", page_url(complaint))


class TakeUp(CaseAction):
    name = "take"
    label = "Take up"
    label_plural = "Take up complaints"
    tone = "primary"
    in_bulk = True
    icon = "hand"
    form_class = NoReasonForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        if obj.owner is not None:
            return f"{obj.code} is {'yours' if obj.owner == by else f'{obj.owner}’s'} already."
        return guards.assign_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> str:
        return f"{obj.code} becomes yours" + (" and its review starts." if obj.state == "registered" else ".")

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = cases.assign_complaint(pk, by=by, owner_id=by.pk)
        return f"{complaint.code} is yours."


class Assign(CaseAction):
    name = "assign"
    label = "Assign"
    label_plural = "Assign complaints"
    in_bulk = True
    icon = "user-round-plus"
    form_class = forms.AssignForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.assign_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> str:
        return f"{obj.code} moves from {obj.owner or 'nobody'} to the person you choose."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = cases.assign_complaint(pk, by=by, owner_id=cleaned["owner"].pk, reason=cleaned["reason"])
        return f"{complaint.code} is assigned to {complaint.owner}."


class Acknowledge(CaseAction):
    name = "acknowledge"
    label = "Acknowledge"
    icon = "mail-check"
    form_class = forms.SayForm
    intro = "The customer learns that the complaint is here, and its code."

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.acknowledge_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        return _say_initial(rows, acknowledgement_text)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        message = cases.acknowledge_complaint(pk, by=by, **cleaned)
        return f"The acknowledgement to {message.correspondent} is on record."


class Assess(CaseAction):
    name = "assess"
    label = "Assess"
    icon = "search-check"
    form_class = forms.AssessForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.assess_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        return {"severity": rows[0].severity} if len(rows) == 1 else {}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        assessment = cases.assess_complaint(pk, by=by, **cleaned)
        return f"{assessment.complaint.code} is assessed; its evidence is kept with it."


class Ask(CaseAction):
    name = "ask"
    label = "Ask the customer"
    icon = "circle-question-mark"
    form_class = forms.SayForm
    intro = "The case waits for the answer. Its deadlines run on."

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.ask_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        return _say_initial(rows, None)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        message = cases.ask_customer(pk, by=by, **cleaned)
        return f"The question to {message.correspondent} is on record; the case waits."


class Resume(CaseAction):
    name = "resume"
    label = "Resume"
    label_plural = "Resume complaints"
    in_bulk = True
    icon = "play"
    tone = "primary"
    form_class = OptionalReasonForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.resume_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> str:
        return f"{obj.code} goes back into review."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = cases.resume_complaint(pk, by=by, **cleaned)
        return f"{complaint.code} is in review again."


class Decide(CaseAction):
    name = "decide"
    label = "Decide"
    tone = "primary"
    icon = "gavel"
    form_class = forms.DecideForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.decide_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> str:
        if obj.decision is not None:
            return f"This supersedes the decision “{obj.decision}”. Refunds that are settled stay as they are."
        return "The decision is kept with your name and cannot be edited; a later one can supersede it."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        decision = decisions.decide_complaint(pk, by=by, **cleaned)
        return f"{decision.complaint.code} is decided: {decision}."


class Propose(CaseAction):
    name = "propose"
    label = "Quote and propose a refund"
    tone = "primary"
    icon = "calculator"
    may = May.PROPOSE_REFUNDS
    roles = roles_that(May.PROPOSE_REFUNDS)
    form_class = forms.ProposeForm
    preview_template = "complaints/panels/quote_card.html"
    previews_input = True

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        found = guards.quote_obstacle(obj, by)
        if found:
            return found
        if obj.decision is None or obj.state not in ("decided", "communicated"):
            return f"{obj.code} is not decided yet: decide it first."
        return guards.consent_missing(obj)

    def consequence(self, obj: Complaint, by: User) -> str:
        return "The quote is computed now and frozen, its amount held against the period, and somebody else approves."

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        sought = rows[0].sought if rows[0].sought in ("credit", "minutes", "extension") else "credit"
        return {"basis": suggested_basis(rows[0]), "period_id": rows[0].period_id, "rest": sought}

    def preview_context(self, obj: Complaint, by: User, form: ActionForm) -> Mapping[str, Any]:
        choices, period, reason = Choices(basis=suggested_basis(obj)), obj.period, ""
        form.is_valid()
        cleaned = getattr(form, "cleaned_data", {}) if form.is_bound else {}
        if "basis" in cleaned:
            choices = Choices(
                basis=cleaned["basis"],
                reduction=cleaned.get("reduction") or Choices.reduction,
                special_amount=cleaned.get("special_amount"),
            )
            reason = cleaned.get("reduction_reason", "")
        if cleaned.get("period_id") and cleaned["period_id"] != period.pk:
            period = obj.subscription.periods.get(pk=cleaned["period_id"])
        return quote_context(obj, period, choices, reduction_reason=reason)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Done:
        refund = quote_and_propose(
            pk, by=by, reason=cleaned["reason"], period_id=cleaned["period_id"], **cleaned["terms"]
        )
        return Done(f"{refund.code} is proposed. Somebody else has to approve it.", page_url(refund))


def suggested_basis(complaint: Complaint) -> str:
    """The basis that a case of its category usually has."""
    return "interruption" if complaint.category == Complaint.Category.INTERRUPTION else "usage"


class Communicate(CaseAction):
    name = "communicate"
    label = "Tell the customer"
    tone = "primary"
    icon = "send"
    form_class = forms.SayForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.communicate_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        return _say_initial(rows, decision_text)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        message = decisions.communicate_decision(pk, by=by, **cleaned)
        return f"What {message.correspondent} was told is on record."


class Close(CaseAction):
    name = "close"
    label = "Close"
    label_plural = "Close complaints"
    in_bulk = True
    icon = "archive"
    form_class = OptionalReasonForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.close_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> str:
        return f"{obj.code} leaves the queues. A lead can reopen it."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = decisions.close_complaint(pk, by=by, **cleaned)
        return f"{complaint.code} is closed."


class WriteNote(CaseAction):
    name = "note"
    label = "Note"
    icon = "sticky-note"
    form_class = forms.TextForm
    intro = "Internal: the customer never sees it."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        cases.add_note(pk, by=by, **cleaned)
        return "The note is kept."


class CustomerSaid(CaseAction):
    name = "customer_message"
    label = "Customer message"
    icon = "message-square-reply"
    form_class = forms.CustomerMessageForm

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        cases.record_customer_message(pk, by=by, **cleaned)
        return "The customer’s message is on the case."


class Attach(CaseAction):
    name = "attach"
    label = "Attach a file"
    icon = "paperclip"
    form_class = forms.AttachForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.work_obstacle(obj, by)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        attachment = cases.attach_file(pk, by=by, file=cleaned["file"])
        return f"{attachment.name} is attached."


class Correct(CaseAction):
    name = "correct"
    label = "Correct"
    icon = "pencil"
    form_class = forms.CorrectForm
    intro = "For a wrong registration. The old values stay in the history."

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.work_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        names = ("channel", "received_at", "category", "sought", "subject", "text", "period_id")
        return {name: getattr(rows[0], name) for name in names}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        reason = cleaned.pop("reason")
        known = Complaint.objects.get(pk=pk)
        # The form shows the time of receipt to the minute; unchanged there means unchanged.
        if known.received_at.replace(second=0, microsecond=0) == cleaned["received_at"]:
            cleaned["received_at"] = known.received_at
        complaint = cases.correct_complaint(pk, by=by, reason=reason, **cleaned)
        return f"{complaint.code} is corrected."


class Withdraw(CaseAction):
    name = "withdraw"
    label = "Withdraw"
    tone = "danger"
    icon = "undo-2"
    form_class = forms.ChannelReasonForm
    intro = "Only on the customer’s word. Write down how it came and what they said."

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.withdraw_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> str:
        waiting = guards.open_refunds(obj)
        return f"{obj.code} ends" + (f", and {waiting[0].code} is withdrawn with it." if waiting else ".")

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = decisions.withdraw_complaint(pk, by=by, **cleaned)
        return f"{complaint.code} is withdrawn."


class LeadAction(CaseAction):
    """For team leads and managers."""

    may = May.LEAD_COMPLAINTS
    roles = roles_that(May.LEAD_COMPLAINTS)


class Merge(LeadAction):
    name = "merge"
    label = "Merge"
    icon = "merge"
    form_class = forms.MergeForm
    intro = "The other complaint goes on, with the earlier of both days of receipt."

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.merge_obstacle(obj, by)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Done:
        survivor = decisions.merge_complaints(pk, by=by, into_id=cleaned["into"].pk, reason=cleaned["reason"])
        return Done(f"Merged into {survivor.code}.", page_url(survivor))


class Reopen(LeadAction):
    name = "reopen"
    label = "Reopen"
    icon = "rotate-ccw"
    form_class = ReasonForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.reopen_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> str:
        return f"{obj.code} goes back into review; its deadlines start anew, missed ones stay on record."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = decisions.reopen_complaint(pk, by=by, **cleaned)
        return f"{complaint.code} is open again."


class Escalate(LeadAction):
    name = "escalate"
    label = "Escalate"
    label_plural = "Escalate complaints"
    in_bulk = True
    icon = "arrow-big-up"
    form_class = ReasonForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.lead_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> str:
        return f"{obj.code} rises to level {obj.escalation_level + 1}."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = decisions.escalate_complaint(pk, by=by, **cleaned)
        return f"{complaint.code} is on level {complaint.escalation_level}."


class Refer(LeadAction):
    name = "refer"
    label = "Dispute resolution"
    icon = "landmark"
    form_class = forms.ReferForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.lead_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        if len(rows) != 1 or not rows[0].referral_scheme:
            return {}
        case = rows[0]
        return {
            "scheme": case.referral_scheme,
            "reference": case.referral_reference,
            "referred_on": case.referred_on,
            "outcome": case.referral_outcome,
        }

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = decisions.refer_complaint(pk, by=by, **cleaned)
        return f"The referral of {complaint.code} is on record."


class Consent(LeadAction):
    name = "consent"
    label = "Consent to an old case"
    icon = "badge-check"
    form_class = ReasonForm

    def obstacle(self, obj: Complaint, by: User) -> str | None:
        return guards.consent_obstacle(obj, by)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        complaint = decisions.give_consent(pk, by=by, **cleaned)
        return f"You consented: a refund on {complaint.code} may be proposed."


CASE_ACTIONS: tuple[type[StaffAction[Any]], ...] = (
    TakeUp,
    Acknowledge,
    Assess,
    Ask,
    Resume,
    Decide,
    Propose,
    Communicate,
    Close,
    WriteNote,
    CustomerSaid,
    Attach,
    Assign,
    Correct,
    Escalate,
    Refer,
    Consent,
    Merge,
    Reopen,
    Withdraw,
)


def _say_initial(rows: Sequence[Complaint], text: Any) -> dict[str, Any]:
    if len(rows) != 1:
        return {}
    complaint = rows[0]
    return {
        "recipient": complaint.customer.email,
        "channel": complaint.channel,
        "text": text(complaint) if text else "",
    }
