"""The pages of bank statements and their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.staff.models import User
from accounts.staff.permissions import May
from backoffice.actions import ActionResult, PageAction, ReasonForm, StaffAction, of_row
from backoffice.admin import TrackedAdmin
from backoffice.amounts import money
from backoffice.display import column, pill, sub
from backoffice.links import link
from backoffice.requests import StaffRequest
from billing.payments.bank_lines.actions import (
    Became,
    import_bank,
    match_bank_line,
    match_to_subscription,
    set_aside_bank_line,
)
from billing.payments.bank_lines.rules import line_obstacle, set_aside_obstacle
from billing.payments.forms import MatchForm, MatchSubscriptionForm, StatementForm
from billing.payments.models import BankLine
from core.amounts import money_text
from core.text import Text, join, say


class ReadStatement(PageAction):
    name = "read_statement"
    label = _("Read a bank statement")
    icon = "file-up"
    tone = "primary"
    may = May.HANDLE_MONEY
    form_class = StatementForm
    submit_label = _("Read it")
    intro = _(
        "Payments whose text names an invoice, over exactly what is due on it, are recorded. The "
        "others are listed here for a person. A statement that was read before adds nothing."
    )

    def run(self, by: User, cleaned: dict[str, Any]) -> ActionResult:
        report = import_bank(cleaned["statement"], by=by)
        left = "?state__exact=unmatched" if report.count(Became.UNMATCHED) else ""
        return ActionResult(report.counts(), f"../../{left}")


class _OnLine(StaffAction[BankLine]):
    may = May.HANDLE_MONEY


class MatchLine(_OnLine):
    name = "match"
    label = _("Match to an invoice")
    tone = "primary"
    icon = "link"
    form_class = MatchForm
    rule = of_row(line_obstacle)

    def consequence(self, obj: BankLine, by: User) -> Text:
        return say(
            "{amount} is recorded as a payment of the invoice; it may be a part of it. What is more "
            "than due is refused, unless it is to become a credit.",
            amount=money_text(obj.amount, obj.currency),
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        line = match_bank_line(pk, by=by, **cleaned)
        assert line.payment is not None
        words = say(
            "{amount} is recorded on {invoice}.",
            amount=money_text(line.amount, line.currency),
            invoice=line.payment.invoice.number,
        )
        if line.payment.surplus:
            surplus = money_text(line.payment.surplus, line.currency)
            words = join(" ", [words, say("{surplus} was more than due: it is a credit now.", surplus=surplus)])
        return words


class MatchToSubscription(_OnLine):
    name = "match_subscription"
    label = _("Keep as a prepayment")
    icon = "clock"
    form_class = MatchSubscriptionForm
    intro = _("For money that came before the invoice that it is for.")
    rule = of_row(line_obstacle)

    def consequence(self, obj: BankLine, by: User) -> Text:
        return say(
            "{amount} waits as a prepayment of the subscription; its next invoice uses it.",
            amount=money_text(obj.amount, obj.currency),
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Text:
        line = match_to_subscription(pk, by=by, **cleaned)
        assert line.prepayment is not None
        return say(
            "{amount} is recorded as a prepayment of {subscription}.",
            amount=money_text(line.amount, line.currency),
            subscription=line.prepayment.subscription.number,
        )


class SetAside(_OnLine):
    name = "set_aside"
    label = _("Set aside")
    label_plural = _("Set aside")
    icon = "archive"
    form_class = ReasonForm
    rule = of_row(set_aside_obstacle)
    action = set_aside_bank_line
    effect = _("It pays none of our invoices; it can still be matched later.")
    done = _("{line} is set aside.")


@admin.register(BankLine)
class BankLineAdmin(TrackedAdmin[BankLine]):
    may_view = May.SEE_MONEY
    reads = ("payment__invoice", "prepayment__subscription")
    staff_actions = (MatchLine, MatchToSubscription, SetAside)
    page_actions = (ReadStatement,)
    list_display = ("booked_on", "payer_and_text", "amount_shown", "state_pill", "invoice")
    list_filter = ("state", "currency", "booked_on")
    list_select_related = ("payment__invoice", "prepayment__subscription")
    numeric_columns = ("amount_shown",)
    search_fields = ("payer", "text", "file_name", "payment__invoice__number")
    search_help_text = _("Payer, text, file or invoice number")
    ordering = ("-booked_on", "-pk")
    empty_hint = _("Bank statements bring them: “Read a bank statement”.")
    fields = ("booked_on", "amount_shown", "payer", "text", "why", "invoice", "file_name", "row")
    readonly_fields = ("amount_shown", "invoice")

    @admin.display(description=_("From, and what for"), ordering="payer")
    def payer_and_text(self, obj: BankLine) -> SafeString:
        return format_html("{}{}", obj.payer or "–", sub(obj.text))

    amount_shown = column(money, "amount", "currency", description=_("Amount"), ordering="amount")

    @admin.display(description=_("State"), ordering="state")
    def state_pill(self, obj: BankLine) -> SafeString:
        return format_html("{}{}", _line_pill(obj), sub(obj.why))

    @admin.display(description=_("Invoice, or prepayment"))
    def invoice(self, obj: BankLine) -> SafeString:
        if obj.prepayment is not None:
            return link(obj.prepayment, say("prepayment of {number}", number=obj.prepayment.subscription.number))
        return SafeString("–") if obj.payment is None else link(obj.payment.invoice)

    def page_title(self, obj: BankLine) -> Text:
        amount = money_text(obj.amount, obj.currency)
        if not obj.payer:
            return say("{amount} from somebody", amount=amount)
        return say("{amount} from {payer}", amount=amount, payer=obj.payer)

    def page_pills(self, request: StaffRequest, obj: BankLine) -> Sequence[SafeString]:
        return [_line_pill(obj)]


def _line_pill(line: BankLine) -> SafeString:
    tones: dict[str, Any] = {"matched": "good", "unmatched": "warn", "set_aside": "mute"}
    return pill(line.get_state_display(), tones[line.state])
