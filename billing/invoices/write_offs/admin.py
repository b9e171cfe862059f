"""Proposing to write off what is due, on the page of an invoice; and the pages of write-offs."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import Approve, ProposalAdmin, Reject, Withdraw
from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ReasonForm, StaffAction, of_row
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import link
from billing.invoices.models import Invoice, WriteOff
from billing.invoices.write_offs.actions import (
    WRITE_OFFS,
    approve_obstacle,
    approve_write_off,
    propose_obstacle,
    propose_write_off,
    reject_write_off,
    withdraw_write_off,
)
from core.amounts import money_text, sums_in_words
from core.text import Text, say


class ProposeWriteOff(StaffAction[Invoice]):
    name = "write_off"
    label = _("Propose to write it off")
    label_plural = _("Propose to write off")
    icon = "eraser"
    may = May.HANDLE_MONEY
    form_class = ReasonForm
    rule = of_row(propose_obstacle)
    action = propose_write_off
    done = _("{write_off}: proposed to write off.")

    def consequence(self, obj: Invoice, by: User) -> Text:
        due = money_text(obj.due, obj.currency)
        return say("{due} is due. A manager approves it before it is asked for no longer.", due=due)


class _OnWriteOff(StaffAction[WriteOff]):
    def summary(self, rows: Sequence[WriteOff], by: User) -> Text:
        return sums_in_words((write_off.invoice.currency, write_off.amount) for write_off in rows)


class ApproveWriteOff(_OnWriteOff, Approve[WriteOff]):
    label_plural = _("Approve")
    may = May.APPROVE_WRITE_OFFS
    rule = approve_obstacle
    action = approve_write_off
    done = _("{write_off}: approved.")

    def consequence(self, obj: WriteOff, by: User) -> Text:
        return say(
            "{amount} of {invoice} is not asked for any more. It stays unpaid, so that no refund hands it out.",
            amount=money_text(obj.amount, obj.invoice.currency),
            invoice=obj.invoice.number,
        )


class RejectWriteOff(_OnWriteOff, Reject[WriteOff]):
    label_plural = _("Reject")
    may = May.APPROVE_WRITE_OFFS
    rule = WRITE_OFFS.decide_obstacle
    action = reject_write_off
    done = _("{write_off}: rejected.")


class WithdrawWriteOff(_OnWriteOff, Withdraw[WriteOff]):
    label_plural = _("Withdraw")
    may = May.HANDLE_MONEY
    rule = WRITE_OFFS.withdraw_obstacle
    action = withdraw_write_off
    done = _("{write_off}: taken back.")


@admin.register(WriteOff)
class WriteOffAdmin(ProposalAdmin[WriteOff]):
    may_view = May.SEE_MONEY
    staff_actions = (ApproveWriteOff, RejectWriteOff, WithdrawWriteOff)
    list_display = ("proposed", "customer", "invoice_link", "amount_shown", "state_pill", "proposed_by", "decided_by")
    list_filter = ("state", "proposed_at")
    list_select_related = ("invoice__customer", "proposed_by", "decided_by")
    reads = list_select_related
    numeric_columns = ("amount_shown",)
    search_fields = ("invoice__number", "invoice__customer__name", "invoice__customer__number")
    search_help_text = _("Invoice number or customer")
    empty_hint = _("They are proposed on the page of an invoice that is not paid.")
    fields = (
        "customer",
        "invoice_link",
        "amount_shown",
        "reason",
        "proposal",
        "decision",
    )
    readonly_fields = ("customer", "invoice_link", "amount_shown", "proposal", "decision")

    customer = column(link, "invoice.customer", description=_("Customer"), ordering="invoice__customer__name")
    invoice_link = column(link, "invoice", description=_("Invoice"), ordering="invoice__number")
    amount_shown = column(money, "amount", "invoice.currency", description=_("Amount"), ordering="amount")
