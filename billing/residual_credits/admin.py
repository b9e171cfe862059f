"""Pages of leftover credit that is to be paid out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import Approve, ProposalAdmin, Reject, Withdraw
from accounts.staff.batches.rules import Worth, worth_of
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ReasonForm, StaffAction
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import link
from billing.credits.models import Credit
from billing.payouts.panels import payout_pill
from billing.residual_credits.actions import (
    LEFTOVERS,
    SUBJECT,
    approve_obstacle,
    approve_residual_payout,
    propose_obstacle,
    reject_residual_payout,
    withdraw_residual_payout,
)
from billing.residual_credits.forms import ResidualPayoutForm
from billing.residual_credits.models import ResidualCreditPayout
from core.amounts import money_text, sums_in_words
from core.text import Text, say


class ProposeResidualPayout(StaffAction[Credit]):
    name = "pay_out"
    label = _("Propose to pay it out")
    icon = "banknote"
    may = May.HANDLE_MONEY
    form_class = ResidualPayoutForm
    rule = propose_obstacle

    def consequence(self, obj: Credit, by: User) -> Text:
        left = money_text(obj.remaining, obj.currency)
        return say("{left} is left. A manager who is not you approves it before anything is paid.", left=left)

    def get_initial(self, rows: Sequence[Credit], by: User) -> dict[str, Any]:
        return {"amount": rows[0].remaining}


# --- What ended subscriptions left --------------------------------------------------------------


class _OnResidualPayout(StaffAction[ResidualCreditPayout]):
    def summary(self, rows: Sequence[ResidualCreditPayout], by: User) -> Text:
        return sums_in_words((leftover.credit.currency, leftover.amount) for leftover in rows)


class ApproveResidualPayout(_OnResidualPayout, Approve[ResidualCreditPayout]):
    label_plural = _("Approve")
    may = May.APPROVE_LEFTOVER
    rule = approve_obstacle

    def worth(self, rows: Sequence[ResidualCreditPayout]) -> Worth:
        return worth_of((SUBJECT, leftover.credit.currency, leftover.amount) for leftover in rows)

    def consequence(self, obj: ResidualCreditPayout, by: User) -> Text:
        customer = obj.credit.customer
        return say(
            "{amount} is to be paid to {customer}, {iban}.",
            amount=money_text(obj.amount, obj.credit.currency),
            customer=customer.name,
            iban=customer.iban,
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        leftover = approve_residual_payout(pk, by=by, reason=cleaned["reason"])
        return say("{payout}: approved, the payout waits for the bank.", payout=leftover)


class RejectResidualPayout(_OnResidualPayout, Reject[ResidualCreditPayout]):
    label_plural = _("Reject")
    may = May.APPROVE_LEFTOVER
    rule = LEFTOVERS.decide_obstacle
    action = reject_residual_payout
    done = _("{payout}: rejected.")


class WithdrawResidualPayout(_OnResidualPayout, Withdraw[ResidualCreditPayout]):
    label_plural = _("Withdraw")
    may = May.HANDLE_MONEY
    form_class = ReasonForm
    rule = LEFTOVERS.withdraw_obstacle
    action = withdraw_residual_payout
    done = _("{payout}: taken back.")


@admin.register(ResidualCreditPayout)
class ResidualCreditPayoutAdmin(ProposalAdmin[ResidualCreditPayout]):
    may_view = May.SEE_MONEY
    staff_actions = (ApproveResidualPayout, RejectResidualPayout, WithdrawResidualPayout)
    list_display = ("proposed", "customer", "subscription", "amount_shown", "state_pill", "proposed_by", "decided_by")
    list_filter = ("state", "proposed_at")
    list_select_related = ("credit__customer", "credit__subscription", "proposed_by", "decided_by", "payout")
    reads = list_select_related
    numeric_columns = ("amount_shown",)
    search_fields = ("credit__customer__name", "credit__customer__number", "credit__subscription__number")
    search_help_text = _("Customer or subscription number")
    empty_hint = _("They are proposed on the page of a credit that a subscription left when it ended.")
    fields = (
        "customer",
        "subscription",
        "credit_link",
        "amount_shown",
        "reason",
        "proposal",
        "decision",
        "payout_link",
    )
    readonly_fields = (
        "customer",
        "subscription",
        "credit_link",
        "amount_shown",
        "proposal",
        "decision",
        "payout_link",
    )

    customer = column(link, "credit.customer", description=_("Customer"), ordering="credit__customer__name")
    subscription = column(
        link, "credit.subscription", description=_("Subscription"), ordering="credit__subscription__number"
    )

    @admin.display(description=_("Credit"))
    def credit_link(self, obj: ResidualCreditPayout) -> SafeString:
        return link(obj.credit, f"{obj.credit}, {obj.credit.reason}")

    amount_shown = column(money, "amount", "credit.currency", description=_("Amount"), ordering="amount")

    @admin.display(description=_("Payout"))
    def payout_link(self, obj: ResidualCreditPayout) -> SafeString:
        if obj.payout is None:
            return format_html("{}", say("none"))
        return format_html("{} {}", link(obj.payout, "payout"), payout_pill(obj.payout))

    def page_title(self, obj: ResidualCreditPayout) -> Text:
        return say(
            "{amount} left to {customer}",
            amount=money_text(obj.amount, obj.credit.currency),
            customer=obj.credit.customer.name,
        )
