"""The pages of proposed merges of customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.customers.merge.actions import approve_merge, reject_merge, withdraw_merge
from accounts.customers.merge.panels import differences_table, merge_context
from accounts.customers.merge.rules import approve_obstacle, decide_obstacle, withdraw_obstacle
from accounts.customers.models import CustomerMerge
from accounts.four_eyes.admin import FourEyesAdmin
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ActionForm, OptionalReasonForm, ReasonForm, StaffAction
from backoffice.display import column, sub, when
from backoffice.links import link
from backoffice.panels import Panel
from backoffice.requests import StaffRequest
from backoffice.tables import TABLE
from core.text import Text, say


class ApproveMerge(StaffAction[CustomerMerge]):
    name = "approve"
    label = _("Approve the merge")
    tone = "danger"
    icon = "merge"
    may = May.APPROVE_MERGES
    form_class = OptionalReasonForm
    preview_template = "accounts/merge_comes_to.html"
    rule = approve_obstacle
    action = approve_merge
    done = _("{merge}: done.")

    def consequence(self, obj: CustomerMerge, by: User) -> Text:
        return say(
            "Everything of {duplicate} moves to {survivor}, and {duplicate} is kept for reading only. There is no way "
            "back by a button.",
            duplicate=obj.duplicate,
            survivor=obj.survivor,
        )

    def preview_context(self, obj: CustomerMerge, by: User, form: ActionForm) -> Mapping[str, Any]:
        return merge_context(obj.duplicate, obj.survivor)


class RejectMerge(StaffAction[CustomerMerge]):
    name = "reject"
    label = _("Reject")
    icon = "x"
    may = May.APPROVE_MERGES
    form_class = ReasonForm
    rule = decide_obstacle
    action = reject_merge
    done = _("{merge}: rejected.")


class WithdrawMerge(StaffAction[CustomerMerge]):
    name = "withdraw"
    label = _("Withdraw")
    icon = "undo-2"
    may = May.MERGE_CUSTOMERS
    form_class = OptionalReasonForm
    rule = withdraw_obstacle
    action = withdraw_merge
    done = _("{merge}: taken back.")


@admin.register(CustomerMerge)
class CustomerMergeAdmin(FourEyesAdmin[CustomerMerge]):
    may_view = May.SEE_CASES
    staff_actions = (ApproveMerge, RejectMerge, WithdrawMerge)
    list_display = ("proposed", "duplicate", "survivor", "state_pill", "proposed_by", "decided_by")
    list_filter = ("state", "proposed_at")
    list_select_related = ("duplicate__merged_into", "survivor__merged_into", "proposed_by", "decided_by")
    reads = list_select_related
    search_fields = ("duplicate__name", "duplicate__number", "survivor__name", "survivor__number")
    search_help_text = _("Customer")
    ordering = ("-proposed_at", "-pk")
    empty_hint = _("They are proposed on the page of likely duplicates, in the list of customers.")
    fields = ("duplicate_link", "survivor_link", "reason", "proposal", "decision")
    readonly_fields = ("duplicate_link", "survivor_link", "proposal", "decision")

    proposed = column(when, "proposed_at", description=_("Proposed"), ordering="proposed_at")
    duplicate_link = column(link, "duplicate", description=_("Customer to merge"))
    survivor_link = column(link, "survivor", description=_("Into"))

    @admin.display(description=_("Proposed"))
    def proposal(self, obj: CustomerMerge) -> SafeString:
        return format_html("{}{}", obj.proposed_by, sub(when(obj.proposed_at)))

    @admin.display(description=_("Decided"))
    def decision(self, obj: CustomerMerge) -> SafeString:
        return (
            format_html("{}{}", obj.decided_by, sub(when(obj.decided_at)))
            if obj.decided_by
            else SafeString(say("not yet"))
        )

    def change_panels(self, request: StaffRequest, obj: CustomerMerge) -> list[Panel]:
        table = differences_table(obj.differences)
        return [Panel(say("Where the two differ"), TABLE, table, side="right"), *super().change_panels(request, obj)]
