"""The pages of control limits."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import FourEyesAdmin, Publish
from accounts.staff.limits.controls.actions import draft_control_limit, publish_control_limit
from accounts.staff.limits.controls.forms import ControlLimitForm
from accounts.staff.models import ControlLimit, User
from accounts.staff.permissions import May
from backoffice.actions import PageAction
from backoffice.display import column
from backoffice.links import page_url
from backoffice.requests import StaffRequest
from core.text import Text, say


class DraftControlLimit(PageAction):
    name = "draft"
    label = _("Draft a control limit")
    icon = "plus"
    may = May.DRAFT_STAFF
    form_class = ControlLimitForm
    intro = _("It holds once a manager has published it. No policy and no agreement goes beyond it.")
    action = draft_control_limit
    done = _("Drafted: {limit}. A manager has to publish it.")
    opens = page_url

    def get_initial(self, request: StaffRequest) -> dict[str, Any]:
        return {"valid_from": timezone.localdate(), "currency": "EUR", **request.GET.dict()}


class PublishControlLimit(Publish[ControlLimit]):
    label_plural = _("Publish control limits")
    may = May.PUBLISH_STAFF
    action = publish_control_limit
    done = _("Published: {limit}.")

    def consequence(self, obj: ControlLimit, by: User) -> Text:
        if obj.days is not None:
            return say(
                "From {day} on, what was granted in the last {figure} counts at least, whatever a policy says.",
                day=obj.valid_from,
                figure=obj.figure,
            )
        return say(
            "From {day} on, two people approve above {figure}, whatever a policy says.",
            day=obj.valid_from,
            figure=obj.figure,
        )


@admin.register(ControlLimit)
class ControlLimitAdmin(FourEyesAdmin[ControlLimit]):
    may_view = May.SEE_STAFF
    staff_actions = (PublishControlLimit,)
    page_actions = (DraftControlLimit,)
    list_display = ("kind", "currency", "figure_shown", "valid_from", "state_pill", "drafted_by", "published_by")
    list_filter = ("state", "kind", "currency")
    list_select_related = ("drafted_by", "published_by")
    numeric_columns = ("figure_shown",)
    empty_hint = _(
        "Until one is published, two people approve above 1,000.00 in EUR, USD, GBP and CHF, above nothing in other "
        "currencies, and what was granted in the last 30 days counts."
    )
    fields = ("kind", "currency", "figure_shown", "valid_from", "drafted_by", "published_by")
    readonly_fields = ("figure_shown",)

    figure_shown = column(lambda figure: figure, "figure", description=_("Limit"))
