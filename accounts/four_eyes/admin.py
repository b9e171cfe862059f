"""The pages of what it takes two people for: its state, publishing a draft and giving it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.models import ApprovedByAnother, PublishedByAnother
from accounts.four_eyes.rules import draft_obstacle, publish_obstacle
from accounts.staff.batches.page_actions import ApprovesInBatches
from accounts.staff.models import User
from audit.actions import Obstacle
from backoffice.actions import ActionForm, OptionalReasonForm, ReasonForm, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import PillTone, column, pill, sub, when
from core.text import say

_TONES: Mapping[str, PillTone] = {
    "draft": "warn",
    "published": "good",
    "discarded": "mute",
    "proposed": "warn",
    "approved": "good",
    "rejected": "bad",
    "withdrawn": "mute",
}


def four_eyes_pill(row: PublishedByAnother | ApprovedByAnother) -> SafeString:
    return pill(row.get_state_display(), _TONES[row.state])


class Publish[M: PublishedByAnother](StaffAction[M]):
    name = "publish"
    label = _("Publish")
    tone = "primary"
    icon = "check"
    form_class: ClassVar[type[ActionForm]] = OptionalReasonForm
    rule = publish_obstacle


class Discard[M: PublishedByAnother](StaffAction[M]):
    name = "discard"
    label = _("Discard")
    tone = "danger"
    icon = "trash-2"
    form_class = ReasonForm

    def obstacle(self, obj: M, by: User) -> Obstacle | None:
        return draft_obstacle(obj)


class Approve[M: ApprovedByAnother](ApprovesInBatches[M]):
    name = "approve"
    label = _("Approve")
    tone = "primary"
    icon = "check"
    form_class: ClassVar[type[ActionForm]] = OptionalReasonForm


class Reject[M: ApprovedByAnother](StaffAction[M]):
    name = "reject"
    label = _("Reject")
    tone = "danger"
    icon = "x"
    form_class = ReasonForm


class Withdraw[M: ApprovedByAnother](StaffAction[M]):
    name = "withdraw"
    label = _("Withdraw")
    icon = "undo-2"
    form_class: ClassVar[type[ActionForm]] = OptionalReasonForm


class FourEyesAdmin[M: PublishedByAnother | ApprovedByAnother](TrackedAdmin[M]):
    """Its state as a pill, in the list and above the page."""

    heading_pill = four_eyes_pill

    state_pill = column(four_eyes_pill, description=_("State"), ordering="state")


class ProposalAdmin[M: ApprovedByAnother](FourEyesAdmin[M]):
    """Who proposed it and who decided, the newest first."""

    ordering = ("-proposed_at", "-pk")

    proposed = column(when, "proposed_at", description=_("Proposed"), ordering="proposed_at")

    @admin.display(description=_("Proposed"))
    def proposal(self, obj: M) -> SafeString:
        return format_html("{}{}", obj.proposed_by, sub(when(obj.proposed_at)))

    @admin.display(description=_("Decided"))
    def decision(self, obj: M) -> SafeString:
        if obj.decided_by is None:
            return format_html("{}", say("not yet"))
        return format_html("{}{}", obj.decided_by, sub(when(obj.decided_at)))
