"""Making a late answer good, where the policy names an indemnity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle
from backoffice.actions import ActionForm, ActionResult
from backoffice.links import page_url
from complaints.cases.models import Complaint
from complaints.cases.page_actions.common import CaseAction
from complaints.indemnities.actions import draft_indemnity
from complaints.indemnities.forms import IndemnityForm
from complaints.indemnities.rules import indemnity_for
from complaints.quotes.panels import quote_context
from complaints.quotes.quoting import Choices
from complaints.refunds.remedies.kinds import remedy_sought
from core.text import Text, say
from policies.choices import Basis


class Indemnify(CaseAction):
    name = "indemnity"
    label = _("Indemnity for a late answer")
    icon = "hand-coins"
    may = May.PROPOSE_REFUNDS
    form_class = IndemnityForm
    preview_template = "complaints/panels/quote_card.html"

    def obstacle(self, obj: Complaint, by: User) -> Obstacle | None:
        found = indemnity_for(obj, by)
        return found if isinstance(found, Obstacle) else None

    def consequence(self, obj: Complaint, by: User) -> Text:
        found = indemnity_for(obj, by)
        if isinstance(found, Obstacle):
            return ""
        return say(
            "A draft is made: {indemnity}. You propose it from its page, and a manager approves.",
            indemnity=found.in_words,
        )

    def get_initial(self, rows: Sequence[Complaint], by: User) -> dict[str, Any]:
        sought = rows[0].sought if len(rows) == 1 else ""
        return {"remedy": remedy_sought(sought)}

    def preview_context(self, obj: Complaint, by: User, form: ActionForm) -> Mapping[str, Any]:
        found = indemnity_for(obj, by)
        if isinstance(found, Obstacle):
            return {"problem": str(found)}
        return quote_context(obj, obj.period, Choices(Basis.SPECIAL, special_amount=found.amount))

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> ActionResult:
        refund = draft_indemnity(pk, by=by, remedies=[{"kind": cleaned["remedy"]}])
        return ActionResult(
            say("{refund} is drafted. Look at it and propose it.", refund=refund.code), page_url(refund)
        )
