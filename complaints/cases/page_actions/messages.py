"""What is said to the customer, and what the customer says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy

from accounts.staff.models import User
from audit.actions import Obstacle
from backoffice.actions import OptionalReasonForm
from complaints.cases import actions as cases
from complaints.cases.decisions import actions as decisions
from complaints.cases.forms import CustomerMessageForm, SayForm
from complaints.cases.models import Complaint
from complaints.cases.page_actions.common import CaseAction, say_initial
from complaints.cases.rules import acknowledge_obstacle, ask_obstacle, communicate_obstacle, resume_obstacle
from complaints.letters.drafts import acknowledgement_text, decision_text, question_text
from core.text import Text, say


class Acknowledge(CaseAction):
    name = "acknowledge"
    label = gettext_lazy("Acknowledge")
    icon = "mail-check"
    form_class = SayForm
    intro = gettext_lazy("The customer learns that the complaint is here, and its code.")

    def obstacle(self, obj: Complaint, by: User) -> Obstacle | None:
        return acknowledge_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        return say_initial(rows, acknowledgement_text)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        message = cases.acknowledge_complaint(pk, by=by, **cleaned)
        return say("The acknowledgement to {person} is on record.", person=message.correspondent)


class Ask(CaseAction):
    name = "ask"
    label = gettext_lazy("Ask the customer")
    icon = "circle-question-mark"
    form_class = SayForm
    intro = gettext_lazy("The case waits for the answer. Its deadlines run on.")

    def obstacle(self, obj: Complaint, by: User) -> Obstacle | None:
        return ask_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        return say_initial(rows, question_text)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        message = cases.ask_customer(pk, by=by, **cleaned)
        return say("The question to {person} is on record; the case waits.", person=message.correspondent)


class Resume(CaseAction):
    name = "resume"
    label = gettext_lazy("Resume")
    label_plural = gettext_lazy("Resume complaints")
    in_bulk = True
    icon = "play"
    tone = "primary"
    form_class = OptionalReasonForm

    def obstacle(self, obj: Complaint, by: User) -> Obstacle | None:
        return resume_obstacle(obj, by)

    def consequence(self, obj: Complaint, by: User) -> Text:
        return say("{complaint} goes back into review.", complaint=obj.code)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        complaint = cases.resume_complaint(pk, by=by, **cleaned)
        return say("{complaint} is in review again.", complaint=complaint.code)


class Communicate(CaseAction):
    name = "communicate"
    label = gettext_lazy("Tell the customer")
    tone = "primary"
    icon = "send"
    form_class = SayForm

    def obstacle(self, obj: Complaint, by: User) -> Obstacle | None:
        return communicate_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        return say_initial(rows, decision_text)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        message = decisions.communicate_decision(pk, by=by, **cleaned)
        return say("What {person} was told is on record.", person=message.correspondent)


class CustomerSaid(CaseAction):
    name = "customer_message"
    label = gettext_lazy("Customer message")
    icon = "message-square-reply"
    form_class = CustomerMessageForm

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        cases.record_customer_message(pk, by=by, **cleaned)
        return say("The customer’s message is on the case.")
