"""What staff do to a refund: one class for each action of its room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms as django_forms
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.staff.approvers import ApprovalRights
from accounts.staff.batches.page_actions import ApprovesInBatches
from accounts.staff.batches.rules import Worth, worth_of
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.actions import Obstacle, Why
from backoffice.actions import ActionForm, OptionalReasonForm, Permission, ReasonForm, Sentence, StaffAction, offer
from complaints.cases.guards import with_what_guards_read
from complaints.quotes.panels import compared_quotes, frozen_quote_context, quote_context
from complaints.quotes.quoting import Choices
from complaints.quotes.text import plan_in_words
from complaints.refunds.approvals.actions import approve_refund, reject_refund, return_refund
from complaints.refunds.approvals.rules import (
    ANY_RIGHT,
    OWN_RIGHT,
    Authority,
    may_approve,
    return_obstacle,
    revoke_obstacle,
)
from complaints.refunds.common import choices_of
from complaints.refunds.endings.actions import revoke_refund, withdraw_refund
from complaints.refunds.forms import REMEDY_FIELDS, RefundForm
from complaints.refunds.models import Refund
from complaints.refunds.proposals.actions import edit_refund, propose_refund
from complaints.refunds.rules import edit_obstacle, justification_obstacle, propose_obstacle, withdraw_refund_obstacle
from core.amounts import money_text
from core.text import Text, join, say
from policies.choices import RemedyKind

APPROVING = (May.APPROVE_USAGE, May.APPROVE_INTERRUPTION, May.APPROVE_FULL_MONTH, May.APPROVE_SPECIAL)


class RefundAction(StaffAction[Refund]):
    """Common to all: rows with what the guards look at, and the sum over the rows."""

    may: ClassVar[Permission] = May.PROPOSE_REFUNDS

    def queryset(self, rows: models.QuerySet[Refund]) -> models.QuerySet[Refund]:
        return with_what_guards_read(rows)

    def summary(self, rows: Sequence[Refund], by: User) -> Text:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for refund in rows:
            sums[refund.currency] += refund.total
        return join(", ", (money_text(total, currency) for currency, total in sorted(sums.items())))


class EditRefund(RefundAction):
    name = "edit"
    label = _("Edit the draft")
    icon = "pencil"
    form_class = RefundForm
    preview_template = "complaints/panels/quote_card.html"
    previews_input = True
    intro = _("Whoever edits a refund cannot approve it.")
    rule = edit_obstacle

    def get_initial(self, rows: Sequence[Refund], by: User) -> dict[str, Any]:
        if len(rows) != 1:
            return {}
        refund = rows[0]
        names = (
            "basis",
            "special_amount",
            "incident_id",
            "justification",
            "evidence",
            "unusual_reason",
            "reduction",
            "reduction_reason",
        )
        initial: dict[str, Any] = {name: getattr(refund, name) for name in names}
        for entry in refund.remedy_plan:
            if "amount" in entry:
                initial[REMEDY_FIELDS[RemedyKind(entry["kind"])]] = entry["amount"]
            else:
                initial["rest"] = entry["kind"]
        return initial

    def preview_context(self, obj: Refund, by: User, form: ActionForm) -> Mapping[str, Any]:
        choices = choices_of(obj)
        form.is_valid()
        cleaned = getattr(form, "cleaned_data", {}) if form.is_bound else {}
        if "basis" in cleaned:
            assert isinstance(form, RefundForm)
            incident = next((each for each in form.incidents if each.pk == cleaned.get("incident_id")), None)
            choices = Choices(
                cleaned["basis"], cleaned.get("reduction") or Decimal(0), cleaned.get("special_amount"), incident
            )
        return quote_context(
            obj.complaint,
            obj.period,
            choices,
            leaving_out=obj,
            reduction_reason=cleaned.get("reduction_reason", obj.reduction_reason),
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        refund = edit_refund(pk, by=by, **cleaned["terms"])
        return say("{refund} is changed.", refund=refund.code)


class ProposeRefund(RefundAction):
    name = "propose"
    label = _("Propose")
    label_plural = _("Propose refunds")
    tone = "primary"
    icon = "send-horizontal"
    form_class = ReasonForm
    preview_template = "complaints/panels/quote_card.html"
    effect = _("{refund} is quoted now, frozen, and waits for somebody else’s approval.")

    def obstacle(self, obj: Refund, by: User) -> Obstacle | None:
        return propose_obstacle(obj, by) or justification_obstacle(obj)

    def preview_context(self, obj: Refund, by: User, form: ActionForm) -> Mapping[str, Any]:
        choices = choices_of(obj)
        return quote_context(obj.complaint, obj.period, choices, leaving_out=obj, reduction_reason=obj.reduction_reason)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        refund = propose_refund(pk, by=by, **cleaned)
        return say(
            "{refund} is proposed: {amount}.", refund=refund.code, amount=money_text(refund.total, refund.currency)
        )


class ApproverAction(RefundAction):
    """For those whose role approves, and for whoever stands in for one of them today."""

    may = APPROVING

    def obstacle(self, obj: Refund, by: User) -> Why | None:
        return type(self).rule(obj, by, rights=rights_of(by))

    def allowed(self, by: User | AnonymousUser) -> bool:
        if super().allowed(by):
            return True
        return isinstance(by, User) and by.may(May.WORK_COMPLAINTS) and bool(rights_of(by).received_by(by))

    def preview_context(self, obj: Refund, by: User, form: ActionForm) -> Mapping[str, Any]:
        proposed = frozen_quote_context(obj)
        if obj.state != Refund.State.DRAFT or not proposed:
            return proposed
        # An approval was refused because figures have changed: what they are now stands beside what was proposed.
        choices = choices_of(obj)
        now = quote_context(obj.complaint, obj.period, choices, leaving_out=obj, reduction_reason=obj.reduction_reason)
        return {**proposed, "now": now, **compared_quotes(obj, now)}


def rights_of(by: User) -> ApprovalRights:
    """The limits and delegations of today, read once for a page: ``by`` is the person as this request read them."""
    today = timezone.localdate()
    known: ApprovalRights | None = by.__dict__.get("_rights_of_today")
    if known is None or known.day != today:
        known = by.__dict__["_rights_of_today"] = ApprovalRights(today)
    return known


class ApproveForm(OptionalReasonForm):
    """A reason, and by whose right, where there is more than one."""

    choice = django_forms.ChoiceField(
        label=_("By whose right"),
        required=False,
        help_text=_("Your own right is used if it suffices, otherwise that of the person you stand in for."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert self.by is not None
        received = rights_of(self.by).received_by(self.by)
        if not received:
            del self.fields["choice"]
            return
        in_place = [
            (str(right.delegation.pk), say("In the place of {person}", person=right.person))
            for right in received
            if right.delegation
        ]
        of_ones_own = [(ANY_RIGHT, say("Whichever suffices")), (OWN_RIGHT, say("My own"))]
        offer(self, "choice", choices=[*of_ones_own, *in_place])
        self.order_fields(("choice", "reason"))


class ApproveRefund(ApproverAction, ApprovesInBatches[Refund]):
    name = "approve"
    label = _("Approve")
    label_plural = _("Approve refunds")
    tone = "primary"
    icon = "check"
    form_class = ApproveForm
    preview_template = "complaints/panels/quote_card.html"
    intro = _("The quote is computed again first. If a figure has changed, nothing is given and it goes back to draft.")

    def obstacle(self, obj: Refund, by: User) -> Obstacle | None:
        found = may_approve(obj, by, rights=rights_of(by))
        return found if isinstance(found, Obstacle) else None

    def worth(self, rows: Sequence[Refund]) -> Worth:
        return worth_of((refund.basis, refund.currency, refund.total) for refund in rows)

    def consequence(self, obj: Refund, by: User) -> str:
        amount = money_text(obj.total, obj.currency)
        found = may_approve(obj, by, rights=rights_of(by))
        if obj.state == Refund.State.PROPOSED and isinstance(found, Authority) and found.takes_two:
            what = say(
                "First of two approvals of {amount} for {customer}; nothing is given yet.",
                amount=amount,
                customer=obj.customer.name,
            )
        else:
            what = say(
                "{customer} gets {remedies}, at once.",
                customer=obj.customer.name,
                remedies=plan_in_words(obj.remedy_plan, obj.currency, obj.set_off),
            )
        return f"{what} {self._by_whose_right(obj, by, found)}".strip()

    def _by_whose_right(self, refund: Refund, by: User, found: Authority | Obstacle) -> Text:
        """Said where there is a choice: whose right is used unless another is chosen."""
        if isinstance(found, Obstacle) or not rights_of(by).received_by(by):
            return ""
        limit = say("any amount") if found.limit is None else money_text(found.limit, refund.currency)
        if found.right.delegation is None:
            return say("Your own limit of {limit} suffices.", limit=limit)
        return say(
            "You approve in the place of {person}, within their limit of {limit}.",
            person=found.right.person,
            limit=limit,
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        refund = approve_refund(pk, by=by, **cleaned)
        if refund.state == Refund.State.SETTLED:
            given = plan_in_words(refund.remedy_plan, refund.currency, refund.set_off)
            return say("{refund} is approved and settled: {given}.", refund=refund.code, given=given)
        return say("{refund} is approved once. Somebody else has to approve it, too.", refund=refund.code)


class ReturnRefund(ApproverAction):
    name = "return"
    label = _("Return")
    label_plural = _("Return refunds")
    icon = "undo-2"
    form_class = ReasonForm
    rule = return_obstacle
    action = return_refund
    effect = Sentence(
        _("{refund} goes back to {person} as a draft; its amount is not held any more."),
        person="proposed_by",
    )
    done = _("{refund} is returned.")


class RejectRefund(ApproverAction):
    name = "reject"
    label = _("Reject")
    label_plural = _("Reject refunds")
    tone = "danger"
    icon = "x"
    form_class = ReasonForm
    rule = return_obstacle
    action = reject_refund
    effect = _("{refund} ends for good.")
    done = _("{refund} is rejected.")


class WithdrawRefund(RefundAction):
    name = "withdraw"
    label = _("Withdraw")
    label_plural = _("Withdraw refunds")
    tone = "danger"
    icon = "trash-2"
    form_class = ReasonForm
    rule = withdraw_refund_obstacle
    action = withdraw_refund
    effect = _("{refund} ends; a new one can be drafted.")
    done = _("{refund} is withdrawn.")


class RevokeRefund(ApproverAction):
    name = "revoke"
    label = _("Revoke")
    label_plural = _("Revoke refunds")
    tone = "danger"
    icon = "ban"
    form_class = ReasonForm
    rule = revoke_obstacle
    action = revoke_refund
    effect = _("The first approval of {refund} is taken back, and the refund ends.")
    done = _("{refund} is revoked.")


REFUND_ACTIONS: tuple[type[StaffAction[Any]], ...] = (
    ApproveRefund,
    ReturnRefund,
    RejectRefund,
    ProposeRefund,
    EditRefund,
    WithdrawRefund,
    RevokeRefund,
)
