"""What is said to the customer, and what the customer says."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.actions import OptionalReasonForm, Sentence
from complaints.cases import actions as cases
from complaints.cases.correspondence import actions as correspondence
from complaints.cases.decisions import actions as decisions
from complaints.cases.forms import CustomerMessageForm
from complaints.cases.page_actions.common import CaseAction, SayAction
from complaints.cases.rules import (
    acknowledge_obstacle,
    ask_obstacle,
    communicate_obstacle,
    read_obstacle,
    resume_obstacle,
    write_obstacle,
)
from complaints.letters.drafts import acknowledgement_text, decision_text, free_text, question_text


class Acknowledge(SayAction):
    name = "acknowledge"
    label = _("Acknowledge")
    icon = "mail-check"
    intro = _("The customer learns that the complaint is here, and its code.")
    rule = acknowledge_obstacle
    action = cases.acknowledge_complaint
    done = Sentence(_("The acknowledgement to {person} is on record."), person="correspondent")
    draft = acknowledgement_text


class Ask(SayAction):
    name = "ask"
    label = _("Ask the customer")
    icon = "circle-question-mark"
    intro = _("The case waits for the answer. Its deadlines run on.")
    rule = ask_obstacle
    action = cases.ask_customer
    done = Sentence(_("The question to {person} is on record; the case waits."), person="correspondent")
    draft = question_text


class ResumeComplaint(CaseAction):
    name = "resume"
    label = _("Resume")
    label_plural = _("Resume complaints")
    icon = "play"
    tone = "primary"
    form_class = OptionalReasonForm
    rule = resume_obstacle
    action = cases.resume_complaint
    effect = _("{complaint} goes back into review.")
    done = _("{complaint} is in review again.")


class Communicate(SayAction):
    name = "communicate"
    label = _("Tell the customer")
    tone = "primary"
    icon = "send"
    rule = communicate_obstacle
    action = decisions.communicate_decision
    done = Sentence(_("What {person} was told is on record."), person="correspondent")
    draft = decision_text


class WriteToCustomer(SayAction):
    name = "write"
    label = _("Write to the customer")
    icon = "mail"
    intro = _("A message in any state; the case stays as it is.")
    rule = write_obstacle
    action = correspondence.write_message
    done = Sentence(_("The message to {person} is on record."), person="correspondent")
    draft = free_text


class ReadCustomerMessage(CaseAction):
    name = "read_message"
    label = _("Mark as read")
    icon = "check"
    form_class = OptionalReasonForm
    rule = read_obstacle
    action = correspondence.read_customer_message
    effect = _("What the customer wrote about {complaint} needs no answer.")
    done = _("What the customer wrote about {complaint} is read.")


class CustomerSaid(CaseAction):
    name = "customer_message"
    label = _("Customer message")
    icon = "message-square-reply"
    form_class = CustomerMessageForm
    action = cases.record_customer_message
    done = _("The customer’s message is on the case.")
