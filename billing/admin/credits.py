"""Credits, payouts of what ended subscriptions left of them, and credit notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts.amounts import money, money_text
from accounts.models import User
from accounts.panels import day, link, page_url
from accounts.permissions import May, roles_that
from audit.backoffice import (
    Done,
    OptionalReasonForm,
    Panel,
    ReasonForm,
    StaffAction,
    TrackedAdmin,
    pill,
    register_verbs,
    sub,
    timeline_panel,
    when,
)
from audit.models import Event
from audit.words import say
from billing import forms
from billing.actions.leftover import (
    approve_leftover,
    approve_obstacle,
    propose_leftover,
    propose_obstacle,
    reject_leftover,
    reject_obstacle,
    withdraw_leftover,
    withdraw_obstacle,
)
from billing.admin.documents import DocumentPages
from billing.documents.content import Document, credit_note_document
from billing.models import Credit, CreditNote, LeftoverPayout
from billing.panels import TABLE, payout_pill, sums_in_words

register_verbs(
    {
        "leftover.propose": gettext_lazy("proposed to pay out the credit"),
        "leftover.approve": gettext_lazy("approved to pay out"),
        "leftover.reject": gettext_lazy("rejected to pay out"),
        "leftover.withdraw": gettext_lazy("took back the proposal to pay out"),
    }
)


class ProposeLeftover(StaffAction[Credit]):
    name = "pay_out"
    label = gettext_lazy("Propose to pay it out")
    icon = "banknote"
    in_bulk = False
    may = May.HANDLE_MONEY
    roles = roles_that(May.HANDLE_MONEY)
    form_class = forms.LeftoverForm

    def obstacle(self, obj: Credit, by: User) -> str | None:
        return propose_obstacle(obj, by)

    def consequence(self, obj: Credit, by: User) -> str:
        left = money_text(obj.remaining, obj.currency)
        return say("{left} is left. A manager who is not you approves it before anything is paid.", left=left)

    def get_initial(self, rows: Sequence[Credit], by: User) -> dict[str, Any]:
        return {"amount": rows[0].remaining}

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> Done:
        leftover = propose_leftover(pk, by=by, **cleaned)
        return Done(say("{payout} waits for approval.", payout=leftover), page_url(leftover))


@admin.register(Credit)
class CreditAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    staff_actions = (ProposeLeftover,)
    list_display = (
        "granted_on",
        "customer",
        "subscription",
        "reason",
        "granted_shown",
        "applied_shown",
        "remaining_shown",
    )
    list_filter = ("currency", "granted_on")
    list_select_related = ("customer", "subscription")
    numeric_columns = ("granted_shown", "applied_shown", "remaining_shown")
    search_fields = ("customer__name", "customer__number", "subscription__number", "reason")
    search_help_text = gettext_lazy("Customer, subscription number or why it was given")
    ordering = ("-granted_on", "-pk")
    empty_hint = gettext_lazy("Credits come from settled refunds.")
    fields = (
        "customer_link",
        "subscription_link",
        "granted_on",
        "reason",
        "granted_shown",
        "applied_shown",
        "remaining_shown",
    )
    readonly_fields = (
        "customer_link",
        "subscription_link",
        "granted_shown",
        "applied_shown",
        "remaining_shown",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credit]:
        rows: QuerySet[Credit] = super().get_queryset(request)
        return rows.select_related("customer", "subscription")

    @admin.display(description=gettext_lazy("Customer"))
    def customer_link(self, obj: Credit) -> SafeString:
        return link(obj.customer)

    @admin.display(description=gettext_lazy("Subscription"))
    def subscription_link(self, obj: Credit) -> SafeString:
        return link(obj.subscription)

    @admin.display(description=gettext_lazy("Granted"), ordering="granted")
    def granted_shown(self, obj: Credit) -> SafeString:
        return money(obj.granted, obj.currency)

    @admin.display(description=gettext_lazy("Used"), ordering="applied")
    def applied_shown(self, obj: Credit) -> SafeString:
        return money(obj.applied, obj.currency)

    @admin.display(description=gettext_lazy("Left"))
    def remaining_shown(self, obj: Credit) -> SafeString:
        return money(obj.remaining, obj.currency)

    def page_title(self, obj: Credit) -> str:  # type: ignore[override]
        return say(
            "Credit of {amount}, {customer}", amount=money_text(obj.granted, obj.currency), customer=obj.customer.name
        )

    def change_panels(self, request: HttpRequest, obj: Credit) -> Sequence[Panel]:
        unit = obj.currency
        rows = [
            (link(use.invoice), day(use.applied_on), money(use.amount, unit))
            for use in obj.applications.select_related("invoice")
        ]
        paid_out = [
            (link(leftover, day(leftover.proposed_at.date())), _leftover_pill(leftover), money(leftover.amount, unit))
            for leftover in obj.leftover_payouts.all()
        ]
        return [
            Panel(
                say("Went to"),
                TABLE,
                {
                    "headings": [say("Invoice"), say("On"), (say("Amount"), "n")],
                    "rows": rows,
                    "empty": say("No invoice yet: the next one of the subscription uses it (R6)."),
                },
            ),
            *(
                [
                    Panel(
                        say("Paid out after the subscription's end"),
                        TABLE,
                        {"headings": [say("Proposed"), say("State"), (say("Amount"), "n")], "rows": paid_out},
                    )
                ]
                if paid_out
                else []
            ),
            timeline_panel(Event.objects.about(obj), about=obj),
        ]


# --- What ended subscriptions left --------------------------------------------------------------


class _OnLeftover(StaffAction[LeftoverPayout]):
    def summary(self, rows: Sequence[LeftoverPayout], by: User) -> str:
        return sums_in_words((leftover.credit.currency, leftover.amount) for leftover in rows)


class ApproveLeftover(_OnLeftover):
    name = "approve"
    label = gettext_lazy("Approve")
    label_plural = gettext_lazy("Approve")
    tone = "primary"
    icon = "check"
    may = May.APPROVE_LEFTOVER
    roles = roles_that(May.APPROVE_LEFTOVER)
    form_class = OptionalReasonForm

    def obstacle(self, obj: LeftoverPayout, by: User) -> str | None:
        return approve_obstacle(obj, by)

    def consequence(self, obj: LeftoverPayout, by: User) -> str:
        customer = obj.credit.customer
        return say(
            "{amount} is to be paid to {customer}, {iban}.",
            amount=money_text(obj.amount, obj.credit.currency),
            customer=customer.name,
            iban=customer.iban,
        )

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        leftover = approve_leftover(pk, by=by, reason=cleaned["reason"])
        return say("{payout}: approved, the payout waits for the bank.", payout=leftover)


class RejectLeftover(_OnLeftover):
    name = "reject"
    label = gettext_lazy("Reject")
    label_plural = gettext_lazy("Reject")
    tone = "danger"
    icon = "x"
    may = May.APPROVE_LEFTOVER
    roles = roles_that(May.APPROVE_LEFTOVER)
    form_class = ReasonForm

    def obstacle(self, obj: LeftoverPayout, by: User) -> str | None:
        return reject_obstacle(obj, by)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return say("{payout}: rejected.", payout=reject_leftover(pk, by=by, reason=cleaned["reason"]))


class WithdrawLeftover(_OnLeftover):
    name = "withdraw"
    label = gettext_lazy("Withdraw")
    label_plural = gettext_lazy("Withdraw")
    icon = "undo-2"
    may = May.HANDLE_MONEY
    roles = roles_that(May.HANDLE_MONEY)
    form_class = OptionalReasonForm

    def obstacle(self, obj: LeftoverPayout, by: User) -> str | None:
        return withdraw_obstacle(obj, by)

    def run(self, pk: Any, by: User, cleaned: dict[str, Any]) -> str:
        return say("{payout}: taken back.", payout=withdraw_leftover(pk, by=by, reason=cleaned["reason"]))


@admin.register(LeftoverPayout)
class LeftoverPayoutAdmin(TrackedAdmin):
    may_view = May.SEE_MONEY
    staff_actions = (ApproveLeftover, RejectLeftover, WithdrawLeftover)
    list_display = ("proposed", "customer", "subscription", "amount_shown", "state_pill", "proposed_by", "decided_by")
    list_filter = ("state", "proposed_at")
    list_select_related = ("credit__customer", "credit__subscription", "proposed_by", "decided_by", "payout")
    numeric_columns = ("amount_shown",)
    search_fields = ("credit__customer__name", "credit__customer__number", "credit__subscription__number")
    search_help_text = gettext_lazy("Customer or subscription number")
    ordering = ("-proposed_at", "-pk")
    empty_hint = gettext_lazy("They are proposed on the page of a credit that a subscription left when it ended.")
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[LeftoverPayout]:
        rows: QuerySet[LeftoverPayout] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    @admin.display(description=gettext_lazy("Proposed"), ordering="proposed_at")
    def proposed(self, obj: LeftoverPayout) -> SafeString:
        return when(obj.proposed_at)

    @admin.display(description=gettext_lazy("Customer"), ordering="credit__customer__name")
    def customer(self, obj: LeftoverPayout) -> SafeString:
        return link(obj.credit.customer)

    @admin.display(description=gettext_lazy("Subscription"), ordering="credit__subscription__number")
    def subscription(self, obj: LeftoverPayout) -> SafeString:
        return link(obj.credit.subscription)

    @admin.display(description=gettext_lazy("Credit"))
    def credit_link(self, obj: LeftoverPayout) -> SafeString:
        return link(obj.credit, f"{obj.credit}, {obj.credit.reason}")

    @admin.display(description=gettext_lazy("Amount"), ordering="amount")
    def amount_shown(self, obj: LeftoverPayout) -> SafeString:
        return money(obj.amount, obj.credit.currency)

    @admin.display(description=gettext_lazy("State"), ordering="state")
    def state_pill(self, obj: LeftoverPayout) -> SafeString:
        return _leftover_pill(obj)

    @admin.display(description=gettext_lazy("Proposed"))
    def proposal(self, obj: LeftoverPayout) -> SafeString:
        return format_html("{}{}", obj.proposed_by, sub(when(obj.proposed_at)))

    @admin.display(description=gettext_lazy("Decided"))
    def decision(self, obj: LeftoverPayout) -> SafeString:
        return (
            format_html("{}{}", obj.decided_by, sub(when(obj.decided_at)))
            if obj.decided_by
            else SafeString(say("not yet"))
        )

    @admin.display(description=gettext_lazy("Payout"))
    def payout_link(self, obj: LeftoverPayout) -> SafeString:
        if obj.payout is None:
            return SafeString(say("none"))
        return format_html("{} {}", link(obj.payout, "payout"), payout_pill(obj.payout))

    def page_title(self, obj: LeftoverPayout) -> str:  # type: ignore[override]
        return say(
            "{amount} left to {customer}",
            amount=money_text(obj.amount, obj.credit.currency),
            customer=obj.credit.customer.name,
        )

    def page_pills(self, request: HttpRequest, obj: LeftoverPayout) -> Sequence[SafeString]:
        return [_leftover_pill(obj)]

    def change_panels(self, request: HttpRequest, obj: LeftoverPayout) -> Sequence[Panel]:
        return [timeline_panel(Event.objects.about(obj), about=obj)]


def _leftover_pill(leftover: LeftoverPayout) -> SafeString:
    tones: dict[str, Any] = {"proposed": "warn", "approved": "good", "rejected": "bad", "withdrawn": "mute"}
    return pill(leftover.get_state_display(), tones[leftover.state])


# --- Credit notes -------------------------------------------------------------------------------


@admin.register(CreditNote)
class CreditNoteAdmin(DocumentPages, TrackedAdmin):
    may_view = May.SEE_MONEY
    list_display = ("number", "customer", "issued_on", "kind", "period", "net_shown", "tax_shown", "gross_shown")
    list_filter = ("kind", "currency", "issued_on")
    list_select_related = ("customer", "period")
    numeric_columns = ("net_shown", "tax_shown", "gross_shown")
    search_fields = ("number", "customer__name", "customer__number", "period__subscription__number")
    search_help_text = gettext_lazy("Number, customer or subscription number")
    ordering = ("-issued_on", "-number")
    empty_hint = gettext_lazy("Each settled refund brings one.")
    fields = ("kind", "customer_link", "subscription", "period_link", "issued_on", "amounts", "takes_back")
    readonly_fields = ("customer_link", "subscription", "period_link", "amounts", "takes_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CreditNote]:
        rows: QuerySet[CreditNote] = super().get_queryset(request)
        return rows.select_related("customer", "period__subscription", "period__invoice", "reverses")

    @admin.display(description=gettext_lazy("Customer"))
    def customer_link(self, obj: CreditNote) -> SafeString:
        return link(obj.customer)

    @admin.display(description=gettext_lazy("Subscription"))
    def subscription(self, obj: CreditNote) -> SafeString:
        return link(obj.period.subscription)

    @admin.display(description=gettext_lazy("Period"))
    def period_link(self, obj: CreditNote) -> SafeString:
        return link(obj.period)

    @admin.display(description=gettext_lazy("Net"), ordering="net")
    def net_shown(self, obj: CreditNote) -> SafeString:
        return money(obj.net, obj.currency)

    @admin.display(description=gettext_lazy("Tax"), ordering="tax")
    def tax_shown(self, obj: CreditNote) -> SafeString:
        return money(obj.tax, obj.currency)

    @admin.display(description=gettext_lazy("Gross"), ordering="gross")
    def gross_shown(self, obj: CreditNote) -> SafeString:
        return money(obj.gross, obj.currency)

    @admin.display(description=gettext_lazy("Amounts"))
    def amounts(self, obj: CreditNote) -> str:
        net, tax, gross = (money_text(amount, obj.currency) for amount in (obj.net, obj.tax, obj.gross))
        return say(
            "{net} net and {tax} tax ({rate} %): {gross}",
            net=net,
            tax=tax,
            rate=number_format(obj.tax_rate.normalize()),
            gross=gross,
        )

    @admin.display(description=gettext_lazy("Takes back"))
    def takes_back(self, obj: CreditNote) -> SafeString:
        return link(obj.reverses) if obj.reverses else SafeString(say("nothing"))

    def document_of(self, obj: CreditNote) -> Document:
        return credit_note_document(obj)

    def page_title(self, obj: CreditNote) -> str:  # type: ignore[override]
        return say("{kind} {number}", kind=obj.get_kind_display(), number=obj.number)

    def change_panels(self, request: HttpRequest, obj: CreditNote) -> Sequence[Panel]:
        return [self.document_panel(obj)]
