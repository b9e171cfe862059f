"""What team leads and managers do to cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from backoffice.actions import ActionResult, ReasonForm, Sentence
from backoffice.links import page_url
from complaints.cases.decisions import actions as decisions
from complaints.cases.forms import MergeComplaintsForm, ReferForm
from complaints.cases.models import Complaint
from complaints.cases.page_actions.common import LeadAction
from complaints.cases.rules import consent_obstacle, lead_obstacle, merge_obstacle, reopen_obstacle
from core.text import Text, say


class Merge(LeadAction):
    name = "merge"
    label = _("Merge")
    icon = "merge"
    form_class = MergeComplaintsForm
    intro = _("The other complaint goes on, with the earlier day of receipt and the earlier deadlines of both.")
    rule = merge_obstacle
    leaves_a_hand = True

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> ActionResult:
        survivor = decisions.merge_complaints(pk, by=by, into_id=cleaned["into"].pk, reason=cleaned["reason"])
        return ActionResult(say("Merged into {complaint}.", complaint=survivor.code), page_url(survivor))


class Reopen(LeadAction):
    name = "reopen"
    label = _("Reopen")
    icon = "rotate-ccw"
    form_class = ReasonForm
    rule = reopen_obstacle
    action = decisions.reopen_complaint
    effect = _("{complaint} goes back into review; its deadlines start anew, missed ones stay on record.")
    done = _("{complaint} is open again.")


class Escalate(LeadAction):
    name = "escalate"
    label = _("Escalate")
    label_plural = _("Escalate complaints")
    icon = "arrow-big-up"
    form_class = ReasonForm
    rule = lead_obstacle
    action = decisions.escalate_complaint
    done = Sentence(_("{complaint} is on level {level}."), level="escalation_level")

    def consequence(self, obj: Complaint, by: User) -> Text:
        return say("{complaint} rises to level {level}.", complaint=obj.code, level=obj.escalation_level + 1)


class Refer(LeadAction):
    name = "refer"
    label = _("Dispute resolution")
    icon = "landmark"
    form_class = ReferForm
    intro = _("The case went to a dispute resolution body. Come back here when that has ended, and write down how.")
    rule = lead_obstacle
    action = decisions.refer_complaint
    done = _("The referral of {complaint} is on record.")

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        if len(rows) != 1 or not rows[0].referral_scheme:
            return {}
        case = rows[0]
        return {
            "scheme": case.referral_scheme,
            "reference": case.referral_reference,
            "referred_on": case.referred_on,
            "ended_on": case.referral_ended_on,
            "outcome": case.referral_outcome,
        }


class Consent(LeadAction):
    name = "consent"
    label = _("Consent to an old case")
    icon = "badge-check"
    form_class = ReasonForm
    leaves_a_hand = True
    rule = consent_obstacle
    action = decisions.give_consent
    done = _("You consented: a refund on {complaint} may be proposed.")
