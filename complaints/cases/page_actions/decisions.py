"""Assessing, deciding, proposing a refund, and how a case ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Why
from backoffice.actions import ActionForm, ActionResult, OptionalReasonForm, Sentence
from backoffice.links import page_url
from complaints.cases import actions as cases
from complaints.cases.decisions import actions as decisions
from complaints.cases.forms import AssessForm, ChannelReasonForm, DecideForm
from complaints.cases.guards import open_refunds
from complaints.cases.models import Complaint
from complaints.cases.page_actions.common import CaseAction
from complaints.cases.rules import assess_obstacle, close_obstacle, decide_obstacle, withdraw_obstacle
from complaints.quotes.panels import quote_context
from complaints.quotes.quoting import Choices, suggested_basis
from complaints.refunds.forms import ProposeForm
from complaints.refunds.proposals.actions import quote_and_propose
from complaints.refunds.remedies.kinds import remedy_sought
from complaints.refunds.rules import consent_missing, quote_obstacle
from core.text import Text, say


class AssessComplaint(CaseAction):
    name = "assess"
    label = _("Assess")
    icon = "search-check"
    form_class = AssessForm
    leaves_a_hand = True
    rule = assess_obstacle
    action = cases.assess_complaint
    done = Sentence(_("{complaint} is assessed; its evidence is kept with it."), complaint="complaint.code")

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        return {"severity": rows[0].severity} if len(rows) == 1 else {}


class DecideComplaint(CaseAction):
    name = "decide"
    label = _("Decide")
    tone = "primary"
    icon = "gavel"
    form_class = DecideForm
    leaves_a_hand = True
    rule = decide_obstacle

    def consequence(self, obj: Complaint, by: User) -> Text:
        if obj.decision is not None:
            return say(
                "This supersedes the decision “{decision}”. Refunds that are settled stay as they are.",
                decision=obj.decision,
            )
        return say("The decision is kept with your name and cannot be edited; a later one can supersede it.")

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        decision = decisions.decide_complaint(pk, by=by, **cleaned)
        return say("{complaint} is decided: {decision}.", complaint=decision.complaint.code, decision=decision)


class ProposeOnCase(CaseAction):
    name = "propose"
    label = _("Quote and propose a refund")
    tone = "primary"
    icon = "calculator"
    may = May.PROPOSE_REFUNDS
    form_class = ProposeForm
    leaves_a_hand = True
    preview_template = "complaints/panels/quote_card.html"
    previews_input = True
    effect = _("The quote is computed now and frozen, its amount held against the period, and somebody else approves.")

    def obstacle(self, obj: Complaint, by: User) -> Why | None:
        found = quote_obstacle(obj, by)
        if found:
            return found
        if obj.decision is None or obj.state not in ("decided", "communicated"):
            return say("{complaint} is not decided yet: decide it first.", complaint=obj.code)
        return consent_missing(obj)

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        return {
            "basis": suggested_basis(rows[0]),
            "period_id": rows[0].period_id,
            "rest": remedy_sought(rows[0].sought),
        }

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

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> ActionResult:
        refund = quote_and_propose(
            pk, by=by, reason=cleaned["reason"], period_id=cleaned["period_id"], **cleaned["terms"]
        )
        return ActionResult(
            say("{refund} is proposed. Somebody else has to approve it.", refund=refund.code), page_url(refund)
        )


class CloseComplaint(CaseAction):
    name = "close"
    label = _("Close")
    label_plural = _("Close complaints")
    icon = "archive"
    form_class = OptionalReasonForm
    rule = close_obstacle
    action = decisions.close_complaint
    effect = _("{complaint} leaves the queues. A lead can reopen it.")
    done = _("{complaint} is closed.")


class WithdrawComplaint(CaseAction):
    name = "withdraw"
    label = _("Withdraw")
    tone = "danger"
    icon = "undo-2"
    form_class = ChannelReasonForm
    intro = _("Only on the customer’s word. Write down how it came and what they said.")
    rule = withdraw_obstacle
    action = decisions.withdraw_complaint
    done = _("{complaint} is withdrawn.")

    def consequence(self, obj: Complaint, by: User) -> Text:
        waiting = open_refunds(obj)
        if not waiting:
            return say("{complaint} ends.", complaint=obj.code)
        return say("{complaint} ends, and {refund} is withdrawn with it.", complaint=obj.code, refund=waiting[0].code)
