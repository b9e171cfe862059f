"""What team leads and managers do to cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.models import User
from accounts.panels import page_url
from audit.backoffice import Done, ReasonForm
from complaints import forms, guards
from complaints.actions import decisions
from complaints.admin.case_actions.common import LeadAction
from complaints.models import Complaint


class Merge(LeadAction):
    name = "merge"
    label = "Merge"
    icon = "merge"
    form_class = forms.MergeForm
    intro = "The other complaint goes on, with the earlier day of receipt and the earlier deadlines of both."

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
    intro = "The case went to a dispute resolution body. Come back here when that has ended, and write down how."

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
            "ended_on": case.referral_ended_on,
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
