"""Pages of surplus that is to become a credit."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import Approve, ProposalAdmin, Reject, Withdraw
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import StaffAction
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import day, link
from billing.payments.models import SurplusCredit
from billing.payments.surplus.actions import (
    SURPLUSES,
    approve_surplus,
    reject_surplus,
    withdraw_surplus,
)
from core.amounts import money_text, sums_in_words
from core.text import Text, say


class _OnSurplus(StaffAction[SurplusCredit]):
    def summary(self, rows: Sequence[SurplusCredit], by: User) -> Text:
        return sums_in_words((surplus.invoice.currency, surplus.amount) for surplus in rows)


class ApproveSurplus(_OnSurplus, Approve[SurplusCredit]):
    label_plural = _("Approve")
    may = May.APPROVE_SURPLUS
    rule = SURPLUSES.decide_obstacle
    action = approve_surplus
    done = _("{surplus}: approved and recorded.")

    def consequence(self, obj: SurplusCredit, by: User) -> Text:
        return say(
            "{amount}, received on {day}, is recorded on {invoice}. What is more than due becomes a credit.",
            amount=money_text(obj.amount, obj.invoice.currency),
            day=obj.received_on,
            invoice=obj.invoice.number,
        )


class RejectSurplus(_OnSurplus, Reject[SurplusCredit]):
    label_plural = _("Reject")
    may = May.APPROVE_SURPLUS
    rule = SURPLUSES.decide_obstacle
    action = reject_surplus
    done = _("{surplus}: rejected.")


class WithdrawSurplus(_OnSurplus, Withdraw[SurplusCredit]):
    label_plural = _("Withdraw")
    may = May.HANDLE_MONEY
    rule = SURPLUSES.withdraw_obstacle
    action = withdraw_surplus
    done = _("{surplus}: taken back.")


@admin.register(SurplusCredit)
class SurplusCreditAdmin(ProposalAdmin[SurplusCredit]):
    may_view = May.SEE_MONEY
    staff_actions = (ApproveSurplus, RejectSurplus, WithdrawSurplus)
    list_display = ("proposed", "customer", "invoice_link", "amount_shown", "state_pill", "proposed_by", "decided_by")
    list_filter = ("state", "proposed_at")
    list_select_related = ("invoice__customer", "proposed_by", "decided_by", "payment__invoice")
    reads = list_select_related
    numeric_columns = ("amount_shown",)
    search_fields = ("reference", "invoice__number", "invoice__customer__name", "invoice__customer__number")
    search_help_text = _("Reference, invoice number or customer")
    empty_hint = _("They are proposed on the page of an invoice. A matched line of the bank needs none.")
    fields = (
        "customer",
        "invoice_link",
        "amount_shown",
        "received",
        "reference",
        "reason",
        "proposal",
        "decision",
        "payment_link",
    )
    readonly_fields = ("customer", "invoice_link", "amount_shown", "received", "proposal", "decision", "payment_link")

    customer = column(link, "invoice.customer", description=_("Customer"), ordering="invoice__customer__name")
    invoice_link = column(link, "invoice", description=_("Invoice"), ordering="invoice__number")
    amount_shown = column(money, "amount", "invoice.currency", description=_("Amount"), ordering="amount")
    received = column(day, "received_on", description=_("Received on"))

    @admin.display(description=_("Payment"))
    def payment_link(self, obj: SurplusCredit) -> SafeString:
        return format_html("{}", say("none")) if obj.payment is None else link(obj.payment)
