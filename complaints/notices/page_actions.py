"""Telling an outcome that is owed, on the case's page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from backoffice.actions import ReasonForm, Sentence
from complaints.cases.models import Complaint
from complaints.cases.page_actions.common import CaseAction, SayAction
from complaints.letters.outcomes import outcome_text
from complaints.notices.actions import dismiss_notice, tell_outcome
from complaints.notices.rules import dismiss_obstacle, next_owed, tell_obstacle
from core.text import Text, say


def _next_text(complaint: Complaint) -> str:
    notice = next_owed(complaint)
    return "" if notice is None else outcome_text(notice)


class TellOutcome(SayAction):
    name = "tell_outcome"
    label = _("Tell the outcome")
    tone = "primary"
    icon = "send"
    intro = _("By e-mail it is sent from here. Told by letter or telephone, write down what the customer heard.")
    rule = tell_obstacle
    action = tell_outcome
    done = Sentence(_("What {person} was told is on record."), person="correspondent")
    draft = _next_text


class DismissNotice(CaseAction):
    name = "dismiss_notice"
    label = _("Leave untold")
    icon = "bell-off"
    form_class = ReasonForm
    rule = dismiss_obstacle
    action = dismiss_notice

    def consequence(self, obj: Complaint, by: User) -> Text:
        notice = next_owed(obj)
        return "" if notice is None else say("The customer is not told: {notice}.", notice=notice)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        notice = dismiss_notice(pk, by=by, **cleaned)
        return say("The customer is not told: {notice}.", notice=notice)
