"""What staff do to a refund, one class an action of ``complaints.actions.refunds``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models

from accounts.amounts import money_text
from accounts.models import User
from accounts.permissions import May, roles_that
from audit.backoffice import OptionalReasonForm, ReasonForm, StaffAction
from audit.backoffice.actions import ActionForm, Permission
from complaints import forms, guards
from complaints.actions import refunds
from complaints.admin.panels import frozen_quote_context, quote_context
from complaints.models import Refund
from complaints.policy_parameters import RemedyKind
from complaints.quoting import Choices
from complaints.wording import plan_in_words

APPROVING = (May.APPROVE_USAGE, May.APPROVE_INTERRUPTION, May.APPROVE_FULL_MONTH, May.APPROVE_SPECIAL)


class RefundAction(StaffAction[Refund]):
    """Common to all: rows with what the guards look at, and the sum over the rows."""

    may: ClassVar[Permission] = May.PROPOSE_REFUNDS
    roles = roles_that(May.PROPOSE_REFUNDS)

    def queryset(self, rows: models.QuerySet[Refund]) -> models.QuerySet[Refund]:
        return with_what_guards_read(rows)

    def summary(self, rows: Sequence[Refund], by: User) -> str:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for refund in rows:
            sums[refund.currency] += refund.total
        return ", ".join(money_text(total, currency) for currency, total in sorted(sums.items()))


def with_what_guards_read(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Refunds with everything that guards and pages look at."""
    return rows.select_related(
        "customer",
        "subscription__customer",
        "period__subscription__customer",
        "period__plan",
        "complaint__decision",
        "complaint__period",
        "complaint__refund_policy__policy",
        "complaint__agreement",
        "refund_policy__policy",
        "fulfilment_policy__policy",
        "agreement",
        "proposed_by",
        "drafted_by",
        "retry_of",
        "credit_note",
    ).prefetch_related(
        "contributions__by",
        "reversals",
        "approvals__approver",
        "complaint__decisions",
        "complaint__assessments",
        "complaint__merged_complaints__decisions",
        "complaint__merged_complaints__assessments",
        "complaint__merged_complaints__merged_complaints",
    )


