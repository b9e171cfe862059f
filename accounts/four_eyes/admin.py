"""The pages of what it takes two people for: its state, publishing a draft and giving it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts.four_eyes.models import ApprovedByAnother, PublishedByAnother
from accounts.four_eyes.rules import draft_obstacle, publish_obstacle
from accounts.staff.models import User
from audit.actions import Obstacle
from audit.models import Event
from backoffice.actions import ActionForm, OptionalReasonForm, ReasonForm, StaffAction
from backoffice.admin import TrackedAdmin
from backoffice.display import PillTone, pill
from backoffice.panels import Panel, timeline_panel

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
    label = gettext_lazy("Publish")
    tone = "primary"
    icon = "check"
    form_class: ClassVar[type[ActionForm]] = OptionalReasonForm

    def obstacle(self, obj: M, by: User) -> Obstacle | None:
        return publish_obstacle(obj, by)


class Discard[M: PublishedByAnother](StaffAction[M]):
    name = "discard"
    label = gettext_lazy("Discard")
    tone = "danger"
    icon = "trash-2"
    form_class = ReasonForm

    def obstacle(self, obj: M, by: User) -> Obstacle | None:
        return draft_obstacle(obj)


class FourEyesAdmin(TrackedAdmin):
    """Its state as a pill, in the list and above the page; what happened to it below."""

    @admin.display(description=gettext_lazy("State"), ordering="state")
    def state_pill(self, obj: Any) -> SafeString:
        return four_eyes_pill(obj)

    def page_pills(self, request: HttpRequest, obj: Any) -> Sequence[SafeString]:
        return [four_eyes_pill(obj)]

    def change_panels(self, request: HttpRequest, obj: Any) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj), about=obj)]
