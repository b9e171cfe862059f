"""The pages of proposed merges of customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.customers.merge.actions import MERGES, approve_merge, reject_merge, withdraw_merge
from accounts.customers.merge.panels import differences_table, merge_context
from accounts.customers.merge.rules import approve_obstacle
from accounts.customers.models import CustomerMerge
from accounts.four_eyes.admin import ProposalAdmin, Reject, Withdraw
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ActionForm, OptionalReasonForm, StaffAction
from backoffice.display import column
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


class RejectMerge(Reject[CustomerMerge]):
    may = May.APPROVE_MERGES
    rule = MERGES.decide_obstacle
    action = reject_merge
    done = _("{merge}: rejected.")


class WithdrawMerge(Withdraw[CustomerMerge]):
    may = May.MERGE_CUSTOMERS
    rule = MERGES.withdraw_obstacle
    action = withdraw_merge
    done = _("{merge}: taken back.")


@admin.register(CustomerMerge)
class CustomerMergeAdmin(ProposalAdmin[CustomerMerge]):
    may_view = May.SEE_CASES
    staff_actions = (ApproveMerge, RejectMerge, WithdrawMerge)
    list_display = ("proposed", "duplicate", "survivor", "state_pill", "proposed_by", "decided_by")
    list_filter = ("state", "proposed_at")
    list_select_related = ("duplicate__merged_into", "survivor__merged_into", "proposed_by", "decided_by")
    reads = list_select_related
    search_fields = ("duplicate__name", "duplicate__number", "survivor__name", "survivor__number")
    search_help_text = _("Customer")
    empty_hint = _("They are proposed on the page of likely duplicates, in the list of customers.")
    fields = ("duplicate_link", "survivor_link", "reason", "proposal", "decision")
    readonly_fields = ("duplicate_link", "survivor_link", "proposal", "decision")

    duplicate_link = column(link, "duplicate", description=_("Customer to merge"))
    survivor_link = column(link, "survivor", description=_("Into"))

    def change_panels(self, request: StaffRequest, obj: CustomerMerge) -> list[Panel]:
        table = differences_table(obj.differences)
        return [Panel(say("Where the two differ"), TABLE, table, side="right"), *super().change_panels(request, obj)]
