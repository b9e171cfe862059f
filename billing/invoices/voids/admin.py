"""Proposing that an invoice is void, on its page; and the pages of these proposals."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.four_eyes.admin import Approve, ProposalAdmin, Reject, Withdraw
from accounts.staff.models import User
from accounts.staff.permissions import May
from audit.models import Event, EventQuerySet
from backoffice.actions import ReasonForm, StaffAction, of_row
from backoffice.amounts import money
from backoffice.display import column
from backoffice.links import link
from billing.invoices.models import Invoice, InvoiceVoid
from billing.invoices.panels import register_invoice_events
from billing.invoices.voids.actions import (
    VOIDS,
    approve_obstacle,
    approve_void,
    left_of,
    propose_obstacle,
    propose_void,
    reject_void,
    withdraw_void,
)
from core.amounts import money_text, sums_in_words
from core.text import Text, join, say


@register_invoice_events
def _events(invoice: Invoice) -> EventQuerySet:
    """Who proposed that the invoice is void, and who decided."""
    return Event.objects.filter(
        target_type=InvoiceVoid._meta.label_lower, target_id__in=invoice.voids.values_list("pk", flat=True)
    )


class ProposeVoid(StaffAction[Invoice]):
    name = "void"
    label = _("Propose to void it")
    icon = "file-minus"
    may = May.HANDLE_MONEY
    form_class = ReasonForm
    intro = _("For an invoice that should never have been. What is right but will not be paid is written off instead.")
    rule = of_row(propose_obstacle)
    action = propose_void
    done = _("{invoice_void}: proposed to void.")

    def consequence(self, obj: Invoice, by: User) -> Text:
        return join(
            " ",
            [
                say(
                    "A manager approves it. A credit note over {amount} then covers all lines of invoice {invoice}, "
                    "and nobody owes it.",
                    amount=money_text(left_of(obj), obj.currency),
                    invoice=obj.number,
                ),
                *_credits_come_back(obj),
            ],
        )


def _credits_come_back(invoice: Invoice) -> list[Text]:
    if not invoice.credited:
        return []
    amount = money_text(invoice.credited, invoice.currency)
    return [say("The {amount} that credits have borne of it are a credit again.", amount=amount)]


class _OnVoid(StaffAction[InvoiceVoid]):
    def summary(self, rows: Sequence[InvoiceVoid], by: User) -> Text:
        return sums_in_words((void.invoice.currency, void.amount) for void in rows)


class ApproveVoid(_OnVoid, Approve[InvoiceVoid]):
    label_plural = _("Approve")
    may = May.APPROVE_VOIDS
    rule = approve_obstacle
    action = approve_void
    done = _("{invoice_void}: approved.")

    def consequence(self, obj: InvoiceVoid, by: User) -> Text:
        return join(
            " ",
            [
                say(
                    "A credit note over {amount} covers all lines of invoice {invoice}: nobody owes it, and the "
                    "customer is told.",
                    amount=money_text(obj.amount, obj.invoice.currency),
                    invoice=obj.invoice.number,
                ),
                *_credits_come_back(obj.invoice),
            ],
        )


class RejectVoid(_OnVoid, Reject[InvoiceVoid]):
    label_plural = _("Reject")
    may = May.APPROVE_VOIDS
    rule = VOIDS.decide_obstacle
    action = reject_void
    done = _("{invoice_void}: rejected.")


class WithdrawVoid(_OnVoid, Withdraw[InvoiceVoid]):
    label_plural = _("Withdraw")
    may = May.HANDLE_MONEY
    rule = VOIDS.withdraw_obstacle
    action = withdraw_void
    done = _("{invoice_void}: taken back.")


@admin.register(InvoiceVoid)
class InvoiceVoidAdmin(ProposalAdmin[InvoiceVoid]):
    may_view = May.SEE_MONEY
    staff_actions = (ApproveVoid, RejectVoid, WithdrawVoid)
    list_display = ("proposed", "customer", "invoice_link", "amount_shown", "state_pill", "proposed_by", "decided_by")
    list_filter = ("state", "proposed_at")
    list_select_related = ("invoice__customer", "invoice__period", "credit_note", "proposed_by", "decided_by")
    reads = list_select_related
    numeric_columns = ("amount_shown",)
    search_fields = ("invoice__number", "invoice__customer__name", "invoice__customer__number")
    search_help_text = _("Invoice number or customer")
    empty_hint = _("They are proposed on the page of an invoice of which nothing was paid.")
    fields = ("customer", "invoice_link", "amount_shown", "note_link", "reason", "proposal", "decision")
    readonly_fields = ("customer", "invoice_link", "amount_shown", "note_link", "proposal", "decision")

    customer = column(link, "invoice.customer", description=_("Customer"), ordering="invoice__customer__name")
    invoice_link = column(link, "invoice", description=_("Invoice"), ordering="invoice__number")
    note_link = column(link, "credit_note", description=_("Credit note"))
    amount_shown = column(money, "amount", "invoice.currency", description=_("Amount"), ordering="amount")