class Edit(RefundAction):
    name = "edit"
    label = "Edit the draft"
    icon = "pencil"
    in_bulk = False
    form_class = forms.RefundForm
    preview_template = "complaints/panels/quote_card.html"
    previews_input = True
    intro = "Whoever edits a refund cannot approve it."

    def obstacle(self, obj: Refund, by: User) -> str | None:
        return guards.edit_obstacle(obj, by)

    def get_initial(self, rows: Sequence[Refund], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        refund = rows[0]
        names = ("basis", "special_amount", "justification", "evidence", "reduction", "reduction_reason")
        initial: dict[str, Any] = {name: getattr(refund, name) for name in names}
        for entry in refund.remedy_plan:
            if "amount" in entry:
                initial[forms.REMEDY_FIELDS[RemedyKind(entry["kind"])]] = entry["amount"]
            else:
                initial["rest"] = entry["kind"]
        return initial

    def preview_context(self, obj: Refund, by: User, form: ActionForm) -> Mapping[str, Any]:
        choices = Choices(obj.basis, obj.reduction, obj.special_amount)
        form.is_valid()
        cleaned = getattr(form, "cleaned_data", {}) if form.is_bound else {}
        if "basis" in cleaned:
            choices = Choices(cleaned["basis"], cleaned.get("reduction") or Decimal(0), cleaned.get("special_amount"))
        return quote_context(
            obj.complaint,
            obj.period,
            choices,
            leaving_out=obj,
            reduction_reason=cleaned.get("reduction_reason", obj.reduction_reason),
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        refund = refunds.edit_refund(pk, by=by, **cleaned["terms"])
        return f"{refund.code} is changed."


class Propose(RefundAction):
    name = "propose"
    label = "Propose"
    label_plural = "Propose refunds"
    tone = "primary"
    icon = "send-horizontal"
    form_class = ReasonForm
    preview_template = "complaints/panels/quote_card.html"

    def obstacle(self, obj: Refund, by: User) -> str | None:
        return guards.propose_obstacle(obj, by) or guards.justification_obstacle(obj)

    def consequence(self, obj: Refund, by: User) -> str:
        return f"{obj.code} is quoted now, frozen, and waits for somebody else’s approval."

    def preview_context(self, obj: Refund, by: User, form: ActionForm) -> Mapping[str, Any]:
        choices = Choices(obj.basis, obj.reduction, obj.special_amount)
        return quote_context(obj.complaint, obj.period, choices, leaving_out=obj, reduction_reason=obj.reduction_reason)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        refund = refunds.propose_refund(pk, by=by, **cleaned)
        return f"{refund.code} is proposed: {money_text(refund.total, refund.currency)}."


class ApproverAction(RefundAction):
    may = APPROVING
    roles = roles_that(May.APPROVE_USAGE)

    def preview_context(self, obj: Refund, by: User, form: ActionForm) -> Mapping[str, Any]:
        return frozen_quote_context(obj)


class Approve(ApproverAction):
    name = "approve"
    label = "Approve"
    label_plural = "Approve refunds"
    tone = "primary"
    icon = "check"
    form_class = OptionalReasonForm
    preview_template = "complaints/panels/quote_card.html"
    intro = "The quote is computed again first. If a figure has changed, nothing is given and it goes back to draft."

    def obstacle(self, obj: Refund, by: User) -> str | None:
        return guards.approve_obstacle(obj, by) or guards.limit_obstacle(obj, by)

    def consequence(self, obj: Refund, by: User) -> str:
        amount = money_text(obj.total, obj.currency)
        first = obj.state == Refund.State.PROPOSED
        if first and obj.terms.needs_two_approvals(obj.total, obj.currency):
            return f"First of two approvals of {amount} for {obj.customer.name}; nothing is given yet."
        return f"{obj.customer.name} gets {plan_in_words(obj.remedy_plan, obj.currency)}, at once."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        refund = refunds.approve_refund(pk, by=by, **cleaned)
        if refund.state == Refund.State.SETTLED:
            given = plan_in_words(refund.remedy_plan, refund.currency)
            return f"{refund.code} is approved and settled: {given}."
        return f"{refund.code} is approved once. Somebody else has to approve it, too."


class Return(ApproverAction):
    name = "return"
    label = "Return"
    label_plural = "Return refunds"
    icon = "undo-2"
    form_class = ReasonForm

    def obstacle(self, obj: Refund, by: User) -> str | None:
        return guards.return_obstacle(obj, by)

    def consequence(self, obj: Refund, by: User) -> str:
        return f"{obj.code} goes back to {obj.proposed_by} as a draft; its amount is not held any more."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        refund = refunds.return_refund(pk, by=by, **cleaned)
        return f"{refund.code} is returned."


class Reject(ApproverAction):
    name = "reject"
    label = "Reject"
    label_plural = "Reject refunds"
    tone = "danger"
    icon = "x"
    form_class = ReasonForm

    def obstacle(self, obj: Refund, by: User) -> str | None:
        return guards.return_obstacle(obj, by)

    def consequence(self, obj: Refund, by: User) -> str:
        return f"{obj.code} ends for good."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        refund = refunds.reject_refund(pk, by=by, **cleaned)
        return f"{refund.code} is rejected."


class Withdraw(RefundAction):
    name = "withdraw"
    label = "Withdraw"
    label_plural = "Withdraw refunds"
    tone = "danger"
    icon = "trash-2"
    form_class = ReasonForm

    def obstacle(self, obj: Refund, by: User) -> str | None:
        return guards.withdraw_refund_obstacle(obj, by)

    def consequence(self, obj: Refund, by: User) -> str:
        return f"{obj.code} ends; a new one can be drafted."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        refund = refunds.withdraw_refund(pk, by=by, **cleaned)
        return f"{refund.code} is withdrawn."


class Revoke(ApproverAction):
    name = "revoke"
    label = "Revoke"
    label_plural = "Revoke refunds"
    tone = "danger"
    icon = "ban"
    form_class = ReasonForm

    def obstacle(self, obj: Refund, by: User) -> str | None:
        return guards.revoke_obstacle(obj, by)

    def consequence(self, obj: Refund, by: User) -> str:
        return f"The first approval of {obj.code} is taken back, and the refund ends."

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        refund = refunds.revoke_refund(pk, by=by, **cleaned)
        return f"{refund.code} is revoked."


REFUND_ACTIONS: tuple[type[StaffAction[Any]], ...] = (
    Approve,
    Return,
    Reject,
    Propose,
    Edit,
    Withdraw,
    Revoke,
)
